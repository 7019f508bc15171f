// What every scorer of text does alike: thinking first, then a bounded and truthful score.
#pragma once

#include <string>
#include <string_view>

#include "scorers/scorer.h"

namespace moebius::scorers::text {

/// A score of 1 for kPass and 0 otherwise. `extracted` is made valid UTF-8 of at most
/// kMaxExtracted bytes, the reason one line; a truncated answer is named in the reason.
Score make_score(const Answer& answer, Verdict verdict, std::string_view extracted,
                 std::string reason);
/// The score of an answer whose thinking never ended.
Score think_unclosed(const Answer& answer);
/// Line breaks and control characters become spaces, at most 300 bytes of valid UTF-8.
std::string one_line(std::string_view text);

}  // namespace moebius::scorers::text
