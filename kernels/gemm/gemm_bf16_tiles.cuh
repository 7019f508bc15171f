// What a launch of the bf16 product is told, its shared memory, and the order of its tiles.
#pragma once

#include <cstdint>

#include "kernels/device/barrier.cuh"

namespace moebius::kernels {

constexpr int kBlockK = 64;     // elements; 128 bytes, one swizzled row
constexpr int kRowBytes = 128;  // of a row of a block
constexpr int kMaxStages = 32;
constexpr int kStagingBytes = 8192;  // of one warpgroup: two buffers of 32 tokens x 64 weights
constexpr int kPassTokens = 32;
constexpr int kBand = 8;  // token tiles that run together, for the L2 cache

struct GemmBf16Params {
  const float* bias;            // [n] or null
  void* y;                      // float32 or bf16
  std::int64_t y_ld, y_head;    // elements
  const std::int32_t* offsets;  // [groups + 1] or null
  int y_is_f32, pairs;
  int rows, n, k_blocks;
  int batches;  // heads or groups
  int full;     // of the groups, at their end, that have full_rows rows each
  int full_rows;
  int weights;       // rows of w of a block's tile
  int tokens;        // rows of x of a tile
  int box_tokens;    // rows of x one copy moves
  int weight_tiles;  // ceil(n / (weights * cluster))
  int one_row;       // x is one row; what a copy would read beyond it is zero, and nobody's row
  int k_whole;       // K is a multiple of kBlockK: a copy may move several blocks
  int k_per_stage;   // K blocks; 1 unless k_whole and box_tokens == tokens
  int stages;
};

/// A group that holds rows.
struct GemmGroup {
  std::int32_t id, first_tile, row, row_end;  // tiles counted in tokens alone
};

/// Dynamic shared memory: barriers; stages from kStagesAt; what the last stage's operand reads
/// beyond its rows; staging; groups.
constexpr int kStagesAt = 1024;
struct GemmBf16Shared {
  int stage_bytes, staging, groups, total;
};
__host__ __device__ inline GemmBf16Shared gemm_bf16_shared(const GemmBf16Params& p) {
  GemmBf16Shared s;
  s.stage_bytes = p.k_per_stage * (p.weights + p.tokens) * kRowBytes;
  const int overhang = p.weights < 64 ? (64 - p.weights) * kRowBytes : 0;
  s.staging = kStagesAt + p.stages * s.stage_bytes + overhang;
  s.groups = s.staging + (p.weights + 63) / 64 * kStagingBytes;
  s.total = s.groups + 8 + (p.offsets ? p.batches : 0) * static_cast<int>(sizeof(GemmGroup));
  return s;
}

/// One tile's place.
struct GemmPlace {
  int batch;   // head or group
  int x_row;   // first row of x
  int rows;    // rows of x that count, 0 .. tokens
  int weight;  // weight tile of the cluster: `weights` outputs for each of its blocks
};

/// The groups that hold rows, in shared memory.
struct GemmGroups {
  std::int32_t count, tiles;

  __device__ const GemmGroup& at(int i) const {
    return reinterpret_cast<const GemmGroup*>(this + 1)[i];
  }
};

/// Full group i, its tiles those after the ones of full groups before it: they come first.
__device__ inline int tiles_of_full(const GemmBf16Params& p) {
  return (p.full_rows + p.tokens - 1) / p.tokens;
}
__device__ inline GemmGroup full_group(const GemmBf16Params& p, int i) {
  const int row = p.rows - (p.full - i) * p.full_rows;
  return {p.batches - p.full + i, i * tiles_of_full(p), row, row + p.full_rows};
}

/// By one warp.
__device__ inline void list_groups(const GemmBf16Params& p, GemmGroups* groups) {
  auto* list = reinterpret_cast<GemmGroup*>(groups + 1);
  const int lane = threadIdx.x % 32;
  for (int i = lane; i < p.full; i += 32) list[i] = full_group(p, i);
  int found = p.full, tiles = p.full * tiles_of_full(p);
  const int others = p.batches - p.full;
  for (int first = 0; first < others; first += 32) {
    const int g = first + lane;
    const int row = g < others ? p.offsets[g] : 0;
    const int row_end = g < others ? p.offsets[g + 1] : 0;
    const int mine = (row_end - row + p.tokens - 1) / p.tokens;
    int sum = mine;
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      const int other = __shfl_up_sync(0xffffffff, sum, d);
      if (lane >= d) sum += other;
    }
    const unsigned holding = __ballot_sync(0xffffffff, mine > 0);
    if (mine > 0) {
      const int at = found + __popc(holding & ((1u << lane) - 1));
      list[at] = {g, tiles + sum - mine, row, row_end};
    }
    found += __popc(holding);
    tiles += __shfl_sync(0xffffffff, sum, 31);
  }
  if (lane == 0) {
    groups->count = found;
    groups->tiles = tiles;
  }
}

/// The tiles of one cluster, in order; every role walks the same.
class GemmWalk {
 public:
  __device__ GemmWalk(const GemmBf16Params& p, const GemmGroups* groups, int first, int step)
      : p_(p), groups_(groups), tile_(first), step_(step) {
    token_tiles_ = p.offsets ? groups->tiles : (p.rows + p.tokens - 1) / p.tokens;
    tiles_ = (p.offsets ? 1 : p.batches) * token_tiles_ * p.weight_tiles;
  }

  /// The place of tile `tile` if it is of a full group: no list of groups is needed.
  static __device__ bool full_place(const GemmBf16Params& p, int tile, GemmPlace& place) {
    const int each = tiles_of_full(p);
    if (tile >= p.full * each * p.weight_tiles) return false;
    const GemmGroup group = full_group(p, tile / (each * p.weight_tiles));
    place.batch = group.id;
    inside(p, place, tile - group.first_tile * p.weight_tiles, each, group.row, group.row_end);
    return true;
  }

  __device__ bool next(GemmPlace& place) {
    if (tile_ >= tiles_) return false;
    if (p_.offsets) {
      grouped(place);
    } else {
      const int per_batch = token_tiles_ * p_.weight_tiles;
      const int batch = tile_ / per_batch;
      place.batch = batch;
      inside(p_, place, tile_ - batch * per_batch, token_tiles_, 0, p_.rows);
    }
    tile_ += step_;
    return true;
  }

 private:
  __device__ void grouped(GemmPlace& place) {
    const int count = groups_->count;
    while (at_ + 1 < count && tile_ >= groups_->at(at_ + 1).first_tile * p_.weight_tiles) ++at_;
    const GemmGroup& group = groups_->at(at_);
    const int end = at_ + 1 < count ? groups_->at(at_ + 1).first_tile : token_tiles_;
    place.batch = group.id;
    inside(p_, place, tile_ - group.first_tile * p_.weight_tiles, end - group.first_tile, group.row,
           group.row_end);
  }

  // Bands of kBand token tiles; within a band weights move slowest. The rows are dealt out evenly,
  // in eights.
  static __device__ void inside(const GemmBf16Params& p, GemmPlace& place, int tile,
                                int token_tiles, int row, int row_end) {
    const int band_tiles = kBand * p.weight_tiles;
    const int band = tile / band_tiles;
    const int in_band = tile - band * band_tiles;
    const int width = min(kBand, token_tiles - band * kBand);
    const int across = in_band / width;
    const int each = ((row_end - row + token_tiles - 1) / token_tiles + 7) & ~7;
    place.x_row = row + (band * kBand + in_band - across * width) * each;
    place.rows = max(0, min(each, row_end - place.x_row));
    place.weight = across;
  }

  const GemmBf16Params& p_;
  const GemmGroups* groups_;
  int tile_, step_, token_tiles_, tiles_, at_ = 0;
};

}  // namespace moebius::kernels
