// Between float32 and the short formats of weights and caches, one value at a time.
// All by integer arithmetic where subnormals are met, so the processor's mode for
// them changes nothing. kernels/simd/convert-inl.h gives the same bits, many at once.
#pragma once

#include <bit>
#include <cstdint>

namespace moebius::kernels {

/// Exact.
inline float bf16_to_f32(std::uint16_t x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

/// To the nearest, ties to even; beyond the greatest bf16 to infinity; NaN becomes quiet.
inline std::uint16_t f32_to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

/// Exact, subnormals included; NaN becomes quiet.
inline float f16_to_f32(std::uint16_t x) {
  const std::uint32_t sign = (x & 0x8000U) << 16;
  const std::uint32_t magnitude = x & 0x7FFFU;
  if (magnitude > 0x7C00U) return std::bit_cast<float>(sign | 0x7FC00000U | (magnitude << 13));
  if (magnitude == 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U);
  if (magnitude >= 0x0400U) return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
  const float value = static_cast<float>(magnitude) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
}

/// float8 e4m3fn: exact; greatest 448, no infinities, 0x7f and 0xff are NaN.
inline float e4m3_to_f32(std::uint8_t x) {
  const std::uint32_t sign = (x & 0x80U) << 24;
  const std::uint32_t magnitude = x & 0x7FU;
  if (magnitude == 0x7FU) return std::bit_cast<float>(sign | 0x7FC00000U);
  if (magnitude >= 8U) return std::bit_cast<float>(sign | ((magnitude << 20) + (120U << 23)));
  const float value = static_cast<float>(magnitude) * 0x1p-9F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
}

/// To the nearest, ties to even; beyond 448 to 448; NaN stays one.
inline std::uint8_t f32_to_e4m3(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 24 & 0x80U, magnitude = bits & 0x7FFFFFFFU;
  std::uint32_t code = 0x7E;
  if (magnitude > 0x7F800000U) {
    code = 0x7F;
  } else if (magnitude < (121U << 23)) {  // a multiple of 2^-9, which is the last place of 2^14
    code = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0x1p14F) -
           std::bit_cast<std::uint32_t>(0x1p14F);
  } else if (magnitude < std::bit_cast<std::uint32_t>(448.0F)) {
    code = ((magnitude + 0x7FFFFU + (magnitude >> 20 & 1U)) >> 20) - (120U << 3);
  }
  return static_cast<std::uint8_t>(sign | code);
}

/// Three bf16 values whose sum is a float32.
struct Bf16Pieces {
  std::uint16_t high = 0;
  std::uint16_t mid = 0;
  std::uint16_t low = 0;
};

/// high = bf16(x), mid = bf16(x - high), low = bf16(x - high - mid); the sum is x
/// exactly where all pieces are normal numbers (|x| >= 2^-103), off by less than
/// 2^-126 below. A finite x that would round to infinity has its high piece cut
/// instead, and stays exact. Infinities and NaN: high = x, the others 0.
inline Bf16Pieces split_bf16(float x) {
  std::uint16_t high = f32_to_bf16(x);
  if ((high & 0x7F80U) == 0x7F80U) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7F800000U) == 0x7F800000U) return {high, 0, 0};
    high = static_cast<std::uint16_t>(bits >> 16);
  }
  const float rest = x - bf16_to_f32(high);
  const std::uint16_t mid = f32_to_bf16(rest);
  return {high, mid, f32_to_bf16(rest - bf16_to_f32(mid))};
}

}  // namespace moebius::kernels
