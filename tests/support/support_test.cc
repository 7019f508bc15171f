// The tests' own tools are tested too: a comparator that lets NaN pass would hide everything.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/close.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr Tolerance kAnything = {.abs = kInf, .rel = kInf};

TEST(Close, HoldsTheBoundAndNoMore) {
  EXPECT_TRUE(close(1.0F, 1.0F, {}));
  EXPECT_TRUE(close(1.5F, 1.0F, {.abs = 0.5F}));
  EXPECT_FALSE(close(1.5F, 1.0F, {.abs = 0.499F}));
  EXPECT_TRUE(close(-12.0F, -10.0F, {.rel = 0.2F}));
  EXPECT_FALSE(close(12.5F, 10.0F, {.rel = 0.2F}));
  EXPECT_TRUE(close(12.5F, 10.0F, {.abs = 0.5F, .rel = 0.2F}));
  EXPECT_TRUE(close(0.0F, -0.0F, {}));
}

TEST(Close, NoToleranceAdmitsNan) {
  EXPECT_FALSE(close(kNan, 1.0F, kAnything));
  EXPECT_FALSE(close(1.0F, kNan, kAnything));
  EXPECT_FALSE(close(kNan, kNan, kAnything));
}

TEST(Close, InfinitiesOnlyEqualThemselves) {
  EXPECT_TRUE(close(kInf, kInf, {}));
  EXPECT_FALSE(close(kInf, -kInf, kAnything));
  EXPECT_FALSE(close(kInf, 1.0F, kAnything));
  EXPECT_FALSE(close(1.0F, -kInf, kAnything));
}

TEST(Close, OneWrongValueInManyFails) {
  std::vector<float> want(1000, 1.0F);
  std::vector<float> got = want;
  EXPECT_TRUE(close(got, want, {}));
  got[700] = kNan;
  got[900] = 2.0F;
  const testing::AssertionResult result = close(got, want, {.abs = 0.5F});
  EXPECT_FALSE(result);
  EXPECT_STREQ(result.message(), "2 of 1000 values differ; first [700]: got nan, want 1");
}

TEST(Close, LengthsMustAgree) {
  const std::vector<float> values(3, 1.0F);
  EXPECT_FALSE(close(values, std::span(values).first(2), kAnything));
  EXPECT_FALSE(close(std::span(values).first(0), values, kAnything));
  EXPECT_TRUE(close(std::span<const float>(), std::span<const float>(), {}));
}

TEST(Random, IsTheSameSequenceEverywhere) {
  Random random(1234567);  // the first values of the reference implementation, splitmix64.c
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(Random, StaysInRangeAndReachesTheEnds) {
  Random random(1);
  std::vector<int> seen(5);
  for (int i = 0; i < 1000; ++i) ++seen.at(static_cast<std::size_t>(random.integer(-2, 2) + 2));
  for (const int count : seen) EXPECT_GT(count, 100);
  EXPECT_EQ(random.integer(7, 7), 7);
  for (int i = 0; i < 1000; ++i) {
    const double unit = random.unit();
    EXPECT_TRUE(unit >= 0 && unit < 1) << unit;
  }
  random.integer(INT64_MIN, INT64_MAX);  // the whole range divides by nothing
}

TEST(Random, NormalsHaveTheirMoments) {
  const std::vector<float> values = Random(2).normals(100000, 3);
  double sum = 0;
  double squares = 0;
  for (const float value : values) sum += value, squares += static_cast<double>(value) * value;
  EXPECT_NEAR(sum / 1e5, 0, 0.05);  // five standard errors
  EXPECT_NEAR(squares / 1e5, 9, 0.21);
}

TEST(Random, ShuffleKeepsTheValues) {
  std::vector<int> values(50);
  for (int i = 0; i < 50; ++i) values[static_cast<std::size_t>(i)] = i;
  const std::vector<int> sorted = values;
  Random(3).shuffle(values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

TEST(Random, TheEnvironmentSetsTheSeed) {
  ASSERT_EQ(::setenv("MOEBIUS_SEED", "0x10", 1), 0);
  EXPECT_EQ(seed_or(5), 16U);
  ASSERT_EQ(::unsetenv("MOEBIUS_SEED"), 0);
  EXPECT_EQ(seed_or(5), 5U);
}

TEST(TempDir, HoldsFilesAndGoesAway) {
  std::string path;
  {
    const TempDir dir;
    path = dir.path();
    std::ifstream in(dir.write("bytes", std::string("a\0b\n", 4)), std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), std::string("a\0b\n", 4));
    EXPECT_NE(TempDir().path(), path);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace moebius::tests
