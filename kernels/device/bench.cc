// Batches of launches as one CUDA graph each, timed with events.
#include "kernels/device/bench.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <memory>

#include "kernels/device/device.h"
#include "kernels/device/timer.h"

namespace moebius::kernels {
namespace {

constexpr int kBatches = 11;
constexpr double kBatchNs = 8e6;         // long beside the launch of a graph
constexpr std::int64_t kMaxNodes = 512;  // launches captured in one graph

cudaStream_t handle_of(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.handle());
}

struct DestroyExec {
  void operator()(CUgraphExec_st* exec) const noexcept { (void)cudaGraphExecDestroy(exec); }
};
using Exec = std::unique_ptr<CUgraphExec_st, DestroyExec>;

Exec capture(const std::function<void(const Stream&)>& launch, std::int64_t count,
             const Stream& stream) {
  const cudaStream_t handle = handle_of(stream);
  check_device(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal), "capturing");
  cudaGraph_t graph = nullptr;
  try {
    for (std::int64_t i = 0; i < count; ++i) launch(stream);
  } catch (...) {
    (void)cudaStreamEndCapture(handle, &graph);
    (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
    throw;
  }
  check_device(cudaStreamEndCapture(handle, &graph), "capturing");
  cudaGraphExec_t exec = nullptr;
  const cudaError_t made = cudaGraphInstantiate(&exec, graph, 0);
  (void)cudaGraphDestroy(graph);
  check_device(made, "instantiating a graph");
  return Exec(exec);
}

}  // namespace

CaseTiming time_case(const KernelCase& kernel_case, const Stream& stream) {
  const std::function<void(const Stream&)> launch = kernel_case.make();
  for (int i = 0; i < 3; ++i) launch(stream);  // attributes, clocks, pages
  constexpr int kTrial = 10;
  const double trial = timed_ns(stream, [&] {
    for (int i = 0; i < kTrial; ++i) launch(stream);
  });
  const auto wanted = static_cast<std::int64_t>(kBatchNs * kTrial / std::max(trial, 1.0)) + 1;
  const std::int64_t nodes = std::min(wanted, kMaxNodes);
  // A launch that the host cannot make fast enough looks longer in the trial than it is.
  const std::int64_t replays = nodes < kMaxNodes ? 1 : std::min<std::int64_t>(wanted / nodes, 8);
  const Exec graph = capture(launch, nodes, stream);
  std::vector<double> times;
  for (int batch = 0; batch <= kBatches; ++batch) {
    const double ns = timed_ns(stream, [&] {
      for (std::int64_t i = 0; i < replays; ++i) {
        check_device(cudaGraphLaunch(graph.get(), handle_of(stream)), "launching a graph");
      }
    });
    if (batch > 0)
      times.push_back(ns / static_cast<double>(nodes * replays));  // the first warms up
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  return {.ns = median,
          .spread = (times.back() - times.front()) / median,
          .launches = nodes * replays * kBatches};
}

}  // namespace moebius::kernels
