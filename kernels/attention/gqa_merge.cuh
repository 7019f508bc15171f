// Grouped-query attention on the device: merging the results of chunks, within a block and across.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/attention/gqa_feed.cuh"
#include "kernels/device/barrier.cuh"
#include "kernels/device/math.cuh"

namespace moebius::kernels::gqa {

/// exp of a difference of two unscaled scores; 1 for equal ones.
__device__ inline float exp_of(float difference, float scale) {
  return exp2_fast(__fmul_rn(difference, scale));
}

/// a becomes the merge of a, whose chunks come first, and b; returns what to multiply both with.
/// Every row has seen position 0, so a.m is finite; a chunk that b did not see has m = -inf, l = 0.
struct Weights {
  float a, b;
};
__device__ inline Weights merge_sums(float& m_a, float& l_a, float m_b, float l_b, float scale) {
  const float m = fmaxf(m_a, m_b);
  const Weights w{exp_of(m_a - m, scale), exp_of(m_b - m, scale)};
  m_a = m;
  l_a = fmaf(l_b, w.b, l_a * w.a);
  return w;
}

/// Rows of items that were split: their records merged in order of chunks, divided, written. A
/// warp takes a row.
template <int D>
__global__ void __launch_bounds__(256) merge(const Params params) {
  constexpr int kColumns = D / 32;
  follow_previous_kernel();  // that writes the records
  const int lane = threadIdx.x % 32;
  for (int i = blockIdx.x; i < params.plan->splits; i += gridDim.x) {
    const Split split = splits_of(params.plan)[i];
    const std::int32_t* parts = parts_of(params.plan) + split.part_begin;
    for (int row = threadIdx.x / 32; row < split.rows; row += blockDim.x / 32) {
      float o[kColumns], m = 0, l = 0;
#pragma unroll 4
      for (int part = 0; part < split.parts; ++part) {
        const float* at = params.records + (std::int64_t{parts[part]} + row) * kRecord<D>;
        const float2 sums = *reinterpret_cast<const float2*>(at + D);
        float b[kColumns];
#pragma unroll
        for (int c = 0; c < kColumns; ++c) b[c] = at[lane + 32 * c];
        if (part == 0) {
          m = sums.x, l = sums.y;
#pragma unroll
          for (int c = 0; c < kColumns; ++c) o[c] = b[c];
          continue;
        }
        const Weights w = merge_sums(m, l, sums.x, sums.y, params.scale);
#pragma unroll
        for (int c = 0; c < kColumns; ++c) o[c] = fmaf(b[c], w.b, o[c] * w.a);
      }
      const float one_over = __frcp_rn(l);
      const int place = split.row0 + row;
      __nv_bfloat16* out = params.out + (split.first_row + place / params.group) * params.out_ld +
                           (split.kv_head * params.group + place % params.group) * D;
#pragma unroll
      for (int c = 0; c < kColumns; ++c) out[lane + 32 * c] = __float2bfloat16_rn(o[c] * one_over);
    }
  }
}

}  // namespace moebius::kernels::gqa
