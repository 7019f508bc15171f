// The stable counting sort of tokens to experts on the device, by blocks of at most 64 rows.
//
// Every expert keeps a 64-bit mask of the block's rows that chose it: a bit's rank in the mask
// is the row's place among the block's, so no order is left to chance and nothing is counted
// by atomics. What lies before a block comes from the counts of the blocks before.
#pragma once

#include <cstdint>

#include "kernels/device/vectors.cuh"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {

inline constexpr int kRouterThreads = 512;
inline constexpr std::int64_t kBlockRows = 64;
inline constexpr std::int64_t kMaxRouted = 1024;  // experts + shared

/// A block's masks and counts, in shared memory.
struct BlockRows {
  unsigned long long masks[kMaxRouted];  // bit i: row first + i chose the expert
  std::int32_t places[kMaxRouted];       // permuted row of the block's first of each expert
  std::int32_t counts[kMaxRouted];       // of this block's rows
  std::int32_t totals[kMaxRouted];       // of all rows
  std::int32_t warp_sums[kRouterThreads / kWarp];
};

/// Masks of a block of `rows` rows before anyone chose: shared experts serve all of them.
__device__ __forceinline__ void clear_masks(const RouterCudaArgs& a, std::int64_t rows,
                                            BlockRows& block) {
  const std::int64_t routed = a.router.experts + a.shared;
  for (std::int64_t e = threadIdx.x; e < routed; e += blockDim.x) {
    const unsigned long long all = rows == kBlockRows ? ~0ULL : (1ULL << rows) - 1;
    block.masks[e] = e < a.router.experts ? 0 : all;
  }
  __syncthreads();  // masks cleared before any is marked
}

__device__ __forceinline__ void mark(BlockRows& block, std::int64_t row, std::int64_t expert) {
  atomicOr(&block.masks[expert], 1ULL << row);  // bits: their order does not matter
}

__device__ __forceinline__ void count_marks(const RouterCudaArgs& a, BlockRows& block) {
  __syncthreads();  // masks complete before they are counted
  for (std::int64_t e = threadIdx.x; e < a.router.experts + a.shared; e += blockDim.x) {
    block.counts[e] = __popcll(block.masks[e]);
  }
}

/// What slot k of the block's row gets: the place of `expert`'s row.
__device__ __forceinline__ void place_slot(const RouterCudaArgs& a, const BlockRows& block,
                                           std::int64_t first, std::int64_t row, std::int64_t k,
                                           std::int64_t expert) {
  const std::int64_t slots = a.router.top_k + a.shared;
  const std::int32_t place =
      block.places[expert] + __popcll(block.masks[expert] & ((1ULL << row) - 1));
  a.slots[(first + row) * slots + k] = place;
  a.source_rows[place] = static_cast<std::int32_t>(first + row);
}

/// From places holding what lies before this block per expert, and totals, to the final
/// places; block 0 writes offsets and adds to loads.
__device__ __forceinline__ void place_experts(const RouterCudaArgs& a, bool first_block,
                                              BlockRows& block) {
  const int routed = static_cast<int>(a.router.experts + a.shared);
  constexpr int kEach = static_cast<int>(kMaxRouted) / kRouterThreads;
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();  // totals written before they are read
  std::int32_t own[kEach] = {};
  std::int32_t sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = thread * kEach + i;
    own[i] = e < routed ? block.totals[e] : 0;
    sum += own[i];
  }
  std::int32_t before = sum;
#pragma unroll
  for (int lanes = 1; lanes < kWarp; lanes *= 2) {
    const std::int32_t other = __shfl_up_sync(kAllLanes, before, lanes);
    if (thread % kWarp >= lanes) before += other;
  }
  if (thread % kWarp == kWarp - 1) block.warp_sums[thread / kWarp] = before;
  before -= sum;
  __syncthreads();  // sums of all warps written before they are read
  for (int w = 0; w < thread / kWarp; ++w) before += block.warp_sums[w];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = thread * kEach + i;
    if (e >= routed) break;
    block.places[e] += before;
    if (first_block) {
      a.offsets[e] = before;
      if (a.loads && e < a.router.experts) a.loads[e] += own[i];
    }
    before += own[i];
    if (first_block && e == routed - 1) a.offsets[routed] = before;
  }
  __syncthreads();  // places final before rows are sorted by them
}

}  // namespace moebius::kernels
