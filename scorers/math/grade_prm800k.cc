// The grader of the authors of MATH-500.
#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "scorers/math/answer_parts.h"
#include "scorers/math/expression.h"
#include "scorers/math/graders.h"
#include "scorers/math/latex_shorthand.h"
#include "scorers/math/prm800k_text.h"
#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

constexpr std::string_view kBrackets = "()[]";

bool is_bracket(char c) {
  return kBrackets.find(c) != std::string_view::npos;
}

/// Elements of a tuple or an interval; one element if it is none. `s` is stripped of thousands.
std::vector<std::string> split_tuple(const std::string& s) {
  if (s.empty()) return {};
  const bool enclosed = s.size() > 2 && is_bracket(s.front()) && is_bracket(s.back()) &&
                        s.substr(1, s.size() - 2).find_first_of(kBrackets) == std::string::npos;
  if (!enclosed) return {s};
  std::vector<std::string> elements;
  for (const auto part : text::split(std::string_view(s).substr(1, s.size() - 2), ",")) {
    elements.emplace_back(text::strip(part));
  }
  return elements;
}

bool is_fraction(const std::string& s) {
  // Python's $ also stands before a last line break.
  static const RE2 kFraction(R"(\A-?[0-9]+.?/0*[1-9][0-9]*.?\n?\z)");
  return RE2::PartialMatch(s, kFraction);
}

bool too_many_letters(std::string s) {
  delete_each(s, {"sqrt", "frac"});
  std::set<char32_t> letters;
  for (std::size_t at = 0; at < s.size() && letters.size() <= 2;) {
    const text::Decoded next = text::decode(s, at);
    if (text::is_alpha(next.point)) letters.insert(next.point);
    at += next.bytes;
  }
  return letters.size() > 2;
}

bool should_parse(const std::string& s) {
  static const RE2 kBadPowers(R"(\^[0-9]+\^|\^[0-9][0-9]+)");
  return s.size() <= kMaxSymbolicBytes && !too_many_letters(s) && !text::contains(s, "^{") &&
         !text::contains(s, "^(") && !RE2::PartialMatch(s, kBadPowers);
}

bool equal_under_sympy(const std::string& gold, const std::string& pred) {
  std::string difference = "(" + gold + ")-(" + pred + ")";
  if (!should_parse(difference)) return false;
  text::replace(difference, "^", "**");
  const Expr e = parse(difference, Dialect::kSympyTextImplicit);
  static const Expr kZero = parse("0", Dialect::kSympyText);
  return e != nullptr && same_value(e, kZero);
}

Equality compare_elements(const std::string& gold, const std::string& pred) {
  if (is_fraction(gold) && is_fraction(pred)) {
    return {gold == pred, gold == pred ? "same fraction" : "fractions are written differently"};
  }
  if (is_integer_text(gold) != is_integer_text(pred)) return {false, "only one is an integer"};
  const bool equal = equal_under_sympy(gold, pred);
  return {equal, equal ? "difference simplifies to 0" : "difference does not simplify to 0"};
}

Equality compare_normalized(const std::string& gold, const std::string& pred) {
  const auto golds = split_tuple(strip_thousands(gold));
  const auto preds = split_tuple(strip_thousands(pred));
  // As the reference does, the brackets are looked up before thousands were stripped.
  if (golds.size() > 1 && (text::first_char(gold) != text::first_char(pred) ||
                           text::decode_before(gold, gold.size()).point !=
                               text::decode_before(pred, pred.size()).point)) {
    return {false, "brackets differ"};
  }
  if (golds.size() != preds.size()) return {false, "different numbers of elements"};
  Equality last{false, "nothing to compare"};
  for (std::size_t i = 0; i < golds.size(); ++i) {
    last = compare_elements(golds[i], preds[i]);
    if (!last.equal) break;
  }
  return last;
}

}  // namespace

Equality prm800k_equal(std::string_view gold, std::string_view pred) {
  if (normalize_mathd(gold) == normalize_mathd(pred)) return {true, "same mathd string"};
  const std::string a = normalize_prm800k(gold);
  const std::string b = normalize_prm800k(pred);
  if (a == b) return {true, "same normalised string"};
  if (b.empty()) return {false, "prediction is empty"};
  return compare_normalized(a, b);
}

}  // namespace moebius::scorers::math
