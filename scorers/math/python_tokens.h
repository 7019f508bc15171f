// Python's tokens, as its tokenize module cuts them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::math {

enum class PyType : std::uint8_t { kNumber, kName, kOperator, kEnd };

struct PyToken {
  PyType type;
  std::string text;  // numbers without "_", in base ten; an imaginary one ends in j
};

/// Ends with a kEnd. Throws SyntaxError at a character that begins no token, or a second line.
std::vector<PyToken> python_tokens(std::string_view text);

/// Length of the UTF-8 character at `at` if it belongs to a Python name; 0 otherwise.
std::size_t python_name_character(std::string_view s, std::size_t at);

}  // namespace moebius::scorers::math
