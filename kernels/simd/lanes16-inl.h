// Sixteen float32 lanes, as 1, 2 or 4 vectors: the width in which sums of the
// canonical order run, whatever the processor's is.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_SIMD_LANES16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_SIMD_LANES16_INL_H_
#undef MOEBIUS_KERNELS_SIMD_LANES16_INL_H_
#else
#define MOEBIUS_KERNELS_SIMD_LANES16_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {

struct Lanes16 {
  using D = hwy::HWY_NAMESPACE::CappedTag<float, 16>;
  using V = hwy::HWY_NAMESPACE::VFromD<D>;
  static constexpr std::size_t kWidth = hwy::HWY_NAMESPACE::MaxLanes(D());
  static constexpr std::size_t kVectors = 16 / kWidth;

  V v[kVectors];

  static HWY_INLINE Lanes16 zero() {
    Lanes16 z;
    for (V& part : z.v) part = hwy::HWY_NAMESPACE::Zero(D());
    return z;
  }
  static HWY_INLINE Lanes16 load(const float* x) {
    Lanes16 z;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kVectors; ++i) {
      z.v[i] = hwy::HWY_NAMESPACE::LoadU(D(), x + i * kWidth);
    }
    return z;
  }
  HWY_INLINE void store(float* y) const {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kVectors; ++i) {
      hwy::HWY_NAMESPACE::StoreU(v[i], D(), y + i * kWidth);
    }
  }
  /// this = fma(a, b, this), lane by lane.
  HWY_INLINE void add_product(const Lanes16& a, const Lanes16& b) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kVectors; ++i) {
      v[i] = hwy::HWY_NAMESPACE::MulAdd(a.v[i], b.v[i], v[i]);
    }
  }
  /// The sum of all lanes, as a tree that halves 16 to 8, 4, 2, 1.
  HWY_INLINE float tree_sum() const {
    float lanes[16];
    store(lanes);
    for (std::size_t half = 8; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
  }
};

HWY_INLINE Lanes16 operator+(const Lanes16& a, const Lanes16& b) {
  Lanes16 z;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Lanes16::kVectors; ++i) {
    z.v[i] = hwy::HWY_NAMESPACE::Add(a.v[i], b.v[i]);
  }
  return z;
}
HWY_INLINE Lanes16 operator*(const Lanes16& a, const Lanes16& b) {
  Lanes16 z;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Lanes16::kVectors; ++i) {
    z.v[i] = hwy::HWY_NAMESPACE::Mul(a.v[i], b.v[i]);
  }
  return z;
}
HWY_INLINE Lanes16 operator*(const Lanes16& a, float b) {
  Lanes16 z;
  const auto factor = hwy::HWY_NAMESPACE::Set(Lanes16::D(), b);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Lanes16::kVectors; ++i) {
    z.v[i] = hwy::HWY_NAMESPACE::Mul(a.v[i], factor);
  }
  return z;
}

}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
