// The "moebius" grader: whether two final answers mean the same, whoever wrote them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scorers/math/expression_node.h"
#include "scorers/scorer.h"

namespace moebius::scorers::math {

/// Whether two answers mean the same; the gold answer decides what is asked for. Either may be a
/// short answer, which is taken whole, or a text with $...$, \[...\], \boxed{...} or prose, from
/// which the final answer is taken first. Deterministic; bounded in time for any input.
///
/// Lists are unordered, tuples ordered; intervals count their ends; an equation counts up to a
/// factor; "x = 5" answers "5"; a unit, percent or degree sign counts only if both have one
/// (percent also as a hundredth). Decimals equal exact values that agree to six decimals, or to
/// the gold's own digits if the gold is a decimal of three digits or more.
Equality moebius_equal(std::string_view gold, std::string_view pred);

/// The final answer of a response, as LaTeX: the last \boxed (several joined by "and" become one
/// list), else what follows the last "answer is", else the last formula or number.
std::optional<std::string> moebius_extract(std::string_view response);

/// Whether the whole text is an answer rather than a text that contains one.
bool is_bare_answer(std::string_view text);

/// "\\frac" as "\frac": commands that were escaped once too often.
std::string unescaped(std::string_view text);

/// The option letter a text settles on, 'A' .. 'J'.
std::optional<char> chosen_letter(std::string_view text);

/// Equality of parsed answers; `why` is set to the rule that decided.
bool answers_equal(const Expr& gold, const Expr& pred, std::string& why);

}  // namespace moebius::scorers::math
