// Many p-values at once: adjusted so that each may be compared with the level wanted for all.
#pragma once

#include <span>
#include <vector>

namespace moebius::reports {

/// In the order given; all p in 0 .. 1, else std::invalid_argument.

/// Adjusted p-values: rejecting those <= alpha errs anywhere with a chance of at most alpha,
/// however the tests depend on each other. For gates. Source: Holm 1979.
std::vector<double> holm(std::span<const double> p);

/// q-values: among those <= q rejected, at most a share q is wrong on average. For tables that
/// are looked through. Source: Benjamini and Hochberg 1995.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace moebius::reports
