// Where expressions are evaluated: values of symbols drawn from their names, never from a clock.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius::scorers::math {

/// Which numbers a symbol stands for.
enum class Domain : std::uint8_t {
  kComplex,   // anywhere off the axes, as sympy's symbols
  kPositive,  // real, above zero
  kReal,      // real, either sign
  kNatural,   // 3 .. 18, for factorials and binomials of symbols
};

/// SplitMix64's finalizer over the pair.
constexpr std::uint64_t scramble(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15U * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace moebius::scorers::math
