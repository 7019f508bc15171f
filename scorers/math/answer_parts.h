// Readings of a parsed answer: values of lists, sides of assignments, relations as sets, units.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

/// Whether the left side only names what the right side is: x, f(x), (p, q), AB, |AB|, words.
bool names_something(const Expr& e);

/// The value of "x = 5", of "5 = x", of "x in S"; the expression itself if it is no such thing.
Expr assigned_value(const Expr& e);

/// Items of a list, +- written out, assignments that repeat their names grouped into tuples:
/// "p = 5, q = 2; p = 7, q = 2" has the items (5, 2) and (7, 2).
std::vector<Expr> list_items(const Expr& list);

/// "x < 3" and "1 <= x < 2" as intervals, "x != 0" as a union; nullptr for other relations.
Expr as_interval(const Expr& e);

/// Tuple of two in round brackets as an open interval; other sets as they are.
Expr as_set(const Expr& e);

bool is_list(const Expr& e);  // no brackets, or a set

/// value, and the name of what follows it: "percent", "degree", a unit in a common spelling.
struct Quantity {
  Expr value;
  std::string unit;
  bool percent = false;
  bool degree = false;
};
Quantity quantity(const Expr& e);

/// Percent and degrees inside an expression as the numbers they are; units dropped.
Expr plain_value(const Expr& e);

/// "centimeters" and "cm" alike: "cm"; "square feet" and "ft^2" alike: "ft^2".
std::string common_unit(std::string_view unit);

/// Letters of words and products of letters, lower-case: what text is compared by.
std::string letters_only(std::string_view text);

}  // namespace moebius::scorers::math
