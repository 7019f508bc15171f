// The tree behind Expr and the constructors that evaluate automatically, as sympy's do.
#pragma once

#include <gmpxx.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scorers/math/expression.h"

namespace moebius::scorers::math {

enum class Kind : std::uint8_t {
  kNumber,     // value; `inexact` if it was written as a decimal
  kConstant,   // name: "pi" "E" "I" "oo" "-oo" "zoo" "nan" "True" "False"
  kSymbol,     // name
  kAdd,        // args, sorted, at least two, none a sum
  kMul,        // args, sorted, at least two, none a product; a number comes first
  kPow,        // args: base, exponent
  kCall,       // name, args: a function the numbers know, or an unknown one
  kRelation,   // name: "=" "!=" "<" "<=" ">" ">="; args: left, right
  kTuple,      // args in order; name: the brackets as written, "()" or "" or "[]"
  kSet,        // args sorted, distinct
  kInterval,   // args: low, high; name: "()" "(]" "[)" "[]"
  kUnion,      // args sorted
  kMatrix,     // args row by row; rows
  kText,       // name: words
  kPlusMinus,  // args: what carries both signs
};

struct Node {
  Kind kind = Kind::kNumber;
  bool inexact = false;
  std::uint32_t rows = 0;
  std::uint32_t depth = 1;
  std::string name;
  mpq_class value;
  std::vector<Expr> args;
  std::size_t hash = 0;  // of everything above but depth
};

/// Trees deeper than this are not built: the constructors return nan.
inline constexpr std::uint32_t kMaxDepth = 400;
/// Numbers longer than this stay as unevaluated powers.
inline constexpr std::size_t kMaxBits = 1 << 14;

Expr integer(long value);
Expr exact(mpq_class value);
Expr decimal(mpq_class value);  // inexact
Expr constant(std::string_view name);
Expr symbol(std::string_view name);
Expr text(std::string_view words);
Expr add(std::vector<Expr> terms);
Expr mul(std::vector<Expr> factors);
Expr power(const Expr& base, const Expr& exponent);
Expr negate(const Expr& e);
Expr subtract(const Expr& a, const Expr& b);
Expr divide(const Expr& a, const Expr& b);
/// Known functions are evaluated where the result is a plain number: sin(0), log(1), 5!, |-3|.
Expr call(std::string_view name, std::vector<Expr> args);
/// Of two numbers: the constant True or False, as sympy evaluates it; of x = x: True.
Expr relation(std::string_view op, const Expr& left, const Expr& right);
/// A relation that keeps its sides whatever they are.
Expr stated_relation(std::string_view op, const Expr& left, const Expr& right);
Expr tuple(std::vector<Expr> items, std::string_view brackets);
Expr set(std::vector<Expr> items);
Expr interval(const Expr& low, const Expr& high, std::string_view brackets);
Expr union_of(std::vector<Expr> parts);
Expr matrix(std::vector<Expr> items, std::uint32_t rows);
Expr plus_minus(const Expr& e);
/// Of two matrices, or of a matrix and a scalar; nullptr if the sizes do not fit.
Expr matrix_product(const Expr& a, const Expr& b);
Expr matrix_sum(const Expr& a, const Expr& b);

/// A total order over trees: negative, zero or positive.
int compare(const Expr& a, const Expr& b);

bool is_number(const Expr& e);
bool is_integer(const Expr& e);
bool is_constant(const Expr& e, std::string_view name);
bool is_relation(const Expr& e);
/// Finite and countable: a number of any kind or an expression over numbers and symbols.
bool is_scalar(const Expr& e);
/// Names of the symbols, each once, sorted.
std::vector<std::string> symbols_of(const Expr& e);
/// Left and right of a relation "=", for graders that compare lhs - rhs.
std::pair<Expr, Expr> sides(const Expr& relation);

/// The expression written so that it can be read: for reasons and failing tests.
std::string to_string(const Expr& e);

/// Replaces every +- by + (true) or - (false).
Expr choose_sign(const Expr& e, bool plus);
/// Replaces one symbol by an expression.
Expr substitute(const Expr& e, std::string_view symbol, const Expr& by);

}  // namespace moebius::scorers::math
