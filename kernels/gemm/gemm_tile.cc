#include "kernels/gemm/gemm_tile.h"

#include <algorithm>
#include <cmath>

namespace moebius::kernels {
namespace {

// Read off gemm_tile_bench on an H200, 2026-11-22; cycles of about 1.85 GHz.
constexpr double kDramBytes = 3020;    // a cycle, whole device
constexpr double kL2Bytes = 3900;      // a cycle, whole device
constexpr double kRowCycles = 3.3;     // to copy 128 bytes of a row into a multiprocessor
constexpr double kIssueCycles = 180;   // of one stage's copies and barriers
constexpr double kTileCycles = 100;    // around a tile
constexpr double kChunkCycles = 4.6;   // to store 64 results of it
constexpr double kPairCycles = 970;    // of the epilogue's exponentials
constexpr double kStartCycles = 8400;  // of a launch

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// A product as tiles see it: `batches` heads, or groups that hold rows, of `tiles` token tiles of
// `rows` rows each, on average.
struct Work {
  double batches, tiles, rows;
};

Work work_of(const GemmCudaArgs& args, const GemmTile& tile) {
  const auto rows = static_cast<double>(args.rows);
  if (args.groups == 0) {
    const auto tiles = static_cast<double>(ceil_div(args.rows, tile.tokens));
    return {static_cast<double>(args.heads), tiles, rows / tiles};
  }
  // Rows that choose groups evenly leave some empty; a group's last tile is half full.
  const auto groups = static_cast<double>(args.groups);
  const double active = groups * (1 - std::pow(1 - 1 / groups, rows));
  const double each = rows / active;
  const double tiles = each > 0.5 * tile.tokens ? std::max(1.0, each / tile.tokens + 0.5) : 1;
  return {active, tiles, each / tiles};
}

double cycles(const GemmCudaArgs& args, const GemmTile& tile, int multiprocessors) {
  const Work work = work_of(args, tile);
  const auto k_blocks = static_cast<double>(ceil_div(args.w.cols, 64));
  const double tiles = work.batches * work.tiles *
                       static_cast<double>(ceil_div(args.n, tile.weights * tile.cluster));
  const bool two = tile.weights <= 64 && (tile.tokens <= 32 || tiles > multiprocessors);
  const double slots = static_cast<double>(multiprocessors) * (two ? 2 : 1) / tile.cluster;
  const int groups64 = std::max(tile.weights / 64, 1);

  const double width = std::min<double>(tile.tokens, std::ceil(work.rows / 32) * 32);
  const double products = groups64 * 4 * std::max(width / 2, 18 + width * 0.22);
  const double copies = kRowCycles * (tile.weights + tile.tokens);
  const double step = std::max(products, copies);
  const double block_step = two && tiles > multiprocessors ? std::max(kIssueCycles, 2 * step)
                                                           : std::max(kIssueCycles, step);
  const double store = kTileCycles + kChunkCycles * tile.weights * tile.tokens / 64 / groups64 +
                       (args.pairs ? kPairCycles : 0);
  const double waves =
      args.groups > 0 ? std::max(1.0, tiles / slots + 0.3) : std::ceil(tiles / slots - 1e-9);
  const double block = waves * (k_blocks * block_step + store) + kStartCycles;
  const double l2 = tiles * tile.cluster * k_blocks * 128 *
                    (tile.weights + static_cast<double>(tile.tokens) / tile.cluster) / kL2Bytes;
  const double operands =
      work.batches * static_cast<double>(args.n) + static_cast<double>(args.rows * args.heads);
  const double dram = operands * k_blocks * 128 / kDramBytes + kStartCycles;
  return std::max({block, l2, dram}) + 0.026 * (block + l2);
}

}  // namespace

std::vector<GemmTile> gemm_tiles() {
  std::vector<GemmTile> tiles;
  for (const int weights : {16, 32, 64}) {
    for (const int tokens : {8, 16, 32, 64, 128}) tiles.push_back({weights, tokens, 1});
  }
  for (int tokens = 64; tokens <= 256; tokens += 32) {
    for (const int cluster : {1, 2}) tiles.push_back({128, tokens, cluster});
  }
  for (const int tokens : {64, 128, 176}) tiles.push_back({192, tokens, 1});
  return tiles;
}

GemmTile choose_tile(const GemmCudaArgs& args, int multiprocessors) {
  GemmTile best;
  double best_cycles = 0;
  for (const GemmTile& tile : gemm_tiles()) {
    const double cost = cycles(args, tile, multiprocessors);
    if (best.weights == 0 || cost < best_cycles) best = tile, best_cycles = cost;
  }
  return best;
}

}  // namespace moebius::kernels
