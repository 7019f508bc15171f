#include "runner/digest.h"

#include <gtest/gtest.h>

#include <set>

namespace moebius::runner {
namespace {

TEST(Digest, FieldsAreKeptApart) {
  const std::vector<std::int32_t> one = {1};
  std::set<std::string> seen;
  const auto fresh = [&](Digest& digest) { return seen.insert(digest.hex()).second; };
  Digest a, b, c, d, e, f, g;
  EXPECT_TRUE(fresh(a.add("ab").add("c")));
  EXPECT_TRUE(fresh(b.add("a").add("bc")));
  EXPECT_TRUE(fresh(c.add("abc")));
  EXPECT_TRUE(fresh(d.add("abc").add("")));
  EXPECT_TRUE(fresh(e.add(1)));
  EXPECT_TRUE(fresh(f.add(std::span(one))));
  EXPECT_TRUE(fresh(g));
  Digest again;
  EXPECT_FALSE(fresh(again.add("a").add("bc")));
}

TEST(Digest, IdsAreHashedAsTheyLie) {
  // printf '\x01\0\0\0\x02\0\0\0' | sha256sum
  const std::vector<std::int32_t> ids = {1, 2};
  EXPECT_EQ(sha256_ids(ids), "34fb5c825de7ca4aea6e712f19d439c1da0c92c37b423936c5f618545ca4fa1f");
  EXPECT_EQ(sha256_ids({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace moebius::runner
