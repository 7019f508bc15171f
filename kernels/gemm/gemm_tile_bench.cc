// Times every tile at every shape of gemm_shapes(), beside the tile that choose_tile takes: what
// its figures in gemm_tile.cc are read from. Arguments: [text in the shape's name [all]]
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_shapes.h"
#include "kernels/gemm/gemm_tile.h"

namespace moebius::kernels {
namespace {

/// Microseconds of one launch: the median over replays of a graph that holds one launch for each
/// input set, which leaves the host out.
double time_us(const GemmInputs& inputs, const Stream& stream,
               const std::function<void(const GemmCudaArgs&)>& launch) {
  const auto s = static_cast<cudaStream_t>(stream.handle());
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  check_device(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal), "capture");
  const std::size_t launches = std::max<std::size_t>(inputs.sets(), 4);
  for (std::size_t i = 0; i < launches; ++i) launch(inputs.args(i % inputs.sets()));
  check_device(cudaStreamEndCapture(s, &graph), "end of capture");
  check_device(cudaGraphInstantiate(&exec, graph, 0), "instantiating");
  cudaEvent_t start = nullptr, stop = nullptr;
  check_device(cudaEventCreate(&start), "event");
  check_device(cudaEventCreate(&stop), "event");
  std::vector<double> times;
  for (int i = 0; i < 6; ++i) {
    check_device(cudaEventRecord(start, s), "record");
    check_device(cudaGraphLaunch(exec, s), "replay");
    check_device(cudaEventRecord(stop, s), "record");
    check_device(cudaEventSynchronize(stop), "running the graph");
    float ms = 0;
    check_device(cudaEventElapsedTime(&ms, start, stop), "elapsed");
    if (i > 0) times.push_back(static_cast<double>(ms) * 1000 / static_cast<double>(launches));
  }
  (void)cudaEventDestroy(start);
  (void)cudaEventDestroy(stop);
  (void)cudaGraphExecDestroy(exec);
  (void)cudaGraphDestroy(graph);
  std::nth_element(times.begin(), times.begin() + 2, times.end());
  return times[2];
}

std::vector<GemmTile> tiles_for(const GemmShape& shape) {
  std::vector<GemmTile> tiles;
  const auto rows =
      shape.groups > 0 ? std::max<std::int64_t>(1, shape.rows / shape.groups) : shape.rows;
  for (const GemmTile& tile : gemm_tiles()) {
    const bool narrow = tile.weights <= 64;
    if (tile.tokens >= 2 * rows && tile.tokens > (narrow ? 8 : 64)) continue;
    if (rows > 16 * tile.tokens && (narrow || tile.tokens < 128)) continue;
    tiles.push_back(tile);
  }
  return tiles;
}

struct Timed {
  GemmTile tile;
  double us;
};

void sweep(const GemmShape& shape, bool verbose, const Stream& stream) {
  const GemmInputs inputs(shape, stream);
  const double chosen_us =
      time_us(inputs, stream, [&](const GemmCudaArgs& args) { gemm_bf16(args, stream); });
  std::vector<Timed> timed;
  for (const GemmTile& tile : tiles_for(shape)) {
    timed.push_back({tile, time_us(inputs, stream, [&](const GemmCudaArgs& args) {
                       gemm_bf16_tiled(args, tile, stream);
                     })});
  }
  std::sort(timed.begin(), timed.end(), [](auto& a, auto& b) { return a.us < b.us; });
  if (verbose) {
    for (const Timed& t : timed) {
      std::printf("T,%s,%d,%d,%d,%.2f\n", shape.name().c_str(), t.tile.weights, t.tile.tokens,
                  t.tile.cluster, t.us);
    }
  }
  const GemmTile chosen = choose_tile(inputs.args(0), 132);
  const double matrices =
      static_cast<double>(shape.groups > 0 ? std::min(shape.groups, shape.rows) : shape.heads);
  const double best = std::min(chosen_us, timed[0].us);
  const auto rows = static_cast<double>(shape.rows * shape.heads);
  const auto n = static_cast<double>(shape.n), k = static_cast<double>(shape.k);
  const double bytes = 2 * (matrices * n * k + rows * (k + n / (shape.pairs ? 2 : 1)));
  std::printf("%-58s %8.1f us %6.0f GB/s %6.1f TF (%dx%d/%d) | best", shape.name().c_str(),
              chosen_us, bytes / chosen_us / 1e3, 2 * rows * n * k / chosen_us / 1e6,
              chosen.weights, chosen.tokens, chosen.cluster);
  for (std::size_t i = 0; i < std::min<std::size_t>(5, timed.size()); ++i) {
    std::printf(" %dx%d/%d %.1f", timed[i].tile.weights, timed[i].tile.tokens,
                timed[i].tile.cluster, timed[i].us);
  }
  std::printf(" | lost %.0f%%\n", 100 * (chosen_us / best - 1));
  std::fflush(stdout);
}

}  // namespace
}  // namespace moebius::kernels

int main(int argc, char** argv) {
  using namespace moebius::kernels;
  const DeviceStream owner;
  for (const GemmShape& shape : gemm_shapes()) {
    if (argc > 1 && shape.name().find(argv[1]) == std::string::npos) continue;
    sweep(shape, argc > 2, owner.stream());
  }
}
