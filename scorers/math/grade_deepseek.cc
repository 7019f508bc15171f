// DeepSeek-Math's grader.
#include <algorithm>

#include "scorers/math/answer_parts.h"
#include "scorers/math/graders.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

constexpr double kTolerance = 1e-3;

Expr parse_any(std::string_view s) {
  if (s.size() > kMaxSymbolicBytes) return nullptr;
  const Expr e = parse(s, Dialect::kSympyLatex);
  return e != nullptr ? e : parse(s, Dialect::kSympyText);
}

bool symbolic_equal(std::string_view pred, std::string_view gold) {
  const Expr a = parse_any(pred);
  if (a == nullptr) return false;
  const Expr b = parse_any(gold);
  if (b == nullptr) return false;
  if (same_value(a, b)) return true;
  const auto x = real_number(a);
  const auto y = real_number(b);
  return x && y && is_close(*x, *y, 1e-9, kTolerance);
}

/// gold as it is, as a percentage's fraction or as a fraction's percentage.
bool numbers_equal(double gold, double pred) {
  return is_close(gold / 100, pred, 1e-9, kTolerance) || is_close(gold, pred, 1e-9, kTolerance) ||
         is_close(gold * 100, pred, 1e-9, kTolerance);
}

Equality compare(std::string_view pred, std::string_view gold, int depth);

bool all_equal(const std::vector<std::string_view>& preds,
               const std::vector<std::string_view>& golds, int depth) {
  return std::equal(
      preds.begin(), preds.end(), golds.begin(), golds.end(),
      [depth](std::string_view p, std::string_view g) { return compare(p, g, depth + 1).equal; });
}

bool matrices_equal(std::string_view pred, std::string_view gold, int depth) {
  const auto preds = matrix_rows(pred);
  const auto golds = matrix_rows(gold);
  return std::equal(preds.begin(), preds.end(), golds.begin(), golds.end(),
                    [depth](const auto& p, const auto& g) { return all_equal(p, g, depth); });
}

bool equations_equal(std::string_view pred, std::string_view gold, int depth) {
  const bool gold_has = text::contains(gold, "=");
  const bool pred_has = text::contains(pred, "=");
  if (text::count(pred, "=") == 1 && text::count(gold, "=") == 1) {
    const std::string p = equation_difference(pred);
    const std::string g = equation_difference(gold);
    return symbolic_equal(p, g) || symbolic_equal("-(" + p + ")", g);
  }
  if (!gold_has && is_short_equation(pred)) return compare(right_side(pred), gold, depth + 1).equal;
  if (!pred_has && is_short_equation(gold)) return compare(pred, right_side(gold), depth + 1).equal;
  return false;
}

Equality compare(std::string_view pred, std::string_view gold, int depth) {
  if (pred == gold) return {true, "same string"};
  if (depth > kMaxAnswerDepth) return {false, "nested too deeply"};
  const auto p = parse_digits(pred);
  const auto g = p ? parse_digits(gold) : std::nullopt;
  if (p && g) {
    const bool equal = numbers_equal(*g, *p);
    return {equal, equal ? "numbers within 0.001, percent or not" : "numbers differ"};
  }
  if (pred.empty()) return {false, "prediction is empty"};
  gold = text::strip(gold);
  pred = text::strip(pred);
  if (is_list(pred) && is_list(gold) && all_equal(list_parts(pred), list_parts(gold), depth)) {
    return {true, "same lists, brackets aside"};
  }
  if (is_matrix(pred) && is_matrix(gold) && matrices_equal(pred, gold, depth)) {
    return {true, "same matrices"};
  }
  if (equations_equal(pred, gold, depth)) return {true, "same equation or right side"};
  const bool equal = symbolic_equal(pred, gold);
  return {equal, equal ? "same value" : "not shown to be equal"};
}

Equality lists_equal(const std::vector<std::string_view>& golds,
                     const std::vector<std::string_view>& preds);

Equality strings_correct(std::string_view gold, std::string_view pred) {
  constexpr std::string_view kUnion = "\\cup";
  if (text::contains(gold, kUnion) && text::contains(pred, kUnion)) {
    return lists_equal(text::split(gold, kUnion), text::split(pred, kUnion));
  }
  std::string g(gold);
  std::string p(pred);
  text::replace(g, ",", "");
  text::replace(p, ",", "");
  const auto x = text::to_float(p);
  const auto y = text::to_float(g);
  if (x && y && std::abs(*x - *y) < kTolerance) return {true, "numbers within 0.001"};
  return compare(pred, gold, 0);
}

/// Every prediction matches some gold, every gold some prediction.
Equality lists_equal(const std::vector<std::string_view>& golds,
                     const std::vector<std::string_view>& preds) {
  constexpr std::size_t kMostPairs = 4096;
  if (golds.size() * preds.size() > kMostPairs) return {false, "too many parts to compare"};
  std::vector<bool> matched(golds.size(), false);
  std::size_t matching_preds = 0;
  for (const std::string_view pred : preds) {
    bool any = false;
    for (std::size_t i = 0; i < golds.size(); ++i) {
      if (!strings_correct(golds[i], pred).equal) continue;
      matched[i] = any = true;
    }
    matching_preds += any ? 1 : 0;
  }
  const bool all = std::all_of(matched.begin(), matched.end(), [](bool m) { return m; });
  const bool equal = all && matching_preds == preds.size();
  return {equal, equal ? "the same parts" : "parts without a match"};
}

std::vector<std::string_view> without_repetitions(const std::vector<std::string>& answers) {
  std::vector<std::string_view> once;
  for (const std::string& answer : answers) {
    if (std::find(once.begin(), once.end(), answer) == once.end()) once.push_back(answer);
  }
  return once;
}

}  // namespace

Equality deepseek_math_equal(std::string_view gold, std::string_view pred) {
  return compare(pred, gold, 0);
}

Equality deepseek_is_correct(std::string_view gold, std::string_view pred) {
  return strings_correct(strip_deepseek(gold), strip_deepseek(pred));
}

Equality deepseek_eval_math(const std::vector<std::string>& golds,
                            const std::vector<std::string>& preds) {
  // Only the end of a long list of boxes is ever compared.
  constexpr std::size_t kMostAnswers = 1000;
  const std::size_t skipped = preds.size() > kMostAnswers ? preds.size() - kMostAnswers : 0;
  const std::vector<std::string> last(preds.begin() + static_cast<std::ptrdiff_t>(skipped),
                                      preds.end());
  const auto gold_once = without_repetitions(golds);
  auto pred_once = without_repetitions(last);
  if (pred_once.size() > gold_once.size()) {
    pred_once.erase(pred_once.begin(),
                    pred_once.end() - static_cast<std::ptrdiff_t>(gold_once.size()));
  }
  if (gold_once.size() == 1 && pred_once.size() == 1) {
    return strings_correct(gold_once[0], pred_once[0]);
  }
  return lists_equal(gold_once, pred_once);
}

}  // namespace moebius::scorers::math
