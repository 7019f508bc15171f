// Means and their errors: independent items, items in clusters, several samples per item.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moebius::reports {

/// Fewer clusters than this say too little about the spread between clusters.
inline constexpr std::size_t kMinClusters = 10;

double mean(std::span<const double> values);  // 0 if there are none

/// sqrt(sum (s_i - mean)^2 / (n (n - 1))). None if n < 2.
std::optional<double> standard_error(std::span<const double> values);

/// sqrt(C / (C - 1) * sum_c (sum_{i in c} (s_i - mean))^2) / n. `clusters`: one name per value.
/// None if there are fewer than `min_clusters` (at least 2) different ones.
/// Source: Miller 2024 (arXiv 2411.00640), with the factor C / (C - 1).
std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::string> clusters,
                                      std::size_t min_clusters = kMinClusters);
std::size_t count_clusters(std::span<const std::string> clusters);  // different names
/// The same with clusters as numbers.
std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::uint32_t> clusters,
                                      std::size_t min_clusters = kMinClusters);
std::size_t count_clusters(std::span<const std::uint32_t> clusters);

/// Error of a mean whose strata are fixed and not drawn, as the subjects of MATH:
/// sqrt(sum_h w_h^2 SE_h^2), w_h the stratum's share of the values. None if a stratum has one value
/// only. Source: Cochran 1977, Sampling Techniques, section 5.
std::optional<double> stratified_error(std::span<const double> values,
                                       std::span<const std::string> strata);

/// n / deff with deff = (clustered / independent error)^2: how many independent items say as
/// much. n if the errors are zero or missing.
double effective_items(std::size_t n, std::optional<double> clustered,
                       std::optional<double> independent);

/// Several samples per item.
struct RepeatErrors {
  double mean = 0;              // of the items' means
  std::optional<double> total;  // if the questions were drawn anew: sqrt(Var(p_i) / n)
  std::optional<double> rerun;  // if only the answers were: sqrt(mean_i(within_i / K_i) / n)
  /// Variance of the items' true means: Var(p_i) - mean_i(within_i / K_i), at least 0. What more
  /// repeats do not reduce.
  std::optional<double> between;
};
/// `values[i]`: the scores of item i, at least one each. within_i is the sample variance, for 0/1
/// scores K/(K-1) p (1-p). `rerun` none unless every item has two or more, nor `between` unless
/// there are two items too.
RepeatErrors repeat_errors(std::span<const std::vector<double>> values);

/// RepeatErrors::rerun of items that come one at a time.
class RerunError {
 public:
  void add(std::span<const double> item);  // its scores, at least one
  std::optional<double> value() const;

 private:
  double noise_ = 0;  // sum of within_i / K_i
  std::size_t items_ = 0;
  bool repeated_ = true;  // every item was
};

}  // namespace moebius::reports
