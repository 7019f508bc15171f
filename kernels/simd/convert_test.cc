// The short formats: all their values against a literal reading of the format, and
// rounding and splitting over float32, on every target.
#include "kernels/simd/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/simd/test_support.h"
#include "kernels/stream.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/convert_test.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void widen_bf16(const std::uint16_t* x, float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(load_bf16(d, x + i), d, y + i);
  }
}
void widen_f16(const std::uint16_t* x, float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(load_f16(d, x + i), d, y + i);
  }
}
void widen_e4m3(const std::uint8_t* x, float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(load_e4m3(d, x + i), d, y + i);
  }
}
void narrow_bf16(const float* x, std::uint16_t* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    store_bf16(d, hn::LoadU(d, x + i), y + i);
  }
}
void split(const float* x, std::uint16_t* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::VFromD<decltype(d)> high, mid, low;
    split_bf16(d, hn::LoadU(d, x + i), high, mid, low);
    store_high_halves(d, high, y + i);
    store_high_halves(d, mid, y + count + i);
    store_high_halves(d, low, y + 2 * count + i);
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(widen_bf16);
HWY_EXPORT(widen_f16);
HWY_EXPORT(widen_e4m3);
HWY_EXPORT(narrow_bf16);
HWY_EXPORT(split);

constexpr std::size_t kBlock = 1 << 14;

std::uint32_t bits(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

/// Value of sign | exponent | fraction as IEEE 754 reads it, NaN apart, in double.
double read(std::uint32_t x, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const std::uint32_t fraction = x & ((1U << fraction_bits) - 1);
  const int exponent = static_cast<int>((x >> fraction_bits) & ((1U << exponent_bits) - 1));
  const double sign = (x >> (exponent_bits + fraction_bits)) & 1 ? -1 : 1;
  const double one = exponent == 0 ? 0 : 1;
  return sign *
         std::ldexp(one + std::ldexp(fraction, -fraction_bits), std::max(exponent, 1) - bias);
}

template <class Short>
void expect_widening(float (*scalar)(Short), double (*want)(Short), bool (*nan)(Short),
                     const std::vector<float>& vector) {
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const auto x = static_cast<Short>(i);
    ASSERT_EQ(bits(scalar(x)), bits(vector[i])) << i;
    ASSERT_EQ(std::isnan(vector[i]), nan(x)) << i;
    if (nan(x)) continue;
    ASSERT_EQ(bits(vector[i]), bits(static_cast<float>(want(x)))) << i;
  }
}

template <class Short>
std::vector<Short> all() {
  std::vector<Short> xs(std::size_t{1} << (8 * sizeof(Short)));
  for (std::size_t i = 0; i < xs.size(); ++i) xs[i] = static_cast<Short>(i);
  return xs;
}

TEST(Convert, AllBf16) {
  const auto xs = all<std::uint16_t>();
  std::vector<float> got(xs.size());
  on_each_target([&] {
    HWY_DYNAMIC_DISPATCH(widen_bf16)(xs.data(), got.data(), xs.size());
    expect_widening<std::uint16_t>(
        bf16_to_f32,
        [](std::uint16_t x) {
          return (x & 0x7FFF) == 0x7F80 ? std::copysign(HUGE_VAL, x & 0x8000 ? -1 : 1)
                                        : read(x, 8, 7);
        },
        [](std::uint16_t x) { return (x & 0x7FFF) > 0x7F80; }, got);
  });
}

TEST(Convert, AllF16) {
  const auto xs = all<std::uint16_t>();
  std::vector<float> got(xs.size());
  ThreadPool pool(1);
  on_each_target([&] {
    pool.run(1, [&](std::int64_t, int) {
      HWY_DYNAMIC_DISPATCH(widen_f16)(xs.data(), got.data(), xs.size());
    });
    expect_widening<std::uint16_t>(
        f16_to_f32,
        [](std::uint16_t x) {
          return (x & 0x7FFF) == 0x7C00 ? std::copysign(HUGE_VAL, x & 0x8000 ? -1 : 1)
                                        : read(x, 5, 10);
        },
        [](std::uint16_t x) { return (x & 0x7FFF) > 0x7C00; }, got);
  });
}

TEST(Convert, AllE4m3) {
  const auto xs = all<std::uint8_t>();
  std::vector<float> got(xs.size());
  ThreadPool pool(1);
  on_each_target([&] {
    pool.run(1, [&](std::int64_t, int) {
      HWY_DYNAMIC_DISPATCH(widen_e4m3)(xs.data(), got.data(), xs.size());
    });
    expect_widening<std::uint8_t>(
        e4m3_to_f32, [](std::uint8_t x) { return read(x, 4, 3); },
        [](std::uint8_t x) { return (x & 0x7F) == 0x7F; }, got);
  });
  EXPECT_EQ(got[0x7E], 448.0F);
  EXPECT_EQ(got[0x01], 0x1p-9F);
}

/// Every 4093rd pattern of the 2^32, and the neighbourhood of each bf16 and of each tie.
std::vector<float> inputs() {
  std::vector<float> xs;
  for (std::uint64_t p = 0; p <= 0xFFFFFFFF; p += 4093) {
    xs.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(p)));
  }
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    for (const std::uint32_t low : {0U, 1U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      xs.push_back(std::bit_cast<float>((high << 16) | low));
    }
  }
  xs.resize((xs.size() + kBlock - 1) / kBlock * kBlock, 1.0F);
  return xs;
}

TEST(Convert, RoundsToTheNearestEvenBf16) {
  for (const float x : inputs()) {
    const std::uint16_t got = f32_to_bf16(x);
    if (std::isnan(x)) {
      ASSERT_TRUE((got & 0x7FFF) >= 0x7FC0) << bits(x) << ": a quiet NaN is wanted";
      continue;
    }
    // Infinity stands for 2^128 when it comes to distances.
    const auto value = [](std::uint32_t b) { return read(b, 8, 7); };
    const auto magnitude = static_cast<std::uint32_t>(got & 0x7FFF);
    const double exact = std::isinf(x) ? 0x1p128 : std::fabs(static_cast<double>(x));
    const double error = std::fabs(value(magnitude) - exact);
    ASSERT_EQ(std::signbit(x), (got & 0x8000) != 0);
    if (magnitude > 0) {
      const double other = std::fabs(value(magnitude - 1) - exact);
      ASSERT_TRUE(error < other || (error == other && magnitude % 2 == 0)) << bits(x);
    }
    if (magnitude < 0x7F80) {
      const double other = std::fabs(value(magnitude + 1) - exact);
      ASSERT_TRUE(error < other || (error == other && magnitude % 2 == 0)) << bits(x);
    }
  }
}

TEST(Convert, EveryTargetRoundsLikeTheScalar) {
  const std::vector<float> xs = inputs();
  std::vector<std::uint16_t> got(xs.size());
  ThreadPool pool(1);
  on_each_target([&] {
    pool.run(1, [&](std::int64_t, int) {
      HWY_DYNAMIC_DISPATCH(narrow_bf16)(xs.data(), got.data(), xs.size());
    });
    for (std::size_t i = 0; i < xs.size(); ++i) {
      ASSERT_EQ(got[i], f32_to_bf16(xs[i])) << bits(xs[i]);
    }
  });
}

TEST(Split, AddsUpExactly) {
  for (const float x : inputs()) {
    const Bf16Pieces p = split_bf16(x);
    if (!std::isfinite(x)) {
      ASSERT_EQ(p.high, f32_to_bf16(x));
      ASSERT_EQ(p.mid | p.low, 0);
      continue;
    }
    const double sum = static_cast<double>(bf16_to_f32(p.high)) + bf16_to_f32(p.mid) +
                       static_cast<double>(bf16_to_f32(p.low));
    const double bound = std::fabs(x) >= 0x1p-103F ? 0 : 0x1p-126;
    ASSERT_LE(std::fabs(sum - static_cast<double>(x)), bound) << bits(x);
    const bool cut = std::fabs(x) >= 0x1.FFp127F;  // would round to infinity
    ASSERT_EQ(p.high, cut ? bits(x) >> 16 : f32_to_bf16(x)) << bits(x);
  }
}

void expect_split_bits(const std::vector<float>& xs) {
  std::vector<std::uint16_t> got(3 * kBlock);
  for (std::size_t begin = 0; begin < xs.size(); begin += kBlock) {
    HWY_DYNAMIC_DISPATCH(split)(xs.data() + begin, got.data(), kBlock);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const float x = xs[begin + i];
      const Bf16Pieces want = split_bf16(x);
      ASSERT_EQ(got[i], want.high) << bits(x);
      ASSERT_EQ(got[kBlock + i], want.mid) << bits(x);
      ASSERT_EQ(got[2 * kBlock + i], want.low) << bits(x);
      if (!(std::fabs(x) <= std::numeric_limits<float>::max())) continue;
      const double error = static_cast<double>(x) - bf16_to_f32(want.high) -
                           static_cast<double>(bf16_to_f32(want.mid)) - bf16_to_f32(want.low);
      ASSERT_LE(std::fabs(error), std::fabs(x) >= 0x1p-103F ? 0 : 0x1p-126) << bits(x);
    }
  }
}

TEST(Split, EveryTargetLikeTheScalar) {
  const std::vector<float> xs = inputs();
  on_each_target([&] { expect_split_bits(xs); });
}

TEST(Split, EveryTargetLikeTheScalarWithSubnormalsFlushed) {
  const std::vector<float> xs = inputs();
  ThreadPool pool(1);
  on_each_target([&] { pool.run(1, [&](std::int64_t, int) { expect_split_bits(xs); }); });
}

}  // namespace
}  // namespace moebius::kernels
#endif  // HWY_ONCE
