// Rows of a report against numbers worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "reports/statistics/intervals.h"
#include "reports/store.h"
#include "reports/store/sample_cases.h"

namespace moebius::reports {
namespace {

/// A reader over samples in memory: what summarize() sees is this interface alone.
class FakeReader : public Reader {
 public:
  std::vector<Set> sets_;
  std::vector<SampleRow> rows_;

  std::vector<reports::Run> runs() override { return {cases::run()}; }
  reports::Run find_run(const std::string&) override { return cases::run(); }
  std::vector<Set> sets(std::int64_t) override { return sets_; }
  std::vector<Profile> profiles(std::int64_t) override { return {}; }
  void each_sample(std::int64_t, const std::string&,
                   const std::function<void(const SampleRow&)>& visit) override {
    for (const SampleRow& row : rows_) visit(row);
  }

  Set& add_set(const Set& set) {
    sets_.push_back(set);
    sets_.back().id = static_cast<std::int64_t>(sets_.size());
    return sets_.back();
  }
  /// One answer in set 1, with no cluster, no stratum and no tags.
  Sample& add(int item, double value, const std::string& extracted = "A", int repeat = 0) {
    Sample sample = cases::sample(1, item, repeat);
    sample.item.cluster = sample.item.stratum = sample.item.tags = "";
    sample.scores = {cases::score(value, extracted)};
    rows_.push_back({.id = 1, .sample = sample});
    return rows_.back().sample;
  }
  void add_failure(int item, int repeat = 0) {
    rows_.push_back({.sample = cases::failed(1, item, repeat)});
  }
  Summary summary(double budget = 0.01) { return summarize(*this, cases::run(), budget); }
};

const Row& row_of(const Summary& summary, const std::string& metric, const std::string& part = "",
                  const std::string& scorer = "choice", int version = 1) {
  for (const Row& row : summary.rows) {
    if (row.metric == metric && row.part == part && row.scorer == scorer &&
        row.scorer_version == version) {
      return row;
    }
  }
  ADD_FAILURE() << "no row " << metric << " " << part << " " << scorer;
  static const Row kNone;
  return kNone;
}

TEST(Summarize, AProportionGetsWilson) {
  FakeReader reader;
  reader.add_set(cases::set("t", 30));
  for (int i = 0; i < 30; ++i) {
    Sample& sample = reader.add(i, i < 12 ? 1 : 0, i == 29 ? "" : "A");
    sample.output_tokens = 10;
    if (i < 3) sample.finish = "length";
    if (i == 3) sample.finish = "context_full";
  }
  const Summary summary = reader.summary();
  EXPECT_TRUE(summary.valid) << summary.why_invalid;
  ASSERT_EQ(summary.rows.size(), 1U);
  const Row& row = summary.rows[0];
  EXPECT_EQ(row.metric, "accuracy");
  EXPECT_EQ(row.scorer, "choice");
  EXPECT_NEAR(*row.value, 0.4, 1e-12);
  EXPECT_NEAR(row.interval->low, 0.245906, 1e-6);
  EXPECT_NEAR(row.interval->high, 0.576796, 1e-6);
  EXPECT_EQ(row.interval_method, "wilson");
  EXPECT_NEAR(*row.stderr_total, std::sqrt(30 * 0.4 * 0.6 / (30 * 29)), 1e-12);
  EXPECT_FALSE(row.stderr_rerun);
  EXPECT_EQ(row.items, 30);
  EXPECT_EQ(row.samples, 30);
  EXPECT_EQ(row.planned, 30);
  EXPECT_NEAR(row.truncated, 4.0 / 30, 1e-12);
  EXPECT_NEAR(row.no_answer, 1.0 / 30, 1e-12);
  EXPECT_EQ(row.failed, 0);
  EXPECT_EQ(row.verdicts.at("pass"), 12);
  EXPECT_EQ(row.verdicts.at("wrong_answer"), 17);
  EXPECT_EQ(row.verdicts.at("no_answer"), 1);
  EXPECT_EQ(row.output_tokens, 300);
  EXPECT_EQ(row.prompt_tokens, 3 * (700 * 10 + 45));
  EXPECT_NEAR(row.mean_latency_ms, 1.5145, 1e-9);
}

TEST(Summarize, TenClustersAreUsedFewerAreRefused) {
  for (const int clusters : {9, 10}) {
    FakeReader reader;
    reader.add_set(cases::set("t", 90));
    for (int i = 0; i < 90; ++i) {
      // Whole clusters are right or wrong: far from independent.
      reader.add(i, i % clusters < 4 ? 1 : 0).item.cluster = std::to_string(i % clusters);
    }
    const Row row = reader.summary().rows.at(0);
    if (clusters == 9) {
      EXPECT_EQ(row.interval_method, "wilson; 9 clusters, 10 needed to cluster");
      continue;
    }
    EXPECT_EQ(row.interval_method, "clustered t");
    // p = 0.4, ten clusters of nine: deviations 5.4 (4 times) and -3.6 (6 times).
    const double error = std::sqrt(10.0 / 9 * (4 * 5.4 * 5.4 + 6 * 3.6 * 3.6)) / 90;
    EXPECT_NEAR(*row.stderr_total, error, 1e-12);
    EXPECT_NEAR(row.interval->low, 0.4 - student_t_quantile(0.95, 9) * error, 1e-9);
  }
}

TEST(Summarize, UnanimityIsNotCertainty) {
  FakeReader reader;
  reader.add_set(cases::set("t", 20));
  for (int i = 0; i < 20; ++i) reader.add(i, 1).item.cluster = std::to_string(i % 10);
  const Row row = reader.summary().rows.at(0);
  EXPECT_EQ(*row.value, 1);
  EXPECT_EQ(row.interval->high, 1);
  EXPECT_NEAR(row.interval->low, wilson(1, 20).low, 1e-12);
}

TEST(Summarize, PartialCreditGetsT) {
  FakeReader reader;
  reader.add_set(cases::set("t", 4));
  for (int i = 0; i < 4; ++i) reader.add(i, 0.25 * (i + 1));
  const Row row = reader.summary().rows.at(0);
  EXPECT_EQ(row.interval_method, "t");
  EXPECT_NEAR(*row.value, 0.625, 1e-12);
}

TEST(Summarize, RepeatsGiveAvgPassAndCons) {
  FakeReader reader;
  reader.add_set(cases::set("t", 2, 8));
  for (int k = 0; k < 8; ++k) reader.add(0, k < 3 ? 1 : 0, k < 3 ? "1" : k < 6 ? "2" : "3", k);
  for (int k = 0; k < 8; ++k) reader.add(1, k < 5 ? 1 : 0, k < 5 ? "x" : "", k);
  const Summary summary = reader.summary();
  EXPECT_TRUE(summary.valid) << summary.why_invalid;
  const Row& avg = row_of(summary, "avg@8");
  EXPECT_NEAR(*avg.value, 0.5, 1e-12);
  EXPECT_EQ(avg.samples, 16);
  EXPECT_EQ(avg.items, 2);
  EXPECT_NEAR(*avg.stderr_total, 0.125, 1e-12);
  const double within = 8.0 / 7 * (3 * 5 / 64.0 + 5 * 3 / 64.0) / 2;
  EXPECT_NEAR(*avg.stderr_rerun, std::sqrt(within / 16), 1e-12);
  EXPECT_NEAR(*row_of(summary, "pass@8").value, 1, 1e-12);
  EXPECT_NEAR(*row_of(summary, "pass@5").value, (1 - 1 / 56.0 + 1) / 2, 1e-12);
  EXPECT_NEAR(*row_of(summary, "cons@8").value, (0.5 + 1) / 2, 1e-12);
}

TEST(Summarize, ProgramsDoNotVote) {
  FakeReader reader;
  reader.add_set(cases::set("t", 1, 2)).metric = "pass@1";
  for (int k = 0; k < 2; ++k) reader.add(0, 1, "def f", k).scores[0].score.sandbox = "full";
  const Summary summary = reader.summary();
  EXPECT_EQ(summary.rows.size(), 2U);
  EXPECT_EQ(*row_of(summary, "pass@1").value, 1);
  EXPECT_EQ(*row_of(summary, "pass@2").value, 1);
}

TEST(Summarize, StrataErrataAndFurtherScorers) {
  FakeReader reader;
  reader.add_set(cases::set("t", 4));
  for (int i = 0; i < 4; ++i) {
    Sample& sample = reader.add(i, i < 2 ? 1 : 0);
    sample.item.stratum = i % 2 == 0 ? "even" : "odd";
    if (i == 3) sample.item.tags = R"({"errata":"wrong test"})";
    if (i == 2) sample.item.tags = R"({"errata":""})";
    if (i == 1) sample.item.tags = R"(not json "errata")";
    sample.scores.push_back(cases::score(1, "A", "letter", 2, false));
  }
  const Summary summary = reader.summary();
  ASSERT_EQ(summary.rows.size(), 5U);
  EXPECT_NEAR(*summary.rows[0].value, 0.5, 1e-12);
  EXPECT_NEAR(*row_of(summary, "accuracy", "even").value, 0.5, 1e-12);
  EXPECT_EQ(row_of(summary, "accuracy", "odd").planned, 2);
  EXPECT_NEAR(*row_of(summary, "accuracy", "without errata").value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(*row_of(summary, "accuracy", "", "letter", 2).value, 1, 1e-12);
}

TEST(Summarize, FailuresWithinTheBudgetAreLeftOut) {
  FakeReader reader;
  reader.add_set(cases::set("t", 200));
  for (int i = 0; i < 198; ++i) reader.add(i, i % 2);
  reader.add_failure(198);
  reader.add_failure(199);
  const Summary summary = reader.summary();
  EXPECT_TRUE(summary.valid) << summary.why_invalid;
  EXPECT_NEAR(*summary.rows[0].value, 0.5, 1e-12);
  EXPECT_EQ(summary.rows[0].samples, 198);
  EXPECT_NEAR(summary.rows[0].failed, 0.01, 1e-12);
  EXPECT_FALSE(reader.summary(0).valid);
}

TEST(Summarize, FailuresAboveTheBudgetTakeEveryValue) {
  FakeReader reader;
  reader.add_set(cases::set("t", 32));
  for (int i = 0; i < 31; ++i) reader.add(i, 1);
  reader.add_failure(31);
  const Summary summary = reader.summary();
  EXPECT_FALSE(summary.valid);
  EXPECT_EQ(summary.why_invalid, "infrastructure failures 3.1 % of samples, budget 1 %");
  for (const Row& row : summary.rows) {
    EXPECT_FALSE(row.value);
    EXPECT_FALSE(row.interval);
    EXPECT_EQ(row.interval_method, "");
  }
}

TEST(Summarize, OneFailingSetTakesItsOwnValues) {
  FakeReader reader;
  reader.add_set(cases::set("t", 900));
  Set second = cases::set("u", 10);
  reader.add_set(second);
  for (int i = 0; i < 900; ++i) reader.add(i, 1);
  for (int i = 0; i < 10; ++i) {
    i < 2 ? reader.add_failure(i) : void(reader.add(i, 1));
    reader.rows_.back().sample.set = 2;
  }
  const Summary summary = reader.summary();
  EXPECT_FALSE(summary.valid);
  EXPECT_EQ(summary.why_invalid, "u/original: infrastructure failures 20 % of samples, budget 1 %");
  EXPECT_TRUE(summary.rows.at(0).value);
  for (std::size_t i = 1; i < summary.rows.size(); ++i) EXPECT_FALSE(summary.rows[i].value);
}

TEST(Summarize, MissingSamplesAreNotGuessed) {
  FakeReader reader;
  reader.add_set(cases::set("t", 5));
  for (int i = 0; i < 4; ++i) reader.add(i, 1);
  const Summary summary = reader.summary();
  EXPECT_FALSE(summary.valid);
  EXPECT_EQ(summary.why_invalid, "t/original: 1 of 5 samples missing");
  EXPECT_FALSE(summary.rows.at(0).value);
  EXPECT_EQ(summary.rows.at(0).samples, 4);
}

TEST(Summarize, AHalfRescoredRunHasNoValue) {
  FakeReader reader;
  reader.add_set(cases::set("t", 4));
  for (int i = 0; i < 4; ++i) {
    Sample& sample = reader.add(i, 1);
    if (i == 0) continue;
    sample.scores[0].headline = false;
    sample.scores.push_back(cases::score(0, "A", "choice", 2, true));
  }
  const Summary summary = reader.summary();
  EXPECT_EQ(summary.why_invalid, "t/original: 1 of 4 samples missing");
  EXPECT_EQ(summary.rows.at(0).scorer_version, 2);
  EXPECT_FALSE(summary.rows.at(0).value);
}

TEST(Summarize, EmptyRuns) {
  FakeReader reader;
  EXPECT_EQ(reader.summary().why_invalid, "the run has no task");
  reader.add_set(cases::set("t", 3));
  const Summary summary = reader.summary();
  EXPECT_EQ(summary.why_invalid, "t/original: 3 of 3 samples missing");
  ASSERT_EQ(summary.rows.size(), 1U);
  EXPECT_EQ(summary.rows[0].planned, 3);
}

}  // namespace
}  // namespace moebius::reports
