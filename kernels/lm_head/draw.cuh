// Drawing a token from a row of logits spread over a cluster: sample() of kernels/sample/sample.h.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/device/exact_math.cuh"
#include "kernels/lm_head/row_cluster.cuh"
#include "kernels/lm_head/top_list.h"
#include "kernels/sample/philox.cuh"

namespace moebius::kernels {

/// Marks elements that are out of the draw; every e is at least 0.
inline constexpr float kDropped = -1;

__device__ __forceinline__ std::uint64_t draw_mass(float e) {
  return e > 0 ? static_cast<std::uint64_t>(e * 0x1p40F) : 0;
}

class RowDraw {
 public:
  __device__ RowDraw(RowCluster& cluster, RowShared& shared, const Slice& slice)
      : cluster_(cluster), shared_(shared), slice_(slice) {}

  /// The key of the best logit above -inf, 0 if there is none; the same in every block.
  __device__ std::uint64_t best() {
    float most = -std::numeric_limits<float>::infinity();
    std::int64_t at = -1;
#pragma unroll 8
    for (std::int64_t i = threadIdx.x; i < slice_.count; i += kRowThreads) {
      const float x = slice_.x[i];
      at = x > most ? i : at;  // the lower id stays among equals
      most = x > most ? x : most;
    }
    return cluster_.maximum(at < 0 ? 0
                                   : top_key(most, static_cast<std::int32_t>(slice_.first + at)));
  }

  /// Replaces the logits by their e and draws; `max` is the greatest logit, above -inf. The
  /// token's id in one thread of the cluster, -1 in the others.
  __device__ std::int32_t sampled(const Draw& draw, float max, std::int64_t vocab) {
    exponentials(max, draw.temperature);
    if (draw.top_k > 0 && draw.top_k < vocab) {
      keep(static_cast<std::uint64_t>(draw.top_k), [](float e) { return std::uint64_t{e >= 0}; });
    }
    if (draw.top_p < 1) {
      const double all = static_cast<double>(cluster_.total(mass_of_thread()));
      const double share = static_cast<double>(draw.top_p) * all;
      const auto target = static_cast<std::uint64_t>(ceil(share));
      // All e below this together have no more than half of what may be left out, so the run
      // ends above it: they need no counting.
      const auto least = static_cast<float>((all - share) * 0x1p-41 / static_cast<double>(vocab));
      keep(target > 1 ? target : 1, [=](float e) { return e >= least ? draw_mass(e) : 0; });
    }
    if (draw.min_p > 0) {
      drop_unless([&](std::int64_t i) { return slice_.x[i] >= draw.min_p; });
    }
    return pick(draw_uniform(draw));
  }

 private:
  __device__ void exponentials(float max, float temperature) {
#pragma unroll 4
    for (std::int64_t i = threadIdx.x; i < slice_.count; i += kRowThreads) {
      const float x = slice_.x[i];
      const float e = exact_exp((x - max) / temperature);
      slice_.x[i] = x == max ? 1.0F : e == e ? e : 0.0F;
    }
    __syncthreads();  // all replaced before others read them
  }

  template <class In>
  __device__ void drop_unless(const In& in) {
    for (std::int64_t i = threadIdx.x; i < slice_.count; i += kRowThreads) {
      if (!in(i)) slice_.x[i] = kDropped;
    }
    __syncthreads();  // all dropped before others read them
  }

  /// Keeps the shortest run of (e descending, id ascending) whose measure reaches `target`.
  template <class Measure>
  __device__ void keep(std::uint64_t target, const Measure& measure) {
    // e is at most 1, so its two highest bits are zero: without them the bins are finer.
    const auto key = [&](std::int64_t i) { return __float_as_uint(slice_.x[i]) << 2; };
    const auto in = [&](std::int64_t i) { return slice_.x[i] >= 0; };
    const RunEnd end = cluster_.run_end(slice_.count, target, key,
                                        [&](std::int64_t i) { return measure(slice_.x[i]); });
    const float last = __uint_as_float(end.key >> 2);
    const std::int64_t last_id = last_equal_id(cluster_, slice_, end, measure(last), key, in);
    drop_unless([&](std::int64_t i) {
      return slice_.x[i] > last || (slice_.x[i] == last && slice_.first + i <= last_id);
    });
  }

  /// Each warp has a stretch of ids of its own, so that stretches lie in the order of ids.
  __device__ std::int64_t stretch() const {
    return (slice_.count + kRowThreads - 1) / kRowThreads * kWarp;
  }

  __device__ std::uint64_t mass_of_thread() const {
    const std::int64_t begin = threadIdx.x / kWarp * stretch();
    const std::int64_t end = begin + stretch() < slice_.count ? begin + stretch() : slice_.count;
    std::uint64_t sum = 0;
#pragma unroll 4
    for (std::int64_t i = begin + threadIdx.x % kWarp; i < end; i += kWarp) {
      sum += draw_mass(slice_.x[i]);
    }
    return sum;
  }

  /// The first token, by ascending id, at which the running mass exceeds u / 2^64 of the whole.
  __device__ std::int32_t pick(std::uint64_t u) {
    std::uint64_t before = 0;
    const std::uint64_t total = cluster_.total(mass_of_thread(), &before);
    const std::uint64_t threshold = __umul64hi(u, total);
    // total() left every warp's mass behind.
    std::uint64_t own = shared_.warp_values[threadIdx.x / kWarp];
    for (unsigned w = 0; w < threadIdx.x / kWarp; ++w) before += shared_.warp_values[w];
    if (threshold < before || threshold - before >= own) return -1;
    const std::int64_t lane = threadIdx.x % kWarp;
    for (std::int64_t i = threadIdx.x / kWarp * stretch() + lane;; i += kWarp) {
      std::uint64_t sum = i < slice_.count ? draw_mass(slice_.x[i]) : 0;
      for (int lanes = 1; lanes < kWarp; lanes *= 2) {
        const std::uint64_t other = __shfl_up_sync(kAllLanes, sum, lanes);
        if (lane >= lanes) sum += other;
      }
      const unsigned beyond = __ballot_sync(kAllLanes, before + sum > threshold);
      if (beyond != 0) {
        if (lane != __ffs(static_cast<int>(beyond)) - 1) return -1;
        return static_cast<std::int32_t>(slice_.first + i);
      }
      before += __shfl_sync(kAllLanes, sum, kWarp - 1);
    }
  }

  RowCluster& cluster_;
  RowShared& shared_;
  Slice slice_;
};

}  // namespace moebius::kernels
