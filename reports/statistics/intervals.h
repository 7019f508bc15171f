// Confidence intervals of one proportion or mean.
#pragma once

#include <cstdint>

#include "reports/statistics/interval.h"

namespace moebius::reports {

/// Two-sided quantiles: P(|X| < result) = level, level in (0, 1).
double normal_quantile(double level);
double student_t_quantile(double level, double degrees);  // degrees > 0

/// Wilson's interval for a proportion p of n (may be an effective, fractional number), n > 0.
/// Source: Wilson 1927. Nominal on average from n = 30 on; single p may lie below.
Interval wilson(double p, double n, double level = 0.95);

/// k right of n, 0 <= k <= n, n > 0; never below its level, and wider for it.
/// Source: Clopper and Pearson 1934, by quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k).
Interval clopper_pearson(std::int64_t k, std::int64_t n, double level = 0.95);

/// Equal tails of Beta(k + 1/2, n - k + 1/2), with 0 and 1 where k is 0 or n: there the tail
/// would leave out the likeliest value. Source: Brown, Cai and DasGupta 2001, section 4.1.1.
Interval jeffreys(std::int64_t k, std::int64_t n, double level = 0.95);

/// centre +- t * error, cut to 0 .. 1.
Interval student_t(double centre, double error, double degrees, double level = 0.95);

}  // namespace moebius::reports
