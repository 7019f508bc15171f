// Cluster bootstrap with BCa intervals.
#include "reports/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "reports/statistics/distributions.h"
#include "reports/statistics/estimators.h"

namespace moebius::reports {
namespace {

double finite_value(const Statistic& statistic, std::span<const std::int32_t> counts) {
  const double value = statistic(counts);
  if (!std::isfinite(value)) throw std::invalid_argument("bootstrap: statistic not finite");
  return value;
}

std::vector<double> sorted_draws(std::size_t clusters, const Statistic& statistic,
                                 const BootstrapOptions& options) {
  Draws random(options.seed);
  std::vector<double> values;
  std::vector<std::int32_t> counts(clusters);
  for (int draw = 0; draw < options.draws; ++draw) {
    std::fill(counts.begin(), counts.end(), 0);
    for (std::size_t i = 0; i < clusters; ++i) ++counts[random.below(clusters)];
    values.push_back(finite_value(statistic, counts));
  }
  std::sort(values.begin(), values.end());
  return values;
}

/// Skewness of the statistic, sum (m - x_i)^3 / (6 (sum (m - x_i)^2)^1.5) over the values x_i
/// without cluster i and their mean m.
double acceleration(std::size_t clusters, const Statistic& statistic) {
  std::vector<std::int32_t> counts(clusters, 1);
  std::vector<double> without;
  for (std::size_t i = 0; i < clusters; ++i) {
    counts[i] = 0;
    without.push_back(finite_value(statistic, counts));
    counts[i] = 1;
  }
  const double centre = mean(without);
  double squares = 0;
  double cubes = 0;
  for (const double value : without) {
    const double distance = centre - value;
    squares += distance * distance;
    cubes += distance * distance * distance;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

/// The share of draws below the estimate as a normal point, ties half; inside the draws.
double bias_point(const std::vector<double>& values, double estimate) {
  const auto [first, last] = std::equal_range(values.begin(), values.end(), estimate);
  const auto n = static_cast<double>(values.size());
  const double below =
      (static_cast<double>(first - values.begin()) + static_cast<double>(last - values.begin())) /
      2;
  return normal_point(std::clamp(below, 0.5, n - 0.5) / n);
}

/// The value below which a share p of the draws lies.
double draw_quantile(const std::vector<double>& values, double p) {
  const double place = p * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<std::size_t>(place);
  const std::size_t upper = std::min(lower + 1, values.size() - 1);
  const double part = place - static_cast<double>(lower);
  return values[lower] + part * (values[upper] - values[lower]);
}

/// The share of draws that stands for the tail at the normal point z.
double adjusted_share(double z, double bias, double acceleration) {
  const double shifted = bias + z;
  const double scale = 1 - acceleration * shifted;
  // Beyond its pole the formula turns back; the tail is empty there.
  return scale > 0 ? normal_cdf(bias + shifted / scale) : (z > 0 ? 1 : 0);
}

}  // namespace

Bootstrap bootstrap(std::size_t clusters, const Statistic& statistic,
                    const BootstrapOptions& options) {
  if (clusters < 2) throw std::invalid_argument("bootstrap: fewer than 2 clusters");
  if (options.draws < 100) throw std::invalid_argument("bootstrap: fewer than 100 draws");
  if (!(options.level > 0 && options.level < 1)) {
    throw std::invalid_argument("bootstrap: level outside 0 .. 1");
  }
  Bootstrap result{.options = options};
  const std::vector<std::int32_t> once(clusters, 1);
  result.estimate = finite_value(statistic, once);
  const std::vector<double> values = sorted_draws(clusters, statistic, options);
  result.error = *standard_error(values) * std::sqrt(static_cast<double>(values.size()));
  const double bias = bias_point(values, result.estimate);
  const double skew = acceleration(clusters, statistic);
  const double z = normal_point((1 + options.level) / 2);
  result.interval = {draw_quantile(values, adjusted_share(-z, bias, skew)),
                     draw_quantile(values, adjusted_share(z, bias, skew))};
  return result;
}

}  // namespace moebius::reports
