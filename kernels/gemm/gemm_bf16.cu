// gemm_cuda for bf16: tensor maps, the ring's sizes, the launch.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
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

using Kernel = void (*)(CUtensorMap, CUtensorMap, GemmBf16Params);

Kernel kernel_of(const GemmTile& tile) {
  if (tile.weights <= 64) return gemm_bf16_kernel<1, 1>;
  if (tile.weights == 192) return gemm_bf16_kernel<3, 1>;
  return tile.cluster == 2 ? gemm_bf16_kernel<2, 2> : gemm_bf16_kernel<2, 1>;
}

int ceil_div(std::int64_t a, std::int64_t b) {
  return static_cast<int>((a + b - 1) / b);
}

// As many as there can be; the host knows a group's rows only by their sum.
std::int64_t most_tiles(const GemmCudaArgs& args, const GemmTile& tile) {
  std::int64_t token_tiles = ceil_div(args.rows, tile.tokens);
  if (args.groups > 0) {
    token_tiles = std::min(args.rows, args.rows / tile.tokens + std::min(args.groups, args.rows));
  } else {
    token_tiles *= args.heads;
  }
  return token_tiles * ceil_div(args.n, tile.weights * tile.cluster);
}

// On one multiprocessor. Many tokens want all of its memory unless there are tiles for two.
int blocks_at_once(const GemmCudaArgs& args, const GemmTile& tile) {
  if (tile.weights > 64) return 1;
  return tile.tokens <= 32 || most_tiles(args, tile) > multiprocessors() ? 2 : 1;
}

int block_count(const GemmCudaArgs& args, const GemmTile& tile) {
  const std::int64_t clusters = multiprocessors() * blocks_at_once(args, tile) / tile.cluster;
  return static_cast<int>(std::min(most_tiles(args, tile), clusters)) * tile.cluster;
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
  p.one_row = args.one_row;
  p.full = static_cast<int>(args.full_groups);
  p.full_rows = static_cast<int>(args.full_rows);
  p.n = static_cast<int>(args.n);
  p.k_blocks = ceil_div(args.w.cols, kBlockK);
  p.batches = static_cast<int>(args.groups > 0 ? args.groups : args.heads);
  p.weights = tile.weights;
  p.tokens = tile.tokens;
  p.box_tokens = tile.tokens / tile.cluster;
  // Short groups copy less.
  if (args.groups > 0 && tile.tokens > 64) p.box_tokens = std::gcd(p.box_tokens, 64);
  p.weight_tiles = ceil_div(args.n, tile.weights * tile.cluster);
  const int block_bytes = (tile.weights + tile.tokens) * kRowBytes;
  const int at_once = blocks_at_once(args, tile);
  p.k_whole = args.w.cols % kBlockK == 0;
  p.k_per_stage = k_blocks_per_stage(args, tile, at_once);
  // Barriers and the rest take what shared memory is left after the stages.
  p.stages = 0;
  const int fixed = gemm_bf16_shared(p).total;
  const int room = (at_once == 2 ? kSharedOfTwo : kSharedLimit) - fixed;
  p.stages = std::min(kMaxStages, room / (p.k_per_stage * block_bytes));
  return p;
}

// Rows of K, cut into blocks where K has only whole ones; a box is `rows` rows of a stage's blocks.
CUtensorMap block_map(const void* data, const std::array<std::int64_t, 2>& rows_cols,
                      std::int64_t ld, std::int64_t batches, std::int64_t batch_step, int box_rows,
                      const GemmBf16Params& p) {
  const auto [rows, cols] = rows_cols;
  return make_tensor_map(
      {.data = data,
       .rank = 4,
       .size = {p.k_whole ? kBlockK : cols, rows, p.k_whole ? cols / kBlockK : 1, batches},
       .step = {1, ld, kBlockK, batch_step},
       .box = {kBlockK, box_rows, p.k_per_stage, 1}});
}

CUtensorMap x_map(const GemmCudaArgs& args, const GemmBf16Params& p) {
  const bool heads = args.groups == 0 && args.heads > 1;
  return block_map(args.x.data, {args.one_row ? 1 : args.rows, args.w.cols}, args.x.ld,
                   heads ? args.heads : 1, heads ? args.x_head : args.x.ld, p.box_tokens, p);
}

CUtensorMap w_map(const GemmCudaArgs& args, const GemmBf16Params& p) {
  const std::int64_t between = args.groups > 0 ? args.n : args.heads > 1 ? args.w_head : 1;
  const auto* first = static_cast<const std::uint16_t*>(args.w.data) +
                      (args.groups > 0 ? 0 : args.w_first * args.w.ld);
  return block_map(first, {args.n, args.w.cols}, args.w.ld, p.batches, between * args.w.ld,
                   p.weights, p);
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
  const LaunchShape shape{
      .grid = static_cast<unsigned>(block_count(args, tile)),
      .block = consumers == 2 ? kGemmThreads<2> : 128 * static_cast<unsigned>(consumers) + 32,
      .shared_bytes = static_cast<std::size_t>(gemm_bf16_shared(p).total),
      .cluster = static_cast<unsigned>(tile.cluster),
      .early = true};
  allow_shared_bytes(kernel, kSharedLimit);
  const DeviceLaunch launch = declare(args, stream);
  launch_kernel(kernel, shape, stream, x_map(args, p), w_map(args, p), p);
  launch.launched();
}

void gemm_bf16(const GemmCudaArgs& args, const Stream& stream) {
  gemm_bf16_tiled(args, choose_tile(args, multiprocessors()), stream);
}

}  // namespace moebius::kernels
