// Sums per kernel, busy time of intervals that overlap, and the log of host launches.
#include "kernels/profile/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

TEST(BusyTime, CountsOverlapOnce) {
  BusyTime busy;
  busy.add(10, 20);
  busy.add(15, 25);  // overlaps
  busy.add(12, 13);  // inside
  busy.add(30, 40);
  busy.add(40, 45);  // touches
  busy.add(50, 50);  // empty
  busy.add(60, 55);  // backwards
  EXPECT_EQ(busy.take(), 15 + 15);
  EXPECT_EQ(busy.take(), 0);
}

TEST(BusyTime, WhatWasCountedIsNotCountedAgain) {
  BusyTime busy;
  busy.add(0, 100);
  EXPECT_EQ(busy.take(), 100);
  busy.add(50, 130);
  EXPECT_EQ(busy.take(), 30);
}

/// Against one mark per nanosecond, over more intervals than are held at a time.
TEST(BusyTime, EqualsTheUnionOfManyIntervals) {
  constexpr int kIntervals = 400'000;
  std::mt19937_64 random(tests::seed_or(1));
  std::vector<bool> marked(std::size_t{kIntervals} * 12);
  BusyTime busy;
  for (int i = 0; i < kIntervals; ++i) {
    const auto start =
        static_cast<std::int64_t>(i) * 10 + static_cast<std::int64_t>(random() % 300);
    const std::int64_t end = start + static_cast<std::int64_t>(random() % 12);
    busy.add(start, end);
    for (std::int64_t t = start; t < end; ++t) marked[static_cast<std::size_t>(t)] = true;
  }
  EXPECT_EQ(busy.take(), std::count(marked.begin(), marked.end(), true));
}

TEST(ProfileTable, SumsByNameMostTimeFirst) {
  ProfileTable table;
  const std::size_t small = table.index_of("small");
  const std::size_t large = table.index_of("large");
  table.index_of("never ran");
  EXPECT_EQ(table.index_of("small"), small);
  table.add(small, 1, 10, 100, 1000);
  table.add(large, 1, 70, 1, 2);
  table.add(small, 1, 20, 200, 2000);
  const std::vector<KernelTotals> totals = table.take();
  ASSERT_EQ(totals.size(), 2U);
  EXPECT_EQ(totals[0].kernel, "large");
  EXPECT_EQ(totals[1].kernel, "small");
  EXPECT_EQ(totals[1].calls, 2);
  EXPECT_EQ(totals[1].ns, 30);
  EXPECT_EQ(totals[1].bytes, 300);
  EXPECT_EQ(totals[1].flops, 3000);
  EXPECT_TRUE(table.take().empty());
  table.add(small, 1, 5, 0, 0);
  EXPECT_EQ(table.take().at(0).ns, 5);
}

Profile window(std::int64_t calls) {
  Profile window;
  window.kernels.push_back({.kernel = "gemm", .calls = calls, .ns = 10 * calls});
  window.kernels[0].bytes = 3 * calls;
  window.kernels[0].flops = 4.0 * static_cast<double>(calls);
  window.busy_ns = 9 * calls;
  window.seen_ns = 50;
  window.lost = 1;
  return window;
}

TEST(SampledProfile, WindowsWithoutGapsAreSummedAsTheyAre) {
  SampledProfile sampled(1000);
  sampled.add(window(5), 10, 0);
  sampled.add(window(2), 0, 0);  // outside of any step
  const Profile profile = sampled.take(0, 1150);
  EXPECT_EQ(profile.kernels.at(0).calls, 7);
  EXPECT_EQ(profile.kernels.at(0).ns, 70);
  EXPECT_EQ(profile.kernels.at(0).bytes, 21);
  EXPECT_EQ(profile.kernels.at(0).flops, 28);
  EXPECT_EQ(profile.busy_ns, 63);
  EXPECT_EQ(profile.wall_ns, 150);
  EXPECT_EQ(profile.seen_ns, 100);
  EXPECT_EQ(profile.lost, 2);
  EXPECT_TRUE(sampled.take(0, 1200).kernels.empty());
}

TEST(SampledProfile, AWindowStandsForTheStepsBeforeIt) {
  SampledProfile sampled(0);
  sampled.add(window(10), 5, 0);                 // all steps seen
  sampled.add(window(10), 5, 15);                // one step of four
  const Profile profile = sampled.take(5, 600);  // and five more of which nothing was seen
  EXPECT_EQ(profile.kernels.at(0).calls, 60);
  EXPECT_EQ(profile.kernels.at(0).ns, 600);
  EXPECT_EQ(profile.busy_ns, 540);
  EXPECT_EQ(profile.wall_ns, 600);
  EXPECT_EQ(profile.seen_ns, 100);
  EXPECT_EQ(profile.lost, 2) << "not multiplied";
  EXPECT_TRUE(sampled.take(9, 700).kernels.empty()) << "nothing was seen since";
}

TEST(ProfileLog, SumsHostLaunches) {
  ProfileLog log;
  for (int i = 0; i < 3; ++i) {
    const LaunchScope outer(&log, "outer", 10, 20);
    const LaunchScope inner(&log, "inner", 1, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  log.add({"device launch", 5, 5, 0});  // its time comes from elsewhere
  const Profile profile = log.take_profile();
  ASSERT_EQ(profile.kernels.size(), 2U);
  EXPECT_EQ(profile.kernels[0].kernel, "outer");
  EXPECT_EQ(profile.kernels[0].calls, 3);
  EXPECT_EQ(profile.kernels[0].bytes, 30);
  EXPECT_EQ(profile.kernels[1].flops, 6);
  const std::int64_t sum = profile.kernels[0].ns + profile.kernels[1].ns;
  EXPECT_GE(profile.busy_ns, 6'000'000);
  EXPECT_LT(profile.busy_ns, sum) << "nested launches overlap";
  EXPECT_LE(profile.busy_ns, profile.wall_ns);
  EXPECT_TRUE(log.take_profile().kernels.empty());
  EXPECT_TRUE(log.take().empty()) << "sums alone are kept";
}

}  // namespace
}  // namespace moebius::kernels
