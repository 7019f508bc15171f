// The fp8 cache: what a token's values become in it, and how its pages lie in device memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/simd/convert.h"

namespace moebius::kernels {

/// Values that may share a scale, on the host.
inline constexpr std::int64_t kMaxFp8Block = 1024;

/// A block of a token's values, KvLayer::block of them, is kept as float8 e4m3 under one scale 2^k:
/// the least with |x| <= 448 * 2^k for all of them, and k in [-100, 7]; larger values become
/// 448 * 2^7 = 57,344. A value that is not finite makes its whole block NaN. So a block's values
/// depend on nothing but themselves. A power of two costs no precision, e4m3 being a floating-point
/// format, only half of the range below the greatest; it makes every value exact in bf16: whoever
/// holds the cache as bf16 has the same numbers.
///
/// This is the scale as bf16. `greatest`: of the values' float32 bits without their sign.
constexpr std::uint16_t fp8_scale_bits(std::uint32_t greatest) {
  if (greatest >= 0x7F800000U) return 0x7FC0U;
  // 448 is 1.75 * 2^8: what is above 1.75 times its power of two carries into the exponent.
  const int exponent = static_cast<int>((greatest + 0x1FFFFFU) >> 23) - 127 - 8;
  const int k = exponent < -100 ? -100 : exponent > 7 ? 7 : exponent;
  return static_cast<std::uint16_t>((k + 127) << 7);
}

/// 2^-k as float32 bits; anything for a NaN.
constexpr std::uint32_t fp8_inverse_bits(std::uint16_t scale) {
  return (254U - (scale >> 7)) << 23;
}

/// One block: codes of the values, and their scale as bf16.
inline std::uint16_t quantize_block(const float* x, std::int64_t count, std::uint8_t* codes) {
  std::uint32_t greatest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    greatest = std::max(greatest, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFU);
  }
  const std::uint16_t scale = fp8_scale_bits(greatest);
  const float inverse = std::bit_cast<float>(fp8_inverse_bits(scale));
  for (std::int64_t i = 0; i < count; ++i) codes[i] = f32_to_e4m3(x[i] * inverse);
  return scale;
}

/// Exact.
inline float fp8_value(std::uint8_t code, std::uint16_t scale) {
  return e4m3_to_f32(code) * bf16_to_f32(scale);
}

/// A page in device memory: values as e4m3 [blocks, kPageTokens, block], scales as bf16 [blocks,
/// kPageTokens], then the entries' last columns that are not quantised, bf16 [kPageTokens, plain].
/// Byte offsets from the page's begin, all multiples of 128 where block is one of 2.
struct Fp8Page {
  constexpr Fp8Page(std::int64_t blocks_, std::int64_t block, std::int64_t plain)
      : blocks(blocks_),
        scales_at(kPageTokens * blocks * block),
        plain_at(scales_at + kPageTokens * blocks * 2),
        bytes(plain_at + kPageTokens * plain * 2) {}
  constexpr explicit Fp8Page(const KvLayer& kv)
      : Fp8Page((kv.width - kv.plain) / kv.block, kv.block, kv.plain) {}

  std::int64_t blocks;
  std::int64_t scales_at, plain_at, bytes;
};

constexpr std::int64_t kv_page_bytes(const KvLayer& kv) {
  return kv.dtype == Dtype::kF8E4M3
             ? Fp8Page(kv).bytes
             : kPageTokens * kv.width * static_cast<std::int64_t>(dtype_bytes(kv.dtype));
}

}  // namespace moebius::kernels
