#include "kernels/device/graph.h"

#include <cuda_runtime.h>

#include "kernels/device/device.h"

namespace moebius::kernels {
namespace {

struct DestroyTemplate {
  void operator()(CUgraph_st* p) const noexcept { (void)cudaGraphDestroy(p); }
};
using Template = std::unique_ptr<CUgraph_st, DestroyTemplate>;

// Ends the recording, whether or not it succeeded.
Template record(const Stream& stream, const std::function<void(const Stream&)>& launches) {
  const auto handle = static_cast<cudaStream_t>(stream.handle());
  check_device(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal),
               "starting to record a graph");
  cudaGraph_t graph = nullptr;
  try {
    launches(stream);
  } catch (...) {
    (void)cudaStreamEndCapture(handle, &graph);
    const Template broken(graph);
    throw;
  }
  check_device(cudaStreamEndCapture(handle, &graph), "recording a graph");
  return Template(graph);
}

}  // namespace

DeviceGraph::DeviceGraph(const Stream& stream, const std::function<void(const Stream&)>& launches) {
  require(stream.place() == Place::kDevice, "graph: a device stream expected");
  LaunchLog log;
  Stream recording = stream;
  recording.set_log(&log);
  const Template graph = record(recording, launches);
  cudaGraphExec_t ready = nullptr;
  check_device(cudaGraphInstantiate(&ready, graph.get(), 0), "preparing a graph");
  graph_.reset(ready);
  launches_ = log.take();
}

void DeviceGraph::launch(const Stream& stream) const {
  if (stream.log() != nullptr) {
    for (const Launch& launch : launches_) stream.log()->add(launch);
  }
  check_device(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph_.get()),
                               static_cast<cudaStream_t>(stream.handle())),
               "launching a graph");
}

void DeviceGraph::Destroy::operator()(void* p) const noexcept {
  (void)cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(p));
}

}  // namespace moebius::kernels
