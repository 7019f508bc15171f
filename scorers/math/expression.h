// Mathematical expressions: parsed from several dialects, compared by exact arithmetic and
// by numbers of high precision at random points. What the graders stand on.
#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::scorers::math {

struct Node;  // expression_node.h
using Expr = std::shared_ptr<const Node>;

/// Whose grammar reads the text. The reference dialects fail where the reference raises.
enum class Dialect {
  kLatex,              // ours: all that people write, tolerant
  kSympyLatex,         // sympy.parsing.latex.parse_latex, antlr back end, sympy 1.14
  kSympyText,          // sympy.parsing.sympy_parser.parse_expr with standard transformations
  kSympyTextImplicit,  // the same plus implicit_multiplication_application (prm800k)
  kLatex2Sympy,        // latex2sympy2, as Qwen2.5-Math calls it
};

/// nullptr if the text is not of that dialect. Bounded: depth, size, time.
Expr parse(std::string_view text, Dialect dialect);

/// simplify(a - b) == 0 as far as it can be decided: exactly for rationals and polynomials,
/// else by interval-checked numbers at random points (the same points for the same input).
bool same_value(const Expr& a, const Expr& b);

/// Tree equality after sympy's automatic evaluation (a == b in sympy).
bool same_form(const Expr& a, const Expr& b);

/// N(e): nullopt if it has free symbols or is not a number.
std::optional<std::complex<double>> number(const Expr& e);

}  // namespace moebius::scorers::math
