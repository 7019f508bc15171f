// Means and their errors.
#include "reports/statistics/estimators.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace moebius::reports {
namespace {

/// sum (s_i - mean)^2
double squares(std::span<const double> values) {
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return sum;
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> standard_error(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return std::nullopt;
  return std::sqrt(squares(values) / (n * (n - 1)));
}

std::size_t count_clusters(std::span<const std::string> clusters) {
  return std::unordered_set<std::string>(clusters.begin(), clusters.end()).size();
}

std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::string> clusters,
                                      std::size_t min_clusters) {
  const double centre = mean(values);
  std::unordered_map<std::string, std::size_t> places;
  std::vector<double> sums;  // in the order of first appearance: the same bits every time
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [place, added] = places.emplace(clusters[i], sums.size());
    if (added) sums.push_back(0);
    sums[place->second] += values[i] - centre;
  }
  if (sums.size() < std::max<std::size_t>(min_clusters, 2)) return std::nullopt;
  double sum = 0;
  for (const double deviation : sums) sum += deviation * deviation;
  const auto count = static_cast<double>(sums.size());
  return std::sqrt(count / (count - 1) * sum) / static_cast<double>(values.size());
}

double effective_items(std::size_t n, std::optional<double> clustered,
                       std::optional<double> independent) {
  const auto items = static_cast<double>(n);
  if (!clustered || !independent || *clustered <= 0 || *independent <= 0) return items;
  const double ratio = *clustered / *independent;
  return items / (ratio * ratio);
}

RepeatErrors repeat_errors(std::span<const std::vector<double>> values) {
  std::vector<double> means;
  double noise = 0;  // sum of within_i / K_i
  bool repeated = !values.empty();
  for (const std::vector<double>& item : values) {
    means.push_back(mean(item));
    const std::optional<double> error = standard_error(item);
    repeated = repeated && error.has_value();
    noise += error.value_or(0) * error.value_or(0);
  }
  RepeatErrors errors{.mean = mean(means), .total = standard_error(means)};
  if (repeated) errors.rerun = std::sqrt(noise) / static_cast<double>(values.size());
  return errors;
}

}  // namespace moebius::reports
