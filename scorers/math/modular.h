// Rational functions with rational coefficients compared exactly, up to chance 2^-100.
#pragma once

#include <optional>

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

/// Whether e is identically zero; nullopt if e is more than sums, products and whole powers of
/// numbers, symbols, pi, E and I. Schwartz-Zippel over two prime fields near 2^61: a wrong "zero"
/// has chance below (degree / 2^60)^4; a wrong "not zero" cannot be. pi and E count as free
/// symbols, which is sound as nobody knows an algebraic relation between them. Exponents of any
/// size cost a few hundred multiplications, so 3^(10^9) is no trouble.
std::optional<bool> identically_zero(const Expr& e);

}  // namespace moebius::scorers::math
