// Qwen2.5-Math's grader.
#include <re2/re2.h>

#include <algorithm>

#include "scorers/math/graders.h"
#include "scorers/math/reference_parts.h"
#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

constexpr double kTolerance = 1e-4;

/// The last letter A .. E that stands alone, capital or not; 0 if there is none.
/// Source: grader.py, choice_answer_clean.
char last_choice(std::string_view s) {
  for (std::size_t end = s.size(); end > 0; --end) {
    const char letter = static_cast<char>(s[end - 1] & ~0x20);
    if (letter < 'A' || letter > 'E') continue;
    const text::Decoded before = text::decode_before(s, end - 1);
    const text::Decoded after = text::decode(s, end);
    const bool alone = (before.bytes == 0 || !text::is_word(before.point)) &&
                       (after.bytes == 0 || !text::is_word(after.point));
    if (alone) return letter;
  }
  return 0;
}

bool numbers_close(double a, double b) {
  return is_close(a, b, kTolerance, 0);
}

bool numerically_equal(std::string_view pred, std::string_view gold) {
  const auto p = parse_digits(pred);
  const auto g = p ? parse_digits(gold) : std::nullopt;
  return p && g &&
         (numbers_close(*p, *g / 100) || numbers_close(*p, *g) || numbers_close(*p, *g * 100));
}

/// Each {...,...} of a line as a column of a matrix; empty if there is none.
std::string as_pmatrix(std::string_view s) {
  std::string out;
  for (const std::string_view line : text::split(text::strip(s), "\n")) {
    const std::size_t open = line.find('{');
    const std::size_t close = line.rfind('}');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) continue;
    const std::size_t comma = line.find(',', open);
    if (comma == std::string_view::npos || comma > close) continue;
    std::string content(text::strip_chars(line.substr(open, close + 1 - open), "{}"));
    text::replace(content, ",", "\\");
    if (!out.empty()) out += ", ";
    out += "\\begin{pmatrix}" + content + "\\end{pmatrix}";
  }
  return out;
}

bool enclosed(std::string_view s, char open, char close) {
  return s.starts_with(open) && s.ends_with(close);
}

/// Strings that differ in brackets alone, or in capitals.
bool same_without_brackets(std::string_view pred, std::string_view gold) {
  const bool brackets_aside = (enclosed(pred, '[', ']') && !enclosed(gold, '(', ')')) ||
                              (enclosed(pred, '(', ')') && !enclosed(gold, '[', ']'));
  std::string p(brackets_aside ? text::strip_chars(pred, "[]()") : pred);
  std::string g(brackets_aside ? text::strip_chars(gold, "[]()") : gold);
  for (const char* bracket : {"{", "}", "(", ")"}) {
    text::replace(p, bracket, "");
    text::replace(g, bracket, "");
  }
  return text::lower(p) == text::lower(g);
}

Expr parse_any(std::string_view s) {
  if (s.size() > kMaxSymbolicBytes) return nullptr;
  std::string single(s);
  text::replace(single, "\\\\", "\\");
  for (const Dialect dialect : {Dialect::kSympyLatex, Dialect::kSympyText, Dialect::kLatex2Sympy}) {
    // latex2sympy's grammar has no use for a dollar sign, escaped or not.
    if (dialect == Dialect::kLatex2Sympy && text::contains(s, "$")) break;
    if (Expr e = parse(single, dialect)) return e;
    if (single == s) continue;
    if (Expr e = parse(s, dialect)) return e;
  }
  return nullptr;
}

/// Left minus right of the only relation in the text; nullptr if there is none.
Expr relation_difference(std::string_view s) {
  static const RE2 kRelation(R"(\A([^=<>]*?)\s*(?:=|<|>|\\[lg](?:eq?|t)\b|\\neq?\b)([^=<>]*)\z)");
  static const RE2 kAnother(R"(\\[lg](?:eq?|t)\b|\\neq?\b)");
  if (s.size() > kMaxSymbolicBytes) return nullptr;
  std::string left;
  std::string right;
  if (!RE2::FullMatch(re2::StringPiece(s.data(), s.size()), kRelation, &left, &right)) {
    return nullptr;
  }
  if (RE2::PartialMatch(right, kAnother)) return nullptr;
  return parse_any(left + " - (" + right + ")");
}

/// |lhs - rhs| the same for both: what the reference asks of relations, whatever their sign.
bool relations_equal(std::string_view pred, std::string_view gold) {
  const Expr p = relation_difference(pred);
  if (p == nullptr) return false;
  const Expr g = relation_difference(gold);
  if (g == nullptr) return false;
  if (difference_vanishes(p, g)) return true;
  static const RE2 kRelation(R"(=|<|>|\\[lg](?:eq?|t)\b|\\neq?\b)");
  std::string swapped(gold);
  RE2::Replace(&swapped, kRelation, "=");
  const auto sides = text::split(swapped, "=");
  const Expr turned = parse_any(std::string(sides[1]) + " - (" + std::string(sides[0]) + ")");
  return turned != nullptr && difference_vanishes(p, turned);
}

bool symbolic_equal(std::string_view pred, std::string_view gold) {
  const Expr a = parse_any(pred);
  const Expr b = a == nullptr ? nullptr : parse_any(gold);
  if (a == nullptr || b == nullptr) return false;
  if ((!is_undefined(a) && same_form(a, b)) || difference_vanishes(a, b)) return true;
  if (relations_equal(pred, gold)) return true;
  const auto x = real_number(a);
  const auto y = real_number(b);
  return x && y && numbers_close(*x, *y);
}

Equality compare(std::string_view pred, std::string_view gold, int depth);

bool all_equal(const std::vector<std::string_view>& preds,
               const std::vector<std::string_view>& golds, int depth) {
  return std::equal(
      preds.begin(), preds.end(), golds.begin(), golds.end(),
      [depth](std::string_view p, std::string_view g) { return compare(p, g, depth + 1).equal; });
}

Equality compare_matrices(std::string_view pred, std::string_view gold, int depth) {
  const auto preds = matrix_rows(pred);
  const auto golds = matrix_rows(gold);
  const bool equal =
      std::equal(preds.begin(), preds.end(), golds.begin(), golds.end(),
                 [depth](const auto& p, const auto& g) { return all_equal(p, g, depth); });
  return {equal, equal ? "same matrices" : "matrices differ"};
}

Equality compare_equations(std::string_view pred, std::string_view gold) {
  const std::string p = equation_difference(pred);
  const std::string g = equation_difference(gold);
  const bool equal = symbolic_equal(p, g) || symbolic_equal("-(" + p + ")", g);
  return {equal, equal ? "same equation" : "equations differ"};
}

/// After strings and plain numbers.
Equality compare_structures(std::string_view pred, std::string_view gold, int depth) {
  if (same_without_brackets(pred, gold)) return {true, "same string, brackets aside"};
  if (is_list(pred) && is_list(gold)) {
    const bool equal = all_equal(list_parts(pred), list_parts(gold), depth);
    return {equal, equal ? "same lists" : "lists differ"};
  }
  if (is_matrix(pred) && is_matrix(gold)) return compare_matrices(pred, gold, depth);
  const std::size_t pred_equations = text::count(pred, "=");
  const std::size_t gold_equations = text::count(gold, "=");
  if (pred_equations == 1 && gold_equations == 1) return compare_equations(pred, gold);
  if (gold_equations == 0 && is_short_equation(pred)) {
    return compare(right_side(pred), gold, depth + 1);
  }
  if (pred_equations == 0 && is_short_equation(gold)) {
    return compare(pred, right_side(gold), depth + 1);
  }
  const bool equal = symbolic_equal(pred, gold);
  return {equal, equal ? "same value" : "not shown to be equal"};
}

Equality compare(std::string_view pred, std::string_view gold, int depth) {
  if (depth > kMaxAnswerDepth) return {false, "nested too deeply"};
  if (text::lower(text::strip(pred)) == text::lower(text::strip(gold)))
    return {true, "same string"};
  const bool letter = gold.size() == 1 && gold[0] >= 'A' && gold[0] <= 'E';
  if (letter && last_choice(pred) == gold[0]) return {true, "same letter"};
  if (numerically_equal(pred, gold)) return {true, "numbers within 0.01 %, percent or not"};
  if (pred.empty()) return {false, "prediction is empty"};
  gold = text::strip(gold);
  pred = text::strip(pred);
  if (text::contains(pred, "pmatrix") && !text::contains(gold, "pmatrix")) {
    return compare_structures(pred, as_pmatrix(gold), depth);
  }
  return compare_structures(pred, gold, depth);
}

}  // namespace

Equality qwen_math_equal(std::string_view gold, std::string_view pred) {
  return compare(pred, gold, 0);
}

Equality qwen_strip_then_math_equal(std::string_view gold, std::string_view pred) {
  return compare(strip_qwen(pred), strip_qwen(gold), 0);
}

}  // namespace moebius::scorers::math
