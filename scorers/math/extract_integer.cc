// Integers as the answers of AIME are written.
#include <algorithm>

#include "scorers/math/extract.h"
#include "scorers/math/latex_shorthand.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The contents of all closed \boxed{...}, in the order in which they begin; one pass.
std::vector<std::string_view> boxes(std::string_view s) {
  constexpr std::string_view kBoxed = "\\boxed";
  struct Box {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Box> found;
  std::vector<std::ptrdiff_t> open;  // index in `found` of each open brace, -1 if it is no box
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '{') {
      const bool box = i >= kBoxed.size() && s.substr(i - kBoxed.size(), kBoxed.size()) == kBoxed;
      open.push_back(box ? static_cast<std::ptrdiff_t>(found.size()) : -1);
      if (box) found.push_back({i + 1, std::string_view::npos});
    } else if (s[i] == '}' && !open.empty()) {
      if (open.back() >= 0) found[static_cast<std::size_t>(open.back())].end = i;
      open.pop_back();
    }
  }
  std::vector<std::string_view> contents;
  for (const Box& box : found) {
    if (box.end != std::string_view::npos)
      contents.push_back(s.substr(box.begin, box.end - box.begin));
  }
  return contents;
}

/// "-007" as "-7"; `digits` has at least one digit.
std::string shortest(bool negative, std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return (negative && digits != "0" ? "-" : "") + std::string(digits);
}

/// The integer that a box holds and nothing else; what stands before a last "=" is a name.
std::optional<std::string> boxed_integer(std::string_view content) {
  constexpr std::size_t kLongest = 1000;
  if (content.size() > kLongest) return std::nullopt;
  std::string s(text::last_piece(content, "="));
  delete_each(s, {"\\,", "\\!", "{,}", "\\ ", ",", "$", "\\text", "\\textbf", "\\mathbf",
                  "\\mathrm", "^\\circ", "^{\\circ}", "{", "}", "(", ")"});
  std::string_view rest = text::strip_right(text::strip(s), ".");
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  if (rest.empty() || !std::all_of(rest.begin(), rest.end(), is_digit)) return std::nullopt;
  return shortest(negative, rest);
}

/// Where digits go on after `at`: a comma, {,} or \, before three of them.
std::size_t thousands_end(std::string_view s, std::size_t at) {
  for (const std::string_view separator : {"{,}", "\\,", ",\\!", ","}) {
    if (s.substr(at, separator.size()) != separator) continue;
    const std::size_t begin = at + separator.size();
    if (begin + 3 > s.size()) return at;
    const bool three = is_digit(s[begin]) && is_digit(s[begin + 1]) && is_digit(s[begin + 2]) &&
                       !(begin + 3 < s.size() && is_digit(s[begin + 3]));
    return three ? begin + 3 : at;
  }
  return at;
}

/// Whether the minus sign at `at` is a sign, not a subtraction or a hyphen.
bool is_sign(std::string_view s, std::size_t at) {
  if (s[at] != '-') return false;
  const char before = at > 0 ? s[at - 1] : ' ';
  return std::string_view(" \t\r\n$({[=:,").find(before) != std::string_view::npos;
}

/// The last integer that is no part of a decimal.
std::optional<std::string> last_integer(std::string_view s) {
  std::optional<std::string> last;
  for (std::size_t i = 0; i < s.size();) {
    if (!is_digit(s[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    for (std::size_t end = thousands_end(s, i); end > i; end = thousands_end(s, i)) i = end;
    const bool fraction_before = begin > 0 && s[begin - 1] == '.';
    const bool fraction_after = i + 1 < s.size() && s[i] == '.' && is_digit(s[i + 1]);
    if (fraction_before || fraction_after) continue;
    std::string digits;
    std::copy_if(s.begin() + static_cast<std::ptrdiff_t>(begin),
                 s.begin() + static_cast<std::ptrdiff_t>(i), std::back_inserter(digits), is_digit);
    last = shortest(begin > 0 && is_sign(s, begin - 1), digits);
  }
  return last;
}

}  // namespace

std::optional<std::string> extract_integer(std::string_view response) {
  const auto contents = boxes(response);
  for (auto box = contents.rbegin(); box != contents.rend(); ++box) {
    if (auto integer = boxed_integer(*box)) return integer;
  }
  return last_integer(response);
}

}  // namespace moebius::scorers::math
