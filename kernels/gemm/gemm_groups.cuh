// Which rows of a grouped product a tile of tokens covers, found on the device from the offsets.
#pragma once

#include <cstdint>

namespace moebius::kernels {

/// Rows [first, end) of x belong to tile `tile` of group `group`, of at most `tile_rows` rows.
/// group == -1: there is no such tile.
struct GroupTile {
  std::int32_t group = -1;
  std::int32_t first = 0;
  std::int32_t end = 0;  // of the group, so that end - first may exceed the tile
};

/// The `tile`-th tile of all groups in order, each group cut into ceil(rows / tile_rows) tiles.
/// All 32 lanes of a warp call it and get the same answer. offsets [groups + 1].
__device__ inline GroupTile find_group_tile(const std::int32_t* offsets, std::int32_t groups,
                                            std::int32_t tile_rows, std::int32_t tile) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  std::int32_t before = 0;
  for (std::int32_t base = 0; base < groups; base += 32) {
    const std::int32_t g = base + lane;
    const std::int32_t begin = g < groups ? offsets[g] : 0;
    const std::int32_t end = g < groups ? offsets[g + 1] : 0;
    const std::int32_t tiles = (end - begin + tile_rows - 1) / tile_rows;
    std::int32_t upto = tiles;
    for (int step = 1; step < 32; step *= 2) {
      const std::int32_t other = __shfl_up_sync(0xffffffffU, upto, step);
      if (lane >= step) upto += other;
    }
    const unsigned holds = __ballot_sync(0xffffffffU, tile < before + upto);
    if (holds != 0) {
      const int owner = __ffs(static_cast<int>(holds)) - 1;
      const std::int32_t skipped = tile - (before + __shfl_sync(0xffffffffU, upto - tiles, owner));
      const std::int32_t row = __shfl_sync(0xffffffffU, begin, owner) + skipped * tile_rows;
      return {base + owner, row, __shfl_sync(0xffffffffU, end, owner)};
    }
    before += __shfl_sync(0xffffffffU, upto, 31);
  }
  return {};
}

/// Row of the scales of a stacked fp8 weight (DeviceMatrix) that row `row` of the matrix meets:
/// gate rows' scales first, then those of the up rows, if it is pair-packed.
__device__ __host__ inline std::int32_t weight_scale_row(std::int32_t row, std::int32_t rows,
                                                         bool pairs) {
  if (!pairs) return row / 128;
  const std::int32_t unit = row / 16 * 8 + row % 8;
  return (row % 16 >= 8 ? (rows / 2 + 127) / 128 : 0) + unit / 128;
}

/// Scale rows of one matrix of `rows` rows.
__device__ __host__ inline std::int32_t weight_scale_rows(std::int32_t rows, bool pairs) {
  return pairs ? 2 * ((rows / 2 + 127) / 128) : (rows + 127) / 128;
}

}  // namespace moebius::kernels
