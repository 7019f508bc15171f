// Errors of means against values computed by hand and by simulation.
#include "reports/statistics/estimators.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

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

TEST(Estimators, StrataAreNotDrawn) {
  const std::vector<double> values = {0, 1, 0, 1, 1, 1};
  const std::vector<std::string> strata = {"a", "a", "a", "a", "b", "b"};
  // a: variance of the mean 1 / 12 at two thirds of the weight; b: none.
  EXPECT_NEAR(*stratified_error(values, strata), 2.0 / 3 * std::sqrt(1.0 / 12), 1e-15);
  EXPECT_LT(*stratified_error(values, strata), *standard_error(values));
  EXPECT_FALSE(stratified_error(std::vector<double>{1}, std::vector<std::string>{"a"}));
  EXPECT_FALSE(stratified_error({}, {}));
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
  EXPECT_NEAR(*errors.between, 0,
              1e-15);  // variance of the means 1/8, of which the noise explains as much
  EXPECT_NEAR(*repeat_errors(std::vector<std::vector<double>>{{0, 1}, {1, 1}, {0, 0}}).between,
              0.25 - 0.25 / 3, 1e-15);
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

}  // namespace
}  // namespace moebius::reports
