// Small readings of numbers that prm800k's normaliser and grader share.
#pragma once

#include <string>
#include <string_view>

namespace moebius::scorers::math {

/// Without the commas of well-formed thousands. Source: grader.py,
/// _strip_properly_formatted_commas.
std::string strip_thousands(std::string_view s);
/// Source: grader.py, _str_is_int.
bool is_integer_text(std::string_view s);

}  // namespace moebius::scorers::math
