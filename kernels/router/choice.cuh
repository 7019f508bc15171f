// One row's choice of experts by one warp: the formulas and ties of router() on the host.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/device/exact_math.cuh"
#include "kernels/device/vectors.cuh"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {

/// What a warp needs of shared memory besides, for rows of `experts`.
struct ChoiceMemory {
  float* scores;         // [experts]
  float* keys;           // [experts]; group limits only
  std::uint32_t* ranks;  // [groups]
};

/// Floats of a warp's ChoiceMemory; a multiple of four, for chains read sixteen bytes at a time.
__host__ __device__ inline std::int64_t choice_floats(const RouterArgs& a) {
  return ((a.groups > 1 ? 2 * a.experts + a.groups : a.experts) + 3) / 4 * 4;
}

/// Orders as the floats do, above 0 for every number; keys are neither NaN nor -0.
__device__ __forceinline__ std::uint32_t ordered(float key) {
  const std::uint32_t bits = __float_as_uint(key);
  return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

inline constexpr float kNever = -std::numeric_limits<float>::infinity();

/// s = score(logits) of expert lane + 32 i in s[i], and all of them in memory.scores.
template <int kEach>
__device__ __forceinline__ void score_row(const RouterArgs& a, std::int64_t row, int lane,
                                          float (&s)[kEach], const ChoiceMemory& memory) {
  const int experts = static_cast<int>(a.experts);
  const float* logits = a.logits + row * a.experts;
  float max = kNever;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = lane + kWarp * i;
    s[i] = e < experts ? logits[e] : kNever;
    max = s[i] > max ? s[i] : max;  // never a NaN
  }
  if (a.score == RouterScore::kSigmoid) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) s[i] = exact_sigmoid(s[i]);
  } else {
    max = warp_max(max);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      s[i] = exact_exp(s[i] - max);
      if (lane + kWarp * i < experts) memory.scores[lane + kWarp * i] = s[i];
    }
    __syncwarp();  // exponentials written before all lanes add them up
    // One chain over ascending ids, the host's order, in every lane alike.
    float sum = 0;
    int e = 0;
    for (; e + 4 <= experts; e += 4) {
      const float4 x = *reinterpret_cast<const float4*>(memory.scores + e);
      sum = (((sum + x.x) + x.y) + x.z) + x.w;
    }
    for (; e < experts; ++e) sum += memory.scores[e];
    __syncwarp();  // exponentials read before scores replace them
#pragma unroll
    for (int i = 0; i < kEach; ++i) s[i] = flushed(s[i] / sum);
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (lane + kWarp * i < experts) memory.scores[lane + kWarp * i] = s[i];
  }
  __syncwarp();  // scores written before other lanes read them
}

/// The ordered group score of group g, in each of the 2^lane_bits lanes that share the group.
__device__ __forceinline__ std::uint32_t group_rank(const RouterArgs& a, const float* keys,
                                                    int size, int g, int lane, int lane_bits) {
  const int lanes = 1 << lane_bits;
  const int steps = (size + lanes - 1) >> lane_bits;
  float first = kNever, second = kNever;
  // Groups start at different steps: they would all meet in one bank.
  int step = g;
  while (step >= steps) step -= steps;
  for (int i = 0; i < steps; ++i) {
    const int at = (lane & (lanes - 1)) + (step << lane_bits);
    const float key = g < a.groups && at < size ? keys[g * size + at] : kNever;
    second = fmaxf(second, fminf(first, key));
    first = fmaxf(first, key);
    step = step + 1 == steps ? 0 : step + 1;
  }
  for (int apart = 1; apart < lanes; apart *= 2) {
    const float other_first = __shfl_xor_sync(kAllLanes, first, apart);
    const float other_second = __shfl_xor_sync(kAllLanes, second, apart);
    second = fmaxf(fminf(first, other_first), fmaxf(second, other_second));
    first = fmaxf(first, other_first);
  }
  const float score = a.group_score == GroupScore::kMax ? first : first + second;
  return ordered(score == score ? score : kNever);
}

/// ranks[g] != 0 where group g is one of the best.
__device__ __forceinline__ void limit_groups(const RouterArgs& a, int lane,
                                             const ChoiceMemory& memory) {
  const int groups = static_cast<int>(a.groups);
  const int size = static_cast<int>(a.experts) / groups;
  int lane_bits = 0;  // of the lanes to a group
  while (groups << (lane_bits + 1) <= kWarp) ++lane_bits;
  for (int base = 0; base < groups; base += kWarp >> lane_bits) {
    const int g = base + (lane >> lane_bits);
    const std::uint32_t rank = group_rank(a, memory.keys, size, g, lane, lane_bits);
    if (g < groups) memory.ranks[g] = rank;  // the same from all its lanes
  }
  __syncwarp();            // group scores written before they are compared
  std::uint32_t kept = 0;  // bit i: of this lane's i-th group
  for (int i = 0; lane + kWarp * i < groups; ++i) {
    const int g = lane + kWarp * i;
    const std::uint32_t mine = memory.ranks[g];
    std::int64_t better = 0;
    for (int other = 0; other < groups; ++other) {
      const std::uint32_t rank = memory.ranks[other];
      better += rank > mine || (rank == mine && other < g);
    }
    kept |= static_cast<std::uint32_t>(better < a.top_groups) << i;
  }
  __syncwarp();  // group scores read before flags replace them
  for (int i = 0; lane + kWarp * i < groups; ++i) memory.ranks[lane + kWarp * i] = kept >> i & 1;
  __syncwarp();  // flags written before other lanes read them
}

/// The bias of this lane's experts, zero where there is none.
template <int kEach>
__device__ __forceinline__ void bias_row(const RouterArgs& a, int lane, float (&bias)[kEach]) {
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    bias[i] = a.bias && lane + kWarp * i < a.experts ? a.bias[lane + kWarp * i] : 0.0F;
  }
}

/// Ordered keys of this lane's experts, 0 for those that do not exist.
template <int kEach>
__device__ __forceinline__ void key_row(const RouterArgs& a, int lane, const float (&s)[kEach],
                                        const float (&bias)[kEach], std::uint32_t (&keys)[kEach],
                                        const ChoiceMemory& memory) {
  const int experts = static_cast<int>(a.experts);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = lane + kWarp * i;
    float c = s[i];
    if (a.bias) c = flushed(c + bias[i]);
    c = c == c ? c : kNever;
    keys[i] = e < experts ? ordered(c) : 0;
    if (a.groups > 1 && e < experts) memory.keys[e] = c;
  }
  if (a.groups == 1) return;
  __syncwarp();  // keys written before groups are scored
  limit_groups(a, lane, memory);
  // Halves of experts keep the product away from whole groups, whatever its rounding.
  const float per_expert = static_cast<float>(a.groups) / static_cast<float>(experts);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = lane + kWarp * i;
    const int group = static_cast<int>((static_cast<float>(e) + 0.5F) * per_expert);
    if (e < experts && memory.ranks[group] == 0) keys[i] = ordered(kNever);
  }
}

/// Bit i: expert lane + 32 i is one of the top_k; keys are used up.
template <int kEach>
__device__ __forceinline__ std::uint32_t best(std::int64_t top_k, int lane,
                                              std::uint32_t (&keys)[kEach]) {
  std::uint32_t chosen = 0;
  for (std::int64_t k = 0; k < top_k; ++k) {
    std::uint32_t key = 0;
    int mine = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      mine = keys[i] > key ? i : mine;  // the lower id stays among equals
      key = keys[i] > key ? keys[i] : key;
    }
    const std::uint32_t most = __reduce_max_sync(kAllLanes, key);
    const unsigned id = key == most ? static_cast<unsigned>(lane + kWarp * mine) : ~0U;
    const unsigned winner = __reduce_min_sync(kAllLanes, id);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {  // selects, not stores: keys stay in registers
      const bool won = winner == static_cast<unsigned>(lane + kWarp * i);
      keys[i] = won ? 0 : keys[i];
      chosen |= won ? 1U << i : 0U;
    }
  }
  return chosen;
}

/// Ids in ascending order and their weights, then the shared experts.
template <int kEach>
__device__ __forceinline__ void write_row(const RouterCudaArgs& a, std::int64_t row, int lane,
                                          std::uint32_t chosen, const ChoiceMemory& memory) {
  const RouterArgs& r = a.router;
  const int top_k = static_cast<int>(r.top_k);
  const int slots = top_k + static_cast<int>(a.shared);
  std::int32_t* ids = r.expert_ids + row * slots;
  float* weights = r.expert_weights + row * slots;
  float sum = 0;  // in slot order, in every lane alike
  int slot = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const bool mine = chosen >> i & 1;
    unsigned lanes = __ballot_sync(kAllLanes, mine);
    if (mine) ids[slot + __popc(lanes & ((1U << lane) - 1))] = lane + kWarp * i;
    slot += __popc(lanes);
    for (; lanes != 0; lanes &= lanes - 1) sum += memory.scores[__ffs(lanes) - 1 + kWarp * i];
  }
  const float divisor = r.normalize ? sum + 1e-20F : 1.0F;
  slot = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const bool mine = chosen >> i & 1;
    const unsigned lanes = __ballot_sync(kAllLanes, mine);
    if (mine) {
      weights[slot + __popc(lanes & ((1U << lane) - 1))] =
          flushed(flushed(memory.scores[lane + kWarp * i] / divisor) * r.scale);
    }
    slot += __popc(lanes);
  }
  for (int k = lane; k < a.shared; k += kWarp) {
    ids[top_k + k] = static_cast<std::int32_t>(r.experts) + k;
    weights[top_k + k] = 1;
  }
}

/// Routes one row; bit i of what it returns: expert lane + 32 i was chosen. kEach:
/// ceil(experts / 32) or more, at most 16.
template <int kEach>
__device__ __forceinline__ std::uint32_t choose_row(const RouterCudaArgs& a, std::int64_t row,
                                                    float* memory) {
  const RouterArgs& r = a.router;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const ChoiceMemory at{memory, memory + r.experts,
                        reinterpret_cast<std::uint32_t*>(memory + 2 * r.experts)};
  float s[kEach], bias[kEach];
  std::uint32_t keys[kEach];
  if (kEach <= 8) bias_row(r, lane, bias);  // on its way with the logits
  score_row(r, row, lane, s, at);
  if (kEach > 8) bias_row(r, lane, bias);  // registers are dearer
  key_row(r, lane, s, bias, keys, at);
  const std::uint32_t chosen = best(r.top_k, lane, keys);
  write_row<kEach>(a, row, lane, chosen, at);
  __syncwarp();  // this row's scores read before the next row's replace them
  return chosen;
}

}  // namespace moebius::kernels
