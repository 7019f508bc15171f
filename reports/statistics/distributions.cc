// Distribution functions, by Boost.Math.
#include "reports/statistics/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>

namespace moebius::reports {

double normal_cdf(double x) {
  return boost::math::cdf(boost::math::normal(), x);
}

double normal_point(double p) {
  return boost::math::quantile(boost::math::normal(), p);
}

double student_t_cdf(double x, double degrees) {
  return boost::math::cdf(boost::math::students_t(degrees), x);
}

double student_t_point(double p, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), p);
}

double beta_cdf(double x, double a, double b) {
  return boost::math::ibeta(a, b, x);
}

double beta_point(double p, double a, double b) {
  return boost::math::ibeta_inv(a, b, p);
}

double binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  return boost::math::cdf(boost::math::binomial(static_cast<double>(n), p), static_cast<double>(k));
}

double binomial_chance(std::int64_t k, std::int64_t n, double p) {
  return boost::math::pdf(boost::math::binomial(static_cast<double>(n), p), static_cast<double>(k));
}

}  // namespace moebius::reports
