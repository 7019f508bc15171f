// The one loop nest behind scores and weighted values: chains of fused
// multiply-adds with lanes along the outputs.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_ATTENTION_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_ATTENTION_PRODUCT_INL_H_
#undef MOEBIUS_KERNELS_ATTENTION_PRODUCT_INL_H_
#else
#define MOEBIUS_KERNELS_ATTENTION_PRODUCT_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
using I32 = hn::RebindToSigned<F32>;
using FloatV = hn::Vec<F32>;
constexpr std::int64_t kLanes = hn::MaxLanes(F32());
/// Accumulators of a full tile: enough independent chains to hide the latency of a
/// fused multiply-add on two ports, and few enough for the registers to hold.
constexpr int kAccumulators = HWY_TARGET == HWY_AVX2 ? 8 : 16;
/// Vectors of a full tile; its other side is kAccumulators / kVectors.
constexpr int kVectors = kLanes == 4 ? 4 : 2;

HWY_INLINE FloatV load_lanes(const float* p) {
  return hn::LoadU(F32(), p);
}
/// bfloat16 is the upper half of a float32.
HWY_INLINE FloatV load_lanes(const std::uint16_t* p) {
  const hn::RebindToUnsigned<F32> du;
  const hn::Rebind<std::uint16_t, F32> dh;
  return hn::BitCast(F32(), hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, p))));
}

/// c[i][lane] += the chain over ascending j of a(i, j) * b[j][lane].
template <class B>
struct Product {
  const float* a = nullptr;  // a(i, j) at a + i * a_i + j * a_j; one of the two is 1
  std::int64_t a_i = 0;
  std::int64_t a_j = 0;
  const B* b = nullptr;  // [n_j, lanes], rows ldb elements apart
  std::int64_t ldb = 0;
  float* c = nullptr;  // [n_i, lanes], rows ldc elements apart
  std::int64_t ldc = 0;
  std::int64_t n_i = 0;
  std::int64_t n_j = 0;
  std::int64_t lanes = 0;  // a multiple of 16
  bool fresh = false;      // the chains start at +0 instead of c
  /// [lanes] or null: lane l takes part in steps j <= last[l] only.
  const std::int32_t* last = nullptr;
};

/// One tile of kI x kV vectors at p.a, p.b, p.c. kUnitI says that a_i is 1.
template <int kI, int kV, bool kUnitI, bool kMasked, class B>
HWY_INLINE void product_tile(const Product<B>& p, const float* HWY_RESTRICT a,
                             const B* HWY_RESTRICT b, float* HWY_RESTRICT c,
                             const std::int32_t* last) {
  const F32 d;
  const I32 di;
  const std::int64_t a_i = kUnitI ? 1 : p.a_i;
  const std::int64_t a_j = kUnitI ? p.a_j : 1;
  FloatV acc[kI][kV];
#pragma GCC unroll 16
  for (int i = 0; i < kI; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kV; ++v) {
      acc[i][v] = p.fresh ? hn::Zero(d) : hn::LoadU(d, c + i * p.ldc + v * kLanes);
    }
  }
  for (std::int64_t j = 0; j < p.n_j; ++j) {
    FloatV bv[kV];
#pragma GCC unroll 16
    for (int v = 0; v < kV; ++v) bv[v] = load_lanes(b + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kI; ++i) {
      const FloatV av = hn::Set(d, a[i * a_i]);
#pragma GCC unroll 16
      for (int v = 0; v < kV; ++v) {
        const FloatV next = hn::MulAdd(av, bv[v], acc[i][v]);
        if constexpr (kMasked) {
          const auto on = hn::Gt(hn::LoadU(di, last + v * kLanes),
                                 hn::Set(di, static_cast<std::int32_t>(j - 1)));
          acc[i][v] = hn::IfThenElse(hn::RebindMask(d, on), next, acc[i][v]);
        } else {
          acc[i][v] = next;
        }
      }
    }
    a += a_j;
    b += p.ldb;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kI; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kV; ++v) hn::StoreU(acc[i][v], d, c + i * p.ldc + v * kLanes);
  }
}

/// Rows i .. i + kI in steps of kV vectors, then of fewer.
template <int kI, int kV, bool kUnitI, bool kMasked, class B>
HWY_INLINE void product_lanes(const Product<B>& p, std::int64_t i, std::int64_t lane = 0) {
  const float* a = p.a + i * (kUnitI ? 1 : p.a_i);
  for (; lane + kV * kLanes <= p.lanes; lane += kV * kLanes) {
    product_tile<kI, kV, kUnitI, kMasked>(p, a, p.b + lane, p.c + i * p.ldc + lane,
                                          kMasked ? p.last + lane : nullptr);
  }
  if constexpr (kV * kLanes > 16) {
    if (lane < p.lanes) product_lanes<kI, kV / 2, kUnitI, kMasked>(p, i, lane);
  }
}

/// Rows [i, p.n_i) in steps of kI, then of half of it. kGrow: fewer rows, more vectors.
template <int kI, int kV, bool kGrow, bool kUnitI, bool kMasked, class B>
HWY_INLINE void product_rows(const Product<B>& p, std::int64_t i = 0) {
  for (; i + kI <= p.n_i; i += kI) product_lanes<kI, kV, kUnitI, kMasked>(p, i);
  if constexpr (kI > 1) {
    constexpr int kNext = kGrow ? std::min(8, 2 * kV) : kV;
    if (i < p.n_i) product_rows<kI / 2, kNext, kGrow, kUnitI, kMasked>(p, i);
  }
}

/// For 16 or 32 lanes.
template <bool kUnitI, bool kMasked>
HWY_NOINLINE void product_narrow(const Product<float>& p) {
  if constexpr (kVectors * kLanes > 16) {
    if (p.lanes == 16) {
      // Each of the rows of a(i, j) with a_j = 1 takes an address register: no more of them.
      constexpr int kI = (kUnitI ? 2 : 1) * kAccumulators / kVectors;
      return product_rows<kI, kVectors / 2, false, kUnitI, kMasked>(p);
    }
  }
  product_rows<kAccumulators / kVectors, kVectors, false, kUnitI, kMasked>(p);
}

/// For many lanes and few rows; a_j must be 1.
template <class B>
HWY_NOINLINE void product_wide(const Product<B>& p) {
  product_rows<kAccumulators / kVectors, kVectors, true, false, false>(p);
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
