// Formulas whose bits every kernel variant must share: one function each, on named intrinsics.
#pragma once

namespace moebius::kernels {

/// 2^x: ex2.approx, subnormal results flushed to zero; relative error <= 2^-22 (PTX ISA, ex2).
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// g / (1 + exp(-g)). -0 for g so negative that the exponential overflows; NaN for -inf, as the
/// formula has it. Relative error <= 2^-20 for |g| <= 16.
__device__ __forceinline__ float silu(float g) {
  const float e = exp2_fast(__fmul_rn(g, -1.4426950408889634f));
  return __fdividef(g, __fadd_rn(1.0f, e));
}

}  // namespace moebius::kernels
