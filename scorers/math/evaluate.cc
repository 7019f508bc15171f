// Automatic evaluation of sums and products: flattening, rational arithmetic, like terms.
#include <algorithm>

#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

/// A product seen as a number times the rest.
struct Scaled {
  mpq_class factor = 1;
  bool inexact = false;
  Expr rest;
};

Expr number_node(const mpq_class& value, bool inexact) {
  return inexact ? decimal(value) : exact(value);
}

bool is_infinite(const Expr& e) {
  return e->kind == Kind::kConstant && (e->name == "oo" || e->name == "-oo" || e->name == "zoo");
}

Expr product_node(std::vector<Expr> factors) {
  if (factors.size() == 1) return factors[0];
  Node node;
  node.kind = Kind::kMul;
  node.args = std::move(factors);
  return finish(std::move(node));
}

Scaled split(const Expr& term) {
  if (term->kind != Kind::kMul || !is_number(term->args[0])) return {1, false, term};
  std::vector<Expr> rest(term->args.begin() + 1, term->args.end());
  return {term->args[0]->value, term->args[0]->inexact, product_node(std::move(rest))};
}

void flatten(const std::vector<Expr>& from, Kind kind, std::vector<Expr>& to) {
  for (const Expr& e : from) {
    if (e->kind == kind) {
      to.insert(to.end(), e->args.begin(), e->args.end());
    } else {
      to.push_back(e);
    }
  }
}

bool has(const std::vector<Expr>& items, std::string_view name) {
  return std::any_of(items.begin(), items.end(),
                     [&](const Expr& e) { return is_constant(e, name); });
}

/// A sum in which something is infinite: the infinity, or nan if two of them disagree.
Expr infinite_sum(const std::vector<Expr>& terms) {
  const bool up = has(terms, "oo");
  const bool down = has(terms, "-oo");
  const bool any = has(terms, "zoo");
  if (int{up} + int{down} + int{any} != 1) return constant("nan");
  if (any && std::count_if(terms.begin(), terms.end(), is_infinite) > 1) return constant("nan");
  return constant(up ? "oo" : down ? "-oo" : "zoo");
}

std::vector<Scaled> like_terms(std::vector<Scaled> terms) {
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Scaled& a, const Scaled& b) { return compare(a.rest, b.rest) < 0; });
  std::vector<Scaled> merged;
  for (Scaled& term : terms) {
    if (!merged.empty() && compare(merged.back().rest, term.rest) == 0) {
      merged.back().factor += term.factor;
      merged.back().inexact |= term.inexact;
    } else {
      merged.push_back(std::move(term));
    }
  }
  return merged;
}

/// base ^ exponent, so that equal bases can be gathered.
struct Powered {
  Expr base;
  Expr exponent;
};

Powered as_power(const Expr& e) {
  if (e->kind == Kind::kPow) return {e->args[0], e->args[1]};
  return {e, integer(1)};
}

bool fractional_power_of_integer(const Powered& p) {
  return is_integer(p.base) && sgn(p.base->value) > 0 && is_number(p.exponent) &&
         !p.exponent->inexact && p.exponent->value.get_den() != 1;
}

/// sqrt(2) * sqrt(3) becomes sqrt(6), as everywhere in sympy.
std::vector<Powered> merge_roots(std::vector<Powered> factors) {
  std::vector<Powered> merged;
  for (Powered& p : factors) {
    auto same = merged.end();
    if (fractional_power_of_integer(p)) {
      same = std::find_if(merged.begin(), merged.end(), [&](const Powered& q) {
        return fractional_power_of_integer(q) && compare(q.exponent, p.exponent) == 0;
      });
    }
    const bool fits =
        same != merged.end() && mpz_sizeinbase(same->base->value.get_num_mpz_t(), 2) +
                                        mpz_sizeinbase(p.base->value.get_num_mpz_t(), 2) <
                                    kMaxBits;
    if (fits) {
      same->base = exact(same->base->value * p.base->value);
    } else {
      merged.push_back(std::move(p));
    }
  }
  return merged;
}

std::vector<Powered> like_bases(const std::vector<Expr>& factors) {
  std::vector<Powered> powers;
  powers.reserve(factors.size());
  for (const Expr& e : factors) powers.push_back(as_power(e));
  std::stable_sort(powers.begin(), powers.end(),
                   [](const Powered& a, const Powered& b) { return compare(a.base, b.base) < 0; });
  std::vector<Powered> merged;
  for (Powered& p : powers) {
    if (!merged.empty() && compare(merged.back().base, p.base) == 0) {
      merged.back().exponent = add({merged.back().exponent, p.exponent});
    } else {
      merged.push_back(std::move(p));
    }
  }
  return merge_roots(std::move(merged));
}

/// Numbers out of `factors` into `coefficient`, nested products opened.
std::vector<Expr> take_numbers(const std::vector<Expr>& factors, mpq_class& coefficient,
                               bool& inexact) {
  std::vector<Expr> flat;
  flatten(factors, Kind::kMul, flat);
  std::vector<Expr> rest;
  for (const Expr& e : flat) {
    if (is_number(e)) {
      coefficient *= e->value;
      inexact |= e->inexact;
    } else {
      rest.push_back(e);
    }
  }
  return rest;
}

/// A product in which something is infinite and nothing is nan.
Expr infinite_product(const std::vector<Expr>& rest, const mpq_class& coefficient) {
  if (coefficient == 0) return constant("nan");
  bool negative = sgn(coefficient) < 0;
  std::vector<Expr> others;
  for (const Expr& e : rest) {
    if (is_constant(e, "-oo")) negative = !negative;
    if (!is_infinite(e)) others.push_back(e);
  }
  const Expr infinity = constant(has(rest, "zoo") ? "zoo" : negative ? "-oo" : "oo");
  if (others.empty()) return infinity;
  others.insert(others.begin(), infinity);
  return product_node(std::move(others));
}

Expr distribute(const Expr& factor, const Expr& sum) {
  std::vector<Expr> terms;
  terms.reserve(sum->args.size());
  for (const Expr& term : sum->args) terms.push_back(mul({factor, term}));
  return add(std::move(terms));
}

bool too_long(const mpq_class& value) {
  return mpz_sizeinbase(value.get_num_mpz_t(), 2) > 64 * kMaxBits ||
         mpz_sizeinbase(value.get_den_mpz_t(), 2) > 64 * kMaxBits;
}

}  // namespace

Expr add(std::vector<Expr> input) {
  std::vector<Expr> terms;
  flatten(input, Kind::kAdd, terms);
  if (has(terms, "nan")) return constant("nan");
  if (std::any_of(terms.begin(), terms.end(), is_infinite)) return infinite_sum(terms);
  mpq_class sum = 0;
  bool inexact = false;
  std::vector<Scaled> scaled;
  for (const Expr& term : terms) {
    if (is_number(term)) {
      sum += term->value;
      inexact |= term->inexact;
    } else {
      scaled.push_back(split(term));
    }
  }
  if (too_long(sum)) return constant("nan");
  std::vector<Expr> result;
  if (sum != 0) result.push_back(number_node(sum, inexact));
  for (Scaled& term : like_terms(std::move(scaled))) {
    if (term.factor == 0) continue;
    result.push_back(mul({number_node(term.factor, term.inexact), term.rest}));
  }
  if (result.empty()) return number_node(0, inexact);
  if (result.size() == 1) return result[0];
  std::sort(result.begin(), result.end(),
            [](const Expr& a, const Expr& b) { return compare(a, b) < 0; });
  Node node;
  node.kind = Kind::kAdd;
  node.args = std::move(result);
  return finish(std::move(node));
}

Expr mul(std::vector<Expr> input) {
  mpq_class coefficient = 1;
  bool inexact = false;
  std::vector<Expr> rest = take_numbers(input, coefficient, inexact);
  if (too_long(coefficient) || has(rest, "nan")) return constant("nan");
  if (std::any_of(rest.begin(), rest.end(), is_infinite)) {
    return infinite_product(rest, coefficient);
  }
  if (coefficient == 0) return number_node(0, inexact);
  if (rest.size() > 1) {
    std::vector<Expr> gathered;
    for (const Powered& p : like_bases(rest)) gathered.push_back(power(p.base, p.exponent));
    rest = take_numbers(gathered, coefficient, inexact);
    if (std::any_of(rest.begin(), rest.end(), is_infinite) || has(rest, "nan")) {
      return has(rest, "nan") ? constant("nan") : infinite_product(rest, coefficient);
    }
  }
  if (rest.empty()) return number_node(coefficient, inexact);
  const bool one = coefficient == 1 && !inexact;
  if (rest.size() == 1 && one) return rest[0];
  if (rest.size() == 1 && rest[0]->kind == Kind::kAdd) {
    return distribute(number_node(coefficient, inexact), rest[0]);
  }
  std::sort(rest.begin(), rest.end(),
            [](const Expr& a, const Expr& b) { return compare(a, b) < 0; });
  if (!one) rest.insert(rest.begin(), number_node(coefficient, inexact));
  return product_node(std::move(rest));
}

Expr negate(const Expr& e) {
  return mul({integer(-1), e});
}
Expr subtract(const Expr& a, const Expr& b) {
  return add({a, negate(b)});
}
Expr divide(const Expr& a, const Expr& b) {
  return mul({a, power(b, integer(-1))});
}

}  // namespace moebius::scorers::math
