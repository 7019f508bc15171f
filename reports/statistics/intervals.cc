// Confidence intervals.
#include "reports/statistics/intervals.h"

#include <algorithm>
#include <cmath>

#include "reports/statistics/distributions.h"

namespace moebius::reports {

double normal_quantile(double level) {
  return normal_point((1 + level) / 2);
}

double student_t_quantile(double level, double degrees) {
  return student_t_point((1 + level) / 2, degrees);
}

Interval wilson(double p, double n, double level) {
  const double z = normal_quantile(level);
  const double scale = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / scale;
  const double half = z / scale * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At p = 0 and 1 the bound is exact; rounding must not move the interval off it.
  return {p <= 0 ? 0 : std::max(0.0, centre - half), p >= 1 ? 1 : std::min(1.0, centre + half)};
}

Interval clopper_pearson(std::int64_t k, std::int64_t n, double level) {
  const double tail = (1 - level) / 2;
  const auto right = static_cast<double>(k);
  const auto wrong = static_cast<double>(n - k);
  return {k == 0 ? 0 : beta_point(tail, right, wrong + 1),
          k == n ? 1 : beta_point(1 - tail, right + 1, wrong)};
}

Interval jeffreys(std::int64_t k, std::int64_t n, double level) {
  const double tail = (1 - level) / 2;
  const double right = static_cast<double>(k) + 0.5;
  const double wrong = static_cast<double>(n - k) + 0.5;
  return {k == 0 ? 0 : beta_point(tail, right, wrong),
          k == n ? 1 : beta_point(1 - tail, right, wrong)};
}

Interval student_t(double centre, double error, double degrees, double level) {
  const double half = student_t_quantile(level, degrees) * error;
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace moebius::reports
