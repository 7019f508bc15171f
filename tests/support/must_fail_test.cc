// Assertions that do not hold. CTest expects this program to fail: if it passes, no other
// test's pass means anything.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/support/close.h"

namespace moebius::tests {
namespace {

TEST(MustFail, NanIsNotOne) {
  const std::vector<float> got = {std::numeric_limits<float>::quiet_NaN()};
  const std::vector<float> want = {1.0F};
  EXPECT_TRUE(close(got, want, {.abs = 1e30F}));
}

TEST(MustPass, OneIsOne) {
  const std::vector<float> values = {1.0F};
  EXPECT_TRUE(close(values, values, {}));
}

}  // namespace
}  // namespace moebius::tests
