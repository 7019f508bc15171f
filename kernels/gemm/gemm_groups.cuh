// Which rows of a grouped product a tile of tokens covers, found on the device from the offsets.
#pragma once

#include <cstdint>

namespace moebius::kernels {

/// One group of rows [first, end), cut into `tiles` tiles, after `before` tiles of groups before
/// it. group == -1: there is none.
struct GroupSpan {
  std::int32_t group = -1;
  std::int32_t first = 0, end = 0;
  std::int32_t before = 0, tiles = 0;
};

/// Finds the group of a tile where each group is cut into ceil(rows / tile_rows) tiles. All 32
/// lanes of a warp call each function with the same arguments and get the same answers; each lane
/// holds one of 32 consecutive groups, so that tiles that ascend read the offsets once.
class GroupWalk {
 public:
  /// offsets [groups + 1], device memory.
  __device__ GroupWalk(const std::int32_t* offsets, std::int32_t groups, std::int32_t tile_rows)
      : offsets_(offsets), groups_(groups), tile_rows_(tile_rows) {
    if (groups > 0) load(0, 0);
  }

  /// The group of tile `tile`, which may not be less than the one asked for before.
  __device__ GroupSpan find(std::int32_t tile) {
    while (base_ < groups_) {
      const unsigned holds = __ballot_sync(0xffffffffU, tile < upto_);
      if (holds != 0) {
        const int owner = __ffs(static_cast<int>(holds)) - 1;
        GroupSpan span;
        span.group = base_ + owner;
        span.first = __shfl_sync(0xffffffffU, begin_, owner);
        span.end = __shfl_sync(0xffffffffU, end_, owner);
        span.tiles = (span.end - span.first + tile_rows_ - 1) / tile_rows_;
        span.before = __shfl_sync(0xffffffffU, upto_, owner) - span.tiles;
        return span;
      }
      load(base_ + 32, __shfl_sync(0xffffffffU, upto_, 31));
    }
    return {};
  }

 private:
  __device__ void load(std::int32_t base, std::int32_t before) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    base_ = base;
    begin_ = base + lane < groups_ ? offsets_[base + lane] : 0;
    end_ = base + lane < groups_ ? offsets_[base + lane + 1] : 0;
    upto_ = (end_ - begin_ + tile_rows_ - 1) / tile_rows_;
    for (int step = 1; step < 32; step *= 2) {
      const std::int32_t other = __shfl_up_sync(0xffffffffU, upto_, step);
      if (lane >= step) upto_ += other;
    }
    upto_ += before;
  }

  const std::int32_t* offsets_;
  std::int32_t groups_, tile_rows_;
  std::int32_t base_ = 0;                        // the group of lane 0
  std::int32_t begin_ = 0, end_ = 0, upto_ = 0;  // this lane's: rows; tiles up to its end
};

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
