// A stratified shuffle.
#include "reports/statistics/item_order.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "reports/statistics/draws.h"

namespace moebius::reports {

std::vector<std::size_t> stratified_order(std::span<const std::string> strata, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < strata.size(); ++i) members[strata[i]].push_back(i);
  Draws random(seed);
  std::vector<std::tuple<double, std::size_t>> places;  // where in 0 .. 1 each item stands
  for (auto& [name, items] : members) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
    const double offset = random.unit();
    for (std::size_t i = 0; i < items.size(); ++i) {
      places.emplace_back((static_cast<double>(i) + offset) / static_cast<double>(items.size()),
                          items[i]);
    }
  }
  std::sort(places.begin(), places.end());
  std::vector<std::size_t> order;
  for (const auto& [place, item] : places) order.push_back(item);
  return order;
}

}  // namespace moebius::reports
