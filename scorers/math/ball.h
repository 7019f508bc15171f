// Complex numbers of any precision that carry a bound of their error.
#pragma once

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <limits>
#include <optional>

namespace moebius::scorers::math {

namespace mp = boost::multiprecision;
using Real50 = mp::number<mp::cpp_bin_float<50>, mp::et_off>;
using Real100 = mp::number<mp::cpp_bin_float<100>, mp::et_off>;

/// The true value lies within `error` of re + i*im, by first-order bounds with slack: rounding of
/// every operation is counted several times over.
template <typename Real>
struct Ball {
  Real re = 0;
  Real im = 0;
  Real error = 0;

  /// At least |value|, at most 1.42 |value|.
  Real above() const {
    using std::abs;
    return abs(re) + abs(im);
  }
  /// At most |value|, at least 0.7 |value|.
  Real below() const {
    using std::abs;
    const Real a = abs(re);
    const Real b = abs(im);
    return a < b ? b : a;
  }
  bool finite() const {
    using std::isfinite;
    return isfinite(re) && isfinite(im) && isfinite(error);
  }
  bool may_be_zero() const { return !(below() > error); }
  bool real() const {
    using std::abs;
    return !(abs(im) > error);
  }
};

template <typename Real>
Real rounding() {
  return 8 * std::numeric_limits<Real>::epsilon();
}

template <typename Real>
Ball<Real> rounded(Real re, Real im, Real error) {
  Ball<Real> result{std::move(re), std::move(im), std::move(error)};
  result.error += rounding<Real>() * result.above();
  if (result.im == 0) result.im = 0;  // no negative zero: it would choose the branch
  return result;
}

template <typename Real>
Ball<Real> operator+(const Ball<Real>& a, const Ball<Real>& b) {
  return rounded<Real>(a.re + b.re, a.im + b.im, a.error + b.error);
}

template <typename Real>
Ball<Real> operator-(const Ball<Real>& a, const Ball<Real>& b) {
  return rounded<Real>(a.re - b.re, a.im - b.im, a.error + b.error);
}

template <typename Real>
Ball<Real> operator*(const Ball<Real>& a, const Ball<Real>& b) {
  const Real error =
      a.above() * b.error + b.above() * a.error + a.error * b.error +
      (a.im != 0 && b.im != 0 ? Real(rounding<Real>() * a.above() * b.above()) : Real(0));
  if (a.im == 0 && b.im == 0) return rounded<Real>(a.re * b.re, 0, error);
  return rounded<Real>(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error);
}

/// nullopt if the divisor may be zero.
template <typename Real>
std::optional<Ball<Real>> inverse(const Ball<Real>& a) {
  if (a.may_be_zero()) return std::nullopt;
  const Real low = a.below();
  const Real error = a.error / (low * (low - a.error));
  if (a.im == 0) return rounded<Real>(1 / a.re, 0, error);
  const Real norm = a.re * a.re + a.im * a.im;
  return rounded<Real>(a.re / norm, -a.im / norm, error);
}

template <typename Real>
Ball<Real> exp(const Ball<Real>& a) {
  using std::cos;
  using std::exp;
  using std::sin;
  const Real size = exp(a.re);
  const Real error = size * (exp(a.error) - 1) * 2 + size * rounding<Real>() * (1 + a.above());
  if (a.im == 0) return rounded<Real>(size, 0, error);
  return rounded<Real>(size * cos(a.im), size * sin(a.im), error);
}

/// Principal branch; on the cut (within the error) the value from above. nullopt near zero.
template <typename Real>
std::optional<Ball<Real>> log(const Ball<Real>& a) {
  using std::atan2;
  using std::log;
  using std::sqrt;
  if (a.may_be_zero()) return std::nullopt;
  const Real error = a.error / (a.below() - a.error) + rounding<Real>();
  const bool on_axis = a.real();
  if (on_axis && a.re > 0) return rounded<Real>(log(a.re), 0, error);
  const Real im = on_axis ? Real(0) : a.im;
  return rounded<Real>(log(Real(a.re * a.re + im * im)) / 2, atan2(im, a.re), error);
}

template <typename Real>
Ball<Real> scaled(const Ball<Real>& a, const Real& by) {
  using std::abs;
  return rounded<Real>(a.re * by, a.im * by, a.error * abs(by));
}

template <typename Real>
Ball<Real> times_i(const Ball<Real>& a) {
  return {Real(-a.im), a.re, a.error};
}

template <typename Real>
Ball<Real> sine(const Ball<Real>& a, bool cosine) {
  using std::cos;
  using std::cosh;
  using std::sin;
  using std::sinh;
  const Real grow = cosh(a.im);
  const Real error = a.error * grow * 2 + rounding<Real>() * grow * (1 + a.above());
  if (cosine) return rounded<Real>(cos(a.re) * grow, -sin(a.re) * sinh(a.im), error);
  return rounded<Real>(sin(a.re) * grow, cos(a.re) * sinh(a.im), error);
}

}  // namespace moebius::scorers::math
