// Loads that widen the short formats to float32 vectors, and stores that round to
// bf16: the bits of kernels/simd/convert.h, many at once.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first. D is any float tag of at most full width.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_SIMD_CONVERT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_SIMD_CONVERT_INL_H_
#undef MOEBIUS_KERNELS_SIMD_CONVERT_INL_H_
#else
#define MOEBIUS_KERNELS_SIMD_CONVERT_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "kernels/simd/convert.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {

template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::VFromD<D> load_bf16(D d, const std::uint16_t* x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const auto narrow = hn::LoadU(hn::Rebind<std::uint16_t, D>(), x);
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, narrow)));
}

template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::VFromD<D> load_f16(D d, const std::uint16_t* x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Rebind<std::uint16_t, D> du16;
  const hn::Rebind<hwy::float16_t, D> df16;
  return hn::PromoteTo(d, hn::BitCast(df16, hn::LoadU(du16, x)));
}

/// Through f16, whose subnormals are exact in every mode: e4m3 differs from f16
/// in its bias only (7 against 15) once its bits are at f16's places.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::VFromD<D> load_e4m3(D d, const std::uint8_t* x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Rebind<std::uint16_t, D> du16;
  const hn::Rebind<hwy::float16_t, D> df16;
  const auto bytes = hn::PromoteTo(du16, hn::LoadU(hn::Rebind<std::uint8_t, D>(), x));
  const auto sign = hn::ShiftLeft<8>(hn::And(bytes, hn::Set(du16, 0x80)));
  const auto magnitude = hn::And(hn::ShiftLeft<7>(bytes), hn::Set(du16, 0x3F80));
  const auto is_nan = hn::Eq(magnitude, hn::Set(du16, 0x3F80));
  const auto half = hn::IfThenElse(is_nan, hn::Set(du16, 0x7E00), magnitude);
  return hn::Mul(hn::PromoteTo(d, hn::BitCast(df16, hn::Or(half, sign))), hn::Set(d, 256.0F));
}

/// x rounded to bf16, still float32: the 16 low bits are zero. See f32_to_bf16.
template <class D, class V>
HWY_INLINE V round_to_bf16(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF)));
  const auto quiet = hn::Or(x, hn::BitCast(d, hn::Set(du, 0x400000)));
  const auto chosen = hn::IfThenElse(hn::IsNaN(x), quiet, hn::BitCast(d, rounded));
  return hn::And(chosen, hn::BitCast(d, hn::Set(du, 0xFFFF0000U)));
}

/// Stores the high halves of x: exact if x is what round_to_bf16 returned.
template <class D, class V>
HWY_INLINE void store_high_halves(D /*d*/, V x, std::uint16_t* y) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<std::uint16_t, D> du16;
  hn::StoreU(hn::TruncateTo(du16, hn::ShiftRight<16>(hn::BitCast(du, x))), du16, y);
}

template <class D, class V>
HWY_INLINE void store_bf16(D d, V x, std::uint16_t* y) {
  store_high_halves(d, round_to_bf16(d, x), y);
}

/// The pieces as float32, for store_high_halves. See split_bf16.
template <class D, class V>
HWY_INLINE void split_bf16(D d, V x, V& high, V& mid, V& low) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> du;
  const V cut = hn::And(x, hn::BitCast(d, hn::Set(du, 0xFFFF0000U)));
  const V rounded = round_to_bf16(d, x);
  const auto finite = hn::IsFinite(x);
  high = hn::IfThenElse(hn::And(finite, hn::Not(hn::IsFinite(rounded))), cut, rounded);
  const V rest = hn::IfThenElseZero(finite, hn::Sub(x, high));
  mid = round_to_bf16(d, rest);
  low = round_to_bf16(d, hn::Sub(rest, mid));
}

}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
