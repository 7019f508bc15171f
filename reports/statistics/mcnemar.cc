// McNemar's test.
#include "reports/statistics/mcnemar.h"

#include <algorithm>

#include "reports/statistics/distributions.h"

namespace moebius::reports {

double mcnemar_exact(std::int64_t gained, std::int64_t lost) {
  if (gained == lost) return 1;
  return std::min(1.0, 2 * binomial_cdf(std::min(gained, lost), gained + lost, 0.5));
}

double mcnemar_mid_p(std::int64_t gained, std::int64_t lost) {
  if (gained == lost) return 1;
  const std::int64_t fewer = std::min(gained, lost);
  return 2 * binomial_cdf(fewer, gained + lost, 0.5) - binomial_chance(fewer, gained + lost, 0.5);
}

}  // namespace moebius::reports
