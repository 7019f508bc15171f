// Rates, windows, breakers and pauses, one by one.
#include "engine/remote/pacing.h"

#include <gtest/gtest.h>

namespace moebius::engine::remote {
namespace {

TEST(RateLimit, LetsTheRateThroughAndNoMore) {
  RateLimit limit(600);  // ten a second
  Micros now = 0;
  int taken = 0;
  while (now < 10 * kSecond) {
    now = limit.ready_at(now, 1);
    limit.take(now, 1);
    ++taken;
  }
  EXPECT_GE(taken, 109);  // ten at once, then 100 in ten seconds
  EXPECT_LE(taken, 111);
}

TEST(RateLimit, TakesWhatItCanNeverHoldOnceItIsFull) {
  RateLimit limit(60);
  EXPECT_EQ(limit.ready_at(0, 5), 0);
  limit.take(0, 5);
  EXPECT_EQ(limit.ready_at(0, 1), 5 * kSecond);
  limit.give_back(4);
  EXPECT_EQ(limit.ready_at(0, 1), kSecond);
}

TEST(RateLimit, NoneIsNone) {
  RateLimit limit(0);
  for (int i = 0; i < 1000; ++i) limit.take(7, 1e9);
  EXPECT_EQ(limit.ready_at(7, 1e9), 7);
}

TEST(Window, DoublesThenCutsOncePerRoundTripThenComesBack) {
  Window window(10, 1000);
  for (int i = 0; i < 10; ++i) window.succeeded(0, 100, 50, true);
  EXPECT_EQ(window.limit(), 20);
  for (int i = 0; i < 5; ++i) window.overloaded(100, 200);
  EXPECT_EQ(window.limit(), 10);
  EXPECT_FALSE(window.helpless(150));  // asked before the cut
  EXPECT_TRUE(window.helpless(201));
  window.overloaded(201, 900);  // nothing was answered since: fewer would not help
  EXPECT_EQ(window.limit(), 10);
  for (int i = 0; i < 10; ++i) window.succeeded(250, 350, 50, true);
  EXPECT_GE(window.limit(), 13);  // half of the way back to 20
  EXPECT_LE(window.limit(), 15);
  const int before = window.limit();
  window.succeeded(250, 350, 50, false);
  EXPECT_EQ(window.limit(), before);
  window.overloaded(300, 400);
  EXPECT_EQ(window.limit(), static_cast<int>(0.8 * before));
  window.succeeded(300, 410, 50, false);
  window.overloaded(401, 420);  // within the round trip
  EXPECT_EQ(window.limit(), static_cast<int>(0.8 * before));
}

TEST(Window, ShrinksWhenFirstBytesComeMuchLater) {
  Window window(100, 1000);
  for (int i = 0; i < 20; ++i) window.succeeded(i, i + 1, kSecond, false);
  EXPECT_EQ(window.limit(), 100);
  for (int i = 20; i < 120; ++i) window.succeeded(i, i + 1, 60 * kSecond, true);
  EXPECT_LT(window.limit(), 100);
}

TEST(Window, NeverBelowOneNorAboveTheMost) {
  Window window(2, 4);
  for (int i = 0; i < 100; ++i) window.succeeded(i, i, 1, true);
  EXPECT_EQ(window.limit(), 4);
  for (int i = 100; i < 200; ++i) {
    window.overloaded(i, i);
    window.succeeded(i, i + 1, 1, false);
  }
  EXPECT_EQ(window.limit(), 1);
}

TEST(Breaker, OpensAfterFailuresInARowAndProbesWithOne) {
  Breaker breaker;
  for (int i = 1; i < Breaker::kOpenAfter; ++i) breaker.failed(0, 10, 0);
  breaker.succeeded(9);  // asked before the first failure: the count goes on
  breaker.succeeded(11);
  for (int i = 0; i < Breaker::kOpenAfter; ++i) breaker.failed(0, 10, 0);
  EXPECT_TRUE(breaker.open());
  const Micros probe = breaker.ready_at(20);
  EXPECT_EQ(probe, 10 + Breaker::kFirstPause / 2);
  breaker.started(probe);
  EXPECT_EQ(breaker.ready_at(probe + 1), kNever);
  breaker.failed(5, probe + 1, 0);  // an old one
  EXPECT_EQ(breaker.ready_at(probe + 1), kNever);
  breaker.failed(probe, probe + 2, 0);
  EXPECT_GT(breaker.ready_at(probe + 2), probe + 2 + Breaker::kFirstPause / 2);
  const Micros second = breaker.ready_at(probe + 2);
  breaker.started(second);
  breaker.dropped(second);
  EXPECT_EQ(breaker.ready_at(second), second);
  breaker.started(second);
  breaker.succeeded(second);
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.ready_at(second), second);
  EXPECT_EQ(breaker.failing_since(), kNever);
}

TEST(Backoff, IsFullJitterAndBounded) {
  EXPECT_EQ(backoff(1, kSecond / 2, 0), 0);
  EXPECT_EQ(backoff(1, kSecond / 2, 0.5), kSecond / 4);
  EXPECT_EQ(backoff(3, kSecond / 2, 0.5), kSecond);
  EXPECT_LE(backoff(1'000'000, kSecond / 2, 0.999999), 60 * kSecond);
}

TEST(RetryAfter, ReadsSecondsAndDatesAndNothingElse) {
  EXPECT_EQ(parse_retry_after("3", 0), 3 * kSecond);
  EXPECT_EQ(parse_retry_after(" 0.25 ", 0), kSecond / 4);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111770), 7 * kSecond);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111790), 0);
  EXPECT_EQ(parse_retry_after("-5", 0), 0);
  EXPECT_EQ(parse_retry_after("1e300", 0), 3600 * kSecond);
  for (const char* bad : {"", "soon", "3s", "nan", "Sun, 06 Nov 1994", "0x10"}) {
    EXPECT_EQ(parse_retry_after(bad, 0), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace moebius::engine::remote
