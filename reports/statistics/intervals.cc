// Confidence intervals, with Boost.Math.
#include "reports/statistics/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "reports/store.h"

namespace moebius::reports {

double normal_quantile(double level) {
  return boost::math::quantile(boost::math::normal(), (1 + level) / 2);
}

double student_t_quantile(double level, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), (1 + level) / 2);
}

Interval wilson(double p, double n, double level) {
  const double z = normal_quantile(level);
  const double scale = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / scale;
  const double half = z / scale * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At p = 0 and 1 the bound is exact; rounding must not move the interval off it.
  return {p <= 0 ? 0 : std::max(0.0, centre - half), p >= 1 ? 1 : std::min(1.0, centre + half)};
}

Interval student_t(double centre, double error, double degrees, double level) {
  const double half = student_t_quantile(level, degrees) * error;
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace moebius::reports
