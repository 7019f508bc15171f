// Intervals against values of scipy 1.10.1, and their coverage, computed and not simulated.
#include "reports/statistics/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "reports/statistics/distributions.h"

namespace moebius::reports {
namespace {

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

TEST(Intervals, ClopperPearson) {
  EXPECT_NEAR(clopper_pearson(12, 30).low, 0.226558, 1e-6);
  EXPECT_NEAR(clopper_pearson(12, 30).high, 0.593965, 1e-6);
  // All right: the chance of it is 2.5 % at the bound.
  EXPECT_NEAR(std::pow(clopper_pearson(30, 30).low, 30), 0.025, 1e-12);
  EXPECT_EQ(clopper_pearson(30, 30).high, 1);
  EXPECT_EQ(clopper_pearson(0, 30).low, 0);
  EXPECT_NEAR(clopper_pearson(0, 30).high, 1 - clopper_pearson(30, 30).low, 1e-12);
}

TEST(Intervals, ClopperPearsonSolvesItsDefinition) {
  for (const int n : {1, 7, 164}) {
    for (int k = 0; k <= n; ++k) {
      const Interval interval = clopper_pearson(k, n, 0.9);
      // At least k, and at most k, in 5 %; certain at the ends.
      const double above = k > 0 ? 1 - binomial_cdf(k - 1, n, interval.low) : 0.05;
      const double below = k < n ? binomial_cdf(k, n, interval.high) : 0.05;
      EXPECT_NEAR(above, 0.05, 1e-9) << k;
      EXPECT_NEAR(below, 0.05, 1e-9) << k;
    }
  }
}

TEST(Intervals, JeffreysSolvesItsDefinition) {
  for (int k = 1; k < 30; ++k) {
    const Interval interval = jeffreys(k, 30);
    EXPECT_NEAR(beta_cdf(interval.low, k + 0.5, 30.5 - k), 0.025, 1e-9);
    EXPECT_NEAR(beta_cdf(interval.high, k + 0.5, 30.5 - k), 0.975, 1e-9);
  }
  EXPECT_EQ(jeffreys(0, 30).low, 0);
  EXPECT_EQ(jeffreys(30, 30).high, 1);
}

TEST(Distributions, KnownValues) {
  EXPECT_NEAR(normal_point(0.95), 1.644854, 1e-6);
  EXPECT_NEAR(normal_cdf(1.959964), 0.975, 1e-7);
  EXPECT_NEAR(student_t_cdf(2.045230, 29), 0.975, 1e-7);
  EXPECT_NEAR(binomial_chance(2, 4, 0.5), 6.0 / 16, 1e-15);
  EXPECT_NEAR(binomial_cdf(1, 4, 0.5), 5.0 / 16, 1e-15);
  EXPECT_NEAR(beta_cdf(0.3, 2, 1), 0.09, 1e-15);
  EXPECT_NEAR(beta_point(0.09, 2, 1), 0.3, 1e-12);
}

struct Coverage {
  double mean = 0;
  double least = 1;
};

/// How often the interval of k of n holds p, over p = .05 .. .95.
Coverage coverage(int n, const std::function<Interval(int)>& interval) {
  std::vector<Interval> intervals;
  for (int k = 0; k <= n; ++k) intervals.push_back(interval(k));
  constexpr int kSteps = 901;
  Coverage result;
  for (int step = 0; step < kSteps; ++step) {
    const double p = 0.05 + 0.001 * step;
    double covered = 0;
    double mass = std::pow(1 - p, n);
    for (int k = 0; k <= n; ++k) {
      const Interval& i = intervals[static_cast<std::size_t>(k)];
      if (i.low <= p && p <= i.high) covered += mass;
      mass *= static_cast<double>(n - k) / (k + 1) * p / (1 - p);
    }
    result.mean += covered / kSteps;
    result.least = std::min(result.least, covered);
  }
  return result;
}

/// Nominal 95 %: mean and least coverage as measured (STATISTICS 2.2.3). The least one is a point
/// of a saw, found within the grid of p.
TEST(Intervals, CoverAsMeasured) {
  const struct {
    int n;
    Coverage wilson, clopper_pearson, jeffreys;
  } kWant[] = {{30, {.952, .924}, {.972, .954}, {.948, .889}},
               {164, {.949, .937}, {.960, .951}, {.950, .937}}};
  for (const auto& want : kWant) {
    const int n = want.n;
    const auto check = [&](const char* name, const Coverage& expected, const auto& interval) {
      const Coverage got = coverage(n, interval);
      EXPECT_NEAR(got.mean, expected.mean, 0.002) << name << n;
      EXPECT_NEAR(got.least, expected.least, 0.006) << name << n;
    };
    check("wilson ", want.wilson, [&](int k) { return wilson(static_cast<double>(k) / n, n); });
    check("clopper_pearson ", want.clopper_pearson, [&](int k) { return clopper_pearson(k, n); });
    check("jeffreys ", want.jeffreys, [&](int k) { return jeffreys(k, n); });
  }
}

TEST(Intervals, WilsonMeanCoverageIsInItsBand) {
  const Coverage got = coverage(30, [](int k) { return wilson(k / 30.0, 30); });
  EXPECT_GE(got.mean, 0.945);
  EXPECT_LE(got.mean, 0.960);
}

}  // namespace
}  // namespace moebius::reports
