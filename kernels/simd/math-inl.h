// exp, sigmoid and silu of float32 vectors: the bits of kernels/simd/math.h, many at once.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_SIMD_MATH_INL_H_
#undef MOEBIUS_KERNELS_SIMD_MATH_INL_H_
#else
#define MOEBIUS_KERNELS_SIMD_MATH_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "kernels/simd/math.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {

/// See exp_scalar.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  namespace c = exp_constants;
  const hn::RebindToUnsigned<D> du;
  const V round = hn::Set(d, c::kRound);
  const V shifted = hn::MulAdd(x, hn::Set(d, c::kLog2E), round);
  const V n = hn::Sub(shifted, round);
  V r = hn::NegMulAdd(n, hn::Set(d, c::kLn2High), x);
  r = hn::NegMulAdd(n, hn::Set(d, c::kLn2Low), r);
  V p = hn::MulAdd(hn::Set(d, c::kC6), r, hn::Set(d, c::kC5));
  p = hn::MulAdd(p, r, hn::Set(d, c::kC4));
  p = hn::MulAdd(p, r, hn::Set(d, c::kC3));
  p = hn::MulAdd(p, r, hn::Set(d, c::kC2));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(du, shifted));
  V y = hn::BitCast(d, hn::Add(hn::BitCast(du, p), exponent));
  y = hn::IfThenElse(hn::Gt(x, hn::Set(d, c::kHighest)),
                     hn::Set(d, std::numeric_limits<float>::infinity()), y);
  y = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, c::kLowest)), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

/// See sigmoid_scalar.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

/// See silu_scalar.
template <class D, class V>
HWY_INLINE V silu(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::Div(x, hn::Add(hn::Set(d, 1.0F), exp(d, hn::Neg(x))));
}

}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
