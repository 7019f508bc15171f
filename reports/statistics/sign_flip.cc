// Sign-flip permutation test.
#include "reports/statistics/sign_flip.h"

#include <cmath>
#include <vector>

#include "reports/statistics/clusters.h"

namespace moebius::reports {
namespace {

std::vector<double> cluster_differences(std::span<const double> differences,
                                        std::span<const std::string> clusters) {
  std::vector<double> sums(differences.begin(), differences.end());
  if (!clusters.empty()) sums = sum_clusters(place_clusters(clusters), differences);
  std::erase(sums, 0.0);
  return sums;
}

/// Every pattern once, in Gray's order: one sign changes from each to the next.
double all_patterns(std::vector<double> signed_sums, double bound) {
  const std::uint64_t patterns = 1ULL << signed_sums.size();
  std::uint64_t hits = 0;
  double sum = 0;
  for (const double value : signed_sums) sum += value;
  for (std::uint64_t i = 1; i <= patterns; ++i) {
    hits += std::fabs(sum) >= bound ? 1 : 0;
    if (i == patterns) break;
    double& flipped = signed_sums[static_cast<std::size_t>(__builtin_ctzll(i))];
    sum -= 2 * flipped;
    flipped = -flipped;
  }
  return static_cast<double>(hits) / static_cast<double>(patterns);
}

double drawn_patterns(const std::vector<double>& sums, double bound, std::uint64_t seed,
                      int draws) {
  Draws random(seed);
  int hits = 0;
  for (int draw = 0; draw < draws; ++draw) {
    double sum = 0;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      bits = i % 64 == 0 ? random.bits() : bits >> 1;
      sum += (bits & 1) != 0 ? sums[i] : -sums[i];
    }
    hits += std::fabs(sum) >= bound ? 1 : 0;
  }
  return (1.0 + hits) / (1.0 + draws);
}

}  // namespace

SignFlip sign_flip(std::span<const double> differences, std::span<const std::string> clusters,
                   std::uint64_t seed, int draws) {
  const std::vector<double> sums = cluster_differences(differences, clusters);
  double total = 0;
  double size = 0;
  for (const double sum : sums) total += sum, size += std::fabs(sum);
  // A pattern that ties with the observed one must count whatever its sum's rounding.
  const double bound = std::fabs(total) - 1e-12 * size;
  if (sums.size() <= kExactSignFlips) return {.p = all_patterns(sums, bound)};
  return {.p = drawn_patterns(sums, bound, seed, draws), .exact = false, .seed = seed};
}

}  // namespace moebius::reports
