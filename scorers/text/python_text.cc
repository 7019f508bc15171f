// Python's str methods, none of them worse than linear.
#include "scorers/text/python_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "scorers/text/unicode.h"

namespace moebius::scorers::text {
namespace {

constexpr std::size_t kMaxIntDigits = 4300;  // sys.get_int_max_str_digits()

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

/// With every decimal digit as an ASCII one.
std::string ascii_digits(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    const Decoded next = decode(s, at);
    const int value = decimal_value(next.point);
    if (value >= 0) {
      out += static_cast<char>('0' + value);
    } else {
      out += s.substr(at, next.bytes);
    }
    at += next.bytes;
  }
  return out;
}

/// In ASCII, with single underscores between digits dropped; nullopt for any other underscore.
std::optional<std::string> plain_digits(std::string_view written) {
  const std::string s = ascii_digits(written);
  std::string digits;
  digits.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '_') {
      const bool between =
          i > 0 && i + 1 < s.size() && is_ascii_digit(s[i - 1]) && is_ascii_digit(s[i + 1]);
      if (!between) return std::nullopt;
      continue;
    }
    digits += s[i];
  }
  return digits;
}

bool equals_ignoring_case(std::string_view s, std::string_view small) {
  return s.size() == small.size() &&
         std::equal(s.begin(), s.end(), small.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

/// Whether s is digits[.digits][e[+-]digits] with a digit before the exponent.
bool is_decimal_literal(std::string_view s) {
  std::size_t i = 0;
  std::size_t digits = 0;
  while (i < s.size() && is_ascii_digit(s[i])) ++i, ++digits;
  if (i < s.size() && s[i] == '.') ++i;
  while (i < s.size() && is_ascii_digit(s[i])) ++i, ++digits;
  if (digits == 0) return false;
  if (i == s.size()) return true;
  if (s[i] != 'e' && s[i] != 'E') return false;
  ++i;
  if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
  const std::size_t exponent = i;
  while (i < s.size() && is_ascii_digit(s[i])) ++i;
  return i == s.size() && i > exponent;
}

}  // namespace

std::string_view strip(std::string_view s) {
  std::size_t begin = 0;
  while (begin < s.size()) {
    const Decoded next = decode(s, begin);
    if (!is_space(next.point)) break;
    begin += next.bytes;
  }
  std::size_t end = s.size();
  while (end > begin) {
    const Decoded last = decode_before(s, end);
    if (!is_space(last.point)) break;
    end -= last.bytes;
  }
  return s.substr(begin, end - begin);
}

std::string_view strip_left(std::string_view s, std::string_view ascii) {
  s.remove_prefix(std::min(s.find_first_not_of(ascii), s.size()));
  return s;
}

std::string_view strip_right(std::string_view s, std::string_view ascii) {
  const std::size_t last = s.find_last_not_of(ascii);
  return s.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string_view strip_chars(std::string_view s, std::string_view ascii) {
  return strip_left(strip_right(s, ascii), ascii);
}

bool contains(std::string_view s, std::string_view part) {
  return s.find(part) != std::string_view::npos;
}

std::size_t count(std::string_view s, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = s.find(part); at != std::string_view::npos;
       at = s.find(part, at + part.size())) {
    ++n;
  }
  return n;
}

void replace(std::string& s, std::string_view from, std::string_view to) {
  std::size_t hit = s.find(from);
  if (hit == std::string::npos) return;
  std::string out;
  out.reserve(s.size());
  std::size_t at = 0;
  for (; hit != std::string::npos; hit = s.find(from, at)) {
    out.append(s, at, hit - at).append(to);
    at = hit + from.size();
  }
  out.append(s, at);
  s = std::move(out);
}

std::vector<std::string_view> split(std::string_view s, std::string_view separator) {
  std::vector<std::string_view> pieces;
  std::size_t at = 0;
  for (std::size_t hit = s.find(separator); hit != std::string_view::npos;
       hit = s.find(separator, at)) {
    pieces.push_back(s.substr(at, hit - at));
    at = hit + separator.size();
  }
  pieces.push_back(s.substr(at));
  return pieces;
}

std::vector<std::string_view> split_words(std::string_view s) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  std::size_t at = 0;
  while (at < s.size()) {
    const Decoded next = decode(s, at);
    if (is_space(next.point)) {
      if (at > start) words.push_back(s.substr(start, at - start));
      start = at + next.bytes;
    }
    at += next.bytes;
  }
  if (at > start) words.push_back(s.substr(start, at - start));
  return words;
}

std::string_view first_piece(std::string_view s, std::string_view separator) {
  return s.substr(0, s.find(separator));
}

std::string_view last_piece(std::string_view s, std::string_view separator) {
  // From the left as str.split does: "aaa".split("aa")[-1] is "a".
  std::size_t at = 0;
  for (std::size_t hit = s.find(separator); hit != std::string_view::npos;
       hit = s.find(separator, at)) {
    at = hit + separator.size();
  }
  return s.substr(at);
}

std::string_view after_first(std::string_view s, std::string_view separator) {
  const std::size_t hit = s.find(separator);
  return hit == std::string_view::npos ? std::string_view() : s.substr(hit + separator.size());
}

bool is_digits(std::string_view s) {
  for (std::size_t at = 0; at < s.size();) {
    const Decoded next = decode(s, at);
    if (!is_digit(next.point)) return false;
    at += next.bytes;
  }
  return !s.empty();
}

std::size_t length(std::string_view s) {
  return static_cast<std::size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string_view first_char(std::string_view s) {
  return s.substr(0, decode(s, 0).bytes);
}

std::optional<std::string> to_int(std::string_view s) {
  s = strip(s);
  const bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  const auto digits = plain_digits(s);
  if (!digits || digits->empty() || digits->size() > kMaxIntDigits) return std::nullopt;
  if (!std::all_of(digits->begin(), digits->end(), is_ascii_digit)) return std::nullopt;
  const std::size_t first = digits->find_first_not_of('0');
  if (first == std::string::npos) return "0";
  return (negative ? "-" : "") + digits->substr(first);
}

std::optional<double> to_float(std::string_view s) {
  s = strip(s);
  const bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  const double sign = negative ? -1.0 : 1.0;
  if (equals_ignoring_case(s, "inf") || equals_ignoring_case(s, "infinity")) {
    return sign * HUGE_VAL;
  }
  if (equals_ignoring_case(s, "nan")) return std::nan("");
  const auto digits = plain_digits(s);
  if (!digits || !is_decimal_literal(*digits)) return std::nullopt;
  // strtod, unlike from_chars, gives the infinity or zero that Python gives out of range.
  return sign * std::strtod(digits->c_str(), nullptr);
}

std::string int_text(double x) {
  std::string digits = fmt::format("{:.0f}", std::trunc(x));
  return digits == "-0" ? "0" : digits;
}

std::string float_text(double x) {
  std::string digits = fmt::format("{}", x);
  if (digits.find_first_of(".en") == std::string::npos) digits += ".0";
  return digits;
}

}  // namespace moebius::scorers::text
