// Philox4x32-10 on the device: philox() of kernels/sample/sample.h, the two words that a draw
// needs.
#pragma once

#include <cstdint>

#include "kernels/sample/sample.h"

namespace moebius::kernels {

/// Uniform over [0, 2^64): words 1 and 0 of philox(counter = {position, sample}, key = seed).
__device__ __forceinline__ std::uint64_t draw_uniform(const Draw& draw) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint32_t c0 = low(draw.position), c1 = high(draw.position);
  std::uint32_t c2 = low(draw.sample), c3 = high(draw.sample);
  std::uint32_t k0 = low(draw.seed), k1 = high(draw.seed);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = high(p1) ^ c1 ^ k0;
    c1 = low(p1);
    c2 = high(p0) ^ c3 ^ k1;
    c3 = low(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return std::uint64_t{c1} << 32 | c0;
}

}  // namespace moebius::kernels
