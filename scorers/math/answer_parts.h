// Pieces of answers that DeepSeek-Math's and Qwen2.5-Math's graders take apart alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scorers/math/expression.h"

namespace moebius::scorers::math {

/// Lists within lists are followed this deep; deeper ones are unequal.
inline constexpr int kMaxAnswerDepth = 64;
/// Longer texts are compared as strings and numbers only.
inline constexpr std::size_t kMaxSymbolicBytes = 16 << 10;

/// A number with commas, or a percentage as a fraction. Source: grader.py, parse_digits.
std::optional<double> parse_digits(std::string_view s);
/// math.isclose.
bool is_close(double a, double b, double relative, double absolute);

/// An opening bracket and a closing one behind at least one character.
bool is_list(std::string_view s);
/// Without the first and the last character, split at commas.
std::vector<std::string_view> list_parts(std::string_view s);

/// \begin{pmatrix} or \begin{bmatrix} to the matching kind of end.
bool is_matrix(std::string_view s);
/// Rows of cells; empty rows are left out.
std::vector<std::vector<std::string_view>> matrix_rows(std::string_view s);

/// "a = b" as "a - (b)"; s has exactly one "=".
std::string equation_difference(std::string_view s);
/// At most two characters on the left of the only "=".
bool is_short_equation(std::string_view s);
std::string_view right_side(std::string_view s);

/// N(e) where it is a real number.
std::optional<double> real_number(const Expr& e);

}  // namespace moebius::scorers::math
