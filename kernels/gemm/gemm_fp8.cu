// Fp8 matrix products by tensor cores: which kernel shapes there are, and their launch.
//
// Rows of x are always the M side of the instruction and k goes up in steps of 32 inside stages
// of 128, so that a tile's size is a matter of speed alone. A few rows: weights are read once
// and that is the time; narrow tiles spread them over all multiprocessors, and a cluster shares
// the rows of x, which every tile needs and which would otherwise come as often from the L2
// cache. Many rows: large tiles, because each stage's loads (both operands through the L2 cache)
// are to cost less than its products.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/tma.h"
#include "kernels/gemm/gemm_fp8_kernel.cuh"
#include "kernels/gemm/gemm_fp8_tile.h"
#include "kernels/gemm/gemm_paths.h"

namespace moebius::kernels {
namespace {

constexpr int kSharedOfOne = 227 * 1024;                   // the most one block may have
constexpr int kSharedOfTwo = (228 * 1024 - 2 * 1024) / 2;  // each of two on a multiprocessor

// As many stages as fit, up to eight.
constexpr int stages_of(int rows, int outs, fp8::Order order) {
  const int stage = (rows + outs) * fp8::kDepth + (rows == 64 ? 384 : rows * 5) + 16;
  const int parts = order == fp8::Order::kSplit ? rows * outs * 4 : 0;
  return std::min(8, ((rows == 64 ? kSharedOfTwo : kSharedOfOne) - parts) / stage);
}

struct Maps {
  CUtensorMap x, w, scales;
};

// Rows of x in one copy: small tiles are rarely full, and what is not there is not to be fetched.
template <typename S>
std::int32_t box_rows(const GemmCudaArgs& a) {
  if (S::kRows > 64) return S::kRows / S::kShare;
  const std::int64_t rows = a.groups > 0 ? (a.rows + a.groups - 1) / a.groups : a.rows;
  return rows <= 16 || S::kShare == 4 ? 16 : rows <= 32 || S::kShare == 2 ? 32 : 64;
}

template <typename S>
Maps make_maps(const GemmCudaArgs& a) {
  const bool grouped = a.groups > 0;
  const std::int64_t matrices = grouped ? a.groups : a.heads;
  const std::int64_t depths = (a.w.cols + fp8::kDepth - 1) / fp8::kDepth;
  const std::int64_t x_step = a.heads > 1 ? a.x_head : a.x.ld;
  const std::int64_t w_step = grouped ? a.n * a.w.ld : a.heads > 1 ? a.w_head * a.w.ld : a.w.ld;
  const auto* w = static_cast<const std::byte*>(a.w.data) + (grouped ? 0 : a.w_first * a.w.ld);
  return {.x = make_tensor_map({.data = a.x.data,
                                .dtype = Dtype::kF8E4M3,
                                .rank = 3,
                                .size = {a.w.cols, a.rows, grouped ? 1 : a.heads},
                                .step = {1, a.x.ld, x_step},
                                .box = {fp8::kDepth, box_rows<S>(a), 1}}),
          .w = make_tensor_map({.data = w,
                                .dtype = Dtype::kF8E4M3,
                                .rank = 3,
                                .size = {a.w.cols, a.n, matrices},
                                .step = {1, a.w.ld, w_step},
                                .box = {fp8::kDepth, S::kOuts, 1}}),
          .scales = make_tensor_map({.data = a.x.scale,
                                     .dtype = Dtype::kF32,
                                     .rank = 2,
                                     .size = {a.rows, depths * (grouped ? 1 : a.heads)},
                                     .step = {1, a.x.scale_ld},
                                     .box = {S::kScaleRowsOfBox, 1},
                                     .swizzle = Swizzle::kNone})};
}

// Tiles of the whole product, or for groups the most there can be.
template <typename S>
std::int64_t count_tiles(const GemmCudaArgs& a) {
  const std::int64_t across = (a.n + S::kOuts * S::kShare - 1) / (S::kOuts * S::kShare);
  if (a.groups > 0) return (a.rows / S::kRows + std::min(a.groups, a.rows)) * across;
  return (a.rows + S::kRows - 1) / S::kRows * across * a.heads;
}

template <typename S>
void launch(const GemmCudaArgs& a, const Stream& stream) {
  allow_shared_bytes(fp8::gemm_fp8_kernel<S>, S::kBytes);
  const std::int64_t tiles = count_tiles<S>(a);
  // Blocks take tile after tile, but for split segments, which end with an exchange.
  const std::int64_t clusters =
      S::kOrder == fp8::Order::kSplit
          ? tiles
          : std::min<std::int64_t>(tiles, multiprocessors() * S::kBlocks / S::kCluster);
  const Maps maps = make_maps<S>(a);
  const LaunchShape shape{.grid = static_cast<unsigned>(clusters * S::kCluster),
                          .block = S::kThreads,
                          .shared_bytes = S::kBytes,
                          .cluster = S::kCluster,
                          .early = true};
  launch_kernel(fp8::gemm_fp8_kernel<S>, shape, stream, a, maps.x, maps.w, maps.scales,
                box_rows<S>(a));
}

struct Entry {
  Fp8Tile tile;
  bool pairs, segments;
  void (*launch)(const GemmCudaArgs&, const Stream&);
};

using enum fp8::Order;

template <int rows, int outs, int cluster, bool pairs, fp8::Order order = kChain>
constexpr Entry entry() {
  return {{rows, outs, cluster},
          pairs,
          order != kChain,
          launch<fp8::Shape<rows, outs, cluster, stages_of(rows, outs, order), pairs, order>>};
}

constexpr Entry kEntries[] = {
    entry<64, 64, 1, false>(),         entry<64, 64, 4, false>(),
    entry<64, 128, 1, false>(),        entry<128, 128, 1, false>(),
    entry<256, 128, 1, false>(),       entry<256, 128, 2, false>(),
    entry<64, 64, 4, false, kSplit>(), entry<128, 128, 1, false, kFold>(),
    entry<64, 64, 1, true>(),          entry<64, 128, 1, true>(),
    entry<128, 128, 1, true>(),        entry<256, 128, 1, true>(),
};

const Entry& entry_of(const Fp8Tile& tile, bool pairs, bool segments) {
  for (const Entry& e : kEntries) {
    if (e.tile == tile && e.pairs == pairs && e.segments == segments) return e;
  }
  throw std::invalid_argument("gemm_fp8: no kernel of " + std::to_string(tile.rows) + " rows by " +
                              std::to_string(tile.outs) + " outputs, clusters of " +
                              std::to_string(tile.cluster) + (pairs ? ", of pairs" : ""));
}

void check(const GemmCudaArgs& a) {
  require(
      a.x.dtype == Dtype::kF8E4M3 && a.x.scale != nullptr && a.x.scale_ld >= a.rows &&
          a.x.scale_ld % 4 == 0,
      "gemm_fp8: rows of float8 with scales [k / 128, at least rows, a multiple of 4] expected");
  require(a.w.dtype == Dtype::kF8E4M3 && a.w.scale != nullptr,
          "gemm_fp8: weights of float8 with scales expected");
  require(a.y.dtype == Dtype::kF32 || a.y.dtype == Dtype::kBF16,
          "gemm_fp8: float32 or bf16 outputs expected");
  require(a.w.cols % 16 == 0 && a.x.ld % 16 == 0 && a.w.ld % 16 == 0,
          "gemm_fp8: k and the distance of lines must be multiples of 16");
  require(a.n % (a.pairs ? 16 : 8) == 0 && a.y.ld % 8 == 0,
          "gemm_fp8: outputs must be a multiple of 8, with pairs of 16");
  require(!a.pairs || (a.heads == 1 && a.bias == nullptr),
          "gemm_fp8: pairs go with neither heads nor bias");
  require(a.heads == 1 || (a.x_head % 128 == 0 && a.w_head % 128 == 0 && a.y_head % 8 == 0),
          "gemm_fp8: heads must begin on scale blocks, 128 columns of x and rows of w");
  require(a.w_first % 128 == 0, "gemm_fp8: the first row of w must begin a scale block");
  require(a.groups == 0 || a.offsets != nullptr, "gemm_fp8: groups need their offsets");
}

}  // namespace

bool fp8_segments(const GemmCudaArgs& a) {
  return a.groups == 0 && a.heads == 1 && !a.pairs && a.n <= 2304 && a.w.cols >= 4096;
}

std::vector<Fp8Tile> fp8_tiles(const GemmCudaArgs& a) {
  std::vector<Fp8Tile> tiles;
  for (const Entry& e : kEntries) {
    if (e.pairs == a.pairs && e.segments == fp8_segments(a)) tiles.push_back(e.tile);
  }
  return tiles;
}

Fp8Tile choose_fp8_tile(const GemmCudaArgs& a, int multiprocessor_count) {
  const std::int64_t rows = a.groups > 0 ? (a.rows + a.groups - 1) / a.groups : a.rows;
  if (fp8_segments(a)) return rows <= 256 ? Fp8Tile{64, 64, 4} : Fp8Tile{128, 128, 1};
  const std::int64_t matrices = a.groups > 0 ? std::min(a.groups, a.rows) : a.heads;
  if (rows >= 192) {  // the larger tile, if there are enough of them
    const std::int64_t tiles = (rows + 255) / 256 * ((a.n + 127) / 128) * matrices;
    return tiles >= multiprocessor_count * 3 / 4 ? Fp8Tile{256, 128, 1} : Fp8Tile{128, 128, 1};
  }
  if (rows > 128 || (rows > 64 && a.groups == 0 && a.n * rows > 7168 * 128)) return {128, 128, 1};
  if ((a.n + 127) / 128 * matrices >= multiprocessor_count) return {64, 128, 1};
  return a.groups > 0 || a.pairs ? Fp8Tile{64, 64, 1} : Fp8Tile{64, 64, 4};
}

void gemm_fp8_tiled(const GemmCudaArgs& a, const Fp8Tile& tile, const Stream& stream) {
  check(a);
  const Entry& chosen = entry_of(tile, a.pairs, fp8_segments(a));
  if (a.rows == 0 || a.n == 0) return;
  const std::int64_t matrices = a.groups > 0 ? std::min(a.groups, a.rows) : a.heads;
  const std::int64_t outputs = a.rows * (a.pairs ? a.n / 2 : a.n) * a.heads;
  const std::int64_t bytes = a.rows * a.w.cols * a.heads + matrices * a.n * a.w.cols +
                             outputs * static_cast<std::int64_t>(dtype_bytes(a.y.dtype));
  const DeviceLaunch declared(stream, "gemm_fp8", bytes, 2 * a.rows * a.n * a.w.cols * a.heads);
  chosen.launch(a, stream);
  declared.launched();
}

void gemm_fp8(const GemmCudaArgs& a, const Stream& stream) {
  gemm_fp8_tiled(a, choose_fp8_tile(a, multiprocessors()), stream);
}

}  // namespace moebius::kernels
