// The arithmetic of MLA attention that every variant shares, so that a row's bits are one
// function of its query and its keys.
//
// Scores s are products in float32, dimensions in ascending steps of 16. With c = scale *
// log2(e), weights are 2^(s c - r), where the reference r follows the running maximum of s c from
// below: it moves to that maximum only when the maximum is more than kSlack above it. So weights
// are at most 2^kSlack, and sums need a rescale, by 2^(old r - new r), only then. The weights' sum
// takes them before, the product with values after rounding to bf16.
#pragma once

#include <cstdint>

#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"

namespace moebius::kernels {

/// A thread's two rows of a tile: lane / 4 of the warp's 16, and that + 8.
struct RowPair {
  float low = 0, high = 0;
};

__device__ __forceinline__ float next_reference(float reference, float maximum, bool first) {
  constexpr float kSlack = 8.0f;
  return first || maximum > __fadd_rn(reference, kSlack) ? maximum : reference;
}

/// What sums under `from` are to be multiplied with to stand under `to`.
__device__ __forceinline__ float rescale_factor(float from, float to) {
  return exp2_fast(__fsub_rn(from, to));
}

/// How the sums of a closed chunk join those of the chunks before it: total = total * of_total +
/// part * of_part, three roundings, subnormals flushed. The reference moves as inside a chunk, so
/// of_total is nearly always 1, and then add_in_memory() does the same.
struct Fold {
  float reference, of_total, of_part;
};
__device__ __forceinline__ Fold fold_of(float total_reference, float part_reference) {
  const float to = next_reference(total_reference, part_reference, false);
  return {to, rescale_factor(total_reference, to), rescale_factor(part_reference, to)};
}
__device__ __forceinline__ float multiply_flushed(float a, float b) {
  float y;
  asm("mul.rn.ftz.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
/// `part` times of_part already.
__device__ __forceinline__ float fold_scaled(float total, float part, const Fold& f) {
  float y;
  asm("add.rn.ftz.f32 %0, %1, %2;" : "=f"(y) : "f"(multiply_flushed(total, f.of_total)), "f"(part));
  return y;
}
__device__ __forceinline__ float fold(float total, float part, const Fold& f) {
  return fold_scaled(total, multiply_flushed(part, f.of_part), f);
}

/// *to += x in the L2 cache (round to nearest, subnormals flushed), without waiting for it. The
/// order of sums stays fixed: only this thread ever writes *to, in program order.
__device__ __forceinline__ void add_in_memory(float4* to, float4 x) {
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(x.x),
               "f"(x.y), "f"(x.z), "f"(x.w)
               : "memory");
}

__device__ __forceinline__ float finish(float o, float sum) {
  return __fmul_rn(o, __frcp_rn(sum));
}

__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffff, x, 2));
}

__device__ __forceinline__ float quad_sum(float x) {
  x = __fadd_rn(x, __shfl_xor_sync(0xffffffff, x, 1));
  return __fadd_rn(x, __shfl_xor_sync(0xffffffff, x, 2));
}

/// Keys of the tile behind `last` count for nothing, whatever they hold.
__device__ __forceinline__ void mask_scores(float (&s)[32], int last) {
  const int column = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    if (column + i / 4 * 8 + i % 2 > last) s[i] = -INFINITY;
  }
}

/// Maxima over the tile of each row's scores, times c.
__device__ __forceinline__ RowPair tile_maximum(const float (&s)[32], float c) {
  RowPair m{-INFINITY, -INFINITY};
#pragma unroll
  for (int i = 0; i < 32; i += 4) {
    m.low = fmaxf(m.low, fmaxf(s[i], s[i + 1]));
    m.high = fmaxf(m.high, fmaxf(s[i + 2], s[i + 3]));
  }
  return {__fmul_rn(quad_max(m.low), c), __fmul_rn(quad_max(m.high), c)};
}

/// Scores to weights, as the A fragments of four steps of 16 keys; adds them to this thread's part
/// of the sums.
__device__ __forceinline__ void weigh(const float (&s)[32], float c, RowPair reference,
                                      RowPair& sum, std::uint32_t (&weights)[4][4]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const float low0 = exp2_fast(__fmaf_rn(s[4 * i], c, -reference.low));
    const float low1 = exp2_fast(__fmaf_rn(s[4 * i + 1], c, -reference.low));
    const float high0 = exp2_fast(__fmaf_rn(s[4 * i + 2], c, -reference.high));
    const float high1 = exp2_fast(__fmaf_rn(s[4 * i + 3], c, -reference.high));
    sum.low = __fadd_rn(sum.low, __fadd_rn(low0, low1));
    sum.high = __fadd_rn(sum.high, __fadd_rn(high0, high1));
    weights[i / 2][i % 2 * 2] = pack_bf16(low0, low1);
    weights[i / 2][i % 2 * 2 + 1] = pack_bf16(high0, high1);
  }
}

}  // namespace moebius::kernels
