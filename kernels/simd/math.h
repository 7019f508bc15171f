// exp, log, sigmoid and silu of one float32. The vector versions in math-inl.h do the same
// operations in the same order, so both give the same bits on every target.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace moebius::kernels {

/// exp(x) = 2^n * e^r with n = round(x / ln 2), |r| <= ln(2) / 2 (Cody and Waite).
namespace exp_constants {
inline constexpr float kLog2E = 0x1.715476p+0F;
/// Adding 1.5 * 2^23 leaves round(x / ln 2) in the low bits of the sum.
inline constexpr float kRound = 0x1.8p+23F;
/// ln 2 in two parts; the first has 16 bits, so its product with n is exact.
inline constexpr float kLn2High = 0x1.62e4p-1F;
inline constexpr float kLn2Low = 0x1.7f7d1cp-20F;
/// e^r = 1 + r + c2 r^2 + ... + c6 r^6, minimax; off by at most 0.061 * 2^-24.
inline constexpr float kC6 = 0x1.6a23d0p-10F;
inline constexpr float kC5 = 0x1.123a20p-7F;
inline constexpr float kC4 = 0x1.5558f2p-5F;
inline constexpr float kC3 = 0x1.555492p-3F;
inline constexpr float kC2 = 0x1.fffffcp-2F;
/// The least and the greatest x whose exp is a normal number: -87.3365402, 88.7228317.
inline constexpr float kLowest = -0x1.5d589ep+6F;
inline constexpr float kHighest = 0x1.62e42ep+6F;
}  // namespace exp_constants

/// Within 0.9 ulp on [kLowest, kHighest]; below it exactly 0, above it +inf; NaN
/// stays. exp(0) = 1. Subnormal results do not exist, whatever the processor's mode.
inline float exp_scalar(float x) {
  using namespace exp_constants;
  if (!(x >= kLowest)) return x < kLowest ? 0.0F : x;
  if (x > kHighest) return std::numeric_limits<float>::infinity();
  const float shifted = std::fma(x, kLog2E, kRound);
  const float n = shifted - kRound;
  const float r = std::fma(-n, kLn2Low, std::fma(-n, kLn2High, x));
  float p = std::fma(kC6, r, kC5);
  p = std::fma(p, r, kC4);
  p = std::fma(p, r, kC3);
  p = std::fma(p, r, kC2);
  p = std::fma(p, r, 1.0F);
  p = std::fma(p, r, 1.0F);
  // The shift drops all of kRound and leaves n where the exponent is.
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) +
                              (std::bit_cast<std::uint32_t>(shifted) << 23));
}

/// Natural logarithm, rounded once from double.
inline float log_scalar(float x) {
  return static_cast<float>(std::log(static_cast<double>(x)));
}

/// 1 / (1 + exp(-x)).
inline float sigmoid_scalar(float x) {
  return 1.0F / (1.0F + exp_scalar(-x));
}

/// x / (1 + exp(-x)); silu(-inf) is NaN, as in the reference implementations.
inline float silu_scalar(float x) {
  return x / (1.0F + exp_scalar(-x));
}

}  // namespace moebius::kernels
