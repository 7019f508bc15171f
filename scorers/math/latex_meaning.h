// What our LaTeX dialect makes of parsed pieces. All throw SyntaxError where a piece does not fit.
#pragma once

#include <string>
#include <vector>

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

/// e, if one can calculate with it.
const Expr& arithmetic(const Expr& e);

/// parts[0] ops[0] parts[1] ops[1] ...: one relation, or a tuple of them named "chain".
Expr linked(const std::vector<Expr>& parts, std::vector<std::string> ops);

/// a op b for "*", "/" and ":".
Expr combined(const std::string& op, const Expr& a, const Expr& b);
/// Both matrices, or one and a number; "+", "*", "/".
Expr with_matrix(const std::string& op, const Expr& a, const Expr& b);
/// op e for "+", "-", "pm", "mp".
Expr signed_value(const std::string& op, const Expr& e);
Expr negated(const Expr& e);

/// 3 1/2 is 3 + 1/2 if the fraction is one of numbers below 1; else a product.
Expr mixed(const Expr& whole, const Expr& fraction);

/// "(a, b)" beside a union sign is an interval.
Expr pair_as_interval(const Expr& e);

/// \name_{base}^{exponent}(args); base and exponent may be null.
Expr applied(const std::string& name, const std::vector<Expr>& args, const Expr& base,
             const Expr& exponent);

/// The cells of an environment as a matrix or a list.
Expr arranged(const std::string& kind, const std::vector<std::vector<Expr>>& rows);

/// The sum of terms; one term stays what it is, a number or not.
Expr added(std::vector<Expr> terms);

}  // namespace moebius::scorers::math
