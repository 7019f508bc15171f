// Divergence against values worked out by hand, and sums over questions.
#include "reports/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reports/render/json_schema.h"
#include "reports/statistics/estimators.h"
#include "tests/support/random.h"

namespace moebius::reports {
namespace {

using nlohmann::json;

float ln(double x) {
  return static_cast<float>(std::log(x));
}

// KL of float32 logarithms of exact shares: each logit is off by at most half a unit in the last
// place of a number below 4, 2^-22 or 1.2e-7 with both sides.
constexpr double kLogits = 5e-7;

TEST(CompareLogits, HandComputed) {
  // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): 1/2 ln 2 - 1/4 ln 2.
  const std::vector<float> p = {ln(0.5), ln(0.25), ln(0.25)};
  const std::vector<float> q = {ln(0.25), ln(0.5), ln(0.25)};
  const RowDivergence row = compare_logits(p, q);
  EXPECT_NEAR(row.kl, 0.25 * std::log(2.0), kLogits);
  EXPECT_EQ(row.base_top, 0);
  EXPECT_EQ(row.candidate_top, 1);
  EXPECT_NEAR(row.base_log_sum, 0, kLogits);

  // Not symmetric: (9/10, 1/10) against (1/2, 1/2) and back.
  const std::vector<float> sure = {ln(0.9), ln(0.1)};
  const std::vector<float> even = {3, 3};
  EXPECT_NEAR(compare_logits(sure, even).kl, 0.9 * std::log(1.8) + 0.1 * std::log(0.2), kLogits);
  EXPECT_NEAR(compare_logits(even, sure).kl, 0.5 * std::log(0.5 / 0.9) + 0.5 * std::log(5.0),
              kLogits);
  EXPECT_EQ(compare_logits(even, sure).base_top, 0) << "a tie goes to the lower id";
  EXPECT_NEAR(compare_logits(even, sure).base_log_sum, 3 + std::log(2.0), 1e-12);
}

TEST(CompareLogits, SameRowsAreExactlyZeroAndShiftsAlmost) {
  tests::Random random(1);
  for (const std::size_t size : {1U, 2U, 1000U, 130'000U}) {
    std::vector<float> row(size);
    for (float& x : row) x = static_cast<float>(random.integer(-4000, 4000)) / 64.0F;
    EXPECT_EQ(compare_logits(row, row).kl, 0) << size;
    std::vector<float> shifted = row;
    for (float& x : shifted) x += 16;  // exact: multiples of 1/64 below 128
    EXPECT_EQ(compare_logits(row, shifted).kl, 0) << size;
    EXPECT_NEAR(compare_logits(row, shifted).candidate_log_sum,
                compare_logits(row, row).candidate_log_sum + 16, 1e-12)
        << size;
  }
}

TEST(CompareLogits, SmallDivergencesAreNotLost) {
  // One of two equal logits moves by d: KL = ln cosh(d / 2) = d^2 / 8 - ...
  const std::vector<float> even = {0, 0};
  const float d = 1.0F / 4096;
  const double kl = compare_logits(even, std::vector<float>{0, d}).kl;
  EXPECT_NEAR(kl, static_cast<double>(d) * d / 8, 1e-14);
  EXPECT_GT(kl, 0);
}

TEST(CompareLogits, ExtremesStayFinite) {
  const float most = std::numeric_limits<float>::max();
  const RowDivergence row =
      compare_logits(std::vector<float>{most, -most, 0}, std::vector<float>{-most, most, 0});
  EXPECT_TRUE(std::isfinite(row.kl)) << row.kl;
  EXPECT_GT(row.kl, 1e38);
}

TEST(CompareLogits, RefusesWhatIsNotFinite) {
  const std::vector<float> good = {1, 2, 3};
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> row = {1, bad, 3};
    const auto refusal = [](const std::vector<float>& base, const std::vector<float>& candidate) {
      try {
        compare_logits(base, candidate);
      } catch (const std::invalid_argument& error) {
        return std::string(error.what());
      }
      return std::string();
    };
    EXPECT_EQ(refusal(row, good), "the base's logit of token 1 is not finite");
    EXPECT_EQ(refusal(good, row), "the candidate's logit of token 1 is not finite");
  }
  EXPECT_THROW(compare_logits(good, std::vector<float>{1, 2}), std::invalid_argument);
  EXPECT_THROW(compare_logits({}, {}), std::invalid_argument);
}

ForcedAnswer answer(const std::string& item, const std::vector<double>& kl, bool written = true) {
  ForcedAnswer made{.item = item, .written = written};
  for (const double value : kl) {
    made.positions.push_back({.kl = value, .same_top = value < 1, .delta = -value});
  }
  return made;
}

TEST(DivergenceTally, HandComputed) {
  DivergenceTally tally;
  ForcedAnswer first = answer("a", {0, 0.5, 2, 0.5});
  first.shared_experts = {0, 7, 8};
  first.chosen_experts = {0, 8, 8};
  ForcedAnswer second = answer("b", {1});
  second.shared_experts = {0, 0, 2};
  second.chosen_experts = {0, 2, 2};
  second.positions[0].delta.reset();
  ForcedAnswer third = answer("c", {0, 0.25, 0.75}, false);
  third.shared_experts = {0, 6, 6};
  third.chosen_experts = {0, 6, 6};
  for (const ForcedAnswer& each : {first, second, third}) tally.add(each);
  const Divergence d = tally.result();
  EXPECT_EQ(d.questions, 3);
  EXPECT_EQ(d.positions, 8);
  EXPECT_DOUBLE_EQ(d.kl.mean, 5.0 / 8);
  // Off the mean: 3 - 4 * 5/8 = 1/2, 1 - 5/8 = 3/8, 1 - 15/8 = -7/8.
  EXPECT_DOUBLE_EQ(*d.kl.error, std::sqrt(1.5 * (16.0 + 9 + 49) / 64) / 8);
  // Student's t with 2 degrees: 4.302653. The lower end is cut off at zero.
  EXPECT_NEAR(d.kl.interval->high, 5.0 / 8 + 4.302653 * *d.kl.error, 1e-6);
  EXPECT_EQ(d.kl.interval->low, 0);
  EXPECT_DOUBLE_EQ(d.kl_median, 0.5);
  EXPECT_DOUBLE_EQ(d.kl_p95, 2);
  EXPECT_DOUBLE_EQ(d.kl_max, 2);
  EXPECT_DOUBLE_EQ(d.same_top.mean, 6.0 / 8);
  EXPECT_EQ(d.deltas, 7);
  EXPECT_DOUBLE_EQ(d.delta.mean, -4.0 / 7);
  EXPECT_DOUBLE_EQ(d.delta_p5, -2);
  EXPECT_EQ(d.written, 2);
  EXPECT_EQ(d.unchanged, 0);
  EXPECT_DOUBLE_EQ(*d.median_divergence, 1) << "positions 2 and 0";
  ASSERT_EQ(d.routing.size(), 2U) << "the first layer is dense";
  EXPECT_EQ(d.routing[0].layer, 1);
  EXPECT_DOUBLE_EQ(d.routing[0].share, 13.0 / 16);
  EXPECT_DOUBLE_EQ(d.routing[1].share, 1);
}

TEST(DivergenceTally, ErrorIsTheClusteredOneOfAllPositions) {
  tests::Random random(3);
  DivergenceTally tally;
  std::vector<double> values;
  std::vector<std::string> clusters;
  for (int q = 0; q < 40; ++q) {
    std::vector<double> kl(static_cast<std::size_t>(random.integer(1, 30)));
    for (double& x : kl) {
      x = static_cast<double>(random.integer(0, 1000 + 50 * q)) / 1e4;
      values.push_back(x);
      clusters.push_back(std::to_string(q));
    }
    tally.add(answer(std::to_string(q), kl));
  }
  const Divergence d = tally.result();
  EXPECT_NEAR(d.kl.mean, mean(values), 1e-12);
  EXPECT_NEAR(*d.kl.error, *clustered_error(values, clusters), 1e-12);
}

TEST(DivergenceTally, NothingAndOneAndEqual) {
  const Divergence none = DivergenceTally().result();
  EXPECT_EQ(none.positions, 0);
  EXPECT_FALSE(none.kl.error);
  DivergenceTally tally;
  tally.add(answer("a", {0, 0}));
  EXPECT_FALSE(tally.result().kl.error);
  tally.add(answer("b", {0}));
  const Divergence equal = tally.result();
  EXPECT_EQ(equal.kl.mean, 0);
  EXPECT_EQ(*equal.kl.error, 0);
  EXPECT_EQ(equal.same_top.mean, 1);
  EXPECT_LT(equal.same_top.interval->low, 0.5) << "two questions are no certainty";
  EXPECT_EQ(equal.unchanged, 2);
  EXPECT_FALSE(equal.median_divergence);
  ForcedAnswer other = answer("c", {0});
  other.shared_experts = other.chosen_experts = {1};
  EXPECT_THROW(tally.add(other), std::invalid_argument);
}

std::vector<JudgedPair> pairs(int both, int lost, int gained) {
  std::vector<JudgedPair> made;
  const auto add = [&](int count, double base, double candidate, const std::string& extracted) {
    for (int i = 0; i < count; ++i) made.push_back({"i", "", base, candidate, "A", extracted});
  };
  add(both, 1, 1, "A");
  add(lost, 1, 0, "B");
  add(gained, 0, 1, "B");
  return made;
}

TEST(CompareAnswers, FlipsAndTheirTest) {
  std::vector<JudgedPair> some = pairs(85, 12, 3);
  some.push_back({"wrong in another way", "", 0, 0, "C", "D"});
  const AnswerChanges changes = compare_answers(some);
  EXPECT_EQ(changes.compared, 101);
  EXPECT_EQ(changes.changed, 16);
  EXPECT_EQ(changes.lost, 12);
  EXPECT_EQ(changes.gained, 3);
  EXPECT_DOUBLE_EQ(changes.base_mean, 97.0 / 101);
  EXPECT_NEAR(changes.difference, -9.0 / 101, 1e-15);
  // Mid-p of 3 and 12: 2 P(X <= 3) - P(X = 3), X of 15 coins: (2 (1 + 15 + 105 + 455) - 455) /
  // 2^15.
  EXPECT_NEAR(changes.same_p, (2.0 * 576 - 455) / 32768, 1e-12);
  EXPECT_EQ(changes.same_method, "mcnemar mid-p");
  EXPECT_EQ(changes.method, "tango");
  EXPECT_LT(changes.interval->high, 0);
  EXPECT_FALSE(compare_answers({}).interval);
}

TEST(OptionDivergence, IsThatOfTheOptionsAlone) {
  // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): 1/2 ln 2 - 1/4 ln 2; what all options share cancels.
  const std::vector<double> base = {-3, -3 + std::log(0.5), -3 + std::log(0.5)};
  const std::vector<double> candidate = {-90 + std::log(0.25), -90 + std::log(0.5),
                                         -90 + std::log(0.25)};
  EXPECT_NEAR(*option_divergence(base, candidate), 0.25 * std::log(2.0), 1e-14);
  EXPECT_EQ(*option_divergence(base, base), 0);
  const double inf = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& bad :
       {std::vector<double>{-1, -2}, {-1, -2, -inf}, {-1, -2, std::nan("")}}) {
    EXPECT_FALSE(option_divergence(base, bad));
    EXPECT_FALSE(option_divergence(bad, base));
  }
  EXPECT_FALSE(option_divergence(std::vector<double>{-1}, std::vector<double>{-2}));
}

TEST(CompareAnswers, OptionsAreThoseOfQuestionsThatHaveThem) {
  std::vector<JudgedPair> some = pairs(3, 1, 0);
  EXPECT_EQ(compare_answers(some).options, 0);
  some[0].option_kl = 0.1;
  some[1].option_kl = 0.3;
  const AnswerChanges changes = compare_answers(some);
  EXPECT_EQ(changes.options, 2);
  EXPECT_DOUBLE_EQ(changes.option_kl.mean, 0.2);
  EXPECT_NEAR(*changes.option_kl.error, 0.1, 1e-15);  // sqrt(0.02 / 2)
  EXPECT_EQ(changes.option_kl.interval->low, 0);
  EXPECT_EQ(changes.option_kl_p95, 0.3);
  EXPECT_EQ(changes.option_kl_max, 0.3);
}

Diff made_up_diff() {
  const std::string hostile = "x</script>|`\x1b[31m\xff\n";
  Diff diff{.base = {"embedded", "weights a", 1000, 4000}, .candidate = {hostile, "b", 1000, 1000}};
  DiffSet set{.task = "mini-math", .variant = "original", .asked = 3, .failed = 1, .cut = 1};
  DivergenceTally tally;
  ForcedAnswer first = answer("a", {0, 0.5, 2});
  first.shared_experts = {0, 5};
  first.chosen_experts = {0, 6};
  tally.add(first);
  first.positions.resize(1);
  tally.add(first);
  set.divergence = tally.result();
  const JudgedPair lost{hostile, "", 1, 0, "4", "5", 0.75};
  const JudgedPair same{"b", "", 1, 1, "4", "4"};
  set.answers = compare_answers(std::vector<JudgedPair>{lost, same});
  set.questions = {{same, 1, 0.125, 0.125, std::nullopt}, {lost, 3, 2.5 / 3, 2, 2}};
  diff.sets = {set};
  diff.total = set;
  diff.notes = {"a note"};
  return diff;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(RenderDiff, JsonConformsToItsSchema) {
  const cases::JsonSchema schema(json::parse(file_text(DIFF_SCHEMA)));
  const json value = json::parse(render_json(made_up_diff()));
  EXPECT_EQ(schema.check(value), "");
  EXPECT_EQ(schema.check(json::parse(render_json(Diff{}))), "");
  EXPECT_DOUBLE_EQ(value["sets"][0]["divergence"]["kl"]["max"].get<double>(), 2);
  EXPECT_EQ(value["sets"][0]["answers"]["lost"], 1);
  EXPECT_EQ(value["sets"][0]["answers"]["option_kl"]["mean"], 0.75);
  EXPECT_TRUE(value["sets"][0]["questions"][0]["option_kl"].is_null());
  EXPECT_EQ(value["sets"][0]["questions"][1]["first_divergence"], 2);
  json bad = value;
  bad["total"]["divergence"]["kl"].erase("p99");
  EXPECT_NE(schema.check(bad), "");
  bad = value;
  bad["sets"][0]["divergence"]["kl"]["mean"] = nullptr;
  EXPECT_NE(schema.check(bad), "") << "NaN is no number";
}

TEST(RenderDiff, TextAndMarkdownSayWhatIsWorstFirst) {
  const Diff diff = made_up_diff();
  const std::string text = render_text(diff, 10);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("  same  "), std::string::npos) << text;
  EXPECT_LT(text.find("  lost  "), text.find("  same  "));
  EXPECT_NE(text.find("4 -> 5"), std::string::npos) << text;
  EXPECT_NE(text.find("25.0 %"), std::string::npos) << text;
  EXPECT_EQ(render_text(diff, 0).find("4 -> 5"), std::string::npos);
  EXPECT_EQ(text, render_text(diff, 10));
  const std::string markdown = render_markdown(diff, 10);
  EXPECT_EQ(markdown.find("</script>"), std::string::npos);
  EXPECT_NE(markdown.find("| mini"), std::string::npos) << markdown;
}

}  // namespace
}  // namespace moebius::reports
