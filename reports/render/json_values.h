// What the JSON renderings have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "reports/store.h"

namespace moebius::reports {

/// Invalid UTF-8 becomes U+FFFD instead of an exception; infinities and NaN become null.
std::string dump_json(const nlohmann::ordered_json& value, int indent);
nlohmann::ordered_json optional_json(const std::optional<double>& value);  // null if there is none
nlohmann::ordered_json run_json(const Run& run);
nlohmann::ordered_json row_json(const Row& row);
nlohmann::ordered_json summary_json(const Summary& summary);
/// {low, high, level}, or null.
nlohmann::ordered_json interval_json(const std::optional<Interval>& interval, double level);
/// The document around `runs`.
nlohmann::ordered_json report_json(nlohmann::ordered_json runs);

}  // namespace moebius::reports
