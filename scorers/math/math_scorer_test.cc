// The scorers around extractors and graders, and the graders on own pairs.
#include <gtest/gtest.h>

#include <random>

#include "scorers/scorer.h"
#include "scorers/text/unicode.h"
#include "tests/support/sanitized.h"

namespace moebius::scorers {
namespace {

Score judge(const char* grader, const char* extractor, const char* gold, std::string_view said,
            bool opened = false) {
  return make_math_scorer(grader, extractor, gold, opened)->score({.text = said});
}

TEST(MathScorer, ThinkingComesFirst) {
  EXPECT_EQ(judge("hendrycks", "boxed", "5", "\\boxed{4}</think>\\boxed{5}", true).verdict,
            Verdict::kPass);
  EXPECT_EQ(judge("hendrycks", "boxed", "5", "\\boxed{5}", true).verdict, Verdict::kThinkUnclosed);
  EXPECT_EQ(judge("hendrycks", "boxed", "5", "<think>\\boxed{5}</think>", false).verdict,
            Verdict::kNoAnswer);
}

TEST(MathScorer, EachProjectsOwnNormalisation) {
  EXPECT_EQ(judge("qwen2.5-math", "boxed", "5", "\\boxed{5 \\text{ meters}}").value, 1.0);
  EXPECT_FALSE(math_equal("qwen2.5-math", "5", "5 \\text{ meters}").equal);
  EXPECT_EQ(judge("minerva", "minerva", "1/2",
                  "Final Answer: The final answer is $\\frac12$. I hope it is correct.")
                .value,
            1.0);
}

TEST(MathScorer, DeepSeekComparesAllAnswers) {
  const auto deepseek = [](const char* gold, const char* said) {
    return judge("deepseek-math", "deepseek-math", gold, said).value;
  };
  EXPECT_EQ(deepseek("2", "\\boxed{1}, no: \\boxed{2}"), 1.0);
  EXPECT_EQ(deepseek("1", "\\boxed{1}, no: \\boxed{2}"), 0.0);
  EXPECT_EQ(deepseek("1\\text{ and }2", "\\boxed{2} and \\boxed{1}"), 1.0);
  EXPECT_EQ(deepseek("1\\text{ and }2", "\\boxed{2}"), 0.0);
}

TEST(MathScorer, NamesItselfAndItsVersion) {
  const auto scorer = make_math_scorer("prm800k_grade_answer", "boxed", "1", false);
  EXPECT_EQ(scorer->name(), "math.prm800k");
  EXPECT_EQ(scorer->version(), 100 * math_grader_version("prm800k") + extractor_version("boxed"));
  EXPECT_THROW(make_math_scorer("nobody", "boxed", "1", false), Error);
  EXPECT_THROW(make_math_scorer("prm800k", "nobody", "1", false), Error);
}

TEST(MathScorer, WhatWasJudgedIsBoundedAndValid) {
  std::string said = "\\boxed{\xFF";
  said.append(1 << 20, 'x').append("}");
  const Score score = judge("hendrycks", "boxed", "5", said);
  EXPECT_EQ(score.verdict, Verdict::kWrong);
  EXPECT_LE(score.extracted.size(), kMaxExtracted);
  EXPECT_TRUE(text::is_valid(score.extracted));
}

TEST(IntegerScorer, ComparesIntegersHoweverWritten) {
  const auto judge_integer = [](std::int64_t gold, const char* said) {
    return make_integer_scorer(gold, false)->score({.text = said});
  };
  EXPECT_EQ(judge_integer(25, "\\boxed{025}").verdict, Verdict::kPass);
  EXPECT_EQ(judge_integer(0, "\\boxed{000}").verdict, Verdict::kPass);
  EXPECT_EQ(judge_integer(25, "so 25 it is").verdict, Verdict::kPass);
  EXPECT_EQ(judge_integer(25, "\\boxed{26}, not 25").verdict, Verdict::kWrong);
  EXPECT_EQ(judge_integer(25, "no idea").verdict, Verdict::kNoAnswer);
  EXPECT_EQ(judge_integer(25, "99999999999999999999999").verdict, Verdict::kWrong);
}

struct Pair {
  const char* grader;
  const char* gold;
  const char* pred;
  bool equal;
};

// Expected values: what the reference functions return, run on these pairs.
TEST(Graders, Table) {
  const Pair pairs[] = {
      {"hendrycks", "\\frac{1}{2}", "0.5", true},
      {"hendrycks", "1,2", "2,1", false},
      {"hendrycks", "x/2", " x/2", true},
      {"lm-eval-hendrycks", "x/2", " x/2", false},
      {"prm800k", "(1,2)", "(1, 2)", true},
      {"prm800k", "(1,2)", "[1,2)", false},
      {"prm800k", "\\frac{1}{2}", "\\frac{2}{4}", false},
      {"prm800k", "2", "\\sqrt{4}", false},
      {"prm800k", "2x+2", "2(x+1)", true},
      {"prm800k", "5", "", false},
      {"deepseek-math-equal", "0.5", "50", true},
      {"deepseek-math-equal", "[1,2]", "(1,2)", true},
      {"deepseek-math-equal", "5", "x=5", true},
      {"deepseek-math-equal", "y=x+1", "x+1=y", true},
      {"deepseek-math-equal", "3.1410", "3.1415", true},
      {"deepseek-math", "1\\cup2", "2\\cup1", true},
      {"deepseek-math", "\\frac{3}{2}", "1.5", true},
      {"qwen2.5-math", "B", "(b)", true},
      {"qwen2.5-math", "1000", "1000.05", true},
      {"qwen2.5-math", "[1,2]", "(1,2)", true},
      {"qwen2.5-math", "Yes", "yes ", true},
      {"qwen2.5-math", "\\frac{1}{12}", "0.0833333333333333", true},
      {"minerva", "\\frac{x}{2}", "0.5x", true},
      {"minerva", "yes", "no", false},
      {"minerva", "\\infty", "\\infty", true},  // the reference deletes "ft" from it
      {"minerva", "12:00", "1:00", false},
      {"minerva", "k \\ge 2", "k \\ge 2", false},
      {"minerva", "x=5", "5", true},
  };
  for (const Pair& p : pairs) {
    const Equality e = math_equal(p.grader, p.gold, p.pred);
    EXPECT_EQ(e.equal, p.equal) << p.grader << ": " << p.gold << " and " << p.pred << ": "
                                << e.reason;
    EXPECT_FALSE(e.reason.empty());
  }
  EXPECT_THROW(math_equal("nobody", "1", "1"), Error);
}

TEST(GradersProperty, AnyBytesGetAVerdict) {
  static constexpr const char* kPieces[] = {"(",
                                            ")",
                                            "[",
                                            "]",
                                            "1",
                                            ",",
                                            "=",
                                            "x",
                                            "^",
                                            "\\frac",
                                            "{",
                                            "}",
                                            "\\begin{pmatrix}",
                                            "\\end{pmatrix}",
                                            "\\\\",
                                            "&",
                                            "%",
                                            "\xFF",
                                            "\\cup",
                                            "sqrt",
                                            "/",
                                            "0"};
  std::mt19937 random(3);
  const auto any = [&random] {
    std::string s;
    for (auto n = random() % 8; n > 0; --n) s += kPieces[random() % std::size(kPieces)];
    return s;
  };
  for (int round = 0; round < 400; ++round) {
    const std::string gold = any();
    const std::string pred = any();
    for (const char* name : math_grader_names()) {
      EXPECT_FALSE(math_equal(name, gold, pred).reason.empty()) << name;
    }
  }
}

TEST(GradersProperty, IntegersEqualThemselvesAndNothingElse) {
  for (int a = 2; a < 20; ++a) {
    for (int b = 2; b < 20; ++b) {
      for (const char* name : math_grader_names()) {
        EXPECT_EQ(math_equal(name, std::to_string(a), std::to_string(b)).equal, a == b) << name;
      }
    }
  }
}

TEST(GradersProperty, MegabytesAreBounded) {
  constexpr std::size_t kLong = tests::kSanitized ? 1U << 17 : 1U << 20;
  for (const char* piece : {"(", "(1,", "x+", "\\frac{1}", "1\\cup", "^2"}) {
    std::string answer;
    while (answer.size() < kLong) answer += piece;
    for (const char* name : math_grader_names()) {
      EXPECT_FALSE(math_equal(name, "5", answer).equal) << name;
      EXPECT_FALSE(math_equal(name, answer, answer + "7").reason.empty()) << name << " " << piece;
    }
  }
}

}  // namespace
}  // namespace moebius::scorers
