// How many items and repeats it takes to see a difference, and what so many can see.
#pragma once

#include <cstdint>

namespace moebius::reports {

/// How sure one wants to be.
struct Assurance {
  double alpha = 0.05;  // chance of an error, in (0, 1)
  double power = 0.8;   // chance to see the difference, in (0, 1)
  int sides = 1;        // 1: gate against a margin; 2: any difference
};

/// Variance of one item's difference between two models.
/// Source: Miller 2024 (arXiv 2411.00640), section 5.
struct DifferenceVariance {
  double between = 0;    // of the items' true differences
  double base = 0;       // mean variance of one sample of the base within an item
  double candidate = 0;  // and of the candidate
  std::int64_t base_repeats = 1;
  std::int64_t candidate_repeats = 1;

  double of_item() const;  // between + base / K_base + candidate / K_candidate
};

/// Of the difference of two 0/1 scores when a share `flip_rate` of the questions changes sides
/// and the true difference is near zero: the flip rate itself.
DifferenceVariance of_flips(double flip_rate);

/// Items needed to see `difference` > 0 (for a gate: the distance from the true difference to the
/// margin), at least 1: ceil((z_{1 - alpha / sides} + z_power)^2 variance / difference^2).
/// Throws std::invalid_argument for values outside their ranges.
std::int64_t items_needed(const DifferenceVariance& variance, double difference,
                          const Assurance& assurance = {});

/// The same for the smallest difference that `items` > 0 can see.
double detectable_difference(const DifferenceVariance& variance, std::int64_t items,
                             const Assurance& assurance = {});

/// The chance that `items` see `difference` >= 0.
double power_of(const DifferenceVariance& variance, double difference, std::int64_t items,
                const Assurance& assurance = {});

}  // namespace moebius::reports
