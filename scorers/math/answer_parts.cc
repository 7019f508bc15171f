// Lists, matrices, equations and numbers inside answers.
#include "scorers/math/answer_parts.h"

#include <algorithm>
#include <cmath>

#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

constexpr std::string_view kBegins[] = {"\\begin{pmatrix}", "\\begin{bmatrix}"};
constexpr std::string_view kEnds[] = {"\\end{pmatrix}", "\\end{bmatrix}"};

}  // namespace

std::optional<double> parse_digits(std::string_view s) {
  std::string plain(s);
  text::replace(plain, ",", "");
  if (const auto x = text::to_float(plain)) return x;
  if (!plain.ends_with('%')) return std::nullopt;
  plain.pop_back();
  if (plain.ends_with('\\')) plain.pop_back();
  const auto x = text::to_float(plain);
  if (!x) return std::nullopt;
  return *x / 100;
}

bool is_close(double a, double b, double relative, double absolute) {
  if (a == b) return true;
  if (std::isinf(a) || std::isinf(b)) return false;
  const double limit = std::max(relative * std::max(std::fabs(a), std::fabs(b)), absolute);
  return std::fabs(a - b) <= limit;
}

bool is_list(std::string_view s) {
  if (s.size() < 3 || (s[0] != '(' && s[0] != '[') || s[1] == '\n') return false;
  const std::string_view line = s.substr(0, s.find('\n'));
  const std::size_t close = line.find_first_of(")]", 1 + text::decode(s, 1).bytes);
  return close != std::string_view::npos;
}

std::vector<std::string_view> list_parts(std::string_view s) {
  s.remove_prefix(text::decode(s, 0).bytes);
  s.remove_suffix(text::decode_before(s, s.size()).bytes);
  return text::split(s, ",");
}

bool is_matrix(std::string_view s) {
  const auto starts = [s](std::string_view begin) { return s.starts_with(begin); };
  const auto ends = [s](std::string_view end) { return s.ends_with(end); };
  return std::any_of(std::begin(kBegins), std::end(kBegins), starts) &&
         std::any_of(std::begin(kEnds), std::end(kEnds), ends);
}

std::vector<std::vector<std::string_view>> matrix_rows(std::string_view s) {
  s.remove_prefix(kBegins[0].size());
  s.remove_suffix(kEnds[0].size());
  std::vector<std::vector<std::string_view>> rows;
  for (const std::string_view line : text::split(s, "\\\\")) {
    const std::string_view row = text::strip(line);
    if (!row.empty()) rows.push_back(text::split(row, "&"));
  }
  return rows;
}

std::string equation_difference(std::string_view s) {
  return std::string(text::strip(text::first_piece(s, "="))) + " - (" +
         std::string(text::strip(right_side(s))) + ")";
}

bool is_short_equation(std::string_view s) {
  return text::count(s, "=") == 1 && text::length(text::strip(text::first_piece(s, "="))) <= 2;
}

std::string_view right_side(std::string_view s) {
  return text::after_first(s, "=");
}

std::optional<double> real_number(const Expr& e) {
  if (e == nullptr) return std::nullopt;
  const auto value = number(e);
  if (!value || value->imag() != 0 || std::isnan(value->real())) return std::nullopt;
  return value->real();
}

}  // namespace moebius::scorers::math
