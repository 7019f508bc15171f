// The little of Unicode that comparing output needs, as Python 3.11 (Unicode 14) has it.
#pragma once

#include <cstddef>
#include <string_view>

namespace moebius::scorers::code {

/// Bytes of the well-formed UTF-8 character at the start of `text`, 0 if there is none.
/// `surrogates`: U+D800 .. U+DFFF count as characters (Python's surrogatepass).
std::size_t utf8_size(std::string_view text, bool surrogates);
bool is_utf8(std::string_view text, bool surrogates);

/// Bytes of the white space character (str.isspace) at the start or end of `text`, 0 if none.
std::size_t space_at_start(std::string_view text);
std::size_t space_at_end(std::string_view text);

/// str.strip().
std::string_view strip(std::string_view text);

/// Value of the decimal digit (any script) at the start of `text`, -1 if it is none.
int digit_at_start(std::string_view text, std::size_t& size);

}  // namespace moebius::scorers::code
