// Scorers of mathematical answers: thinking aside, extract, then grade.
#include "scorers/math/extract.h"
#include "scorers/math/graders.h"
#include "scorers/math/registry.h"
#include "scorers/scorer.h"
#include "scorers/text/score_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers {
namespace {

class MathScorer final : public Scorer {
 public:
  MathScorer(std::string_view grader, std::string extractor, std::string_view gold,
             bool think_opened)
      : grader_(math::find_grader(grader)),
        name_(std::string("math.") + grader_.name),
        extractor_(std::move(extractor)),
        version_(100 * grader_.version + extractor_version(extractor_)),
        gold_(text::valid(gold)),
        think_opened_(think_opened) {}
  std::string_view name() const override { return name_; }
  int version() const override { return version_; }
  Score score(const Answer& answer) const override;

 private:
  Equality judge(std::string_view spoken, std::string_view extracted) const;

  const math::Grader& grader_;
  std::string name_;
  std::string extractor_;
  int version_;
  std::string gold_;
  bool think_opened_;
};

Equality MathScorer::judge(std::string_view spoken, std::string_view extracted) const {
  // DeepSeek-Math's evaluation compares all answers of a response, not one text.
  if (grader_.evaluate == math::deepseek_is_correct && extractor_ == "deepseek-math") {
    const auto golds = math::split_at_and(math::strip_deepseek(gold_));
    return math::deepseek_eval_math(golds, math::extract_deepseek(spoken));
  }
  return grader_.evaluate(gold_, extracted);
}

Score MathScorer::score(const Answer& answer) const {
  const Spoken spoken = spoken_part(answer.text, think_opened_);
  if (spoken.think_unclosed) return text::think_unclosed(answer);
  const std::string said = text::valid(spoken.text);
  const auto [extracted, found] = extract(extractor_, said);
  if (!found || extracted.empty()) {
    return text::make_score(answer, Verdict::kNoAnswer, "", extractor_ + " finds no answer");
  }
  const Equality equality = judge(said, extracted);
  return text::make_score(answer, equality.equal ? Verdict::kPass : Verdict::kWrong, extracted,
                          name_ + ": " + equality.reason);
}

class IntegerScorer final : public Scorer {
 public:
  IntegerScorer(std::int64_t gold, bool think_opened)
      : gold_(std::to_string(gold)), think_opened_(think_opened) {}
  std::string_view name() const override { return "math.integer"; }
  int version() const override { return extractor_version("aime"); }
  Score score(const Answer& answer) const override;

 private:
  std::string gold_;
  bool think_opened_;
};

Score IntegerScorer::score(const Answer& answer) const {
  const Spoken spoken = spoken_part(answer.text, think_opened_);
  if (spoken.think_unclosed) return text::think_unclosed(answer);
  const auto integer = math::extract_integer(text::valid(spoken.text));
  if (!integer) return text::make_score(answer, Verdict::kNoAnswer, "", "no integer found");
  const bool right = *integer == gold_;
  return text::make_score(answer, right ? Verdict::kPass : Verdict::kWrong, *integer,
                          "answered " + *integer + ", expected " + gold_);
}

}  // namespace

ScorerPtr make_math_scorer(std::string grader, std::string extractor, std::string gold,
                           bool think_opened) {
  return std::make_shared<MathScorer>(grader, std::move(extractor), gold, think_opened);
}

ScorerPtr make_integer_scorer(std::int64_t gold, bool think_opened) {
  return std::make_shared<IntegerScorer>(gold, think_opened);
}

}  // namespace moebius::scorers
