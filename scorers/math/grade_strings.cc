// The graders that compare normalised strings, and Minerva's, which then subtracts.
#include "scorers/math/answer_parts.h"
#include "scorers/math/expression.h"
#include "scorers/math/graders.h"

namespace moebius::scorers::math {

Equality hendrycks_equal(std::string_view gold, std::string_view pred, HendrycksFlavour flavour) {
  const auto a = strip_hendrycks(gold, flavour);
  const auto b = strip_hendrycks(pred, flavour);
  if (!a || !b) return {gold == pred, "normalising raises: compared as written"};
  return {*a == *b, *a == *b ? "same normalised string" : "normalised strings differ"};
}

Equality minerva_equal(std::string_view gold, std::string_view pred) {
  const std::string a = normalize_minerva(gold);
  const std::string b = normalize_minerva(pred);
  if (a.size() > kMaxSymbolicBytes || b.size() > kMaxSymbolicBytes) {
    return {false, "too long to parse"};
  }
  const Expr x = parse(a, Dialect::kSympyLatex);
  if (x == nullptr) return {false, "gold cannot be parsed"};
  const Expr y = a == b ? x : parse(b, Dialect::kSympyLatex);
  if (y == nullptr) return {false, "prediction cannot be parsed"};
  const bool equal = same_value(x, y);
  return {equal, equal ? "difference simplifies to 0" : "difference does not simplify to 0"};
}

}  // namespace moebius::scorers::math
