#include "kernels/gemm/gemm_tile.h"

#include <algorithm>
#include <cmath>

namespace moebius::kernels {
namespace {

// Fitted to gemm_tile_bench on an H200, 2026-11-22; cycles of about 1.85 GHz.
constexpr double kDramBytes = 1500;        // a cycle, whole device, as far as it tells tiles apart
constexpr double kL2Bytes = 4100;          // a cycle, whole device
constexpr double kWeightRowCycles = 2.13;  // to copy 128 bytes of a row into a multiprocessor
constexpr double kTokenRowCycles = 1.62;
constexpr double kIssueCycles = 255;   // of one stage's copies and barriers
constexpr double kTileCycles = 430;    // around a tile
constexpr double kChunkCycles = 9.4;   // to store 64 results of it
constexpr double kPairCycles = 410;    // of the epilogue's exponentials
constexpr double kStartCycles = 1940;  // of a launch
constexpr double kClusterCost = 1.3;   // it lost or drew at nearly every shape

// Bytes of a stage, so that its copies' issue and its barriers cost little: where two blocks
// share a multiprocessor, and where one has it.
constexpr int kStageGoal = 20480;
constexpr int kLoneStageGoal = 49152;

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
  const double tiles = each > 0.5 * tile.tokens ? std::max(1.0, each / tile.tokens + 0.45) : 1;
  return {active, tiles, each / tiles};
}

// Columns of the instruction that `rows` rows take.
double width_of(const GemmTile& tile, double rows) {
  if (tile.weights == 192) return rows <= 64 ? 64 : rows <= 128 ? 128 : 176;
  if (tile.weights == 128) return std::max(64.0, std::ceil(rows / 32) * 32);
  return std::max(8.0, std::exp2(std::ceil(std::log2(rows))));
}

double cycles(const GemmCudaArgs& args, const GemmTile& tile, int multiprocessors) {
  const Work work = work_of(args, tile);
  const auto k_blocks = static_cast<double>(ceil_div(args.w.cols, 64));
  const double tiles = work.batches * work.tiles *
                       static_cast<double>(ceil_div(args.n, tile.weights * tile.cluster));
  const int at_once = tile.weights <= 64 && (tile.tokens <= 32 || tiles > multiprocessors) ? 2 : 1;
  const double slots = static_cast<double>(multiprocessors) * at_once / tile.cluster;
  const int groups64 = std::max(tile.weights / 64, 1);

  const double width = std::min<double>(tile.tokens, width_of(tile, work.rows));
  const double products = groups64 * 4 * std::max(width / 2, 18 + width * 0.22);
  const double copies = kWeightRowCycles * tile.weights + kTokenRowCycles * tile.tokens;
  const double issue = kIssueCycles / k_blocks_per_stage(args, tile, at_once);
  const bool shared = at_once == 2 && tiles > multiprocessors;
  const double step = shared ? std::max(kIssueCycles, 2 * std::max(products, copies))
                             : std::max({issue, products, copies});
  const double store = kTileCycles + kChunkCycles * tile.weights * tile.tokens / 64 / groups64 +
                       (args.pairs ? kPairCycles : 0);
  const double waves =
      args.groups > 0 ? std::max(1.0, tiles / slots + 0.3) : std::ceil(tiles / slots - 1e-9);
  const double block = waves * (k_blocks * step + store) + kStartCycles;
  const double l2 = tiles * tile.cluster * k_blocks * 128 *
                    (tile.weights + static_cast<double>(tile.tokens) / tile.cluster) / kL2Bytes;
  const double operands =
      work.batches * static_cast<double>(args.n) + static_cast<double>(args.rows * args.heads);
  const double dram = operands * k_blocks * 128 / kDramBytes + kStartCycles;
  // What is not the bound still counts a little: it hides only in part.
  const double cost = std::max({block, l2, dram}) + 0.06 * (block + l2);
  return cost * (tile.cluster == 2 ? kClusterCost : 1);
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

int k_blocks_per_stage(const GemmCudaArgs& args, const GemmTile& tile, int at_once) {
  const bool one_copy = tile.cluster == 1 && (args.groups == 0 || tile.tokens <= 64);
  if (args.w.cols % 64 != 0 || !one_copy) return 1;
  const int goal = at_once == 2 ? kStageGoal : kLoneStageGoal;
  const int bytes = (tile.weights + tile.tokens) * 128;
  int blocks = 1;
  while (blocks < 4 && 2 * blocks * bytes <= goal) blocks *= 2;
  return blocks;
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
