// Every recorded extraction, and the recorded matrix of verdicts.
#include <gtest/gtest.h>

#include <map>

#include "scorers/math/recorded_rows.h"
#include "scorers/scorer.h"

namespace moebius::scorers::math {
namespace {

using Json = nlohmann::json;

constexpr char kNoRows[] = "MOEBIUS_SHARED is not set: no recorded answers";

/// Lists as extract() joins them.
Json joined(const Json& recorded) {
  if (!recorded.is_array()) return recorded;
  std::string all;
  for (const auto& one : recorded) all.append(all.empty() ? "" : ", ").append(one);
  return all;
}

Json extracted(const char* name, const std::string& response) {
  const auto [answer, found] = extract(name, response);
  return found ? Json(answer) : Json();
}

TEST(ExtractorsGolden, EveryColumnOfEveryResponse) {
  const auto rows = recorded_rows("math/ref_extraction_qwen800.jsonl.gz");
  if (rows.empty()) GTEST_SKIP() << kNoRows;
  for (const auto& row : rows) {
    const std::string response = row.at("response");
    for (const char* name : {"qwen_extract_answer", "deepseek_extract_math_answer",
                             "hendrycks_last_boxed_only_string", "lmeval_last_boxed_only_string",
                             "minerva_get_unnormalized_answer", "simple_evals_answer_pattern"}) {
      EXPECT_EQ(extracted(name, response), joined(row.at(name))) << name;
    }
    EXPECT_EQ(extracted("qwen2.5-math", response), row.at("official_pred"));
  }
}

TEST(GradersGolden, QwensOwnScores) {
  const auto rows = recorded_rows("math/ref_extraction_qwen800.jsonl.gz");
  if (rows.empty()) GTEST_SKIP() << kNoRows;
  for (const auto& row : rows) {
    const bool equal = math_equal("qwen2.5-math", row.at("gt").get<std::string>(),
                                  row.at("official_pred").get<std::string>())
                           .equal;
    EXPECT_EQ(equal, row.at("official_score")) << row.at("gt") << " " << row.at("official_pred");
  }
}

TEST(GradersGolden, HendrycksOwnTests) {
  const auto rows = recorded_rows("math/hendrycks_is_equiv.jsonl");
  if (rows.empty()) GTEST_SKIP() << kNoRows;
  for (const auto& row : rows) {
    const std::string gold = row.at("gold");
    EXPECT_EQ(math_equal("hendrycks", gold, row.at("pred").get<std::string>()).equal,
              row.at("equal"))
        << gold;
  }
}

TEST(GradersGolden, NinetyNinePercentOfTheMatrixForEach) {
  const auto rows = recorded_rows("math/ref_equivalence_matrix.jsonl");
  if (rows.empty()) GTEST_SKIP() << kNoRows;
  for (const char* name :
       {"hendrycks_is_equiv", "lmeval_hendrycks_is_equiv", "prm800k_grade_answer",
        "deepseek_math_equal", "deepseek_is_correct", "qwen_math_equal",
        "qwen_strip_then_math_equal", "minerva_norm_then_is_equiv"}) {
    std::size_t agreed = 0;
    std::string others;
    for (const auto& row : rows) {
      const Equality e =
          math_equal(name, row.at("gold").get<std::string>(), row.at("pred").get<std::string>());
      if (e.equal == row.at(name)) {
        ++agreed;
      } else {
        others += "\n  gold " + row.at("gold").dump() + " pred " + row.at("pred").dump() + " is " +
                  row.at(name).dump() + ": " + e.reason;
      }
    }
    EXPECT_GE(agreed * 100, rows.size() * 99) << name << others;
    if (!others.empty())
      std::printf("%s: %zu of %zu%s\n", name, agreed, rows.size(), others.c_str());
  }
}

}  // namespace
}  // namespace moebius::scorers::math
