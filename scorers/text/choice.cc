// Multiple choice by log-probability: the best continuation wins, ties to the first.
#include <fmt/format.h>

#include "scorers/scorer.h"
#include "scorers/text/score_text.h"

namespace moebius::scorers {
namespace {

const char* norm_name(ChoiceNorm norm) {
  switch (norm) {
    case ChoiceNorm::kSum:
      return "sum";
    case ChoiceNorm::kPerByte:
      return "mean per byte";
    case ChoiceNorm::kPerToken:
      return "mean per token";
  }
  return "sum";
}

double compared(const Choice& choice, ChoiceNorm norm) {
  switch (norm) {
    case ChoiceNorm::kSum:
      return choice.logprob;
    case ChoiceNorm::kPerByte:
      return choice.logprob / choice.bytes;
    case ChoiceNorm::kPerToken:
      return choice.logprob / choice.tokens;
  }
  return choice.logprob;
}

std::string label(std::size_t index) {
  return index < 26 ? std::string(1, static_cast<char>('A' + index)) : std::to_string(index);
}

class ChoiceScorer final : public Scorer {
 public:
  ChoiceScorer(int gold, ChoiceNorm norm) : gold_(gold), norm_(norm) {
    if (gold < 0) throw Error(fmt::format("choice scorer: gold: expected >= 0, found {}", gold));
  }
  std::string_view name() const override { return "choice"; }
  int version() const override { return 1; }
  Score score(const Answer& answer) const override;

 private:
  void check(const Answer& answer) const;

  int gold_;
  ChoiceNorm norm_;
};

void ChoiceScorer::check(const Answer& answer) const {
  if (static_cast<std::size_t>(gold_) >= answer.choices.size()) {
    throw Error(
        fmt::format("choice scorer: expected log-probabilities of more than {} choices, "
                    "found {}",
                    gold_, answer.choices.size()));
  }
  for (const Choice& choice : answer.choices) {
    const bool countable = norm_ == ChoiceNorm::kSum ||
                           (norm_ == ChoiceNorm::kPerByte ? choice.bytes : choice.tokens) > 0;
    // Written so that NaN is refused too.
    if (!(choice.logprob <= 0 || choice.logprob > 0) || !countable) {
      throw Error(
          fmt::format("choice scorer: expected a log-probability over at least one token, "
                      "found {} over {} tokens, {} bytes",
                      choice.logprob, choice.tokens, choice.bytes));
    }
  }
}

Score ChoiceScorer::score(const Answer& answer) const {
  check(answer);
  std::size_t best = 0;
  for (std::size_t i = 1; i < answer.choices.size(); ++i) {
    if (compared(answer.choices[i], norm_) > compared(answer.choices[best], norm_)) best = i;
  }
  const bool right = best == static_cast<std::size_t>(gold_);
  return text::make_score(
      answer, right ? Verdict::kPass : Verdict::kWrong, label(best),
      fmt::format("best of {} by {}: {} ({:.6g}), expected {} ({:.6g})", answer.choices.size(),
                  norm_name(norm_), label(best), compared(answer.choices[best], norm_),
                  label(static_cast<std::size_t>(gold_)),
                  compared(answer.choices[static_cast<std::size_t>(gold_)], norm_)));
}

}  // namespace

ScorerPtr make_choice_scorer(int gold, ChoiceNorm norm) {
  return std::make_shared<ChoiceScorer>(gold, norm);
}

}  // namespace moebius::scorers
