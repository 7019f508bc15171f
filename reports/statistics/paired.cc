// Paired differences.
#include "reports/statistics/paired.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "reports/statistics/clusters.h"
#include "reports/statistics/distributions.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/intervals.h"
#include "reports/statistics/mcnemar.h"
#include "reports/statistics/sign_flip.h"

namespace moebius::reports {
namespace {

bool fractions(const std::vector<double>& scores) {
  return std::all_of(scores.begin(), scores.end(), [](double s) { return s >= 0 && s <= 1; });
}

bool zeros_and_ones(const std::vector<double>& scores) {
  return std::all_of(scores.begin(), scores.end(), [](double s) { return s == 0 || s == 1; });
}

template <typename T>
std::vector<T> first_of(const std::vector<T>& values, std::size_t count) {
  const std::size_t taken = std::min(count, values.size());
  return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken)};
}

void require_paired(const PairedScores& scores) {
  const std::size_t n = scores.base.size();
  if (n == 0) throw std::invalid_argument("paired: no questions");
  if (scores.candidate.size() != n || (!scores.clusters.empty() && scores.clusters.size() != n)) {
    throw std::invalid_argument("paired: lists of different lengths");
  }
  if (!fractions(scores.base) || !fractions(scores.candidate)) {
    throw std::invalid_argument("paired: score outside 0 .. 1");
  }
}

/// The normal point with as much below it as the t point has; by the nearer tail, which keeps
/// its digits.
double as_normal(double t, double degrees) {
  if (std::isinf(t)) return t;
  const double tail = student_t_cdf(-std::fabs(t), degrees);
  const double z = tail > 0 ? -normal_point(tail) : std::fabs(t);
  return std::copysign(z, t);
}

}  // namespace

std::vector<double> PairedScores::differences() const {
  std::vector<double> differences(base.size());
  for (std::size_t i = 0; i < base.size(); ++i) differences[i] = candidate[i] - base[i];
  return differences;
}

bool PairedScores::binary() const {
  return zeros_and_ones(base) && zeros_and_ones(candidate);
}

Flips PairedScores::flips() const {
  Flips flips{.items = static_cast<std::int64_t>(base.size())};
  for (std::size_t i = 0; i < base.size(); ++i) {
    flips.gained += candidate[i] - base[i] > kSameScore ? 1 : 0;
    flips.lost += base[i] - candidate[i] > kSameScore ? 1 : 0;
  }
  return flips;
}

PairedScores PairedScores::prefix(std::size_t items) const {
  return {first_of(base, items), first_of(candidate, items), first_of(clusters, items)};
}

PairedTest::PairedTest(PairedScores scores) : scores_(std::move(scores)) {
  const ClusterPlaces places = place_clusters(scores_.clusters);
  prepare(places.of_value, places.count);
}

PairedTest::PairedTest(PairedScores scores, std::span<const std::uint32_t> clusters)
    : scores_(std::move(scores)) {
  if (!clusters.empty() && clusters.size() != scores_.base.size()) {
    throw std::invalid_argument("paired: lists of different lengths");
  }
  prepare(clusters, count_clusters(clusters));
}

void PairedTest::prepare(std::span<const std::uint32_t> clusters, std::size_t count) {
  require_paired(scores_);
  flips_ = scores_.flips();
  const std::vector<double> differences = scores_.differences();
  difference_ = mean(differences);
  error_ = standard_error(differences);
  clustered_ = count >= kMinClusters && count < items();
  if (clustered_) {
    const std::optional<double> independent = error_;
    error_ = clustered_error(differences, clusters);
    if (*independent > 0) design_ = std::max(1.0, *error_ / *independent);
  }
  const bool spread = flips_.gained + flips_.lost >= kMinChanged && *error_ > kSameScore;
  kind_ = scores_.binary() ? Method::kTango : spread ? Method::kStudent : Method::kBounds;
  if (clustered_ || kind_ == Method::kStudent) {
    degrees_ = static_cast<double>((clustered_ ? count : items()) - 1);
  }
  method_ =
      std::string(clustered_ ? "clustered " : "") + (kind_ == Method::kTango    ? "tango"
                                                     : kind_ == Method::kBounds ? "tango bounds"
                                                                                : "t");
}

std::optional<double> PairedTest::correlation() const {
  const double base = mean(scores_.base);
  const double candidate = mean(scores_.candidate);
  double both = 0;
  double own = 0;
  double other = 0;
  for (std::size_t i = 0; i < items(); ++i) {
    const double x = scores_.base[i] - base;
    const double y = scores_.candidate[i] - candidate;
    both += x * y, own += x * x, other += y * y;
  }
  if (own <= 0 || other <= 0) return std::nullopt;
  return both / std::sqrt(own * other);
}

std::optional<double> PairedTest::unpaired_error() const {
  const auto base = standard_error(scores_.base);
  const auto candidate = standard_error(scores_.candidate);
  if (!base || !candidate) return std::nullopt;
  return std::hypot(*base, *candidate);
}

/// Tango's statistic; for partial scores the one that is sure, zero if neither is.
double PairedTest::count_z(double difference) const {
  if (kind_ == Method::kTango) return tango_z(flips_, difference);
  const double least = tango_z({.lost = flips_.lost, .items = flips_.items}, difference);
  const double most = tango_z({.gained = flips_.gained, .items = flips_.items}, difference);
  return least > 0 ? least : std::min(most, 0.0);
}

double PairedTest::z(double difference) const {
  const double statistic = kind_ == Method::kStudent ? (difference_ - difference) / *error_
                                                     : count_z(difference) / design_;
  return degrees_ > 0 ? as_normal(statistic, degrees_) : statistic;
}

Interval PairedTest::interval(double level) const {
  const double point = degrees_ > 0 ? student_t_quantile(level, degrees_) : normal_quantile(level);
  if (kind_ == Method::kStudent) {
    const double half = point * *error_;
    return {std::max(-1.0, difference_ - half), std::min(1.0, difference_ + half)};
  }
  return {falling_crossing([&](double d) { return count_z(d); }, design_ * point),
          falling_crossing([&](double d) { return count_z(d); }, -design_ * point)};
}

double PairedTest::quick_no_difference() const {
  if (kind_ == Method::kTango && !clustered_) return mcnemar_mid_p(flips_.gained, flips_.lost);
  return std::min(1.0, 2 * normal_cdf(-std::fabs(z(0))));
}

PairedTest::NoDifference PairedTest::no_difference() const {
  if (kind_ == Method::kTango && !clustered_) {
    return {mcnemar_mid_p(flips_.gained, flips_.lost), "mcnemar mid-p"};
  }
  if (!clustered_ && flips_.gained + flips_.lost > kMostFlipped) {
    return {quick_no_difference(), "normal"};  // as far as draws can tell them apart
  }
  const SignFlip test =
      sign_flip(scores_.differences(), clustered_ ? scores_.clusters : std::vector<std::string>());
  return {test.p, clustered_ ? "clustered sign-flip" : "sign-flip"};
}

}  // namespace moebius::reports
