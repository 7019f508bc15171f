// Stored half-width floats as float32, by their bits: no processor mode can change a subnormal.
#include "engine/checkpoint/widen.h"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace moebius::engine {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  std::uint32_t exponent = bits >> 10 & 0x1fU;
  std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0 && fraction == 0) return std::bit_cast<float>(sign);
  if (exponent == 0x1fU) {
    exponent = 0xffU;
  } else {
    exponent += 127 - 15;
    if (exponent == 127 - 15) {  // subnormal: shift until the leading one is implicit
      const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction) - 21);
      fraction = fraction << shift & 0x3ffU;
      exponent += 1 - shift;
    }
  }
  return std::bit_cast<float>(sign | exponent << 23 | fraction << 13);
}

}  // namespace

void widen(const std::byte* data, kernels::Dtype dtype, std::int64_t size, float* out) {
  if (dtype == kernels::Dtype::kF8E4M3) throw std::invalid_argument("widen: float8 needs scales");
  if (size <= 0) return;
  if (dtype == kernels::Dtype::kF32) {
    std::memcpy(out, data, static_cast<std::size_t>(size) * sizeof(float));
    return;
  }
  for (std::int64_t i = 0; i < size; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, data + 2 * i, sizeof bits);
    out[i] = dtype == kernels::Dtype::kBF16 ? from_bf16(bits) : from_f16(bits);
  }
}

}  // namespace moebius::engine
