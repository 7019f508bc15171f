// The letter of a written multiple-choice answer, as simple-evals reads it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace moebius::scorers::text {

/// Regexes that may stand before the letter, most important first. letter_patterns.cc.
std::span<const char* const> answer_prefixes();

/// Without the Markdown and LaTeX that may prevent a match.
/// Source: openai/simple-evals common.py, normalize_response.
std::string normalize_response(std::string_view response);

/// "A" .. "D" or what stands in its place ("b"); nullopt without any "Answer: X". The first match
/// of the first prefix that matches; text must be valid UTF-8. Linear in its length.
/// Source: openai/simple-evals mmlu_eval.py and common.py (normalize_extracted_answer).
std::optional<std::string> simple_evals_letter(std::string_view response);
/// Source: the same, ANSWER_PATTERN_MULTICHOICE (GPQA).
std::optional<std::string> simple_evals_multichoice(std::string_view response);
/// Source: the same, ANSWER_PATTERN (MATH).
std::optional<std::string> simple_evals_answer(std::string_view response);

}  // namespace moebius::scorers::text
