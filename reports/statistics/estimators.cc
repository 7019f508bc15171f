// Means and their errors.
#include "reports/statistics/estimators.h"

#include <algorithm>
#include <cmath>
#include <map>
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

template <typename Name, typename Names>
std::optional<double> error_of_clusters(std::span<const double> values, const Names& clusters,
                                        std::size_t min_clusters) {
  const double centre = mean(values);
  std::unordered_map<Name, std::size_t> places;
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
  return std::unordered_set<std::string_view>(clusters.begin(), clusters.end()).size();
}

std::size_t count_clusters(std::span<const std::uint32_t> clusters) {
  return std::unordered_set<std::uint32_t>(clusters.begin(), clusters.end()).size();
}

std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::string> clusters,
                                      std::size_t min_clusters) {
  return error_of_clusters<std::string_view>(values, clusters, min_clusters);
}

std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::uint32_t> clusters,
                                      std::size_t min_clusters) {
  return error_of_clusters<std::uint32_t>(values, clusters, min_clusters);
}

std::optional<double> stratified_error(std::span<const double> values,
                                       std::span<const std::string> strata) {
  std::map<std::string, std::vector<double>> members;
  for (std::size_t i = 0; i < values.size(); ++i) members[strata[i]].push_back(values[i]);
  double sum = 0;
  for (const auto& [name, own] : members) {
    const std::optional<double> error = standard_error(own);
    if (!error) return std::nullopt;
    const double part = static_cast<double>(own.size()) / static_cast<double>(values.size());
    sum += part * *error * part * *error;
  }
  if (members.empty()) return std::nullopt;
  return std::sqrt(sum);
}

double effective_items(std::size_t n, std::optional<double> clustered,
                       std::optional<double> independent) {
  const auto items = static_cast<double>(n);
  if (!clustered || !independent || *clustered <= 0 || *independent <= 0) return items;
  const double ratio = *clustered / *independent;
  return items / (ratio * ratio);
}

void RerunError::add(std::span<const double> item) {
  const std::optional<double> error = standard_error(item);
  repeated_ = repeated_ && error.has_value();
  noise_ += error.value_or(0) * error.value_or(0);
  ++items_;
}

std::optional<double> RerunError::value() const {
  if (items_ == 0 || !repeated_) return std::nullopt;
  return std::sqrt(noise_) / static_cast<double>(items_);
}

RepeatErrors repeat_errors(std::span<const std::vector<double>> values) {
  std::vector<double> means;
  RerunError noise;
  for (const std::vector<double>& item : values) {
    means.push_back(mean(item));
    noise.add(item);
  }
  RepeatErrors errors{.mean = mean(means), .total = standard_error(means), .rerun = noise.value()};
  if (!errors.rerun || !errors.total) return errors;
  const auto n = static_cast<double>(values.size());
  const double within = n * *errors.rerun * *errors.rerun;
  errors.between = std::max(0.0, n * *errors.total * *errors.total - within);
  return errors;
}

}  // namespace moebius::reports
