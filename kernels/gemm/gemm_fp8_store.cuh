// The fp8 product's stores: fragments of sums to rows of y, through SiLU where outputs are pairs.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels::fp8 {

/// Four lanes hold two neighbours (in one register) of each of four runs of eight values; after,
/// lane i holds all of run i.
__device__ __forceinline__ void transpose_quad(std::uint32_t (&v)[4]) {
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  const std::uint32_t a = __shfl_xor_sync(0xffffffffU, odd ? v[0] : v[1], 1);
  const std::uint32_t b = __shfl_xor_sync(0xffffffffU, odd ? v[2] : v[3], 1);
  (odd ? v[0] : v[1]) = a;
  (odd ? v[2] : v[3]) = b;
  const std::uint32_t c = __shfl_xor_sync(0xffffffffU, high ? v[0] : v[2], 2);
  const std::uint32_t d = __shfl_xor_sync(0xffffffffU, high ? v[1] : v[3], 2);
  (high ? v[0] : v[2]) = c;
  (high ? v[1] : v[3]) = d;
}

/// Stores a fragment [64, 2 * size] of sums: row `row` and row + 8 of this thread's, if `low` and
/// `high`; `out` is its first output before pairing.
template <bool pairs, int size>
__device__ void store(const GemmCudaArgs& a, const float (&sum)[size], std::int64_t row, bool low,
                      bool high, std::int32_t out, std::int32_t y_column) {
  constexpr int kRuns = size / (pairs ? 8 : 4);  // of eight columns
  const int quad = static_cast<int>(threadIdx.x) % 4;
  const auto columns = static_cast<std::int32_t>(pairs ? a.n / 2 : a.n);
  const std::int32_t column0 = pairs ? out / 2 : out;
  float v[kRuns * 4];
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::int32_t column = column0 + run * 8 + quad * 2 + j % 2;
      if constexpr (pairs) {
        v[run * 4 + j] = __fmul_rn(silu(sum[run * 8 + j]), sum[run * 8 + 4 + j]);
      } else if (a.bias != nullptr && column < columns) {
        v[run * 4 + j] = __fadd_rn(sum[run * 4 + j], a.bias[column]);
      } else {
        v[run * 4 + j] = sum[run * 4 + j];
      }
    }
  }
  constexpr int kWhole = kRuns / 4 * 4;  // runs that leave in fours, 16 bytes a thread
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const bool wanted = h == 0 ? low : high;
    const std::int64_t line = (row + 8 * h) * a.y.ld + y_column + column0;
    if (a.y.dtype == Dtype::kF32) {
      float* y = static_cast<float*>(a.y.data) + line + quad * 2;
#pragma unroll
      for (int run = 0; run < kRuns; ++run) {
        if (wanted && column0 + run * 8 < columns) {
          *reinterpret_cast<float2*>(y + run * 8) = {v[run * 4 + 2 * h], v[run * 4 + 2 * h + 1]};
        }
      }
      continue;
    }
    auto* y = static_cast<__nv_bfloat16*>(a.y.data) + line;
#pragma unroll
    for (int run = 0; run < kWhole; run += 4) {
      std::uint32_t u[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        u[i] = pack_bf16(v[(run + i) * 4 + 2 * h], v[(run + i) * 4 + 2 * h + 1]);
      }
      transpose_quad(u);
      if (wanted && column0 + (run + quad) * 8 < columns) {
        *reinterpret_cast<uint4*>(y + (run + quad) * 8) = {u[0], u[1], u[2], u[3]};
      }
    }
#pragma unroll
    for (int run = kWhole; run < kRuns; ++run) {
      if (wanted && column0 + run * 8 < columns) {
        *reinterpret_cast<std::uint32_t*>(y + run * 8 + quad * 2) =
            pack_bf16(v[run * 4 + 2 * h], v[run * 4 + 2 * h + 1]);
      }
    }
  }
}

}  // namespace moebius::kernels::fp8
