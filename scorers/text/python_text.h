// Python's str methods on valid UTF-8: what the reference graders are written in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::text {

std::string_view strip(std::string_view s);  // white space, both ends
std::string_view strip_chars(std::string_view s, std::string_view ascii);
std::string_view strip_left(std::string_view s, std::string_view ascii);
std::string_view strip_right(std::string_view s, std::string_view ascii);

bool contains(std::string_view s, std::string_view part);
/// s.count(part); part is not empty.
std::size_t count(std::string_view s, std::string_view part);
/// s.replace(from, to) in place, from left to right without overlap; from is not empty.
void replace(std::string& s, std::string_view from, std::string_view to);
/// s.split(separator); separator is not empty.
std::vector<std::string_view> split(std::string_view s, std::string_view separator);
std::vector<std::string_view> split_words(std::string_view s);  // s.split()
/// s.split(separator)[0], [-1] and s.split(separator, 1)[1] without the pieces between.
std::string_view first_piece(std::string_view s, std::string_view separator);
std::string_view last_piece(std::string_view s, std::string_view separator);
std::string_view after_first(std::string_view s, std::string_view separator);

bool is_digits(std::string_view s);      // s.isdigit()
std::size_t length(std::string_view s);  // in code points
/// The first code point's bytes; empty if s is.
std::string_view first_char(std::string_view s);

/// int(s) written by str(): nullopt where Python raises ValueError, its limit of 4,300 digits
/// included.
std::optional<std::string> to_int(std::string_view s);
/// float(s); nullopt where Python raises.
std::optional<double> to_float(std::string_view s);
/// str(int(x)) of a finite double, every digit.
std::string int_text(double x);
/// repr(x) of a finite double.
std::string float_text(double x);

/// \s of Python's re for RE2.
inline constexpr char kSpaceClass[] =
    R"([\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}])";

}  // namespace moebius::scorers::text
