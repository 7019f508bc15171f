// Every question belongs to one shard, whatever else is asked and in whatever order.
#include "runner/shard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "runner/input.h"
#include "runner/plan.h"

namespace moebius::runner {
namespace {

TEST(Shard, Parses) {
  const Shard shard = parse_shard("3/16");
  EXPECT_EQ(shard.index, 3);
  EXPECT_EQ(shard.count, 16);
  EXPECT_EQ(parse_shard("1/1").count, 1);
  EXPECT_EQ(parse_shard("100000/100000").index, kMaxShards);
  for (const char* bad :
       {"", "/", "3", "3/", "/16", "0/16", "17/16", "-1/16", "+1/16", " 1/16", "1/16 ", "1/16/1",
        "1.0/16", "0x1/16", "1/100001", "1/99999999999999999", "a/b", "3\n/16", "1//16"}) {
    EXPECT_THROW(parse_shard(bad), InputError) << bad;
  }
}

/// printf %s ID | sha256sum | head -c 16, as a number, modulo the count, plus one.
TEST(Shard, IsTheDocumentedHash) {
  EXPECT_EQ(shard_of("", 1 << 16), 0x1c14 + 1);     // e3b0c44298fc1c14
  EXPECT_EQ(shard_of("abc", 1 << 16), 0xcfea + 1);  // ba7816bf8f01cfea
  EXPECT_EQ(shard_of("abc", 10), static_cast<int>(0xba7816bf8f01cfeaULL % 10) + 1);
}

TEST(Shard, AllTogetherAreTheWholeAndEvenlySpread) {
  constexpr int kItems = 14'042;
  for (const std::int32_t count : {1, 2, 3, 16, 64}) {
    std::vector<int> items(static_cast<std::size_t>(count));
    for (int i = 0; i < kItems; ++i) {
      const std::string item = "abstract_algebra/" + std::to_string(i);
      const std::int32_t index = shard_of(item, count);
      ASSERT_GE(index, 1);
      ASSERT_LE(index, count);
      ++items[static_cast<std::size_t>(index - 1)];
      for (std::int32_t other = 1; other <= count; ++other) {
        ASSERT_EQ(in_shard(item, {other, count}), other == index);
      }
    }
    // Binomial: six deviations, which no fixed set of ids of a good hash comes near to.
    const double mean = static_cast<double>(kItems) / count;
    const double bound = 6 * std::sqrt(mean) + 1;
    for (const int found : items) EXPECT_NEAR(found, mean, bound) << count;
  }
  EXPECT_TRUE(in_shard("x", Shard{}));
}

PlanOptions chosen(std::int64_t limit, Shard shard) {
  PlanOptions options;
  options.sandbox = [] { return nullptr; };  // nothing is judged here
  options.limit = limit;
  options.shard = shard;
  return options;
}

std::vector<PlannedSet> plan(const PlanOptions& options) {
  return make_plan(parse_tasks("mini-math,mini-mmlu", {}), options);
}

TEST(Shard, PlansAgreeInAllButTheirOwnItems) {
  const std::vector<PlannedSet> whole = plan(chosen(40, {}));
  const std::string key = run_key("f", "b", whole);
  std::vector<std::int64_t> items(whole.size());
  for (std::int32_t index = 1; index <= 5; ++index) {
    const std::vector<PlannedSet> part = plan(chosen(40, {index, 5}));
    EXPECT_EQ(run_key("f", "b", part), key) << "the key of the whole run";
    ASSERT_EQ(part.size(), whole.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
      EXPECT_EQ(part[i].record.whole_items, 40);
      EXPECT_EQ(part[i].record.questions_sha256, whole[i].record.questions_sha256);
      EXPECT_EQ(part[i].set.samples.size(), 40U);
      items[i] += part[i].record.items;
    }
  }
  EXPECT_EQ(items, (std::vector<std::int64_t>{40, 40}));
}

TEST(Shard, IsNoMatterOfTheLimit) {
  const auto own = [](std::int64_t limit) {
    std::set<std::string> found;
    const PlannedSet set = std::move(plan(chosen(limit, {2, 3}))[0]);
    for (const tasks::Sample& sample : set.set.samples) {
      if (in_shard(sample.item, set.shard)) found.insert(sample.item);
    }
    EXPECT_EQ(std::ssize(found), set.record.items);
    return found;
  };
  const std::set<std::string> few = own(10);
  const std::set<std::string> many = own(40);
  EXPECT_LT(few.size(), many.size());
  for (const std::string& item : few) EXPECT_TRUE(many.contains(item)) << item;
}

TEST(Shard, KeysAreTheirOwn) {
  std::set<std::string> keys = {"w"};
  for (const Shard shard : {Shard{1, 2}, Shard{2, 2}, Shard{1, 3}, Shard{12, 1}}) {
    keys.insert(shard_key("w", shard));
    keys.insert(shard_key("v", shard));
  }
  EXPECT_EQ(keys.size(), 9U);
}

TEST(Shard, WhatIsAskedHasAHash) {
  const std::vector<PlannedSet> some = plan(chosen(3, {}));
  const std::vector<PlannedSet> more = plan(chosen(4, {}));
  EXPECT_EQ(some[0].record.questions_sha256.size(), 64U);
  EXPECT_NE(some[0].record.questions_sha256, more[0].record.questions_sha256);
  EXPECT_NE(some[0].record.questions_sha256, some[1].record.questions_sha256);
}

}  // namespace
}  // namespace moebius::runner
