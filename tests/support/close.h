// Comparing float tensors. Anything not provably close is a failure: NaN, an
// infinity of the wrong sign and a length mismatch all fail.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <span>

namespace moebius::tests {

/// The bound of one value is abs + rel * |want|. Both are derived where they are
/// used, never widened until a test passes.
struct Tolerance {
  float abs = 0;  // same unit as the values
  float rel = 0;  // of |want|
};

inline bool close(float got, float want, Tolerance tolerance) {
  if (std::isnan(got) || std::isnan(want)) return false;
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return std::fabs(got - want) <= tolerance.abs + tolerance.rel * std::fabs(want);
}

/// EXPECT_TRUE(close(got, want, {.abs = 1e-6F})); names the first value that differs and
/// counts the others.
inline testing::AssertionResult close(std::span<const float> got, std::span<const float> want,
                                      Tolerance tolerance) {
  if (got.size() != want.size()) {
    return testing::AssertionFailure() << got.size() << " values, want " << want.size();
  }
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = got.size(); i-- > 0;) {
    if (!close(got[i], want[i], tolerance)) ++wrong, first = i;
  }
  if (wrong == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << wrong << " of " << got.size() << " values differ; first [" << first << "]: got "
         << got[first] << ", want " << want[first];
}

}  // namespace moebius::tests
