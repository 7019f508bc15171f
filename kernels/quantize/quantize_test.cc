// Rounding: nearest codes, bounds that follow from the steps, and matrices with awkward edges.
#include "kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"

namespace moebius::kernels {
namespace {

std::vector<float> normal_values(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(Quantize, KnownCodes) {
  ThreadPool pool(1);
  // Steps of 1: the greatest, 7.5, would be code 8 and is cut to 7; ties go to even.
  std::vector<float> values(40);
  const std::vector<float> first = {7.5F, -7.5F, 0.5F, 1.5F, -0.5F, 2.4F, -3.6F, 0};
  std::copy(first.begin(), first.end(), values.begin());
  const QuantizedMatrix q = quantize({values.data(), Dtype::kF32, 1, 40}, Dtype::kI4, 32, pool);
  EXPECT_EQ(bf16_to_f32(q.group_scale[0]), 1.0F);
  EXPECT_EQ(q.group_scale[1], 0);  // all zeros
  const std::vector<float> want = {7, -8, 0, 2, 0, 2, -4, 0};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(weight_value(q.matrix, 0, i), want[i]) << i;
  EXPECT_EQ(static_cast<int>(q.codes[0]), 0x0f);  // 15 below, 0 above
  const QuantizationError error =
      quantization_error({values.data(), Dtype::kF32, 1, 40}, q.matrix, pool);
  EXPECT_DOUBLE_EQ(error.max, 0.5 / 7.5);
}

struct Case {
  Dtype dtype;
  std::int64_t group;
  double half_step;  // of the group's greatest magnitude, rounding of scale and value included
};

class QuantizeTest : public testing::TestWithParam<Case> {};

// Half a step is 0.5 / limit of the greatest magnitude; e4m3 has 3 bits behind the point, so 1/16
// of a value. The bf16 scale may be 2^-9 off, which moves a cut value, and bf16(value * scale) is
// 2^-9 off again: both together below 2^-7.
TEST_P(QuantizeTest, StaysWithinHalfAStep) {
  const Case& c = GetParam();
  const std::int64_t rows = 131, cols = 203;
  const std::vector<float> values = normal_values(rows * cols, 3);
  const Matrix exact{values.data(), Dtype::kF32, rows, cols};
  ThreadPool pool(2);
  const QuantizedMatrix q = quantize(exact, c.dtype, c.group, pool);
  EXPECT_EQ(q.codes.size(), q.matrix.bytes());
  const std::int64_t down = c.group > 0 ? 1 : kScaleBlock;
  const std::int64_t across = c.group > 0 ? c.group : kScaleBlock;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t k = 0; k < cols; ++k) {
      float most = 0;
      for (std::int64_t i = r / down * down; i < std::min(rows, (r / down + 1) * down); ++i) {
        for (std::int64_t j = k / across * across; j < std::min(cols, (k / across + 1) * across);
             ++j) {
          most = std::max(most, std::abs(values[i * cols + j]));
        }
      }
      const double error = std::abs(double{weight_value(q.matrix, r, k)} - values[r * cols + k]);
      ASSERT_LE(error, (c.half_step + 0x1p-7) * most) << r << "," << k;
    }
  }
}

// Serial and in double where a rounding could hide: nearest code, ties to even, one scale a group.
TEST_P(QuantizeTest, IsWhatItsDefinitionSays) {
  const Case& c = GetParam();
  const std::int64_t rows = 5, cols = 101;
  const std::vector<float> values = normal_values(rows * cols, 9);
  ThreadPool pool(2);
  const QuantizedMatrix q =
      quantize({values.data(), Dtype::kF32, rows, cols}, c.dtype, c.group, pool);
  const double limit = c.dtype == Dtype::kI4 ? 7.5 : c.dtype == Dtype::kI8 ? 127.5 : 448;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t k = 0; k < cols; ++k) {
      const float scale = c.group > 0 ? group_scale(q.matrix, r, k) : q.scale[0];
      const double exact = double{values[r * cols + k]} / scale;
      // Of the code alone: what bf16(code * scale) or code * scale rounds is less than a step's
      // 2^-8.
      const double code = double{weight_value(q.matrix, r, k)} / scale;
      double step = 1;
      if (c.dtype == Dtype::kF8E4M3) {
        const int exponent = std::max(std::ilogb(std::max(std::abs(exact), 0x1p-20)), -6);
        step = std::ldexp(1.0, exponent - 3);
      }
      const double most = c.dtype == Dtype::kF8E4M3 ? limit : exact < 0 ? limit + 0.5 : limit - 0.5;
      const double wanted = std::clamp(std::nearbyint(exact / step) * step, -most, most);
      ASSERT_NEAR(code, wanted, std::abs(wanted) * 0x1p-8) << r << "," << k;
      if (std::abs(exact) > most) continue;
      ASSERT_LE(std::abs(code - exact), step / 2 + std::abs(wanted) * 0x1p-8) << r << "," << k;
    }
  }
}

// Many at once, from any column on, are what they are one by one.
TEST_P(QuantizeTest, ValuesAreTheSameManyAtOnce) {
  const Case& c = GetParam();
  const std::int64_t rows = 130, cols = 301;
  const std::vector<float> values = normal_values(rows * cols, 10);
  ThreadPool pool(1);
  const QuantizedMatrix q =
      quantize({values.data(), Dtype::kF32, rows, cols}, c.dtype, c.group, pool);
  for (const std::int64_t row : {std::int64_t{0}, std::int64_t{127}, rows - 1}) {
    for (const std::int64_t col : {0, 1, 31, 32, 127, 200, 300}) {
      for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, cols - col}) {
        std::vector<float> got(static_cast<std::size_t>(count) + 1, -7.0F);
        weight_values(q.matrix, row, col, count, got.data());
        for (std::int64_t i = 0; i < count; ++i) {
          ASSERT_EQ(got[i], weight_value(q.matrix, row, col + i)) << row << "," << col + i;
        }
        ASSERT_EQ(got[count], -7.0F);
      }
    }
  }
}

TEST_P(QuantizeTest, SameBytesForAnyThreads) {
  const Case& c = GetParam();
  const std::vector<float> values = normal_values(400 * 100, 4);
  const Matrix exact{values.data(), Dtype::kF32, 400, 100};
  ThreadPool one(1), three(3);
  const QuantizedMatrix a = quantize(exact, c.dtype, c.group, one);
  const QuantizedMatrix b = quantize(exact, c.dtype, c.group, three);
  EXPECT_EQ(a.codes, b.codes);
  EXPECT_EQ(a.group_scale, b.group_scale);
  EXPECT_EQ(a.scale, b.scale);
  const QuantizationError x = quantization_error(exact, a.matrix, one);
  const QuantizationError y = quantization_error(exact, b.matrix, three);
  EXPECT_EQ(x.max, y.max);
  EXPECT_EQ(x.rms, y.rms);
  EXPECT_GT(x.rms, 0);
}

TEST_P(QuantizeTest, RefusesWhatHasNoScale) {
  const Case& c = GetParam();
  ThreadPool pool(1);
  for (const float bad : {NAN, INFINITY, -INFINITY, 0x1p101F}) {
    std::vector<float> values = normal_values(64, 5);
    values[63] = bad;
    EXPECT_THROW(quantize({values.data(), Dtype::kF32, 1, 64}, c.dtype, c.group, pool),
                 std::domain_error);
  }
  std::vector<float> tiny(64, 0x1p-125F);
  const QuantizedMatrix q = quantize({tiny.data(), Dtype::kF32, 1, 64}, c.dtype, c.group, pool);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(weight_value(q.matrix, 0, i), 0.0F);
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizeTest,
                         testing::Values(Case{Dtype::kF8E4M3, 0, 1.0 / 16},
                                         Case{Dtype::kF8E4M3, 224, 1.0 / 16},
                                         Case{Dtype::kI8, 128, 0.5 / 127.5},
                                         Case{Dtype::kI4, 32, 0.5 / 7.5},
                                         Case{Dtype::kI4, 64, 0.5 / 7.5}));

// What is stored in fp8 blocks may be quantised again.
TEST(Quantize, TakesQuantizedSources) {
  const std::vector<float> values = normal_values(130 * 130, 6);
  ThreadPool pool(1);
  const QuantizedMatrix eight =
      quantize({values.data(), Dtype::kF32, 130, 130}, Dtype::kF8E4M3, 0, pool);
  const QuantizedMatrix four = quantize(eight.matrix, Dtype::kI4, 32, pool);
  EXPECT_LT(quantization_error(eight.matrix, four.matrix, pool).max, 0.5 / 7.5 + 0x1p-7);
  EXPECT_THROW(quantize(four.matrix, Dtype::kI8, 32, pool), std::invalid_argument);
  EXPECT_THROW(quantize(eight.matrix, Dtype::kI8, 0, pool), std::invalid_argument);
  EXPECT_THROW(quantize(eight.matrix, Dtype::kI8, 48, pool), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
