// The two columns that hold lists: continuations with their log-probabilities, and tests of a
// program. JSON, so that a person can read them and SQLite can take them apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scorers/scorer.h"

namespace moebius::reports {

/// [[logprob, tokens, bytes], ...]; empty text for an empty list. Numbers come back bit for bit;
/// what JSON cannot write is "-inf", "inf" or "nan".
std::string encode_choices(const std::vector<scorers::Choice>& choices);
/// Throws Error.
std::vector<scorers::Choice> decode_choices(std::string_view text);

/// [[verdict, cpu seconds, detail], ...]; empty text for an empty list.
std::string encode_tests(const std::vector<scorers::TestOutcome>& tests);
/// Throws Error.
std::vector<scorers::TestOutcome> decode_tests(std::string_view text);

/// Throws Error if no verdict has this name.
scorers::Verdict decode_verdict(std::string_view name);

}  // namespace moebius::reports
