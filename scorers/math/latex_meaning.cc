// The conversions behind latex_meaning.h.
#include "scorers/math/latex_meaning.h"

#include <algorithm>

#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

/// The first side of "1 = y = x = 0" that is a name, or else the first.
const Expr& named_side(const std::vector<Expr>& parts, std::size_t last) {
  const auto name = [](const Expr& e) {
    return e->kind == Kind::kSymbol || e->kind == Kind::kText;
  };
  const auto end = parts.begin() + static_cast<std::ptrdiff_t>(last);
  const auto found = std::find_if(parts.begin(), end, name);
  return symbols_of(parts[0]).empty() && found != end ? *found : parts[0];
}

Expr ratio(const Expr& a, const Expr& b) {
  std::vector<Expr> parts{a, b};
  if (a->kind == Kind::kTuple && a->name == "ratio") {
    parts = a->args;
    parts.push_back(b);
  }
  return tuple(std::move(parts), "ratio");
}

}  // namespace

Expr linked(const std::vector<Expr>& parts, std::vector<std::string> ops) {
  // "x = 5/3 = 1.67 approx 1.7": what is only about equal adds nothing unless it is all there is.
  std::size_t last = ops.size();
  while (last > 1 && ops[last - 1] == "approx") --last;
  std::vector<Expr> relations;
  bool ordered = false;
  for (std::size_t i = 0; i < last; ++i) {
    if (ops[i] == "approx") ops[i] = "=";
    ordered |= ops[i] != "=";
    relations.push_back(stated_relation(ops[i], parts[i], parts[i + 1]));
  }
  if (!ordered) return stated_relation("=", named_side(parts, last), parts[last]);
  if (relations.size() == 1) return relations[0];
  return tuple(std::move(relations), "chain");
}

Expr with_matrix(const std::string& op, const Expr& a, const Expr& b) {
  Expr result;
  if (op == "+") result = matrix_sum(a, b);
  if (op == "*") result = matrix_product(a, b);
  if (op == "/" && is_scalar(b)) result = matrix_product(a, power(b, integer(-1)));
  if (!result) throw SyntaxError("matrices that do not fit");
  return result;
}

Expr applied(const std::string& name, const std::vector<Expr>& args, const Expr& base,
             const Expr& exponent) {
  Expr value;
  const Expr& x = args.at(0);
  if (name == "exp") {
    value = power(constant("E"), x);
  } else if (name == "ln" || name == "log" || name == "lg") {
    // \log alone is the natural one, as in the references.
    const Expr b = base ? base : name == "lg" ? integer(10) : constant("E");
    value = divide(call("log", {x}), call("log", {b}));
  } else if (exponent && is_number(exponent) && exponent->value == -1 && name[0] != 'a') {
    return call("a" + name, args);
  } else {
    value = call(name, args);
  }
  return exponent ? power(value, arithmetic(exponent)) : value;
}

Expr arranged(const std::string& kind, const std::vector<std::vector<Expr>>& rows) {
  std::vector<Expr> all;
  bool even = true;
  for (const std::vector<Expr>& row : rows) {
    even &= row.size() == rows[0].size();
    all.insert(all.end(), row.begin(), row.end());
  }
  const bool is_matrix = kind.ends_with("matrix") || kind == "array";
  if (is_matrix && even && !all.empty()) {
    return matrix(std::move(all), static_cast<std::uint32_t>(rows.size()));
  }
  if (all.empty()) throw SyntaxError("empty environment");
  return all.size() == 1 ? all[0] : tuple(std::move(all), kind == "cases" ? "cases" : "");
}

const Expr& arithmetic(const Expr& e) {
  if (is_scalar(e)) return e;
  throw SyntaxError("no arithmetic with " + to_string(e));
}

Expr pair_as_interval(const Expr& e) {
  const bool pair = e->kind == Kind::kTuple && e->args.size() == 2 && e->name == "()";
  return pair ? interval(e->args[0], e->args[1], "()") : e;
}

Expr mixed(const Expr& whole, const Expr& fraction) {
  const bool proper = is_number(fraction) && sgn(fraction->value) > 0 && fraction->value < 1;
  if (proper) return add({whole, fraction});
  return mul({whole, arithmetic(fraction)});
}

Expr signed_value(const std::string& op, const Expr& e) {
  if (op == "+") return arithmetic(e);
  if (op == "-") return negate(arithmetic(e));
  return op == "pm" ? plus_minus(arithmetic(e)) : negate(plus_minus(arithmetic(e)));
}

Expr combined(const std::string& op, const Expr& a, const Expr& b) {
  if (op == ":") return ratio(a, b);
  if (a->kind == Kind::kMatrix || b->kind == Kind::kMatrix) return with_matrix(op, a, b);
  // Not in one conditional expression: when the second throws, GCC 12 destroys the list's elements
  // after their storage has ended.
  const Expr left = arithmetic(a);
  const Expr right = arithmetic(b);
  return op == "*" ? mul({left, right}) : divide(left, right);
}

Expr negated(const Expr& e) {
  return e->kind == Kind::kMatrix ? matrix_product(integer(-1), e) : negate(arithmetic(e));
}

Expr added(std::vector<Expr> terms) {
  return terms.size() == 1 ? terms[0] : add(std::move(terms));
}

}  // namespace moebius::scorers::math
