// Holm and Benjamini-Hochberg.
#include "reports/statistics/multiple.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <stdexcept>

namespace moebius::reports {
namespace {

std::vector<std::size_t> ascending(std::span<const double> p) {
  for (const double value : p) {
    if (!(value >= 0 && value <= 1)) throw std::invalid_argument("p-value outside 0 .. 1");
  }
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

std::vector<double> holm(std::span<const double> p) {
  const std::vector<std::size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double most = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double factor = static_cast<double>(p.size() - rank);
    most = std::max(most, std::min(1.0, factor * p[order[rank]]));
    adjusted[order[rank]] = most;
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const std::vector<std::size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (std::size_t rank = order.size(); rank-- > 0;) {
    const double factor = static_cast<double>(p.size()) / static_cast<double>(rank + 1);
    least = std::min(least, factor * p[order[rank]]);
    adjusted[order[rank]] = least;
  }
  return adjusted;
}

}  // namespace moebius::reports
