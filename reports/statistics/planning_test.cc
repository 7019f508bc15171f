// Many p-values and sizes of evaluations against the tables of STATISTICS 2.2 and by simulation.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "reports/statistics/multiple.h"
#include "reports/statistics/paired.h"
#include "reports/statistics/power.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

const std::vector<double> kP = {0.01, 0.04, 0.03, 0.005};

void expect_all_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << i;
}

TEST(Multiple, KnownValues) {
  expect_all_near(holm(kP), {0.03, 0.06, 0.06, 0.02});
  expect_all_near(benjamini_hochberg(kP), {0.02, 0.04, 0.04, 0.02});
}

TEST(Multiple, Edges) {
  EXPECT_TRUE(holm({}).empty());
  EXPECT_TRUE(benjamini_hochberg({}).empty());
  expect_all_near(holm(std::vector<double>{0.2}), {0.2});
  expect_all_near(holm(std::vector<double>{0.5, 0.9}), {1, 1});
  for (const double bad : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(holm(std::vector<double>{0.5, bad}), std::invalid_argument);
    EXPECT_THROW(benjamini_hochberg(std::vector<double>{bad}), std::invalid_argument);
  }
}

/// Ten true null hypotheses among twenty, the others far off: Holm errs anywhere in at most 5 %,
/// Benjamini and Hochberg in at most 2.5 % of what they reject (half the nulls are true).
TEST(Multiple, ErrorsBySimulation) {
  tests::Random random(tests::seed_or(21));
  constexpr int kTrials = 20'000;
  double any = 0;
  double share = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> p;
    for (int i = 0; i < 20; ++i) p.push_back(i < 10 ? random.unit() : random.unit() * 1e-4);
    const std::vector<double> adjusted = holm(p);
    const std::vector<double> q = benjamini_hochberg(p);
    int wrong = 0;
    int rejected = 0;
    int errors = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      wrong += i < 10 && adjusted[i] <= 0.05 ? 1 : 0;
      rejected += q[i] <= 0.05 ? 1 : 0;
      errors += i < 10 && q[i] <= 0.05 ? 1 : 0;
    }
    any += wrong > 0 ? 1 : 0;
    share += rejected > 0 ? static_cast<double>(errors) / rejected : 0;
  }
  // Three deviations of the simulation: sqrt(.05 .95 / 20000) = .0015.
  EXPECT_LE(any / kTrials, 0.05 + 0.0046);
  EXPECT_GE(any / kTrials, 0.04);
  EXPECT_NEAR(share / kTrials, 0.025, 0.002);
}

TEST(Power, TheTableOfTheGate) {
  const double differences[] = {0.005, 0.01, 0.02, 0.03, 0.05};
  const double flips[] = {0.02, 0.05, 0.10, 0.20};
  const int at80[][4] = {{4947, 12366, 24731, 49461},
                         {1237, 3092, 6183, 12366},
                         {310, 773, 1546, 3092},
                         {138, 344, 687, 1374},
                         {50, 124, 248, 495}};
  const int at90[][4] = {{6852, 17128, 34256, 68511},
                         {1713, 4282, 8564, 17128},
                         {429, 1071, 2141, 4282},
                         {191, 476, 952, 1904},
                         {69, 172, 343, 686}};
  for (int d = 0; d < 5; ++d) {
    for (int f = 0; f < 4; ++f) {
      EXPECT_EQ(items_needed(of_flips(flips[f]), differences[d]), at80[d][f]) << d << f;
      EXPECT_EQ(items_needed(of_flips(flips[f]), differences[d], {.power = 0.9}), at90[d][f]);
    }
  }
}

/// Two-sided 5 %, 80 %: what flips of 5 and 20 % let the benchmarks see.
TEST(Power, DetectableDifferences) {
  const struct {
    int items;
    double low, high, digit;
  } kWant[] = {{30, 0.11, 0.23, 0.005},
               {164, 0.049, 0.098, 0.0005},
               {500, 0.028, 0.056, 0.0005},
               {1055, 0.019, 0.039, 0.0005},
               {14042, 0.005, 0.011, 0.0005}};
  for (const auto& want : kWant) {
    const Assurance two_sided{.sides = 2};
    EXPECT_NEAR(detectable_difference(of_flips(0.05), want.items, two_sided), want.low, want.digit);
    EXPECT_NEAR(detectable_difference(of_flips(0.20), want.items, two_sided), want.high,
                want.digit);
  }
  // Unpaired, AIME: two proportions near one half.
  EXPECT_NEAR(detectable_difference({.base = 0.25, .candidate = 0.25}, 30, {.sides = 2}), 0.36,
              0.005);
}

TEST(Power, IsTheInverseOfItself) {
  const DifferenceVariance variance{
      .between = 0.02, .base = 0.1, .candidate = 0.2, .base_repeats = 4, .candidate_repeats = 2};
  EXPECT_NEAR(variance.of_item(), 0.145, 1e-15);
  for (const int sides : {1, 2}) {
    const Assurance assurance{.alpha = 0.05, .power = 0.8, .sides = sides};
    const double seen = detectable_difference(variance, 700, assurance);
    EXPECT_NEAR(power_of(variance, seen, 700, assurance), 0.8, 1e-6);
    EXPECT_EQ(items_needed(variance, seen * (1 + 1e-9), assurance), 700);
    EXPECT_NEAR(power_of(variance, 0, 700, assurance), 0.05, 1e-12);
  }
  EXPECT_EQ(items_needed({}, 0.01), 1);
  EXPECT_EQ(power_of({}, 0.01, 1), 1);
}

TEST(Power, Refuses) {
  EXPECT_THROW(items_needed(of_flips(0.1), 0), std::invalid_argument);
  EXPECT_THROW(items_needed(of_flips(0.1), 1e-300), std::invalid_argument);
  EXPECT_THROW(items_needed(of_flips(0.1), std::nan("")), std::invalid_argument);
  EXPECT_THROW(of_flips(1.1), std::invalid_argument);
  EXPECT_THROW(items_needed({.between = -1}, 0.1), std::invalid_argument);
  EXPECT_THROW(items_needed({.base_repeats = 0}, 0.1), std::invalid_argument);
  EXPECT_THROW(items_needed(of_flips(0.1), 0.1, {.alpha = 0}), std::invalid_argument);
  EXPECT_THROW(items_needed(of_flips(0.1), 0.1, {.power = 1}), std::invalid_argument);
  EXPECT_THROW(items_needed(of_flips(0.1), 0.1, {.sides = 3}), std::invalid_argument);
  EXPECT_THROW(detectable_difference(of_flips(0.1), 0), std::invalid_argument);
}

double share_right(tests::Random& random, double p, int repeats) {
  int right = 0;
  for (int k = 0; k < repeats; ++k) right += random.unit() < p ? 1 : 0;
  return static_cast<double>(right) / repeats;
}

/// Miller's formula keeps its promise: items whose chance p is uniform in .15 .. .75 for the base
/// and a gain for the candidate that is uniform in -.05 .. .15.
TEST(Power, PlannedIsSimulated) {
  tests::Random random(tests::seed_or(22));
  // Mean of p(1-p) is E p - (E p)^2 - Var p, with Var = width^2 / 12.
  const double base = 0.45 - 0.45 * 0.45 - 0.36 / 12;
  const double candidate = 0.5 - 0.25 - 0.36 / 12 - 0.04 / 12;
  for (const int repeats : {1, 4, 16}) {
    const DifferenceVariance variance{.between = 0.04 / 12,
                                      .base = base,
                                      .candidate = candidate,
                                      .base_repeats = repeats,
                                      .candidate_repeats = repeats};
    const Assurance assurance{.sides = 2};
    const auto items = static_cast<std::size_t>(items_needed(variance, 0.05, assurance));
    constexpr int kTrials = 2000;
    int seen = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      PairedScores scores;
      for (std::size_t i = 0; i < items; ++i) {
        const double p = 0.15 + 0.6 * random.unit();
        scores.base.push_back(share_right(random, p, repeats));
        scores.candidate.push_back(share_right(random, p - 0.05 + 0.2 * random.unit(), repeats));
      }
      seen += std::fabs(PairedTest(std::move(scores)).z(0)) >= 1.959964 ? 1 : 0;
    }
    // Three deviations of the simulation: 3 sqrt(.8 .2 / 2000) = .027.
    EXPECT_NEAR(static_cast<double>(seen) / kTrials, 0.8, 0.027) << repeats << " repeats";
  }
}

}  // namespace
}  // namespace moebius::reports
