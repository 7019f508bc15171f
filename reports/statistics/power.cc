// Power and the smallest difference that can be seen.
#include "reports/statistics/power.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "reports/statistics/distributions.h"

namespace moebius::reports {
namespace {

void require_power(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("power: ") + what);
}

double critical_point(const Assurance& assurance) {
  require_power(assurance.alpha > 0 && assurance.alpha < 1, "alpha outside 0 .. 1");
  require_power(assurance.power > 0 && assurance.power < 1, "power outside 0 .. 1");
  require_power(assurance.sides == 1 || assurance.sides == 2, "sides neither 1 nor 2");
  return normal_point(1 - assurance.alpha / assurance.sides);
}

/// How many errors of the mean lie between no difference and one seen with the power wanted.
double distance(const Assurance& assurance) {
  return std::max(0.0, critical_point(assurance) + normal_point(assurance.power));
}

}  // namespace

double DifferenceVariance::of_item() const {
  require_power(between >= 0 && base >= 0 && candidate >= 0, "negative variance");
  require_power(base_repeats >= 1 && candidate_repeats >= 1, "fewer than one repeat");
  return between + base / static_cast<double>(base_repeats) +
         candidate / static_cast<double>(candidate_repeats);
}

DifferenceVariance of_flips(double flip_rate) {
  require_power(flip_rate >= 0 && flip_rate <= 1, "flip rate outside 0 .. 1");
  return {.between = flip_rate};
}

std::int64_t items_needed(const DifferenceVariance& variance, double difference,
                          const Assurance& assurance) {
  require_power(difference > 0, "difference not above 0");
  const double root = distance(assurance) / difference;
  const double items = std::ceil(root * root * variance.of_item());
  require_power(items < 0x1p62, "more items than can be counted");
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(items));
}

double detectable_difference(const DifferenceVariance& variance, std::int64_t items,
                             const Assurance& assurance) {
  require_power(items > 0, "no items");
  return distance(assurance) * std::sqrt(variance.of_item() / static_cast<double>(items));
}

double power_of(const DifferenceVariance& variance, double difference, std::int64_t items,
                const Assurance& assurance) {
  require_power(items > 0, "no items");
  require_power(difference >= 0, "difference below 0");
  const double z = critical_point(assurance);
  const double error = std::sqrt(variance.of_item() / static_cast<double>(items));
  if (error <= 0) return difference > 0 ? 1 : 0;
  const double wrong_side = assurance.sides == 2 ? normal_cdf(-z - difference / error) : 0;
  return normal_cdf(difference / error - z) + wrong_side;
}

}  // namespace moebius::reports
