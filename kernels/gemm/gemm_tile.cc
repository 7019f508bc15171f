#include "kernels/gemm/gemm_tile.h"

#include <algorithm>

namespace moebius::kernels {
namespace {

// Rates of an H200 in bytes and cycles of about 1.7 GHz.
constexpr double kDramBytes = 2470;   // a cycle, whole device
constexpr double kL2Bytes = 3300;     // a cycle, whole device
constexpr double kBlockBytes = 50;    // a cycle, into one multiprocessor
constexpr double kTileCycles = 1200;  // epilogue and what is not hidden around it

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// A shape as tiles see it: batches (heads, or groups that hold rows) of equal rows.
struct Shape {
  double batches, rows, n, k_blocks;
};

Shape shape_of(const GemmCudaArgs& args) {
  const double k_blocks = static_cast<double>(ceil_div(args.w.cols, 64));
  const auto n = static_cast<double>(args.n);
  if (args.groups == 0) {
    return {static_cast<double>(args.heads), static_cast<double>(args.rows), n, k_blocks};
  }
  const auto active = static_cast<double>(std::min(args.groups, args.rows));
  return {active, static_cast<double>(args.rows) / active, n, k_blocks};
}

// Tiles of a group vary in their rows: half a tile is wasted on average, unless one holds all.
double token_tiles(const Shape& shape, const GemmTile& tile, bool grouped) {
  const auto whole =
      static_cast<double>(ceil_div(static_cast<std::int64_t>(shape.rows + 0.999), tile.tokens));
  if (!grouped) return whole;
  return std::max(1.0, shape.rows / tile.tokens + (shape.rows > 0.6 * tile.tokens ? 0.5 : 0.0));
}

double cycles(const GemmCudaArgs& args, const GemmTile& tile, int multiprocessors) {
  const Shape shape = shape_of(args);
  const double across = static_cast<double>(ceil_div(args.n, tile.weights * tile.cluster));
  const double tiles = shape.batches * across * token_tiles(shape, tile, args.groups > 0);
  const double waves = static_cast<double>(
      ceil_div(static_cast<std::int64_t>(tiles + 0.5), multiprocessors / tile.cluster));
  const double groups64 = std::max(tile.weights / 64, 1);
  const double multiply = groups64 * 4 * std::max(tile.tokens / 2.0, 32.0);
  const double into_block = 128.0 * (tile.weights + tile.tokens);
  const double from_l2 = 128.0 * (tile.weights + static_cast<double>(tile.tokens) / tile.cluster);
  const double block =
      waves * (shape.k_blocks * std::max(multiply, into_block / kBlockBytes) + kTileCycles);
  const double l2 = tiles * tile.cluster * shape.k_blocks * from_l2 / kL2Bytes;
  const double dram = shape.batches * 128.0 * shape.k_blocks * (shape.n + shape.rows) / kDramBytes;
  return std::max({block, l2, dram}) + 0.05 * (block + l2);
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
