// Functions and relations of plain numbers, evaluated when they are built.
#include <algorithm>

#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

constexpr long kMaxFactorial = 1000;

bool is_exact(const Expr& e) {
  return is_number(e) && !e->inexact;
}

mpz_class floor_of(const mpq_class& q) {
  mpz_class result;
  mpz_fdiv_q(result.get_mpz_t(), q.get_num_mpz_t(), q.get_den_mpz_t());
  return result;
}

bool small_natural(const Expr& e) {
  return is_integer(e) && sgn(e->value) >= 0 && e->value <= kMaxFactorial;
}

Expr factorial(const Expr& n) {
  if (is_integer(n) && sgn(n->value) < 0) return constant("zoo");
  if (!small_natural(n)) return nullptr;
  mpz_class result;
  mpz_fac_ui(result.get_mpz_t(), n->value.get_num().get_ui());
  return exact(result);
}

Expr absolute(const Expr& e) {
  if (is_number(e)) return sgn(e->value) < 0 ? negate(e) : e;
  if (is_constant(e, "-oo") || is_constant(e, "oo")) return constant("oo");
  if (is_constant(e, "pi") || is_constant(e, "E")) return e;
  if (e->kind == Kind::kMul && is_number(e->args[0]) && sgn(e->args[0]->value) < 0) {
    return call("abs", {negate(e)});
  }
  return nullptr;
}

Expr logarithm(const Expr& e) {
  if (is_exact(e) && e->value == 1) return integer(0);
  if (is_exact(e) && e->value == 0) return constant("zoo");
  if (is_constant(e, "E")) return integer(1);
  if (is_constant(e, "oo")) return e;
  if (e->kind == Kind::kPow && is_constant(e->args[0], "E") && is_exact(e->args[1])) {
    return e->args[1];
  }
  return nullptr;
}

Expr unary(std::string_view name, const Expr& e) {
  if (name == "abs") return absolute(e);
  if (name == "log") return logarithm(e);
  if (name == "factorial") return factorial(e);
  if (is_exact(e)) {
    if (name == "floor") return exact(floor_of(e->value));
    if (name == "ceiling") return exact(-floor_of(-e->value));
    const bool odd_at_zero = name == "sin" || name == "tan" || name == "asin" || name == "atan" ||
                             name == "sinh" || name == "tanh";
    if (e->value == 0 && odd_at_zero) return integer(0);
    if (e->value == 0 && (name == "cos" || name == "cosh")) return integer(1);
  }
  return nullptr;
}

Expr binary(std::string_view name, const Expr& a, const Expr& b) {
  if (!is_integer(a) || !is_integer(b)) return nullptr;
  const mpz_class& x = a->value.get_num();
  const mpz_class& y = b->value.get_num();
  mpz_class result;
  if (name == "binomial" && small_natural(a) && sgn(y) >= 0) {
    if (y > x) return integer(0);
    mpz_bin_uiui(result.get_mpz_t(), x.get_ui(), y.get_ui());
  } else if (name == "gcd") {
    mpz_gcd(result.get_mpz_t(), x.get_mpz_t(), y.get_mpz_t());
  } else if (name == "lcm") {
    mpz_lcm(result.get_mpz_t(), x.get_mpz_t(), y.get_mpz_t());
  } else if (name == "mod" && sgn(y) != 0) {
    mpz_fdiv_r(result.get_mpz_t(), x.get_mpz_t(), y.get_mpz_t());
  } else {
    return nullptr;
  }
  return exact(result);
}

Expr extremum(bool largest, const std::vector<Expr>& args) {
  if (args.empty() || !std::all_of(args.begin(), args.end(), is_number)) return nullptr;
  Expr best = args[0];
  for (const Expr& arg : args) {
    if (largest ? arg->value > best->value : arg->value < best->value) best = arg;
  }
  return best;
}

bool holds(std::string_view op, int order) {
  if (op == "=") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

}  // namespace

Expr call(std::string_view name, std::vector<Expr> args) {
  for (const Expr& arg : args) {
    if (is_constant(arg, "nan")) return arg;
  }
  Expr known;
  if (args.size() == 1) known = unary(name, args[0]);
  if (args.size() == 2) known = binary(name, args[0], args[1]);
  if (name == "max" || name == "min") {
    if (!known) known = extremum(name == "max", args);
    std::sort(args.begin(), args.end(),
              [](const Expr& a, const Expr& b) { return compare(a, b) < 0; });
  }
  if (known) return known;
  Node node;
  node.kind = Kind::kCall;
  node.name = name;
  node.args = std::move(args);
  return finish(std::move(node));
}

Expr relation(std::string_view op, const Expr& left, const Expr& right) {
  if (is_number(left) && is_number(right)) {
    return constant(holds(op, cmp(left->value, right->value)) ? "True" : "False");
  }
  if (compare(left, right) == 0 && is_scalar(left))
    return constant(holds(op, 0) ? "True" : "False");
  return stated_relation(op, left, right);
}

}  // namespace moebius::scorers::math
