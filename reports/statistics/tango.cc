// Tango's score interval.
#include "reports/statistics/tango.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "reports/statistics/intervals.h"

namespace moebius::reports {
namespace {

/// The chance of "right to wrong" that is likeliest if the difference is `difference`.
double restricted_chance_lost(const Flips& flips, double difference) {
  const auto n = static_cast<double>(flips.items);
  const auto gained = static_cast<double>(flips.gained);
  const auto lost = static_cast<double>(flips.lost);
  const double a = 2 * n;
  const double b = -gained - lost + (2 * n - gained + lost) * difference;
  const double c = -lost * difference * (1 - difference);
  return (std::sqrt(std::max(0.0, b * b - 4 * a * c)) - b) / (2 * a);
}

}  // namespace

double tango_z(const Flips& flips, double difference) {
  if (flips.gained < 0 || flips.lost < 0 || flips.items < 1 ||
      flips.gained + flips.lost > flips.items) {
    throw std::invalid_argument("tango: flips must be counts that sum to at most the items");
  }
  const auto n = static_cast<double>(flips.items);
  const double excess = static_cast<double>(flips.gained - flips.lost) - n * difference;
  const double variance =
      n * (2 * restricted_chance_lost(flips, difference) + difference * (1 - difference));
  if (excess == 0) return 0;
  if (variance <= 0) return std::copysign(std::numeric_limits<double>::infinity(), excess);
  return excess / std::sqrt(variance);
}

double falling_crossing(const std::function<double(double)>& z, double level) {
  double low = -1;
  double high = 1;
  while (true) {
    const double middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    (z(middle) > level ? low : high) = middle;
  }
}

Interval tango_interval(const Flips& flips, double level) {
  const auto z = [&](double difference) { return tango_z(flips, difference); };
  const double point = normal_quantile(level);
  return {falling_crossing(z, point), falling_crossing(z, -point)};
}

}  // namespace moebius::reports
