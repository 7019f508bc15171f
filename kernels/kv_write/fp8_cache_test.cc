// What fp8 makes of values: every code, the scale at its borders, errors, and what is not finite.
#include "kernels/kv_write/fp8_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

TEST(Fp8Cache, EveryCodeComesBack) {
  for (int code = 0; code < 256; ++code) {
    const float x = e4m3_to_f32(static_cast<std::uint8_t>(code));
    if (std::isnan(x)) {
      EXPECT_EQ(f32_to_e4m3(x) & 0x7F, 0x7F);
    } else {
      EXPECT_EQ(f32_to_e4m3(x), code);
    }
  }
}

TEST(Fp8Cache, RoundsToTheNearestTiesToEven) {
  for (int code = 0; code < 0x7E; ++code) {
    const float low = e4m3_to_f32(static_cast<std::uint8_t>(code));
    const float high = e4m3_to_f32(static_cast<std::uint8_t>(code + 1));
    const float middle = (low + high) / 2;  // exact
    EXPECT_EQ(f32_to_e4m3(middle), code + code % 2) << code;
    EXPECT_EQ(f32_to_e4m3(std::nextafter(middle, low)), code) << code;
    EXPECT_EQ(f32_to_e4m3(-std::nextafter(middle, high)), (code + 1) | 0x80) << code;
  }
  EXPECT_EQ(f32_to_e4m3(449), 0x7E);
  EXPECT_EQ(f32_to_e4m3(-std::numeric_limits<float>::infinity()), 0xFE);
}

float scale_of(float greatest) {
  return bf16_to_f32(fp8_scale_bits(std::bit_cast<std::uint32_t>(greatest)));
}

TEST(Fp8Cache, ScalesAreTheLeastThatReach) {
  for (int k = -100; k < 7; ++k) {
    const float border = std::ldexp(448.0F, k);
    EXPECT_EQ(scale_of(border), std::ldexp(1.0F, k));
    EXPECT_EQ(scale_of(std::nextafter(border, 1e30F)), std::ldexp(1.0F, k + 1));
  }
  EXPECT_EQ(scale_of(0), 0x1p-100F);
  EXPECT_EQ(scale_of(1e38F), 0x1p7F);
  for (int k = -100; k <= 7; ++k) {
    const std::uint16_t bits = fp8_scale_bits(std::bit_cast<std::uint32_t>(std::ldexp(448.0F, k)));
    EXPECT_EQ(std::bit_cast<float>(fp8_inverse_bits(bits)), std::ldexp(1.0F, -k));
  }
}

/// Half a unit in the last of e4m3's four digits; below 2^-6 of the scale half of 2^-9 of it.
TEST(Fp8Cache, ValuesAreWithinHalfAUnitAndExactInBf16) {
  std::vector<float> x = random_floats(128 * 200, 7, -9, 9);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = std::ldexp(x[i], static_cast<int>(i / 128) % 40 - 35);
  for (std::size_t from = 0; from < x.size(); from += 128) {
    std::uint8_t codes[128], again[128];
    const std::uint16_t scale = quantize_block(&x[from], 128, codes);
    const float unit = bf16_to_f32(scale);
    float back[128];
    for (int i = 0; i < 128; ++i) {
      const float want = x[from + i];
      back[i] = fp8_value(codes[i], scale);
      ASSERT_LE(std::fabs(back[i] - want), std::fmax(std::fabs(want) * 0x1p-4F, unit * 0x1p-10F));
      ASSERT_EQ(back[i], bf16_to_f32(f32_to_bf16(back[i])));
    }
    // Whoever quantises what came back has the same again.
    const std::uint16_t scale_again = quantize_block(back, 128, again);
    for (int i = 0; i < 128; ++i) ASSERT_EQ(fp8_value(again[i], scale_again), back[i]);
  }
}

TEST(Fp8Cache, WhatIsNotFiniteMakesItsBlockNan) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf(""),
                          -std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(64, 1.0F);
    x[17] = bad;
    std::uint8_t codes[64];
    const std::uint16_t scale = quantize_block(x.data(), 64, codes);
    for (const std::uint8_t code : codes) EXPECT_TRUE(std::isnan(fp8_value(code, scale)));
  }
  const float large[] = {1e30F, -57344.0F, 57344.0F, 1.0F};
  std::uint8_t codes[4];
  const std::uint16_t scale = quantize_block(large, 4, codes);
  EXPECT_EQ(fp8_value(codes[0], scale), 57344.0F);
  EXPECT_EQ(fp8_value(codes[1], scale), -57344.0F);
  EXPECT_EQ(fp8_value(codes[3], scale), 1.0F);
}

TEST(Fp8Cache, BytesOfPages) {
  const KvLayer mla{.dtype = Dtype::kF8E4M3, .width = 576, .block = 128, .plain = 64};
  EXPECT_EQ(kv_page_bytes(mla), 64 * (512 + 4 * 2 + 128));
  EXPECT_EQ(Fp8Page(mla).scales_at, 64 * 512);
  EXPECT_EQ(Fp8Page(mla).plain_at, 64 * (512 + 8));
  const KvLayer gqa{.dtype = Dtype::kF8E4M3, .width = 2 * 4 * 128, .block = 128};
  EXPECT_EQ(kv_page_bytes(gqa), 64 * 8 * (128 + 2));
  EXPECT_EQ(kv_page_bytes({.dtype = Dtype::kBF16, .width = 576}), 64 * 1152);
}

}  // namespace
}  // namespace moebius::kernels
