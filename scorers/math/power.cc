// Automatic evaluation of powers, with the roots of rational numbers taken apart.
#include <algorithm>
#include <map>

#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

constexpr unsigned kTrialLimit = 2000;  // primes above stay inside the root

bool is_exact(const Expr& e) {
  return is_number(e) && !e->inexact;
}

std::size_t bits(const mpq_class& q) {
  return std::max(mpz_sizeinbase(q.get_num_mpz_t(), 2), mpz_sizeinbase(q.get_den_mpz_t(), 2));
}

Expr unevaluated(const Expr& base, const Expr& exponent) {
  Node node;
  node.kind = Kind::kPow;
  node.args = {base, exponent};
  return finish(std::move(node));
}

/// base ^ n of numbers, or an unevaluated power where the result would be too long.
Expr number_to_integer(const Expr& base, const Expr& exponent) {
  const mpz_class& n = exponent->value.get_num();
  if (base->value == 0) {
    return sgn(n) < 0 ? constant("zoo") : base;
  }
  if (abs(base->value) == 1) {
    const bool odd = mpz_odd_p(n.get_mpz_t()) != 0;
    const mpq_class value = odd ? base->value : mpq_class(1);
    return base->inexact ? decimal(value) : exact(value);
  }
  const mpz_class size = abs(n);
  if (!size.fits_uint_p() || bits(base->value) * size.get_ui() > kMaxBits) {
    return unevaluated(base, exponent);
  }
  mpq_class result;
  mpz_pow_ui(result.get_num_mpz_t(), base->value.get_num_mpz_t(), size.get_ui());
  mpz_pow_ui(result.get_den_mpz_t(), base->value.get_den_mpz_t(), size.get_ui());
  if (sgn(n) < 0) result = 1 / result;
  return base->inexact ? decimal(result) : exact(result);
}

/// n ^ (r/s), 0 < r/s < 1: whole powers leave the root, the others are grouped by exponent.
Expr root_of_integer(mpz_class n, const mpq_class& exponent) {
  mpz_class outside = 1;
  std::map<mpq_class, mpz_class> inside;
  const auto place = [&](const mpz_class& base, unsigned long count) {
    const mpq_class total = exponent * count;
    const mpz_class whole = total.get_num() / total.get_den();
    mpz_class raised;
    mpz_pow_ui(raised.get_mpz_t(), base.get_mpz_t(), whole.get_ui());
    outside *= raised;
    const mpq_class left = total - whole;
    if (left != 0) {
      mpz_class& group = inside.try_emplace(left, 1).first->second;
      group *= base;
    }
  };
  for (unsigned p = 2; p < kTrialLimit && n > 1; p += p == 2 ? 1 : 2) {
    unsigned long count = 0;
    while (mpz_divisible_ui_p(n.get_mpz_t(), p) != 0) {
      mpz_divexact_ui(n.get_mpz_t(), n.get_mpz_t(), p);
      ++count;
    }
    if (count > 0) place(mpz_class(p), count);
  }
  if (n > 1) {
    mpz_class root;
    const unsigned long degree = exponent.get_den().get_ui();
    if (mpz_root(root.get_mpz_t(), n.get_mpz_t(), degree) != 0) {
      place(root, degree);
    } else {
      place(n, 1);
    }
  }
  std::vector<Expr> factors;
  for (const auto& [left, base] : inside) factors.push_back(unevaluated(exact(base), exact(left)));
  if (factors.empty()) return exact(outside);
  if (factors.size() == 1 && outside == 1) return factors[0];
  Node node;  // built by hand: mul() would come back here
  node.kind = Kind::kMul;
  if (outside != 1) node.args.push_back(exact(outside));
  node.args.insert(node.args.end(), factors.begin(), factors.end());
  std::sort(node.args.begin() + (outside != 1 ? 1 : 0), node.args.end(),
            [](const Expr& a, const Expr& b) { return compare(a, b) < 0; });
  return finish(std::move(node));
}

/// (-1) ^ (r/s) with s > 1.
Expr root_of_minus_one(const mpq_class& exponent) {
  mpz_class whole;
  mpz_fdiv_q(whole.get_mpz_t(), exponent.get_num_mpz_t(), exponent.get_den_mpz_t());
  const mpq_class left = exponent - whole;
  const Expr root = left == mpq_class(1, 2) ? constant("I") : unevaluated(integer(-1), exact(left));
  return mpz_odd_p(whole.get_mpz_t()) != 0 ? negate(root) : root;
}

/// Exact rational to an exact fraction.
Expr number_to_fraction(const Expr& base, const Expr& exponent) {
  const mpq_class& e = exponent->value;
  if (base->value == 0) return sgn(e) < 0 ? constant("zoo") : integer(0);
  if (e.get_den() > 64 || bits(base->value) > kMaxBits || bits(e) > 40) {
    return unevaluated(base, exponent);
  }
  if (base->value == -1) return root_of_minus_one(e);
  if (sgn(base->value) < 0) {
    return mul({root_of_minus_one(e), number_to_fraction(exact(-base->value), exponent)});
  }
  mpz_class whole;
  mpz_fdiv_q(whole.get_mpz_t(), e.get_num_mpz_t(), e.get_den_mpz_t());
  const mpq_class left = e - whole;
  const Expr outside = power(base, exact(whole));
  if (!is_number(outside)) return unevaluated(base, exponent);
  const Expr top = root_of_integer(base->value.get_num(), left);
  if (base->value.get_den() == 1) return mul({outside, top});
  const Expr bottom = root_of_integer(base->value.get_den(), 1 - left);
  return mul({outside, top, bottom, exact(mpq_class(1, base->value.get_den()))});
}

Expr imaginary_power(const mpz_class& n) {
  const unsigned long turn = mpz_fdiv_ui(n.get_mpz_t(), 4);
  if (turn == 0) return integer(1);
  if (turn == 1) return constant("I");
  if (turn == 2) return integer(-1);
  return negate(constant("I"));
}

/// Infinity to a number; null where nothing is known.
Expr infinite_power(const Expr& base, const Expr& exponent) {
  if (!is_exact(exponent)) return nullptr;
  if (sgn(exponent->value) < 0) return integer(0);
  if (is_constant(base, "oo") || is_constant(base, "zoo")) return base;
  if (!is_integer(exponent)) return constant("zoo");
  return mpz_odd_p(exponent->value.get_num_mpz_t()) != 0 ? base : constant("oo");
}

Expr power_of_product(const Expr& base, const Expr& exponent) {
  if (is_integer(exponent)) {
    std::vector<Expr> factors;
    for (const Expr& factor : base->args) factors.push_back(power(factor, exponent));
    return mul(std::move(factors));
  }
  const Expr& first = base->args[0];
  if (!is_exact(exponent) || !is_exact(first) || first->value == -1) return nullptr;
  std::vector<Expr> rest(base->args.begin() + 1, base->args.end());
  if (sgn(first->value) < 0) rest.push_back(integer(-1));
  return mul(
      {power(exact(abs(first->value)), exponent), unevaluated(mul(std::move(rest)), exponent)});
}

bool powers_combine(const Expr& inner, const Expr& outer) {
  if (is_integer(outer)) return true;
  return is_exact(inner) && is_exact(outer) && inner->value > -1 && inner->value <= 1;
}

Expr constant_power(const Expr& base, const Expr& exponent) {
  if (base->name == "nan") return base;
  if (base->name == "I" && is_integer(exponent)) return imaginary_power(exponent->value.get_num());
  if (base->name == "oo" || base->name == "-oo" || base->name == "zoo") {
    return infinite_power(base, exponent);
  }
  if (base->name == "E" && exponent->kind == Kind::kCall && exponent->name == "log") {
    return exponent->args[0];
  }
  return nullptr;
}

}  // namespace

Expr power(const Expr& base, const Expr& exponent) {
  if (is_constant(exponent, "nan")) return exponent;
  if (is_number(exponent)) {
    if (exponent->value == 0) return is_constant(base, "nan") ? base : integer(1);
    if (exponent->value == 1 && !exponent->inexact) return base;
  }
  if (is_number(base)) {
    if (base->value == 1 && !base->inexact) return base;
    if (is_integer(exponent)) return number_to_integer(base, exponent);
    if (is_exact(base) && is_exact(exponent)) return number_to_fraction(base, exponent);
  }
  Expr known;
  if (base->kind == Kind::kConstant) known = constant_power(base, exponent);
  if (base->kind == Kind::kMul) known = power_of_product(base, exponent);
  if (base->kind == Kind::kPow && powers_combine(base->args[1], exponent)) {
    known = power(base->args[0], mul({base->args[1], exponent}));
  }
  return known ? known : unevaluated(base, exponent);
}

}  // namespace moebius::scorers::math
