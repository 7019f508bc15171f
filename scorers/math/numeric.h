// Expressions as numbers: with an error bound, in three precisions, within a fixed budget.
#pragma once

#include <cstdint>
#include <optional>

#include "scorers/math/ball.h"
#include "scorers/math/expression_node.h"
#include "scorers/math/points.h"

namespace moebius::scorers::math {

/// One place where expressions are evaluated.
struct Point {
  Domain domain = Domain::kComplex;
  std::uint64_t index = 0;
};

/// nullopt at poles, where something is not defined or known (text, sets), on overflow, and when
/// the budget of operations is used up. Unknown functions have values drawn from their name and
/// the values of their arguments.
template <typename Real>
std::optional<Ball<Real>> evaluate(const Expr& e, const Point& point);

extern template std::optional<Ball<double>> evaluate(const Expr&, const Point&);
extern template std::optional<Ball<Real50>> evaluate(const Expr&, const Point&);
extern template std::optional<Ball<Real100>> evaluate(const Expr&, const Point&);

/// What one point says about a == b.
enum class Sign : std::uint8_t { kZero, kNotZero, kUnknown };
Sign difference_at(const Expr& a, const Expr& b, const Point& point);

/// Symbols are what `domain` says. Exact where possible, see modular.h; else equal at every point
/// where both can be evaluated, at least two of them. For kReal: points where one of the two is
/// not real are passed over.
bool same_over(const Expr& a, const Expr& b, Domain domain);

}  // namespace moebius::scorers::math
