// exp, log and sigmoid of one float32 on the device: the operations of kernels/simd/math.h in
// the same order, so the host and the device have the same bits.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/simd/math.h"

namespace moebius::kernels {

/// See exp_scalar.
__device__ __forceinline__ float exact_exp(float x) {
  namespace c = exp_constants;
  const float shifted = fmaf(x, c::kLog2E, c::kRound);
  const float n = shifted - c::kRound;
  const float r = fmaf(-n, c::kLn2Low, fmaf(-n, c::kLn2High, x));
  float p = fmaf(c::kC6, r, c::kC5);
  p = fmaf(p, r, c::kC4);
  p = fmaf(p, r, c::kC3);
  p = fmaf(p, r, c::kC2);
  p = fmaf(p, r, 1.0F);
  p = fmaf(p, r, 1.0F);
  float y = __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
  y = x > c::kHighest ? std::numeric_limits<float>::infinity() : y;
  y = x < c::kLowest ? 0.0F : y;
  return x == x ? y : x;
}

/// See log_scalar: rounded once from double, whose last bits hardly ever matter.
__device__ __forceinline__ float exact_log(float x) {
  return static_cast<float>(log(static_cast<double>(x)));
}

/// Host kernels flush subnormal results to zero; so must what is compared with theirs.
__device__ __forceinline__ float flushed(float x) {
  return fabsf(x) < std::numeric_limits<float>::min() ? 0.0F : x;
}

/// See sigmoid_scalar.
__device__ __forceinline__ float exact_sigmoid(float x) {
  return flushed(1.0F / (1.0F + exact_exp(-x)));
}

}  // namespace moebius::kernels
