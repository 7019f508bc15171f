// Confidence intervals. The distributions are Boost.Math's, which compiles slowly and is seen by
// intervals.cc alone.
#pragma once

namespace moebius::reports {

struct Interval;

/// Two-sided quantiles: P(|X| < result) = level, level in (0, 1).
double normal_quantile(double level);
double student_t_quantile(double level, double degrees);  // degrees > 0

/// Wilson's interval for a proportion p of n (may be an effective, fractional number), n > 0.
Interval wilson(double p, double n, double level = 0.95);

/// centre +- t * error, cut to 0 .. 1.
Interval student_t(double centre, double error, double degrees, double level = 0.95);

}  // namespace moebius::reports
