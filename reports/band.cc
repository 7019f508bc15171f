// How often a model differs from itself, beside how often another differs from it.
#include "reports/compare.h"
#include "reports/statistics/distributions.h"

namespace moebius::reports {

void add_band(const Comparison& again, Comparison& comparison) {
  for (SetComparison& set : comparison.sets) {
    for (const SetComparison& own : again.sets) {
      if (own.task != set.task || own.variant != set.variant) continue;
      if (own.items == 0 || set.items == 0 || !own.why.empty()) continue;
      Band band{.items = own.items, .flips = own.gained + own.lost};
      const std::int64_t flips = set.gained + set.lost;
      const double share =
          static_cast<double>(set.items) / static_cast<double>(set.items + own.items);
      if (flips > 0) band.p = 1 - binomial_cdf(flips - 1, flips + band.flips, share);
      set.band = band;
    }
  }
}

}  // namespace moebius::reports
