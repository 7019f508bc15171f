// The scorer of log-probabilities and the names of verdicts.
#include <gtest/gtest.h>

#include <cmath>

#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

Score judge(int gold, ChoiceNorm norm, const std::vector<Choice>& choices) {
  Answer answer;
  answer.choices = choices;
  return make_choice_scorer(gold, norm)->score(answer);
}

const std::vector<Choice> kChoices = {{-4.0, 2, 10}, {-3.0, 1, 3}, {-6.0, 6, 60}};

TEST(ChoiceScorer, EachNormHasItsOwnBest) {
  EXPECT_EQ(judge(1, ChoiceNorm::kSum, kChoices).verdict, Verdict::kPass);
  EXPECT_EQ(judge(2, ChoiceNorm::kPerByte, kChoices).verdict, Verdict::kPass);
  EXPECT_EQ(judge(2, ChoiceNorm::kPerToken, kChoices).verdict, Verdict::kPass);
  const Score wrong = judge(0, ChoiceNorm::kSum, kChoices);
  EXPECT_EQ(wrong.verdict, Verdict::kWrong);
  EXPECT_EQ(wrong.value, 0.0);
  EXPECT_EQ(wrong.extracted, "B");
}

TEST(ChoiceScorer, TiesGoToTheFirst) {
  const std::vector<Choice> tied = {{-2.0, 1, 1}, {-1.0, 1, 1}, {-1.0, 1, 1}};
  EXPECT_EQ(judge(1, ChoiceNorm::kSum, tied).value, 1.0);
  EXPECT_EQ(judge(2, ChoiceNorm::kSum, tied).value, 0.0);
}

TEST(ChoiceScorer, ImpossibleChoicesLoseToAnything) {
  const double never = -INFINITY;
  EXPECT_EQ(judge(1, ChoiceNorm::kSum, {{never, 1, 1}, {-900.0, 1, 1}}).value, 1.0);
}

TEST(ChoiceScorer, WhatIsMissingIsAFailureNotAVerdict) {
  EXPECT_THROW(judge(0, ChoiceNorm::kSum, {}), Error);
  EXPECT_THROW(judge(3, ChoiceNorm::kSum, kChoices), Error);
  EXPECT_THROW(judge(0, ChoiceNorm::kSum, {{std::nan(""), 1, 1}}), Error);
  EXPECT_THROW(judge(0, ChoiceNorm::kPerByte, {{-1.0, 1, 0}}), Error);
  EXPECT_THROW(make_choice_scorer(-1, ChoiceNorm::kSum), Error);
}

TEST(VerdictNames, AreReadBackAndOthersAreNot) {
  for (int i = 0; i <= static_cast<int>(Verdict::kProtocolViolation); ++i) {
    Verdict back = Verdict::kPass;
    ASSERT_TRUE(parse_verdict(verdict_name(static_cast<Verdict>(i)), back));
    EXPECT_EQ(static_cast<int>(back), i);
  }
  Verdict untouched = Verdict::kDiskLimit;
  EXPECT_FALSE(parse_verdict("Pass", untouched));
  EXPECT_EQ(untouched, Verdict::kDiskLimit);
}

}  // namespace
}  // namespace moebius::scorers
