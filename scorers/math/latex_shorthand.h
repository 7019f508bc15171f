// Abbreviations of LaTeX that the string normalisers write out.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace moebius::scorers::math {

using Replacement = std::pair<std::string_view, std::string_view>;
/// s.replace(from, to) for each in order.
void replace_each(std::string& s, std::initializer_list<Replacement> replacements);
void delete_each(std::string& s, std::initializer_list<std::string_view> parts);

/// \frac1b and \frac12 to \frac{1}{b} and \frac{1}{2}; unchanged if a \frac has too little after
/// it. nullopt: a \frac with nothing after it, where hendrycks' and lm-eval's raise and the
/// others' leave all as it is.
std::optional<std::string> fix_fracs(std::string_view s);
/// "a/b" of two integers, or of anything with "sqrt" on either side, to \frac{a}{b}: DeepSeek-Math
/// and Qwen2.5-Math.
std::string fix_slash(std::string_view s);
/// ".5" to "0.5" at the start.
void lead_with_zero(std::string& s);
/// Keeps the right side of the only "=" if the left has at most two characters.
void drop_short_left_side(std::string& s);
/// Cuts a trailing \text{...} and strips white space, unless nothing would remain.
void drop_trailing_text(std::string& s);
/// "infinity" and, without any \infty, "inf" to \infty.
void write_infinity(std::string& s);

}  // namespace moebius::scorers::math
