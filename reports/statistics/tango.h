// Tango's score statistic and interval for the difference of two proportions over the same
// questions. Sound where few or no questions change sides, which is the usual case of a gate.
#pragma once

#include <cstdint>
#include <functional>

#include "reports/statistics/interval.h"

namespace moebius::reports {

/// Of `items` questions, `gained` went from wrong to right and `lost` from right to wrong.
struct Flips {
  std::int64_t gained = 0;  // >= 0
  std::int64_t lost = 0;    // >= 0
  std::int64_t items = 0;   // >= gained + lost, > 0
};

/// Standard normal if the true difference, candidate less base, is `difference`, in -1 .. 1;
/// positive if more was gained than that. Infinite where the observation is impossible.
/// Source: Tango 1998 (Statistics in Medicine 17:891-908), with the closed form of the restricted
/// estimate. Throws std::invalid_argument if the counts break their contract.
double tango_z(const Flips& flips, double difference);

/// Where `z`, which falls as the difference grows from -1 to 1, crosses `level`.
double falling_crossing(const std::function<double(double)>& z, double level);

/// All differences that the two-sided test at 1 - level does not reject, within -1 .. 1.
Interval tango_interval(const Flips& flips, double level = 0.95);

}  // namespace moebius::reports
