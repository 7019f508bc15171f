// exp, log, sigmoid and silu: error against double over all of float32, and the
// bits of every target against the scalar versions.
#include "kernels/simd/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/simd/test_support.h"
#include "kernels/stream.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/math_test.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

void exp_sigmoid_silu(const float* x, float* y, std::size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, x + i);
    hn::StoreU(exp(d, v), d, y + i);
    hn::StoreU(sigmoid(d, v), d, y + count + i);
    hn::StoreU(silu(d, v), d, y + 2 * count + i);
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(exp_sigmoid_silu);

constexpr std::size_t kBlock = 1 << 14;

std::uint32_t bits(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

/// Distance in units of the last place of the float next to `want`.
double ulps(float got, double want) {
  int exponent = 0;
  std::frexp(want, &exponent);
  return std::fabs(static_cast<double>(got) - want) / std::ldexp(1.0, exponent - 24);
}

/// Every `stride`th pattern of the 2^32, and all near the points where a branch lies.
std::vector<float> inputs(std::uint64_t stride) {
  std::vector<float> xs;
  for (std::uint64_t p = 0; p <= 0xFFFFFFFF; p += stride) {
    xs.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(p)));
  }
  const float edges[] = {exp_constants::kLowest,
                         exp_constants::kHighest,
                         0.0F,
                         -0.0F,
                         0.3465736F,
                         -0.3465736F,
                         std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity()};
  for (const float edge : edges) {
    for (std::uint32_t i = 0; i < 4096; ++i) {
      xs.push_back(std::bit_cast<float>(bits(edge) + i - 2048));
    }
  }
  xs.resize((xs.size() + kBlock - 1) / kBlock * kBlock, 1.0F);
  return xs;
}

TEST(Exp, WithinOneUlpOfDouble) {
  using namespace exp_constants;
  double worst = 0;
  for (const float x : inputs(509)) {
    if (!(x >= kLowest && x <= kHighest)) continue;
    const double error = ulps(exp_scalar(x), std::exp(static_cast<double>(x)));
    ASSERT_LE(error, 0.9) << x;
    worst = std::max(worst, error);
  }
  RecordProperty("worst_ulp_times_1000", static_cast<int>(worst * 1000));
  EXPECT_GT(worst, 0.4) << "the measure itself looks broken";
}

TEST(Exp, Edges) {
  using namespace exp_constants;
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exp_scalar(0.0F), 1.0F);
  EXPECT_EQ(exp_scalar(-0.0F), 1.0F);
  EXPECT_EQ(exp_scalar(1e-40F), 1.0F);
  EXPECT_EQ(bits(exp_scalar(-inf)), 0U);
  EXPECT_EQ(exp_scalar(inf), inf);
  EXPECT_TRUE(std::isnan(exp_scalar(std::nanf(""))));
  EXPECT_GE(exp_scalar(kLowest), std::numeric_limits<float>::min());
  EXPECT_EQ(bits(exp_scalar(std::nextafter(kLowest, -inf))), 0U);
  EXPECT_LT(exp_scalar(kHighest), inf);
  EXPECT_EQ(exp_scalar(std::nextafter(kHighest, inf)), inf);
  // The thresholds are where a normal float ends.
  EXPECT_GE(std::exp(static_cast<double>(kLowest)), std::ldexp(1.0, -126));
  EXPECT_LT(std::exp(static_cast<double>(std::nextafter(kLowest, -inf))), std::ldexp(1.0, -126));
  EXPECT_GE(std::exp(static_cast<double>(std::nextafter(kHighest, inf))),
            std::ldexp(1.0 - std::ldexp(1.0, -25), 128));
}

void expect_scalar_bits(const std::vector<float>& xs) {
  std::vector<float> got(3 * kBlock);
  for (std::size_t begin = 0; begin < xs.size(); begin += kBlock) {
    HWY_DYNAMIC_DISPATCH(exp_sigmoid_silu)(xs.data() + begin, got.data(), kBlock);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const float x = xs[begin + i];
      const float want[] = {exp_scalar(x), sigmoid_scalar(x), silu_scalar(x)};
      for (std::size_t f = 0; f < 3; ++f) {
        const float y = got[f * kBlock + i];
        if (std::isnan(want[f]) && std::isnan(y)) continue;
        ASSERT_EQ(bits(y), bits(want[f])) << "function " << f << " of " << x;
      }
    }
  }
}

TEST(Exp, EveryTargetGivesTheScalarBits) {
  std::vector<float> xs = inputs(4093);
  on_each_target([&] { expect_scalar_bits(xs); });
}

TEST(Exp, EveryTargetGivesTheScalarBitsWithSubnormalsFlushed) {
  const std::vector<float> xs = inputs(4093);
  ThreadPool pool(1);
  on_each_target([&] { pool.run(1, [&](std::int64_t, int) { expect_scalar_bits(xs); }); });
}

TEST(SigmoidSiluLog, CloseToDouble) {
  for (float x = -80; x < 80; x += 0.001F) {
    const double s = 1 / (1 + std::exp(-static_cast<double>(x)));
    ASSERT_LE(ulps(sigmoid_scalar(x), s), 2.5) << x;
    ASSERT_LE(ulps(silu_scalar(x), static_cast<double>(x) * s), 2.5) << x;
    const float y = std::fabs(x) + 1e-30F;
    ASSERT_LE(ulps(log_scalar(y), std::log(static_cast<double>(y))), 0.501) << y;
  }
  EXPECT_EQ(sigmoid_scalar(-100), 0.0F);
  EXPECT_EQ(sigmoid_scalar(100), 1.0F);
  EXPECT_EQ(silu_scalar(-100), 0.0F);
  EXPECT_EQ(silu_scalar(100), 100.0F);
  EXPECT_TRUE(std::isnan(sigmoid_scalar(std::nanf(""))));
}

}  // namespace
}  // namespace moebius::kernels
#endif  // HWY_ONCE
