// Equality of values: exact first, then numbers in growing precision at drawn points.
#include <algorithm>
#include <cmath>

#include "scorers/math/effort.h"
#include "scorers/math/modular.h"
#include "scorers/math/numeric.h"

namespace moebius::scorers::math {
namespace {

constexpr std::uint64_t kTries = 12;
constexpr int kEnough = 3;  // points that agree

/// How small a difference must be, relative to the two values, to count as zero: far below what
/// this precision can tell apart by chance, far above its rounding.
template <typename Real>
Real negligible() {
  using std::sqrt;
  return Real(sqrt(std::numeric_limits<Real>::epsilon())) / 1024;
}

template <typename Real>
Sign sign_of_difference(const Expr& a, const Expr& b, const Point& point) {
  const auto x = evaluate<Real>(a, point);
  const auto y = evaluate<Real>(b, point);
  if (!x || !y) return Sign::kUnknown;
  const Ball<Real> d = *x - *y;
  if (d.below() > 2 * d.error) return Sign::kNotZero;
  const Real size = x->above() + y->above();
  return d.error < negligible<Real>() * (size > 1 ? size : Real(1)) ? Sign::kZero : Sign::kUnknown;
}

bool reals_only_differ_in_domain(const Expr& a, const Expr& b, const Point& point) {
  const auto x = evaluate<double>(a, point);
  const auto y = evaluate<double>(b, point);
  return x && y && x->real() != y->real();
}

bool needs_integers(const Expr& e) {
  const bool here = e->kind == Kind::kCall && (e->name == "factorial" || e->name == "binomial");
  if (here && !symbols_of(e).empty()) return true;
  return std::any_of(e->args.begin(), e->args.end(), needs_integers);
}

bool both_constant(const Expr& a, const Expr& b) {
  return symbols_of(a).empty() && symbols_of(b).empty();
}

bool same_by_numbers(const Expr& a, const Expr& b, Domain domain) {
  if (needs_integers(a) || needs_integers(b)) domain = Domain::kNatural;
  const bool constants = both_constant(a, b);
  int zeros = 0;
  for (std::uint64_t index = 0; index < kTries && zeros < kEnough; ++index) {
    const Point point{domain, index};
    if (domain == Domain::kReal && !constants && reals_only_differ_in_domain(a, b, point)) continue;
    const Sign sign = difference_at(a, b, point);
    if (sign == Sign::kNotZero) return false;
    if (sign == Sign::kZero) ++zeros;
    if (constants) return sign == Sign::kZero;
  }
  return zeros >= 2;
}

bool same_matrix(const Expr& a, const Expr& b) {
  if (a->rows != b->rows || a->args.size() != b->args.size()) return false;
  for (std::size_t i = 0; i < a->args.size(); ++i) {
    if (!same_value(a->args[i], b->args[i])) return false;
  }
  return true;
}

}  // namespace

Sign difference_at(const Expr& a, const Expr& b, const Point& point) {
  // Doubles only ever say "different": most wrong answers end here.
  if (sign_of_difference<double>(a, b, point) == Sign::kNotZero) return Sign::kNotZero;
  const Sign first = sign_of_difference<Real50>(a, b, point);
  if (first == Sign::kNotZero) return first;
  return sign_of_difference<Real100>(a, b, point);
}

bool same_over(const Expr& a, const Expr& b, Domain domain) {
  if (!a || !b) return false;
  const Effort effort;
  if (compare(a, b) == 0) return !is_constant(a, "nan") && !is_constant(a, "zoo");
  if (!is_scalar(a) || !is_scalar(b)) return false;
  if (is_number(a) && is_number(b)) return a->value == b->value;
  if (const auto zero = identically_zero(subtract(a, b))) return *zero;
  return same_by_numbers(a, b, domain);
}

bool same_value(const Expr& a, const Expr& b) {
  if (!a || !b) return false;
  if (a->kind == Kind::kMatrix && b->kind == Kind::kMatrix) return same_matrix(a, b);
  return same_over(a, b, Domain::kComplex);
}

std::optional<std::complex<double>> number(const Expr& e) {
  if (!e || !symbols_of(e).empty()) return std::nullopt;
  if (is_constant(e, "oo")) return std::complex<double>(HUGE_VAL, 0);
  if (is_constant(e, "-oo")) return std::complex<double>(-HUGE_VAL, 0);
  if (!is_scalar(e)) return std::nullopt;
  const Effort effort;
  const auto value = evaluate<Real50>(e, Point{});
  if (!value) return std::nullopt;
  const double im = value->real() ? 0.0 : static_cast<double>(value->im);
  return std::complex<double>(static_cast<double>(value->re), im);
}

}  // namespace moebius::scorers::math
