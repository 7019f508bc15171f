// Paired tests against the vectors of STATISTICS 2.2, their definitions, and by simulation.
#include "reports/statistics/paired.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "reports/statistics/bootstrap.h"
#include "reports/statistics/distributions.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/mcnemar.h"
#include "reports/statistics/sign_flip.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

/// Of `items` questions `gained` and `lost` change sides, the others are right in both.
PairedScores flipped(int gained, int lost, int items) {
  PairedScores scores{.base = std::vector<double>(static_cast<std::size_t>(items), 1),
                      .candidate = std::vector<double>(static_cast<std::size_t>(items), 1)};
  for (int i = 0; i < gained; ++i) scores.base[static_cast<std::size_t>(i)] = 0;
  for (int i = gained; i < gained + lost; ++i) scores.candidate[static_cast<std::size_t>(i)] = 0;
  return scores;
}

TEST(Mcnemar, KnownValues) {
  EXPECT_NEAR(mcnemar_exact(10, 20), 0.0987371467, 1e-10);
  EXPECT_NEAR(mcnemar_mid_p(10, 20), 0.0707555460, 1e-10);
  EXPECT_NEAR(mcnemar_mid_p(20, 10), 0.0707555460, 1e-10);
  EXPECT_NEAR(mcnemar_exact(3, 12), 0.03515625, 1e-12);
  EXPECT_EQ(mcnemar_exact(0, 0), 1);
  EXPECT_EQ(mcnemar_mid_p(4, 4), 1);
  EXPECT_NEAR(mcnemar_exact(0, 1), 1, 1e-12);
  EXPECT_NEAR(mcnemar_mid_p(0, 1), 0.5, 1e-12);
}

struct Rejections {
  double exact = 0;
  double mid_p = 0;
  double paired_t = 0;
};

/// Summed over every outcome: how often no difference is rejected at 5 % though there is none and
/// a share `flip_rate` of the questions changes sides.
Rejections rejections(int n, double flip_rate) {
  Rejections result;
  for (int flips = 0; flips <= n; ++flips) {
    const double chance = binomial_chance(flips, n, flip_rate);
    for (int gained = 0; gained <= flips && chance > 1e-12; ++gained) {
      const double both = chance * binomial_chance(gained, flips, 0.5);
      result.exact += mcnemar_exact(gained, flips - gained) <= 0.05 ? both : 0;
      result.mid_p += mcnemar_mid_p(gained, flips - gained) <= 0.05 ? both : 0;
      const double difference = static_cast<double>(2 * gained - flips) / n;
      const double error =
          std::sqrt((static_cast<double>(flips) / n - difference * difference) / (n - 1));
      const double t = error > 0 ? std::fabs(difference) / error : 0;
      result.paired_t += 2 * student_t_cdf(-t, n - 1) <= 0.05 ? both : 0;
    }
  }
  return result;
}

/// STATISTICS 2.2.8 has these from simulation; its digits and 2 deviations of 10,000 draws.
TEST(Mcnemar, ErrsAsMeasured) {
  const struct {
    int n;
    double flips;
    Rejections want;
  } kWant[] = {{30, 0.2, {.013, .033, .048}},
               {164, 0.1, {.027, .045, .048}},
               {500, 0.05, {.031, .046, .053}}};
  for (const auto& row : kWant) {
    const Rejections got = rejections(row.n, row.flips);
    EXPECT_NEAR(got.exact, row.want.exact, 0.005) << row.n;
    EXPECT_NEAR(got.mid_p, row.want.mid_p, 0.005) << row.n;
    EXPECT_NEAR(got.paired_t, row.want.paired_t, 0.005) << row.n;
    EXPECT_LE(got.mid_p, 0.05);
  }
}

TEST(Tango, KnownIntervals) {
  EXPECT_NEAR(tango_interval({.gained = 1, .lost = 7, .items = 21}).low, -0.5172, 5e-5);
  EXPECT_NEAR(tango_interval({.gained = 1, .lost = 7, .items = 21}).high, -0.0260, 5e-5);
  EXPECT_NEAR(tango_interval({.gained = 10, .lost = 20, .items = 164}).low, -0.12955, 5e-6);
  EXPECT_NEAR(tango_interval({.gained = 10, .lost = 20, .items = 164}).high, 0.00472, 5e-6);
}

/// Without flips z^2 = n d / (1 - d) at -d: the bound is z^2 / (n + z^2).
TEST(Tango, NoFlipsAreNotCertainty) {
  const double z = normal_point(0.975);
  const Interval interval = tango_interval({.items = 50});
  EXPECT_NEAR(interval.high, z * z / (50 + z * z), 1e-9);
  EXPECT_NEAR(interval.low, -interval.high, 1e-12);
  EXPECT_EQ(tango_z({.items = 50}, 0), 0);
}

TEST(Tango, MirrorsAndStaysInRange) {
  for (const auto& [gained, lost, items] :
       {std::tuple{0, 0, 1}, {1, 0, 1}, {0, 1, 1}, {3, 5, 8}, {7, 0, 7}, {0, 9, 4000}}) {
    const Interval one = tango_interval({.gained = gained, .lost = lost, .items = items});
    const Interval other = tango_interval({.gained = lost, .lost = gained, .items = items});
    EXPECT_NEAR(one.low, -other.high, 1e-9);
    EXPECT_NEAR(one.high, -other.low, 1e-9);
    EXPECT_GE(one.low, -1);
    EXPECT_LE(one.low, one.high);
    EXPECT_LE(one.high, 1);
  }
  EXPECT_EQ(tango_z({.gained = 7, .items = 7}, -1), std::numeric_limits<double>::infinity());
}

/// The root of the restricted estimate is the maximum of the likelihood of the three cells.
TEST(Tango, UsesTheRestrictedEstimate) {
  const Flips flips{.gained = 3, .lost = 9, .items = 60};
  for (const double difference : {-0.3, -0.05, 0.0, 0.02, 0.2}) {
    double best = -std::numeric_limits<double>::infinity();
    double lost = 0;
    for (int i = 1; i < 200'000; ++i) {
      const double q = i * 5e-6;
      const double p = q + difference;
      if (p <= 0 || p + q >= 1) continue;
      const double likelihood = 3 * std::log(p) + 9 * std::log(q) + 48 * std::log(1 - p - q);
      if (likelihood > best) best = likelihood, lost = q;
    }
    const double variance = 60 * (2 * lost + difference - difference * difference);
    EXPECT_NEAR(tango_z(flips, difference), (-6 - 60 * difference) / std::sqrt(variance), 1e-3);
  }
}

TEST(Tango, RefusesImpossibleCounts) {
  EXPECT_THROW(tango_z({.gained = 2, .lost = 2, .items = 3}, 0), std::invalid_argument);
  EXPECT_THROW(tango_z({.gained = -1, .items = 3}, 0), std::invalid_argument);
  EXPECT_THROW(tango_z({}, 0), std::invalid_argument);
}

TEST(SignFlip, ExactOnFlipsIsTheBinomialTest) {
  const SignFlip test = sign_flip(flipped(12, 3, 164).differences(), {});
  EXPECT_TRUE(test.exact);
  EXPECT_NEAR(test.p, mcnemar_exact(12, 3), 1e-12);
  EXPECT_NEAR(test.p, 0.036, 0.001);  // STATISTICS 2.2.8, there drawn
}

TEST(SignFlip, DrawnAgreesWithCounted) {
  tests::Random random(tests::seed_or(31));
  std::vector<double> differences;
  for (int i = 0; i < 40; ++i) differences.push_back(i < 26 ? 1 : -1);
  const SignFlip drawn = sign_flip(differences, {}, random.next());
  EXPECT_FALSE(drawn.exact);
  // Three deviations of 100,000 draws at p = .08.
  EXPECT_NEAR(drawn.p, mcnemar_exact(26, 14), 0.0026);
  EXPECT_EQ(sign_flip(differences, {}, 7).p, sign_flip(differences, {}, 7).p);
  EXPECT_NE(sign_flip(differences, {}, 7).p, sign_flip(differences, {}, 8).p);
  EXPECT_EQ(sign_flip(differences, {}, 7).seed, 7U);
}

TEST(SignFlip, ClustersFlipTogether) {
  const std::vector<double> differences = {0.5, 0.5, 0.25, -0.25, 1, 0.75};
  const std::vector<std::string> clusters = {"a", "a", "b", "b", "c", ""};
  // b sums to nothing, a to 1, c to 1, the last stands alone: 2 of 8 patterns are as extreme.
  EXPECT_EQ(sign_flip(differences, clusters).p, 0.25);
  EXPECT_EQ(sign_flip(std::vector<double>{0, 0}, {}).p, 1);
  EXPECT_EQ(sign_flip({}, {}).p, 1);
}

/// Skewed differences whose mean is zero only by symmetry of sign: 5 % of 5 %.
TEST(SignFlip, KeepsItsLevel) {
  tests::Random random(tests::seed_or(32));
  constexpr int kTrials = 1500;
  int rejected = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> differences;
    std::vector<std::string> clusters;
    for (int i = 0; i < 120; ++i) {
      const int cluster = i / 4;
      if (i % 4 == 0)
        differences.push_back(random.normal());
      else
        differences.push_back(differences.back() + 0.1 * random.normal());
      clusters.push_back(std::to_string(cluster));
    }
    rejected += sign_flip(differences, clusters, random.next(), 999).p <= 0.05 ? 1 : 0;
  }
  // Three deviations: 3 sqrt(.05 .95 / 1500) = .017.
  EXPECT_NEAR(static_cast<double>(rejected) / kTrials, 0.05, 0.017);
}

/// The mean over clusters of equal size, for which the formula is known.
Statistic mean_statistic(const std::vector<double>& values) {
  return [&values](std::span<const std::int32_t> counts) {
    double sum = 0;
    double n = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += counts[i] * values[i], n += counts[i];
    return sum / n;
  };
}

TEST(Bootstrap, OfAMeanIsItsStandardError) {
  tests::Random random(tests::seed_or(33));
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(random.unit());
  const Bootstrap result = bootstrap(values.size(), mean_statistic(values));
  EXPECT_NEAR(result.estimate, mean(values), 1e-12);
  // sqrt((n - 1) / n) of it, 1 / sqrt(2 B) = .7 % noise; three deviations.
  EXPECT_NEAR(result.error / *standard_error(values), std::sqrt(199.0 / 200), 0.022);
  EXPECT_NEAR(result.interval.low, result.estimate - 1.96 * result.error, 0.1 * result.error);
  EXPECT_NEAR(result.interval.high, result.estimate + 1.96 * result.error, 0.1 * result.error);
  EXPECT_EQ(result.options.seed, kDrawSeed);
  EXPECT_EQ(bootstrap(values.size(), mean_statistic(values)).interval.low, result.interval.low);
}

TEST(Bootstrap, EdgesAndRefusals) {
  const std::vector<double> same = {0.25, 0.25, 0.25};
  const Bootstrap point = bootstrap(3, mean_statistic(same));
  EXPECT_EQ(point.interval.low, 0.25);
  EXPECT_EQ(point.interval.high, 0.25);
  EXPECT_EQ(point.error, 0);
  EXPECT_THROW(bootstrap(1, mean_statistic(same)), std::invalid_argument);
  EXPECT_THROW(bootstrap(3, mean_statistic(same), {.draws = 99}), std::invalid_argument);
  EXPECT_THROW(bootstrap(3, mean_statistic(same), {.level = 1}), std::invalid_argument);
  EXPECT_THROW(bootstrap(3, [](auto) { return std::nan(""); }), std::invalid_argument);
}

/// A skewed statistic has a skewed interval, and the mirrored one the mirrored interval.
TEST(Bootstrap, LeansWithTheStatistic) {
  tests::Random random(tests::seed_or(34));
  std::vector<double> values;
  for (int i = 0; i < 40; ++i) values.push_back(-std::log(1 - random.unit()));
  const Bootstrap one = bootstrap(40, mean_statistic(values));
  EXPECT_GT(one.interval.high - one.estimate, 1.1 * (one.estimate - one.interval.low));
  for (double& value : values) value = -value;
  const Bootstrap other = bootstrap(40, mean_statistic(values));
  EXPECT_NEAR(other.interval.low, -one.interval.high, 1e-9);
  EXPECT_NEAR(other.interval.high, -one.interval.low, 1e-9);
}

/// A ratio of two means, as tokens per token of the base: 95 % nominal, 60 clusters.
TEST(Bootstrap, CoversARatio) {
  tests::Random random(tests::seed_or(36));
  constexpr int kTrials = 400;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> above;
    std::vector<double> below;
    for (int i = 0; i < 60; ++i) {
      above.push_back(-std::log(1 - random.unit()));
      below.push_back(0.5 + random.unit());
    }
    const auto ratio = [&](std::span<const std::int32_t> counts) {
      return mean_statistic(above)(counts) / mean_statistic(below)(counts);
    };
    const Bootstrap result = bootstrap(60, ratio, {.draws = 1000, .seed = random.next()});
    covered += result.interval.low <= 1 && 1 <= result.interval.high ? 1 : 0;
  }
  // Three deviations of 400 trials are .033; for 60 skewed values .94 is what BCa reaches.
  EXPECT_NEAR(static_cast<double>(covered) / kTrials, 0.94, 0.035);
}

TEST(Paired, TheWorkedExample) {
  const PairedTest test(flipped(12, 3, 164));
  EXPECT_EQ(test.method(), "tango");
  EXPECT_NEAR(test.difference(), 9.0 / 164, 1e-15);
  const double t = test.difference() / *test.error();
  EXPECT_NEAR(2 * student_t_cdf(-t, 163), 0.020, 5e-4);
  EXPECT_EQ(test.no_difference().method, "mcnemar mid-p");
  EXPECT_EQ(test.no_difference().p, mcnemar_mid_p(12, 3));
  // Where the models agree on 20 wrong ones the unpaired z is near 1.3, as lm-eval would have it.
  PairedScores scores = flipped(12, 3, 164);
  for (std::size_t i = 144; i < 164; ++i) scores.base[i] = scores.candidate[i] = 0;
  const PairedTest correlated(std::move(scores));
  EXPECT_NEAR(2 * normal_cdf(-correlated.difference() / *correlated.unpaired_error()), 0.19, 0.03);
  EXPECT_GT(*correlated.correlation(), 0.6);
}

TEST(Paired, PartialScoresGetT) {
  PairedScores scores;
  for (int i = 0; i < 16; ++i) {
    scores.base.push_back(0.5);
    scores.candidate.push_back(i % 4 == 0 ? 0.75 : 0.25);
  }
  const PairedTest test(scores);
  EXPECT_EQ(test.method(), "t");
  EXPECT_NEAR(test.difference(), -0.125, 1e-15);
  const double error = std::sqrt((4 * 0.375 * 0.375 + 12 * 0.125 * 0.125) / (16 * 15));
  EXPECT_NEAR(*test.error(), error, 1e-15);
  EXPECT_NEAR(test.interval(0.95).low, -0.125 - student_t_point(0.975, 15) * error, 1e-12);
  EXPECT_NEAR(normal_cdf(test.z(-0.2)), student_t_cdf(0.075 / error, 15), 1e-12);
  EXPECT_FALSE(test.correlation());
  EXPECT_EQ(test.no_difference().method, "sign-flip");
  EXPECT_EQ(test.flips().gained, 4);
  EXPECT_EQ(test.flips().lost, 12);
}

TEST(Paired, ClustersCountFromTenOn) {
  for (const int clusters : {9, 10, 40}) {
    PairedScores scores = flipped(4, 8, 40);
    for (int i = 0; i < 40; ++i) scores.clusters.push_back(std::to_string(i % clusters));
    EXPECT_EQ(PairedTest(scores).method(), clusters == 10 ? "clustered tango" : "tango");
    for (double& score : scores.candidate) score = score / 2 + 0.25;
    EXPECT_EQ(PairedTest(scores).method(), clusters == 10 ? "clustered t" : "t");
  }
}

/// Every question four times over is one cluster: as if there were a quarter of them.
TEST(Paired, CopiesSayNothingNew) {
  PairedScores once;
  PairedScores copies;
  for (int i = 0; i < 100; ++i) {
    once.base.push_back(i % 7 == 0 ? 0 : 1);
    once.candidate.push_back(i % 5 == 0 ? 0 : 1);
    for (int k = 0; k < 4; ++k) {
      copies.base.push_back(once.base.back());
      copies.candidate.push_back(once.candidate.back());
      copies.clusters.push_back("q" + std::to_string(i));
    }
  }
  const PairedTest one(once);
  const PairedTest four(copies);
  EXPECT_EQ(four.method(), "clustered tango");
  EXPECT_NEAR(four.difference(), one.difference(), 1e-12);
  // Student's 99 degrees and n / (n - 1) apart.
  EXPECT_NEAR(four.z(-0.1), one.z(-0.1), 0.03);
  EXPECT_NEAR(four.interval(0.9).low, one.interval(0.9).low, 0.002);
  // Drawn, of 100,000: three deviations are .005.
  EXPECT_NEAR(four.no_difference().p, mcnemar_exact(one.flips().gained, one.flips().lost), 0.005);
}

TEST(Paired, FewPartialChangesAreBounded) {
  PairedScores scores{.base = std::vector<double>(200, 0.5),
                      .candidate = std::vector<double>(200, 0.5)};
  EXPECT_EQ(PairedTest(scores).method(), "tango bounds");
  EXPECT_NEAR(PairedTest(scores).interval(0.9).low, tango_interval({.items = 200}, 0.9).low, 1e-12);
  scores.candidate[0] = 0.25;
  scores.candidate[1] = 0.25;
  scores.candidate[2] = 0.75;
  const PairedTest test(scores);
  EXPECT_EQ(test.method(), "tango bounds");
  const Interval interval = test.interval(0.9);
  EXPECT_NEAR(interval.low, tango_interval({.lost = 2, .items = 200}, 0.9).low, 1e-12);
  EXPECT_NEAR(interval.high, tango_interval({.gained = 1, .items = 200}, 0.9).high, 1e-12);
  EXPECT_EQ(test.z(test.difference()), 0);
  // All the same: a spread of zero is no certainty either.
  for (double& score : scores.candidate) score = 0.75;
  EXPECT_EQ(PairedTest(scores).method(), "tango bounds");
  EXPECT_EQ(PairedTest(scores).z(-0.1) > 0, true);
}

/// Only losses, in 1 % of 300 questions, which is the margin: Student's t takes one or two of them
/// for proof that there are no more; Tango does not. Summed over every count.
TEST(Paired, FewFlipsAreNoProof) {
  double student = 0;
  double tango = 0;
  for (int lost = 0; lost <= 30; ++lost) {
    const double chance = binomial_chance(lost, 300, 0.01);
    const PairedTest test(flipped(0, lost, 300));
    const double t = (test.difference() + 0.01) / std::max(*test.error(), 1e-12);
    student += student_t_cdf(-t, 299) <= 0.05 ? chance : 0;
    tango += test.z(-0.01) >= normal_point(0.95) ? chance : 0;
  }
  EXPECT_GT(student, 0.15);
  EXPECT_LE(tango, 0.055);
}

TEST(Paired, RoundingIsNoFlip) {
  PairedScores scores{.base = {0.1 + 0.2, 0.5}, .candidate = {0.3, 0.5}};
  EXPECT_EQ(scores.flips().gained + scores.flips().lost, 0);
}

TEST(Paired, Refuses) {
  EXPECT_THROW(PairedTest({}), std::invalid_argument);
  EXPECT_THROW(PairedTest({.base = {1}, .candidate = {1, 0}}), std::invalid_argument);
  EXPECT_THROW(PairedTest({.base = {1}, .candidate = {1.5}}), std::invalid_argument);
  EXPECT_THROW(PairedTest({.base = {std::nan("")}, .candidate = {1}}), std::invalid_argument);
  EXPECT_THROW(PairedTest({.base = {1, 1}, .candidate = {1, 1}, .clusters = {"a"}}),
               std::invalid_argument);
  EXPECT_EQ(PairedTest({.base = {1}, .candidate = {0}}).interval(0.95).low, -1);
}

TEST(Paired, IntervalAndStatisticSayTheSame) {
  PairedScores scores = flipped(9, 17, 120);
  for (int i = 0; i < 120; ++i) scores.clusters.push_back(std::to_string(i % 12));
  const PairedTest clustered(scores);
  scores.clusters.clear();
  const PairedTest alone(scores);
  for (const PairedTest* test : {&clustered, &alone}) {
    const Interval interval = test->interval(0.9);
    EXPECT_NEAR(test->z(interval.low), normal_point(0.95), 1e-6) << test->method();
    EXPECT_NEAR(test->z(interval.high), normal_point(0.05), 1e-6) << test->method();
  }
}

/// The true difference lies within as often as promised: flips in clusters that share a lean, so
/// that independent intervals would be too narrow.
TEST(Paired, ClusteredIntervalsCover) {
  tests::Random random(tests::seed_or(35));
  constexpr int kTrials = 1500;
  int clustered = 0;
  int alone = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    PairedScores scores;
    for (int cluster = 0; cluster < 40; ++cluster) {
      const double lean = 0.3 * (random.unit() - 0.5);  // mean zero: no difference in truth
      for (int i = 0; i < 25; ++i) {
        const double flip = random.unit();
        scores.base.push_back(flip < 0.15 - lean ? 1 : 0);
        scores.candidate.push_back(flip >= 0.7 - lean ? 1 : 0);
        scores.clusters.push_back(std::to_string(cluster));
      }
    }
    for (double& score : scores.candidate) score = score > 0 ? 1 : 0;
    const double truth = 0.15;  // P(candidate) - P(base) = (.3 + lean) - (.15 - lean)
    const PairedTest test(scores);
    const Interval interval = test.interval(0.95);
    clustered += interval.low <= truth && truth <= interval.high ? 1 : 0;
    scores.clusters.clear();
    const Interval naive = PairedTest(scores).interval(0.95);
    alone += naive.low <= truth && truth <= naive.high ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(clustered) / kTrials, 0.95, 0.02);
  EXPECT_LT(static_cast<double>(alone) / kTrials, 0.85);
}

}  // namespace
}  // namespace moebius::reports
