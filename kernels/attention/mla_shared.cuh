// What the parts of the MLA attention kernel share: arguments, shared memory,
// barriers.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/attention/mla_plan.h"
#include "kernels/device/barrier.cuh"

namespace moebius::kernels {

struct MlaKernelArgs {
  const std::byte* plan;
  const std::int32_t* pages;  // [sequences, max_pages]
  std::int64_t max_pages;
  __nv_bfloat16* out;  // [rows, heads, 512], rows out_ld apart
  std::int64_t out_ld;
  float* fragments;  // [blocks * 4 + kMlaPartialFragments, kMlaFragmentFloats]
  float2* states;    // [the same, 16]: reference and sum of each row
  int tile_heads;
  int chunk_tiles;
  float score_scale;  // scale * log2(e)
};

namespace mla {

constexpr int kTileKeys = static_cast<int>(kMlaTileKeys);
constexpr int kBoxes = 9;
constexpr int kBoxBytes = 64 * 128;
constexpr int kTileBytes = kBoxes * kBoxBytes;
// The loading warps have a warpgroup to themselves: registers are dealt out by
// warpgroups.
constexpr int kThreads = 3 * 128;
constexpr int kLoaderRegisters = 40, kWorkerRegisters = 232;

// Named barriers.
constexpr int kOddWeights = 2;  // warpgroup 1 wrote the odd tile's weights
constexpr int kChunkEnd = 3;
constexpr int kGroup = 4;  // + warpgroup: its own 128 threads

struct Shared {
  alignas(1024) std::byte q[kTileBytes];
  alignas(1024) std::byte keys[2][kTileBytes];  // even, odd
  MlaItem items[2];                             // of the block, in turn
  float reference[2][64];                       // after the even, after the odd tile
  float total_reference[2][64];                 // by warpgroup: of the chunks folded so far
  float total_sum[2][64];
  float sums[2][2][64];  // by parity of the chunk count, by warpgroup
  Barrier q_full, q_free;
  Barrier even_weights;  // warpgroup 0 wrote the even tile's weights
  Barrier full[2][kBoxes];
  Barrier free[2][2];  // [even, odd][boxes 0 .. 3, 4 .. 7]; box 8 goes with the
                       // half of the reader of the weights in it
  bool scores_first;   // warpgroup 1's next step
};
constexpr int kSharedBytes = sizeof(Shared);

/// Which half of a tile's boxes box 8 comes back with: the weights of even
/// tiles are read by warpgroup 1, of odd ones by warpgroup 0.
__device__ constexpr int half_of(int box, int parity) {
  return box == 8 ? 1 - parity : box / 4;
}

struct Items {
  const MlaItem* items;
  int begin, end;
};
__device__ __forceinline__ Items items_of_block(const std::byte* plan) {
  const auto* header = reinterpret_cast<const MlaPlanHeader*>(plan);
  // From the L2 cache: this may run before what empties the L1 cache, the wait for the kernel
  // ahead.
  return {reinterpret_cast<const MlaItem*>(plan + __ldcg(&header->items_at)),
          __ldcg(&header->block_begin[blockIdx.x]), __ldcg(&header->block_begin[blockIdx.x + 1])};
}

}  // namespace mla
}  // namespace moebius::kernels
