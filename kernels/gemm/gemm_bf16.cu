// gemm_cuda for bf16: tensor maps, the ring's sizes, the launch.
#include <cuda_runtime.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/tma.h"
#include "kernels/gemm/gemm_bf16_kernel.cuh"
#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_tile.h"

namespace moebius::kernels {
namespace {

constexpr int kSharedLimit = 232448;  // bytes a block of sm_90 may have
// With one computing warpgroup two blocks share a multiprocessor: their chains of products overlap,
// and the next launch's first copies run beside this one's last.
constexpr int kSharedOfTwo = 115712;
constexpr int kStageGoal = 18432;  // bytes, so that barriers cost little beside the copies

using Kernel = void (*)(CUtensorMap, CUtensorMap, GemmBf16Params);

Kernel kernel_of(const GemmTile& tile) {
  static const bool ready = [] {
    for (const Kernel kernel : {gemm_bf16_kernel<1, 1>, gemm_bf16_kernel<2, 1>,
                                gemm_bf16_kernel<2, 2>, gemm_bf16_kernel<3, 1>}) {
      check_device(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                        cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedLimit),
                   "asking for shared memory");
    }
    return true;
  }();
  (void)ready;
  if (tile.weights <= 64) return gemm_bf16_kernel<1, 1>;
  if (tile.weights == 192) return gemm_bf16_kernel<3, 1>;
  return tile.cluster == 2 ? gemm_bf16_kernel<2, 2> : gemm_bf16_kernel<2, 1>;
}

int multiprocessors() {
  static const int count = [] {
    int device = 0, value = 0;
    check_device(cudaGetDevice(&device), "asking for the device");
    check_device(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, device),
                 "counting multiprocessors");
    return value;
  }();
  return count;
}

int ceil_div(std::int64_t a, std::int64_t b) {
  return static_cast<int>((a + b - 1) / b);
}

GemmBf16Params parameters(const GemmCudaArgs& args, const GemmTile& tile) {
  GemmBf16Params p{};
  p.bias = args.bias;
  p.y = args.y.data;
  p.y_ld = args.y.ld;
  p.y_head = args.groups > 0 ? 0 : args.y_head;
  p.offsets = args.groups > 0 ? args.offsets : nullptr;
  p.y_is_f32 = args.y.dtype == Dtype::kF32;
  p.pairs = args.pairs;
  p.rows = static_cast<int>(args.rows);
  p.n = static_cast<int>(args.n);
  p.k_blocks = ceil_div(args.w.cols, kBlockK);
  p.batches = static_cast<int>(args.groups > 0 ? args.groups : args.heads);
  p.weights = tile.weights;
  p.tokens = tile.tokens;
  p.box_tokens = tile.tokens / tile.cluster;
  if (args.groups > 0) p.box_tokens = std::gcd(p.box_tokens, 32);  // short groups copy less
  p.weight_tiles = ceil_div(args.n, tile.weights * tile.cluster);
  const int block_bytes = (tile.weights + tile.tokens) * kRowBytes;
  p.k_per_stage = 1;
  if (tile.weights <= 64) {
    while (p.k_per_stage < 4 && 2 * p.k_per_stage * block_bytes <= kStageGoal) p.k_per_stage *= 2;
  }
  // Barriers and the rest take what shared memory is left after the stages.
  p.stages = 0;
  const int fixed = gemm_bf16_shared(p).total;
  const int room = (tile.weights <= 64 ? kSharedOfTwo : kSharedLimit) - fixed;
  p.stages = std::min(kMaxStages, room / (p.k_per_stage * block_bytes));
  return p;
}

CUtensorMap x_map(const GemmCudaArgs& args, const GemmBf16Params& p) {
  const bool heads = args.groups == 0 && args.heads > 1;
  return make_tensor_map({.data = args.x.data,
                          .rank = 3,
                          .size = {args.w.cols, args.rows, heads ? args.heads : 1},
                          .step = {1, args.x.ld, heads ? args.x_head : args.x.ld},
                          .box = {kBlockK, p.box_tokens, 1}});
}

CUtensorMap w_map(const GemmCudaArgs& args, const GemmBf16Params& p) {
  const std::int64_t between = args.groups > 0 ? args.n : args.heads > 1 ? args.w_head : 1;
  const auto* first = static_cast<const std::uint16_t*>(args.w.data) +
                      (args.groups > 0 ? 0 : args.w_first * args.w.ld);
  return make_tensor_map({.data = first,
                          .rank = 3,
                          .size = {args.w.cols, args.n, p.batches},
                          .step = {1, args.w.ld, between * args.w.ld},
                          .box = {kBlockK, p.weights, 1}});
}

// As many blocks as there can be tiles; the host knows a group's rows only by their sum.
int block_count(const GemmCudaArgs& args, const GemmBf16Params& p, int cluster) {
  const int at_once = multiprocessors() * (p.weights <= 64 ? 2 : 1) / cluster;
  std::int64_t token_tiles = ceil_div(args.rows, p.tokens);
  if (args.groups > 0) {
    token_tiles = std::min(args.rows, args.rows / p.tokens + std::min(args.groups, args.rows));
  } else {
    token_tiles *= args.heads;
  }
  const std::int64_t clusters = std::min<std::int64_t>(token_tiles * p.weight_tiles, at_once);
  return static_cast<int>(clusters) * cluster;
}

DeviceLaunch declare(const GemmCudaArgs& args, const Stream& stream) {
  const std::int64_t matrices = args.groups > 0 ? std::min(args.groups, args.rows) : args.heads;
  const std::int64_t outputs = args.pairs ? args.n / 2 : args.n;
  const std::int64_t heads = args.groups > 0 ? 1 : args.heads;
  const std::int64_t bytes =
      2 * matrices * args.n * args.w.cols + 2 * heads * args.rows * args.w.cols +
      heads * args.rows * outputs * static_cast<std::int64_t>(dtype_bytes(args.y.dtype));
  return DeviceLaunch(stream, "gemm_bf16", bytes, 2 * heads * args.rows * args.n * args.w.cols);
}

}  // namespace

void gemm_bf16_tiled(const GemmCudaArgs& args, const GemmTile& tile, const Stream& stream) {
  const GemmBf16Params p = parameters(args, tile);
  const Kernel kernel = kernel_of(tile);
  const int consumers = std::max(tile.weights / 64, 1);
  cudaLaunchAttribute attributes[2]{};
  attributes[0].id = cudaLaunchAttributeClusterDimension;
  attributes[0].val.clusterDim = {static_cast<unsigned>(tile.cluster), 1, 1};
  // The next launch's prologue may run beside this one's end, and this one's beside the last's.
  attributes[1].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[1].val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(block_count(args, p, tile.cluster)));
  config.blockDim =
      dim3(consumers == 2 ? kGemmThreads<2> : 128 * static_cast<unsigned>(consumers) + 32);
  config.dynamicSmemBytes = static_cast<std::size_t>(gemm_bf16_shared(p).total);
  config.stream = static_cast<cudaStream_t>(stream.handle());
  config.attrs = attributes;
  config.numAttrs = 2;
  const DeviceLaunch launch = declare(args, stream);
  check_device(cudaLaunchKernelEx(&config, kernel, x_map(args, p), w_map(args, p), p),
               "launching gemm_bf16");
  launch.launched();
}

void gemm_bf16(const GemmCudaArgs& args, const Stream& stream) {
  gemm_bf16_tiled(args, choose_tile(args, multiprocessors()), stream);
}

}  // namespace moebius::kernels
