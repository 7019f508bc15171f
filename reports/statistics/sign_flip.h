// Sign-flip permutation test: whether paired differences lean to one side more than chance would
// have them, without any assumption on how they are distributed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "reports/statistics/draws.h"

namespace moebius::reports {

/// Up to so many clusters with a difference all 2^n signs are tried.
inline constexpr std::size_t kExactSignFlips = 20;

struct SignFlip {
  double p = 1;            // two-sided
  bool exact = true;       // all signs were tried
  std::uint64_t seed = 0;  // if not exact: what the signs were drawn from
};

/// Two models that do not differ are as likely to have exchanged their scores on any cluster.
/// p: the share of sign patterns, of all or (1 + hits) / (1 + draws) of `draws` >= 1 drawn, whose
/// sum is at least as far from zero as the observed one. `clusters`: one name per difference;
/// empty names and an empty list are clusters of one.
/// Source: Fisher 1935; one sign per cluster as in cluster-randomised tests; the 1 + of Phipson
/// and Smyth 2010.
SignFlip sign_flip(std::span<const double> differences, std::span<const std::string> clusters,
                   std::uint64_t seed = kDrawSeed, int draws = 100'000);

}  // namespace moebius::reports
