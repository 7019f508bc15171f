// Distribution functions and quantiles. Boost.Math's, which compiles slowly and is seen by
// distributions.cc alone.
#pragma once

#include <cstdint>

namespace moebius::reports {

/// P(X <= x), and the x below which a share p lies; p in (0, 1), degrees > 0 (fractions allowed).
double normal_cdf(double x);
double normal_point(double p);
double student_t_cdf(double x, double degrees);
double student_t_point(double p, double degrees);

/// P(X <= x) and its inverse for Beta(a, b), a > 0, b > 0.
double beta_cdf(double x, double a, double b);
double beta_point(double p, double a, double b);

/// P(X <= k) and P(X = k) for k of n with chance p; 0 <= k <= n.
double binomial_cdf(std::int64_t k, std::int64_t n, double p);
double binomial_chance(std::int64_t k, std::int64_t n, double p);

}  // namespace moebius::reports
