// McNemar's test: whether the questions that changed sides changed more often in one direction.
#pragma once

#include <cstdint>

namespace moebius::reports {

/// Two-sided p-values. gained: candidate right, base wrong; lost: the reverse; both >= 0. Questions
/// on which the two agree do not matter.

/// min(1, 2 P(X <= min(gained, lost))) with X of gained + lost fair coins. Never above its level,
/// and for small numbers far below: exact. Source: McNemar 1947 with binomial tails.
double mcnemar_exact(std::int64_t gained, std::int64_t lost);

/// The same less the chance of what was observed; 1 if gained = lost. Close to its level.
/// Source: Fagerland, Lydersen and Laake 2013 (BMC Medical Research Methodology 13:91).
double mcnemar_mid_p(std::int64_t gained, std::int64_t lost);

}  // namespace moebius::reports
