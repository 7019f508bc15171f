// A row of logits spread over the shared memory of a cluster of blocks, and what its blocks find
// out together: sums, maxima, and where in the sorted order a count or a mass is reached.
//
// Everything here is exact (integers, maxima), so neither the number of blocks nor the order in
// which they come changes a result.
#pragma once

#include <cooperative_groups.h>

#include <cstdint>

#include "kernels/device/vectors.cuh"

namespace moebius::kernels {

inline constexpr int kRowBlocks = 8;  // the largest portable cluster
inline constexpr int kRowThreads = 512;
inline constexpr int kRowWarps = kRowThreads / kWarp;
inline constexpr int kBins = 2048;

/// A block's part of what the cluster shares; beside it lie its logits.
struct alignas(16) RowShared {
  std::uint32_t low[kBins], high[kBins];  // this block's histogram, 64 bits in two words
  std::uint64_t totals[kBins];            // the cluster's
  std::uint64_t exchange[2][kRowBlocks];
  std::uint64_t warp_values[kRowWarps];
  std::uint64_t found_left, found_equals;
  std::uint32_t found_bin;
  std::uint32_t list_count;
};

/// Where a run of the order (key descending) that reaches its target ends.
struct RunEnd {
  std::uint32_t key;     // of its last element
  std::uint64_t left;    // what elements of that key must add, 1 .. equals
  std::uint64_t equals;  // what all elements of that key would add
};

class RowCluster {
 public:
  __device__ explicit RowCluster(RowShared& shared)
      : cluster_(cooperative_groups::this_cluster()), shared_(shared) {}

  __device__ unsigned rank() const { return cluster_.block_rank(); }
  __device__ void sync() const { cluster_.sync(); }
  template <class T>
  __device__ T* of_rank(T* p, unsigned rank) const {
    return cluster_.map_shared_rank(p, rank);
  }

  /// Sum over all threads of the block, in all of them.
  __device__ std::uint64_t block_total(std::uint64_t x) {
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(kAllLanes, x, lanes);
    return over_warps(x, [](std::uint64_t a, std::uint64_t b) { return a + b; });
  }

  /// Sum over the cluster; `before`: over blocks of lower rank.
  __device__ std::uint64_t total(std::uint64_t x, std::uint64_t* before = nullptr) {
    const std::uint64_t* values = exchanged(block_total(x));
    std::uint64_t sum = 0;
    for (unsigned b = 0; b < kRowBlocks; ++b) {
      if (before && b == rank()) *before = sum;
      sum += values[b];
    }
    return sum;
  }

  __device__ std::uint64_t maximum(std::uint64_t x) {
    const auto greater = [](std::uint64_t a, std::uint64_t b) { return a > b ? a : b; };
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
      x = greater(x, __shfl_xor_sync(kAllLanes, x, lanes));
    }
    const std::uint64_t* values = exchanged(over_warps(x, greater));
    for (unsigned b = 0; b < kRowBlocks; ++b) x = greater(x, values[b]);
    return x;
  }

  /// The end of the shortest run whose measure reaches `target`, 1 .. the measure of all.
  /// key(i) and measure(i) of the block's elements i in [0, count); measure 0: not in the run.
  template <class Key, class Measure>
  __device__ RunEnd run_end(std::int64_t count, std::uint64_t target, const Key& key,
                            const Measure& measure) {
    RunEnd end = {0, target, 0};
    for (int shift = 21; shift >= 0; shift = shift == 21 ? 10 : shift - 10) {
      const int bits = shift == 0 ? 10 : 11;
      count_bins(count, shift, bits, end.key, key, measure);
      add_up_bins();
      find_bin(end.left);
      end = {end.key << bits | shared_.found_bin, shared_.found_left, shared_.found_equals};
    }
    return end;
  }

 private:
  template <class Merge>
  __device__ std::uint64_t over_warps(std::uint64_t x, const Merge& merge) {
    __syncthreads();  // the values of the last call read before they are replaced
    if (threadIdx.x % kWarp == 0) shared_.warp_values[threadIdx.x / kWarp] = x;
    __syncthreads();  // all written before any is read
    x = shared_.warp_values[0];
    for (int w = 1; w < kRowWarps; ++w) x = merge(x, shared_.warp_values[w]);
    return x;
  }

  /// Every block's x, in all blocks. Two buffers: a block may only write one again after the
  /// barrier of the call between, which all pass after reading it.
  __device__ const std::uint64_t* exchanged(std::uint64_t x) {
    parity_ ^= 1;
    std::uint64_t* values = shared_.exchange[parity_];
    if (threadIdx.x < kRowBlocks) of_rank(values, threadIdx.x)[rank()] = x;
    sync();
    return values;
  }

  template <class Key, class Measure>
  __device__ void count_bins(std::int64_t count, int shift, int bits, std::uint32_t prefix,
                             const Key& key, const Measure& measure) {
    for (int b = threadIdx.x; b < kBins; b += kRowThreads) shared_.low[b] = shared_.high[b] = 0;
    __syncthreads();  // bins cleared before any is added to
    for (std::int64_t i = threadIdx.x; i < count; i += kRowThreads) {
      const std::uint64_t k = key(i);
      if (k >> shift >> bits != prefix) continue;
      const std::uint64_t m = measure(i);
      if (m == 0) continue;
      const std::uint32_t bin = static_cast<std::uint32_t>(k >> shift) & ((1U << bits) - 1);
      const auto low = static_cast<std::uint32_t>(m);
      const std::uint32_t old = atomicAdd(&shared_.low[bin], low);
      const auto high = static_cast<std::uint32_t>(m >> 32) + (old + low < old ? 1U : 0U);
      if (high != 0) atomicAdd(&shared_.high[bin], high);
    }
  }

  /// totals of all blocks' bins, in all blocks: each adds up an eighth of them.
  __device__ void add_up_bins() {
    constexpr int kShare = kBins / kRowBlocks;
    sync();  // every block's bins final before they are read
    if (threadIdx.x < kShare) {
      const unsigned bin = rank() * kShare + threadIdx.x;
      std::uint64_t sum = 0;
      for (unsigned b = 0; b < kRowBlocks; ++b) {
        sum += std::uint64_t{of_rank(shared_.high, b)[bin]} << 32 | of_rank(shared_.low, b)[bin];
      }
      for (unsigned b = 0; b < kRowBlocks; ++b) of_rank(shared_.totals, b)[bin] = sum;
    }
    sync();  // totals written before they are searched; bins read before they are cleared
  }

  /// The bin, from the highest down, at which the running total reaches `target`.
  __device__ void find_bin(std::uint64_t target) {
    constexpr int kEach = kBins / kRowThreads;
    const int thread = static_cast<int>(threadIdx.x);
    std::uint64_t sum = 0;
    for (int i = 0; i < kEach; ++i) sum += shared_.totals[kBins - 1 - thread * kEach - i];
    std::uint64_t before = sum;
    for (int lanes = 1; lanes < kWarp; lanes *= 2) {
      const std::uint64_t other = __shfl_up_sync(kAllLanes, before, lanes);
      if (thread % kWarp >= lanes) before += other;
    }
    if (thread % kWarp == kWarp - 1) shared_.warp_values[thread / kWarp] = before;
    before -= sum;
    __syncthreads();  // sums of all warps written before they are read
    for (int w = 0; w < thread / kWarp; ++w) before += shared_.warp_values[w];
    for (int i = 0; i < kEach; ++i) {
      const int bin = kBins - 1 - thread * kEach - i;
      const std::uint64_t own = shared_.totals[bin];
      if (before < target && target <= before + own) {
        shared_.found_bin = static_cast<std::uint32_t>(bin);
        shared_.found_left = target - before;
        shared_.found_equals = own;
      }
      before += own;
    }
    __syncthreads();  // found_* written before they are read
  }

  cooperative_groups::cluster_group cluster_;
  RowShared& shared_;
  int parity_ = 0;
};

/// Elements of a row that one block of its cluster holds.
struct Slice {
  float* x;            // [count]; the block's own
  std::int64_t first;  // id of x[0]
  std::int64_t count;
};

/// Of the elements whose key is end.key, the last id in the run when they are taken by ascending
/// id, `each` of the measure a piece; all ids if they all are needed.
template <class Key, class In>
__device__ std::int64_t last_equal_id(RowCluster& cluster, const Slice& slice, const RunEnd& end,
                                      std::uint64_t each, const Key& key, const In& in) {
  const std::uint64_t wanted = (end.left + each - 1) / each;
  if (wanted * each >= end.equals) return INT32_MAX;
  const RunEnd last = cluster.run_end(
      slice.count, wanted,
      [&](std::int64_t i) { return ~static_cast<std::uint32_t>(slice.first + i); },
      [&](std::int64_t i) { return std::uint64_t{in(i) && key(i) == end.key}; });
  return static_cast<std::int64_t>(~last.key);
}

}  // namespace moebius::kernels
