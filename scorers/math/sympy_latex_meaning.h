// What sympy's LaTeX converter makes of parsed pieces.
#pragma once

#include <string>
#include <vector>

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

/// A piece of a product: an expression, or "d/dx" waiting for its operand.
struct Piece {
  Expr value;
  std::string derivative_by;
};

/// Beside each other is times; "x" between two numbers is a times sign; d/dx takes the rest.
/// Throws Refused if there is no rest.
Expr juxtaposed(const std::vector<Piece>& pieces);

/// \name_{sub}^{sup} arg; sub and sup may be null. \sin^{-1} is the inverse function.
Expr named_function(const std::string& name, const Expr& arg, const Expr& sub, const Expr& sup);

}  // namespace moebius::scorers::math
