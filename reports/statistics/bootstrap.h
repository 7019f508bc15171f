// Cluster bootstrap: intervals for ratios, quantiles and whatever else has no formula.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "reports/statistics/draws.h"
#include "reports/statistics/interval.h"

namespace moebius::reports {

/// A number from how often each cluster was drawn, `counts` >= 0, one for each cluster, at least
/// one of them positive. What belongs to a cluster is the caller's: both models' scores for a
/// paired difference. Must be finite for every such list and must not depend on the order of
/// calls.
using Statistic = std::function<double(std::span<const std::int32_t> counts)>;

struct BootstrapOptions {
  int draws = 10'000;  // >= 100
  std::uint64_t seed = kDrawSeed;
  double level = 0.95;
};

struct Bootstrap {
  double estimate = 0;  // every cluster once
  double error = 0;     // standard deviation over the draws
  Interval interval;
  BootstrapOptions options;  // stored with the result: the same options give the same bits
};

/// Bias-corrected and accelerated interval, from drawing `clusters` >= 2 clusters with replacement;
/// a point if no draw differs. Source: Efron 1987 (JASA 82:171-185), acceleration by leaving out
/// each cluster once. Throws std::invalid_argument if a contract above is broken.
Bootstrap bootstrap(std::size_t clusters, const Statistic& statistic,
                    const BootstrapOptions& options = {});

}  // namespace moebius::reports
