// Philox against its authors' vectors, and choices that may never change.
#include <gtest/gtest.h>

#include <set>

#include "tasks/philox.h"
#include "tasks/task.h"
#include "tasks/testing/files.h"

namespace moebius::tasks {
namespace {

using Block = std::array<std::uint32_t, 4>;
using Positions = std::vector<std::int64_t>;

/// Random123 tests/kat_vectors, philox4x32 10.
TEST(Philox, EqualsTheAuthorsVectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, DrawsLowWordFirst) {
  Philox random(0);
  EXPECT_EQ(random.next(), 0xe169c58d6627e8d5U);
  EXPECT_EQ(random.next(), 0x9b00dbd8bc57ac4cU);
}

TEST(Philox, BelowIsUniform) {
  Philox random(5);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);  // 5 standard deviations
}

/// A change here would change which items a seeded run asks.
TEST(Choose, NeverChanges) {
  EXPECT_EQ(choose(1, 100, 10), (Positions{18, 23, 26, 29, 36, 48, 52, 64, 67, 69}));
  EXPECT_EQ(choose(2, 100, 10), (Positions{0, 9, 22, 23, 50, 59, 61, 78, 81, 87}));
  EXPECT_EQ(choose(0xdeadbeefcafe, 14042, 5), (Positions{3878, 5663, 5722, 6779, 9388}));
}

TEST(Choose, IsAscendingDistinctAndInRange) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Positions chosen = choose(seed, 50, 20);
    EXPECT_EQ(std::set<std::int64_t>(chosen.begin(), chosen.end()).size(), 20U);
    EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    EXPECT_GE(chosen.front(), 0);
    EXPECT_LT(chosen.back(), 50);
  }
}

TEST(Choose, TakesEveryPositionEquallyOften) {
  std::array<int, 10> counts{};
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    for (const std::int64_t at : choose(seed, 10, 3)) ++counts[static_cast<std::size_t>(at)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 6000, 325);  // 5 standard deviations
}

TEST(Choose, HandlesTheEnds) {
  EXPECT_EQ(choose(1, 0, 0), Positions{});
  EXPECT_EQ(choose(1, 5, 0), Positions{});
  EXPECT_EQ(choose(1, 4, 4), (Positions{0, 1, 2, 3}));
  EXPECT_EQ(choose(1, std::int64_t{1} << 60, 3).size(), 3U);  // does not touch all of them
  EXPECT_EQ(testing::error_of([] { choose(1, 3, 4); }),
            "choose: expected 0 <= count <= n, found 4 of 3");
  EXPECT_EQ(testing::error_of([] { choose(1, 3, -1); }),
            "choose: expected 0 <= count <= n, found -1 of 3");
}

}  // namespace
}  // namespace moebius::tasks
