// Values added up within clusters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moebius::reports {

/// The place of each value's cluster, from 0 in the order of first appearance, so that sums have
/// the same bits every time; the empty name stands for no cluster: such a value is alone in one.
struct ClusterPlaces {
  std::vector<std::uint32_t> of_value;
  std::size_t count = 0;
};

inline ClusterPlaces place_clusters(std::span<const std::string> clusters) {
  ClusterPlaces places;
  std::unordered_map<std::string_view, std::size_t> known;
  for (const std::string& name : clusters) {
    const bool alone = name.empty();
    const auto place = alone ? places.count : known.emplace(name, places.count).first->second;
    places.count += place == places.count ? 1 : 0;
    places.of_value.push_back(static_cast<std::uint32_t>(place));
  }
  return places;
}

inline std::vector<double> sum_clusters(const ClusterPlaces& places,
                                        std::span<const double> values) {
  std::vector<double> sums(places.count);
  for (std::size_t i = 0; i < values.size(); ++i) sums[places.of_value[i]] += values[i];
  return sums;
}

}  // namespace moebius::reports
