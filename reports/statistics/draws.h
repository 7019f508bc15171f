// The random numbers of resampling statistics: the same on every platform, from a seed that is
// stored with the result.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::reports {

/// What results are drawn with unless somebody asks for another seed.
inline constexpr std::uint64_t kDrawSeed = 20'240'607;

/// SplitMix64. Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
/// generators".
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// Uniform in 0 .. count - 1, count in 1 .. 2^32: the high half of a product, whose bias is
  /// below 2^-32.
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(((bits() >> 32) * static_cast<std::uint64_t>(count)) >> 32);
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace moebius::reports
