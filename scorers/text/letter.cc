// simple-evals' extraction of written answers, and the scorer of letters.
#include "scorers/text/letter.h"

#include <re2/re2.h>

#include <memory>
#include <vector>

#include "scorers/scorer.h"
#include "scorers/text/python_text.h"
#include "scorers/text/score_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::text {
namespace {

constexpr char kLetter[] = "[ \\t]*([A-D]|[أ-د]|[অ]|[ব]|[ড]|[ঢ]|[Ａ]|[Ｂ]|[Ｃ]|[Ｄ])";

std::unique_ptr<const RE2> compile(std::string pattern) {
  replace(pattern, "\\s", kSpaceClass);
  auto regex = std::make_unique<const RE2>("(?i)" + pattern);
  if (!regex->ok()) {
    throw Error("answer pattern: expected a regular expression, found " + pattern + ": " +
                regex->error());
  }
  return regex;
}

std::optional<std::string> search(const RE2& regex, std::string_view text) {
  std::string group;
  if (!RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex, &group)) {
    return std::nullopt;
  }
  return group;
}

const std::vector<std::unique_ptr<const RE2>>& letter_regexes() {
  static const auto kRegexes = [] {
    std::vector<std::unique_ptr<const RE2>> regexes;
    for (std::string prefix : answer_prefixes()) {
      // Python's (?i) also takes the dotless and the dotted capital for an i, RE2's does not.
      replace(prefix, "i", "[iıİ]");
      regexes.push_back(compile(prefix + kLetter));
    }
    return regexes;
  }();
  return kRegexes;
}

/// Arabic, Bengali and full-width letters to Latin ones.
std::string latin_letter(std::string letter) {
  static constexpr std::pair<const char*, const char*> kLetters[] = {
      {"أ", " A"}, {"ب", " B"}, {"ج", " C"},  {"د", " D"},  {"অ", " A"},  {"ব", " B"},
      {"ড", " C"}, {"ঢ", " D"}, {"Ａ", " A"}, {"Ｂ", " B"}, {"Ｃ", " C"}, {"Ｄ", " D"}};
  for (const auto& [from, to] : kLetters) replace(letter, from, to);
  return std::string(strip(letter));
}

}  // namespace

std::string normalize_response(std::string_view response) {
  static constexpr const char* kDeleted[] = {
      "**",  "$\\boxed{", "}$",  "\\$",       "$\\text{", "$",      "\\mathrm{",
      "\\{", "\\text",    "\\(", "\\mathbf{", "{",        "\\boxed"};
  std::string out(response);
  for (const char* deleted : kDeleted) replace(out, deleted, "");
  return out;
}

std::optional<std::string> simple_evals_letter(std::string_view response) {
  const std::string normal = normalize_response(response);
  for (const auto& regex : letter_regexes()) {
    if (auto letter = search(*regex, normal)) return latin_letter(*std::move(letter));
  }
  return std::nullopt;
}

std::optional<std::string> simple_evals_multichoice(std::string_view response) {
  static const auto kRegex = compile("Answer[ \\t]*:[ \\t]*\\$?([A-D])\\$?");
  return search(*kRegex, response);
}

std::optional<std::string> simple_evals_answer(std::string_view response) {
  static const auto kRegex = compile("Answer\\s*:\\s*([^\\n]+)");
  return search(*kRegex, response);
}

}  // namespace moebius::scorers::text

namespace moebius::scorers {
namespace {

class LetterScorer final : public Scorer {
 public:
  LetterScorer(char gold, bool think_opened) : gold_(gold), think_opened_(think_opened) {
    if (gold < 'A' || gold > 'D') {
      throw Error("letter scorer: gold: expected A .. D, found " + text::one_line({&gold, 1}));
    }
  }
  std::string_view name() const override { return "letter"; }
  int version() const override { return 1; }
  Score score(const Answer& answer) const override;

 private:
  char gold_;
  bool think_opened_;
};

Score LetterScorer::score(const Answer& answer) const {
  const Spoken spoken = spoken_part(answer.text, think_opened_);
  if (spoken.think_unclosed) return text::think_unclosed(answer);
  const auto letter = text::simple_evals_letter(text::valid(spoken.text));
  if (!letter) return text::make_score(answer, Verdict::kNoAnswer, "", "no \"Answer: X\" found");
  const bool right = *letter == std::string_view(&gold_, 1);
  return text::make_score(answer, right ? Verdict::kPass : Verdict::kWrong, *letter,
                          "answered " + *letter + ", expected " + gold_);
}

}  // namespace

ScorerPtr make_letter_scorer(char gold, bool think_opened) {
  return std::make_shared<LetterScorer>(gold, think_opened);
}

}  // namespace moebius::scorers
