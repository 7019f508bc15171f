// Bounded, truthful scores for answers of any bytes and any length.
#include "scorers/text/score_text.h"

#include "scorers/text/unicode.h"

namespace moebius::scorers::text {

std::string one_line(std::string_view text) {
  constexpr std::size_t kLimit = 300;
  std::string line = bounded(text, kLimit);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

Score make_score(const Answer& answer, Verdict verdict, std::string_view extracted,
                 std::string reason) {
  Score score;
  score.verdict = verdict;
  score.value = verdict == Verdict::kPass ? 1.0 : 0.0;
  score.extracted = bounded(extracted, kMaxExtracted);
  score.reason = one_line(reason);
  if (answer.truncated) score.reason += "; the answer was cut at the length limit";
  return score;
}

Score think_unclosed(const Answer& answer) {
  return make_score(answer, Verdict::kThinkUnclosed, "", "<think> was opened and never closed");
}

}  // namespace moebius::scorers::text
