// The order in which items are asked when results are looked at before the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moebius::reports {

/// A shuffle of the items 0 .. n - 1 in which every prefix holds of each stratum its share, up to
/// one item, and of these a random sample. The same for the same strata and seed on every
/// platform. Looks go by completed prefixes of it, never by what finished first: fast answers are
/// the short ones.
std::vector<std::size_t> stratified_order(std::span<const std::string> strata, std::uint64_t seed);

}  // namespace moebius::reports
