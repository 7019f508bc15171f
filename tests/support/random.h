// Random numbers for property tests: the same on every platform, the seed printed and settable.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <vector>

namespace moebius::tests {

/// The environment variable MOEBIUS_SEED if it is set, otherwise `fallback`. Printed and put
/// into the test's properties, so that a failure can be run again.
inline std::uint64_t seed_or(std::uint64_t fallback) {
  const char* text = std::getenv("MOEBIUS_SEED");
  const std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 0) : fallback;
  std::printf("seed %llu (MOEBIUS_SEED sets it)\n", static_cast<unsigned long long>(seed));
  testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

/// SplitMix64 (Steele, Lea and Flood 2014). The standard library's distributions differ between
/// platforms, so the ones that tests need are here.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// Uniform in [low, high], both included; low <= high. The bias of the remainder is below
  /// (high - low) / 2^64.
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    if (range == UINT64_MAX) return static_cast<std::int64_t>(next());
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + next() % (range + 1));
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// Normal with mean 0 and deviation 1 (Box-Muller).
  float normal() {
    const double radius = std::sqrt(-2 * std::log(1 - unit()));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * unit()));
  }

  std::vector<float> normals(std::size_t size, float deviation = 1) {
    std::vector<float> values(size);
    for (float& value : values) value = deviation * normal();
    return values;
  }

  /// Fisher-Yates.
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(next() % i)]);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace moebius::tests
