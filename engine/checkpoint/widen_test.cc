// Half-width floats: every one of the 65536 against its definition.
#include "engine/checkpoint/widen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

namespace moebius::engine {
namespace {

using kernels::Dtype;

// IEEE 754: (-1)^s * 2^max(e, 1) * fraction, all steps exact in double.
double defined(int bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  const int implicit = exponent == 0 ? 0 : 1 << fraction_bits;
  return sign * std::ldexp(fraction + implicit, std::max(exponent, 1) - bias - fraction_bits);
}

void expect_every_value(Dtype dtype, int exponent_bits, int fraction_bits) {
  std::vector<std::byte> bytes(2 * 65536 + 1);
  for (int bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    std::memcpy(&bytes[2 * bits + 1], &half, 2);  // at odd addresses
  }
  std::vector<float> got(65536);
  widen(&bytes[1], dtype, 65536, got.data());
  for (int bits = 0; bits < 65536; ++bits) {
    const double want = defined(bits, exponent_bits, fraction_bits);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got[bits])) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(got[bits]), want) << bits;
      ASSERT_EQ(std::signbit(got[bits]), std::signbit(want)) << bits;
    }
  }
}

TEST(Widen, EveryF16) {
  expect_every_value(Dtype::kF16, 5, 10);
}
TEST(Widen, EveryBF16) {
  expect_every_value(Dtype::kBF16, 8, 7);
}

TEST(Widen, F32AtAnyAddressAndNothingElse) {
  const float values[] = {1.5F, -0.0F, 1e-45F};
  std::byte bytes[sizeof values + 1];
  std::memcpy(bytes + 1, values, sizeof values);
  float got[3];
  widen(bytes + 1, Dtype::kF32, 3, got);
  EXPECT_EQ(std::memcmp(got, values, sizeof values), 0);
  EXPECT_THROW(widen(bytes, Dtype::kF8E4M3, 1, got), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::engine
