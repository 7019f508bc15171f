// UTF-8 that may be broken, and the classes of characters that Python's str knows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moebius::scorers::text {

/// One code point read from UTF-8.
struct Decoded {
  char32_t point = 0;
  std::size_t bytes = 0;  // 1 .. 4; 0 at the end of the text
  bool valid = false;     // false: one byte that belongs to no character, point U+FFFD
};
Decoded decode(std::string_view text, std::size_t at);
/// The code point that ends right before `at`; text must be valid.
Decoded decode_before(std::string_view text, std::size_t at);
void append(std::string& to, char32_t point);

/// Every byte that belongs to no character becomes U+FFFD (one for each such byte).
std::string valid(std::string_view text);
bool is_valid(std::string_view text);
/// valid(), cut before the character that would exceed `limit` bytes.
std::string bounded(std::string_view text, std::size_t limit);

bool is_space(char32_t point);      // str.isspace, \s
bool is_word(char32_t point);       // \w: str.isalnum or '_'
bool is_alpha(char32_t point);      // str.isalpha
bool is_decimal(char32_t point);    // \d, general category Nd
bool is_digit(char32_t point);      // str.isdigit: decimals, superscripts, circled digits
int decimal_value(char32_t point);  // 0 .. 9 of a decimal, -1 of anything else
/// str.lower() but for the final sigma.
std::string lower(std::string_view text);

}  // namespace moebius::scorers::text
