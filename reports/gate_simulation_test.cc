// Whole comparisons of made-up runs, many of them: how often a gate is right.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "reports/compare.h"
#include "reports/sizes.h"
#include "reports/store/made_up_store.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

constexpr double kFlips = 0.08;  // share of questions that change sides

/// A base and a candidate of one set; the scores are drawn anew for every trial.
class Simulation {
 public:
  Simulation(int questions, const CompareOptions& options, std::uint64_t seed)
      : options_(options), random_(seed) {
    base_ = store_.add_run({{questions, cases::all_right}});
    candidate_ = store_.add_run({{questions, cases::all_right}});
  }

  struct Shares {
    double pass = 0;
    double regression = 0;
    double inconclusive = 0;
    double invalid = 0;
  };

  /// Of `trials` gates, the true difference of the candidate being `difference`.
  Shares run(int trials, double difference) {
    Shares shares;
    for (int trial = 0; trial < trials; ++trial) {
      draw(difference);
      const Verdict verdict = compare(store_, base_, store_, candidate_, options_).verdict;
      double* const share[] = {&shares.pass, &shares.regression, &shares.inconclusive,
                               &shares.invalid};
      *share[static_cast<int>(verdict)] += 1.0 / trials;
    }
    std::printf("passes %.3f, regressions %.3f, inconclusive %.3f of %d\n", shares.pass,
                shares.regression, shares.inconclusive, trials);
    return shares;
  }

 private:
  void draw(double difference) {
    auto& base = store_.stored[0].rows;
    auto& candidate = store_.stored[1].rows;
    for (std::size_t i = 0; i < base.size(); ++i) {
      const double x = random_.unit();
      const bool lost = x < (kFlips - difference) / 2;
      const bool gained = !lost && x < kFlips;
      const bool right = lost || (!gained && random_.unit() < 0.6);
      base[i].sample.scores = {cases::score(right ? 1 : 0)};
      candidate[i].sample.scores = {cases::score((right && !lost) || gained ? 1 : 0)};
    }
  }

  cases::MadeUpStore store_;
  Run base_;
  Run candidate_;
  CompareOptions options_;
  tests::Random random_;
};

constexpr double kMargin = 0.0125;

int planned_size(double power) {
  const SizePlan plan =
      plan_size(spread_of_flips(kFlips, 0), {.margin = kMargin, .power = power, .questions = 1});
  return static_cast<int>(plan.questions);
}

/// A loss of three points is called a regression in at least 80 % of 200 gates of the planned size.
/// By the normal approximation it is 96 %: five deviations of 200 trials above.
TEST(GateSimulation, APlantedLossIsCaught) {
  Simulation gate(planned_size(0.8), {.margin = kMargin}, tests::seed_or(61));
  const Simulation::Shares got = gate.run(200, -0.03);
  EXPECT_GE(got.regression, 0.8);
  EXPECT_EQ(got.pass, 0);
  EXPECT_EQ(got.invalid, 0);
}

/// The same model twice: a regression in at most 5 %, and a pass as often as was planned, up to
/// three deviations of 200 trials.
TEST(GateSimulation, TheSameModelDoesNotFail) {
  Simulation gate(planned_size(0.8), {.margin = kMargin}, tests::seed_or(62));
  const Simulation::Shares got = gate.run(200, 0);
  EXPECT_LE(got.regression, 0.05);
  EXPECT_NEAR(got.pass, 0.8, 0.085);
}

TEST(GateSimulation, TooFewQuestionsAreInconclusive) {
  Simulation gate(150, {.margin = kMargin}, tests::seed_or(63));
  const Simulation::Shares got = gate.run(200, 0);
  EXPECT_GE(got.inconclusive, 0.8);
  EXPECT_LE(got.regression, 0.05);
}

/// At the margin five looks pass in no more than 5 %, up to three deviations of 200 trials; the
/// narrow limit of 5.5 % is held over 12,000 trials by sequential_test.
TEST(GateSimulation, LooksDoNotAddErrors) {
  Simulation gate(500, {.margin = 0.03, .looks = equal_looks(5)}, tests::seed_or(64));
  const Simulation::Shares got = gate.run(200, -0.03);
  EXPECT_LE(got.pass, 0.1);
  EXPECT_LE(got.regression, 0.1);
  EXPECT_GE(got.inconclusive, 0.8);
}

TEST(Sizes, KnownValues) {
  // STATISTICS 2.2.12: flip rate 5 %, margin 2 points, power 80 %: 773.
  const SizeRequest request{.margin = 0.02, .questions = 500};
  const SizePlan plan = plan_size(spread_of_flips(0.05, 0), request);
  EXPECT_EQ(plan.questions, 773);
  EXPECT_FALSE(plan.repeats);  // true differences: asking again does not help
  EXPECT_NEAR(plan.detectable, 0.0249, 1e-4);
  EXPECT_NEAR(plan.power, 0.638, 0.001);
  // All of it chance: half as many questions with twice the repeats.
  const Spread chance = spread_of_flips(0.05, 0.025);
  EXPECT_EQ(chance.between, 0);
  EXPECT_EQ(plan_size(chance, request).repeats, 2);
  EXPECT_EQ(plan_size(chance, {.margin = 0.02, .questions = 500, .repeats = 2}).questions, 387);
  // Never fewer than the bound without a flip can prove.
  const SizePlan none = plan_size({}, {.margin = 0.01, .questions = 100});
  EXPECT_EQ(none.questions, 268);
  EXPECT_EQ(none.power, 0);
  EXPECT_NEAR(none.detectable, 2.7055 / 102.7055, 1e-5);
  EXPECT_FALSE(none.repeats);
}

TEST(Sizes, SpreadsFromWhatWasSeen) {
  // 30 questions, 4 repeats, every question half right: within 4/3 * .25.
  EXPECT_NEAR(within_of_rerun(std::sqrt(1.0 / 3 / 4 / 30), 30, 4), 1.0 / 3, 1e-12);
  const Spread spread = spread_of_error(0.05, 100, 2, 0.1);
  EXPECT_NEAR(spread.of_question(2), 0.25, 1e-12);
  EXPECT_NEAR(spread.between, 0.15, 1e-12);
  EXPECT_EQ(spread_of_error(0.01, 100, 2, 0.1).between, 0);
}

TEST(Sizes, Refuses) {
  for (const SizeRequest& request :
       {SizeRequest{.questions = 0}, SizeRequest{.questions = 1, .repeats = 0},
        SizeRequest{.margin = 0, .questions = 1}, SizeRequest{.alpha = 0.5, .questions = 1},
        SizeRequest{.power = 1, .questions = 1}}) {
    EXPECT_THROW(plan_size({}, request), std::invalid_argument);
  }
}

}  // namespace
}  // namespace moebius::reports
