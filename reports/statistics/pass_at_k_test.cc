// pass@k, pass^k and cons@k against recorded values, against counting every subset, and against
// each other.
#include "reports/statistics/pass_at_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "reports/statistics/estimators.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

std::string vectors() {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  return shared == nullptr ? "" : std::string(shared) + "/vectors/metrics/";
}

TEST(PassAtK, KnownValues) {
  EXPECT_NEAR(*pass_at_k(10, 3, 1), 0.3, 1e-15);
  EXPECT_NEAR(*pass_at_k(10, 3, 5), 0.916667, 1e-6);
  EXPECT_NEAR(*pass_at_k(200, 13, 100), 0.99991950, 1e-8);
  EXPECT_EQ(*pass_at_k(3, 2, 2), 1.0);
}

TEST(PassAtK, UndefinedIsNone) {
  EXPECT_FALSE(pass_at_k(3, 1, 4));
  EXPECT_FALSE(pass_at_k(3, 1, 0));
  EXPECT_FALSE(pass_at_k(3, 4, 1));
  EXPECT_FALSE(pass_at_k(3, -1, 1));
  EXPECT_FALSE(pass_hat_k(3, 1, 4));
  EXPECT_FALSE(at_least_of_k(0, 0, 1, 1));
}

TEST(PassAtK, EqualsTheRecordedBits) {
  if (vectors().empty()) GTEST_SKIP() << "MOEBIUS_SHARED is not set";
  std::ifstream file(vectors() + "ref_pass_at_k.jsonl");
  ASSERT_TRUE(file.is_open());
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto row = nlohmann::json::parse(line);
    EXPECT_EQ(*pass_at_k(row["n"], row["c"], row["k"]), row["pass_at_k"].get<double>()) << line;
  }
  EXPECT_GT(rows, 0);
}

/// The suites' own judge is their matter; here an answer is right if it is a gold answer.
void run_suite(const std::string& name) {
  std::ifstream file(vectors() + "lighteval/" + name + ".json");
  ASSERT_TRUE(file.is_open()) << name;
  const auto suite = nlohmann::json::parse(file);
  for (const auto& test : suite["test_cases"]) {
    const auto& gold = test["doc"]["gold_index"];
    const std::vector<std::size_t> golds = gold.is_array()
                                               ? gold.get<std::vector<std::size_t>>()
                                               : std::vector<std::size_t>{gold.get<std::size_t>()};
    std::vector<double> scores;
    for (const auto& text : test["model_response"]["text"]) {
      // As in the suite, the first gold answer alone is compared.
      scores.push_back(text == test["doc"]["choices"][golds.front()] ? 1 : 0);
    }
    const std::int64_t k = test["metric_params"]["k"];
    const double want = test["expected_output"].begin().value();
    if (test["metric_params"].contains("n")) {
      const std::int64_t n = test["metric_params"]["n"];
      scores.resize(static_cast<std::size_t>(n));
      const auto right = std::count(scores.begin(), scores.end(), 1.0);
      EXPECT_NEAR(*pass_at_k(n, right, k), want, test["tolerance"]) << test["name"];
    } else {
      scores.resize(static_cast<std::size_t>(k));
      EXPECT_NEAR(mean(scores), want, test["tolerance"]) << test["name"];
    }
  }
}

TEST(PassAtK, LightevalSuites) {
  if (vectors().empty()) GTEST_SKIP() << "MOEBIUS_SHARED is not set";
  for (const char* suite : {"avg_at_k", "avg_at_k_math", "pass_at_k", "pass_at_k_math"}) {
    run_suite(suite);
  }
}

TEST(PassAtK, IsTheTailOfTheHypergeometric) {
  for (std::int64_t n = 1; n <= 12; ++n) {
    for (std::int64_t c = 0; c <= n; ++c) {
      for (std::int64_t k = 1; k <= n; ++k) {
        EXPECT_NEAR(*pass_at_k(n, c, k), *at_least_of_k(n, c, k, 1), 1e-12);
        EXPECT_NEAR(*pass_hat_k(n, c, k), *at_least_of_k(n, c, k, k), 1e-12);
        EXPECT_NEAR(*at_least_of_k(n, c, k, 0), 1, 1e-12);
      }
    }
  }
}

/// The definition: every subset of k, its most frequent answers, the share of the right one.
/// Answer 0 is right, answer -1 is silence.
double count_subsets(const std::vector<int>& answers, int k) {
  double won = 0;
  double subsets = 0;
  for (unsigned mask = 0; mask < (1U << answers.size()); ++mask) {
    if (__builtin_popcount(mask) != k) continue;
    ++subsets;
    std::map<int, int> votes;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if ((mask >> i & 1) != 0 && answers[i] >= 0) ++votes[answers[i]];
    }
    int most = 0;
    for (const auto& [answer, count] : votes) most = std::max(most, count);
    if (most == 0 || votes[0] != most) continue;
    const auto sharing = std::count_if(votes.begin(), votes.end(),
                                       [&](const auto& vote) { return vote.second == most; });
    won += 1 / static_cast<double>(sharing);
  }
  return won / subsets;
}

TEST(MajAtK, EqualsCountingEverySubset) {
  tests::Random random(tests::seed_or(5));
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<int> answers(static_cast<std::size_t>(random.integer(1, 11)));
    std::int64_t right = 0;
    std::int64_t silent = 0;
    std::vector<std::int64_t> wrong(4);
    for (int& answer : answers) {
      answer = static_cast<int>(random.integer(-1, 4));
      if (answer == 0) ++right;
      if (answer < 0) ++silent;
      if (answer > 0) ++wrong[static_cast<std::size_t>(answer - 1)];
    }
    const int k = static_cast<int>(random.integer(1, static_cast<std::int64_t>(answers.size())));
    EXPECT_NEAR(*maj_at_k(right, wrong, silent, k), count_subsets(answers, k), 1e-12)
        << "trial " << trial << " k " << k;
  }
}

TEST(MajAtK, KnownValues) {
  EXPECT_NEAR(*maj_at_k(5, std::vector<std::int64_t>{3, 2, 6}, 0, 4), 0.33791, 5e-6);
  EXPECT_NEAR(*maj_at_k(20, std::vector<std::int64_t>{25, 10, 9}, 0, 16), 0.32034, 5e-6);
}

TEST(MajAtK, EdgeCases) {
  EXPECT_EQ(*maj_at_k(3, {}, 0, 3), 1);
  EXPECT_EQ(*maj_at_k(0, {}, 3, 2), 0);
  EXPECT_EQ(*maj_at_k(2, std::vector<std::int64_t>{2}, 0, 4), 0.5);
  EXPECT_FALSE(maj_at_k(1, {}, 0, 2));
  EXPECT_FALSE(maj_at_k(1, {}, 0, 0));
  EXPECT_FALSE(maj_at_k(-1, {}, 5, 2));
  EXPECT_NEAR(*maj_at_k(3, std::vector<std::int64_t>{4, 1}, 2, 1), 0.3, 1e-12);
}

TEST(MajAtK, LargeCountsStayFinite) {
  const std::vector<std::int64_t> wrong = {100, 50, 20};
  const double p = *maj_at_k(342, wrong, 0, 64);
  EXPECT_GT(p, 0.99);
  EXPECT_LE(p, 1 + 1e-12);
}

}  // namespace
}  // namespace moebius::reports
