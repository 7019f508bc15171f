// Decimal text and the comparison of printed output.
#include "scorers/code/decimal.h"

#include <algorithm>
#include <vector>

#include "scorers/code/unicode.h"
#include "scorers/code/wire.h"

namespace moebius::scorers::code {
namespace {

constexpr std::int64_t kMaxExponent = 999'999'999'999'999'999;
constexpr std::int64_t kMinExponent = -1'999'999'999'999'999'997;

/// Stripped, underscores dropped, digits of every script made ASCII. Other characters beyond
/// ASCII make it no number.
std::optional<std::string> to_ascii(std::string_view text) {
  std::string out;
  text = strip(text);
  while (!text.empty()) {
    std::size_t size = 0;
    const int digit = digit_at_start(text, size);
    if (size == 0 || (digit < 0 && size > 1)) return std::nullopt;
    if (digit >= 0) {
      out += static_cast<char>('0' + digit);
    } else if (text[0] != '_') {
      out += text[0];
    }
    text.remove_prefix(size);
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_digit);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// Infinity and NaN.
bool parse_special(std::string_view text, Decimal& to) {
  const std::string word = lower(text);
  if (word == "inf" || word == "infinity") return to.infinite = true;
  to.signalling = word.starts_with("snan");
  if (!to.signalling && !word.starts_with("nan")) return false;
  to.nan = true;
  return all_digits(std::string_view(word).substr(to.signalling ? 4 : 3));
}

/// The number after "e", saturated far outside the limits.
bool parse_exponent(std::string_view text, std::int64_t& to) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || !all_digits(text)) return false;
  to = 0;
  for (const char c : text) {
    to = to > 3 * kMaxExponent / 10 ? 3 * kMaxExponent : to * 10 + (c - '0');
  }
  if (negative) to = -to;
  return true;
}

void normalise(Decimal& number) {
  const std::size_t first = number.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    number.digits.clear();
    number.exponent = 0;
    return;
  }
  number.digits.erase(0, first);
  const std::size_t last = number.digits.find_last_not_of('0');
  number.exponent += static_cast<std::int64_t>(number.digits.size() - 1 - last);
  number.digits.resize(last + 1);
}

bool parse_number(std::string_view text, Decimal& to) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  std::string_view whole = text.substr(0, e);
  std::int64_t power = 0;
  if (e < text.size() && !parse_exponent(text.substr(e + 1), power)) return false;
  const std::size_t point = std::min(whole.find('.'), whole.size());
  const std::string_view fraction =
      point < whole.size() ? whole.substr(point + 1) : std::string_view();
  to.digits = std::string(whole.substr(0, point)) + std::string(fraction);
  if (to.digits.empty() || !all_digits(to.digits)) return false;
  to.exponent = power - static_cast<std::int64_t>(fraction.size());
  return true;
}

/// What a context without rounding can hold (libmpdec's limits); else Python raises.
bool in_range(const Decimal& number) {
  const std::size_t first = number.digits.find_first_not_of('0');
  const std::size_t size = first == std::string::npos ? 1 : number.digits.size() - first;
  const std::int64_t adjusted = number.exponent + static_cast<std::int64_t>(size) - 1;
  if (first == std::string::npos) {
    return number.exponent <= kMaxExponent && number.exponent >= kMinExponent;
  }
  return adjusted <= kMaxExponent && number.exponent >= kMinExponent;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  text = strip(text);
  for (;;) {
    const std::size_t end = text.find('\n');
    lines.push_back(strip(text.substr(0, end)));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

/// str.split(), each word as a decimal; false if one is none.
bool decimals(std::string_view line, std::vector<Decimal>& to) {
  line = strip(line);
  while (!line.empty()) {
    std::size_t end = 0;
    while (end < line.size() && space_at_start(line.substr(end)) == 0) {
      end += std::max<std::size_t>(1, utf8_size(line.substr(end), true));
    }
    const std::optional<Decimal> number = parse_decimal(line.substr(0, end));
    if (!number) return false;
    to.push_back(*number);
    line = strip(line.substr(end));
  }
  return true;
}

bool lines_match(std::string_view printed, std::string_view expected) {
  if (printed == expected) return true;
  std::vector<Decimal> a;
  std::vector<Decimal> b;
  if (!decimals(printed, a) || !decimals(expected, b)) return false;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Decimal& x, const Decimal& y) { return equal(x, y); });
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::optional<std::string> ascii = to_ascii(text);
  if (!ascii) return std::nullopt;
  std::string_view rest = *ascii;
  Decimal number;
  number.negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest.empty()) return std::nullopt;
  if (!is_digit(rest[0]) && rest[0] != '.') {
    return parse_special(rest, number) ? std::optional(number) : std::nullopt;
  }
  if (!parse_number(rest, number) || !in_range(number)) return std::nullopt;
  normalise(number);
  return number;
}

bool equal(const Decimal& a, const Decimal& b) {
  if (a.nan || b.nan) return false;
  if (a.infinite || b.infinite) return a.infinite && b.infinite && a.negative == b.negative;
  if (a.digits.empty() || b.digits.empty()) return a.digits.empty() && b.digits.empty();
  return a.negative == b.negative && a.exponent == b.exponent && a.digits == b.digits;
}

bool outputs_match(std::string_view printed, std::string_view expected, std::string* why) {
  const std::vector<std::string_view> got = split_lines(printed);
  const std::vector<std::string_view> want = split_lines(expected);
  if (got.size() != want.size()) {
    if (why) {
      *why = "printed " + std::to_string(got.size()) + " lines, expected " +
             std::to_string(want.size());
    }
    return false;
  }
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (lines_match(got[i], want[i])) continue;
    if (why) {
      *why = "line " + std::to_string(i + 1) + ": printed \"" + one_line(got[i], 100) +
             "\", expected \"" + one_line(want[i], 100) + "\"";
    }
    return false;
  }
  return true;
}

}  // namespace moebius::scorers::code
