// Errors and intervals against values computed by hand, by scipy 1.10.1 (STATISTICS 2.2, 2.4) and
// by simulation.
#include "reports/statistics/estimators.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "reports/statistics/intervals.h"
#include "reports/store.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

const std::vector<double> kValues = {1, 1, 0, 0, 1, 0};
const std::vector<std::string> kClusters = {"a", "a", "a", "b", "b", "c"};

TEST(Estimators, ClusteredErrorHasTheFiniteFactor) {
  EXPECT_NEAR(*clustered_error(kValues, kClusters, 2), 0.1443, 5e-5);
  EXPECT_NEAR(*clustered_error(kValues, kClusters, 2) * std::sqrt(2.0 / 3), 0.1179, 5e-5);
}

TEST(Estimators, FewClustersAreRefused) {
  EXPECT_EQ(count_clusters(kClusters), 3U);
  EXPECT_FALSE(clustered_error(kValues, kClusters));
  EXPECT_FALSE(clustered_error(kValues, std::vector<std::string>(6, "a"), 1));
}

TEST(Estimators, EachAloneIsTheIndependentError) {
  std::vector<double> values;
  std::vector<std::string> clusters;
  for (int i = 0; i < 20; ++i) {
    values.push_back(i % 3);
    clusters.push_back(std::to_string(i));
  }
  EXPECT_NEAR(*clustered_error(values, clusters), *standard_error(values), 1e-15);
}

TEST(Estimators, EffectiveItems) {
  EXPECT_EQ(effective_items(100, 0.02, 0.01), 25);
  EXPECT_EQ(effective_items(100, std::nullopt, 0.01), 100);
  EXPECT_EQ(effective_items(100, 0.0, 0.0), 100);
  // Doubling every item within its cluster says nothing new.
  std::vector<double> values;
  std::vector<std::string> clusters;
  for (int i = 0; i < 80; ++i) {
    values.push_back(i / 2 % 3 == 0 ? 1 : 0);
    clusters.push_back(std::to_string(i / 2));
  }
  const double n = effective_items(80, clustered_error(values, clusters), standard_error(values));
  EXPECT_NEAR(n, 40, 1);
}

TEST(Estimators, StandardErrorByHand) {
  EXPECT_NEAR(*standard_error(std::vector<double>{0, 1, 1, 1}), 0.25, 1e-15);
  EXPECT_FALSE(standard_error(std::vector<double>{1}));
  EXPECT_EQ(mean({}), 0);
}

TEST(Estimators, RepeatErrorsByHand) {
  // Two items, two samples each: means 0.5 and 1, within 0.5 and 0.
  const std::vector<std::vector<double>> values = {{0, 1}, {1, 1}};
  const RepeatErrors errors = repeat_errors(values);
  EXPECT_EQ(errors.mean, 0.75);
  EXPECT_NEAR(*errors.total, 0.25, 1e-15);
  EXPECT_NEAR(*errors.rerun, std::sqrt(0.25 / (2 * 2)), 1e-15);
  EXPECT_FALSE(repeat_errors(std::vector<std::vector<double>>{{1}, {0}}).rerun);
  EXPECT_FALSE(repeat_errors({}).rerun);
}

/// 30 items with uniform true p: STATISTICS 2.2.4 gives .065/.056/.054 and .037/.019/.009 for
/// K = 4, 16, 64.
TEST(Estimators, RepeatErrorsAsSimulated) {
  tests::Random random(tests::seed_or(11));
  const struct {
    int repeats;
    double total;
    double rerun;
  } kWant[] = {{4, 0.065, 0.037}, {16, 0.056, 0.019}, {64, 0.054, 0.009}};
  for (const auto& want : kWant) {
    double total = 0;
    double rerun = 0;
    constexpr int kTrials = 400;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<std::vector<double>> items(30);
      for (auto& item : items) {
        const double p = random.unit();
        for (int k = 0; k < want.repeats; ++k) item.push_back(random.unit() < p ? 1 : 0);
      }
      total += *repeat_errors(items).total / kTrials;
      rerun += *repeat_errors(items).rerun / kTrials;
    }
    EXPECT_NEAR(total, want.total, 0.002) << want.repeats;
    EXPECT_NEAR(rerun, want.rerun, 0.001) << want.repeats;
  }
}

TEST(Intervals, Wilson) {
  EXPECT_NEAR(wilson(12.0 / 30, 30).low, 0.245906, 1e-6);
  EXPECT_NEAR(wilson(12.0 / 30, 30).high, 0.576796, 1e-6);
  EXPECT_NEAR(wilson(11233.0 / 14042, 14042).low, 0.793259, 1e-6);
  EXPECT_NEAR(wilson(11233.0 / 14042, 14042).high, 0.806491, 1e-6);
  EXPECT_EQ(wilson(0, 30).low, 0);
  EXPECT_EQ(wilson(1, 30).high, 1);
  EXPECT_GT(wilson(0, 30).high, 0.1);
  EXPECT_LT(wilson(1, 30).low, 0.9);
}

TEST(Intervals, Quantiles) {
  EXPECT_NEAR(normal_quantile(0.95), 1.959964, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.95, 29), 2.045230, 1e-6);
}

TEST(Intervals, StudentTStaysInRange) {
  EXPECT_EQ(student_t(0.99, 0.05, 20).high, 1);
  EXPECT_EQ(student_t(0.01, 0.05, 20).low, 0);
  EXPECT_NEAR(student_t(0.5, 0.01, 29).low, 0.5 - 0.0204523, 1e-7);
}

/// Nominal 95 %, n = 30: mean .952, never below .924 for p in [.05, .95] (STATISTICS 2.2.3).
TEST(Intervals, WilsonCoversAsMeasured) {
  double sum = 0;
  double least = 1;
  constexpr int kSteps = 901;
  for (int step = 0; step < kSteps; ++step) {
    const double p = 0.05 + 0.001 * step;
    double covered = 0;
    double mass = std::pow(1 - p, 30);
    for (int c = 0; c <= 30; ++c) {
      const Interval interval = wilson(c / 30.0, 30);
      if (interval.low <= p && p <= interval.high) covered += mass;
      mass *= (30.0 - c) / (c + 1) * p / (1 - p);
    }
    sum += covered / kSteps;
    least = std::min(least, covered);
  }
  EXPECT_NEAR(sum, 0.952, 0.002);
  EXPECT_NEAR(least, 0.924, 0.005);
}

}  // namespace
}  // namespace moebius::reports
