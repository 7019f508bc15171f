// Letters of written answers, and the scorer around them.
#include "scorers/text/letter.h"

#include <gtest/gtest.h>

#include <chrono>

#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

using text::simple_evals_letter;

TEST(Letter, IsTheFirstMatchOfTheFirstPrefix) {
  struct Case {
    const char* response;
    const char* letter;  // "" for none
  };
  const Case cases[] = {
      {"Answer: C", "C"},
      {"so Answer: A, no, Answer: B", "A"},
      {"Antwort: B\nAnswer: C", "C"},
      {"**Answer:** $\\boxed{D}$", "D"},
      {"answer : \tb", "b"},
      {"Answer: Apple", "A"},
      {"Answer: E", ""},
      {"Answer:\nB", ""},
      {"\u7b54\u6848\uff1aB", "B"},
      {"\u0627\u0644\u0625\u062c\u0627\u0628\u0629: \u062c", "C"},
      {"Answer:\u200b\u200b\u200b\u200b\u200b\u200b D", "D"},
      {"Answer: \uff22", "B"},
      {"Answer: \uff42", "\uff42"},
      {"R\u0130sposta: A", "A"},
      {"Answer\u00a0: A", "A"},
      {"", ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(simple_evals_letter(c.response).value_or(""), c.letter) << c.response;
  }
}

TEST(Letter, AnswerLineIsTheFirst) {
  EXPECT_EQ(text::simple_evals_answer("Answer: 3\nAnswer: 4"), "3");
  EXPECT_EQ(text::simple_evals_answer("ANSWER :\n\n 5 cm \n"), "5 cm ");
  EXPECT_EQ(text::simple_evals_answer("Answer:  "), " ");
  EXPECT_FALSE(text::simple_evals_answer("Answer:"));
  EXPECT_EQ(text::simple_evals_multichoice("Answer: $C$"), "C");
}

TEST(LetterScorer, SaysWhatBecameOfTheAnswer) {
  const auto judge = [](std::string_view said, bool opened) {
    return make_letter_scorer('B', opened)->score({.text = said});
  };
  EXPECT_EQ(judge("Answer: B", false).verdict, Verdict::kPass);
  EXPECT_EQ(judge("Answer: b", false).verdict, Verdict::kWrong);
  EXPECT_EQ(judge("It is B.", false).verdict, Verdict::kNoAnswer);
  EXPECT_EQ(judge("Answer: B", true).verdict, Verdict::kThinkUnclosed);
  EXPECT_EQ(judge("Answer: A</think>Answer: B", true).verdict, Verdict::kPass);
  EXPECT_THROW(make_letter_scorer('E', false), Error);
}

TEST(LetterScorer, TruncationIsSaidButDoesNotDecide) {
  const Score score =
      make_letter_scorer('B', false)->score({.text = "Answer: B", .truncated = true});
  EXPECT_EQ(score.verdict, Verdict::kPass);
  EXPECT_NE(score.reason.find("cut at the length limit"), std::string::npos);
}

TEST(LetterScorer, TenMegabytesAreReadInSeconds) {
  std::string said;
  while (said.size() < (10U << 20)) said += "Answer \t  R\xC3\xA9ponse $\\boxed{ \xFF **";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(make_letter_scorer('B', false)->score({.text = said}).verdict, Verdict::kNoAnswer);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace moebius::scorers
