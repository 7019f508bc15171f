// Integers out of stored JSON, which anybody may have written.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "reports/store.h"

namespace moebius::reports {

/// `value` if it is an integer in 0 .. `high`. Throws Error: nlohmann's get() converts any number,
/// and 1e99 to an integer is undefined.
inline std::int64_t json_integer(const nlohmann::json& value, std::int64_t high) {
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(high)) {
    throw Error("expected an integer in 0 .. " + std::to_string(high) + ", found " +
                value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 40));
  }
  return value.get<std::int64_t>();
}

/// A count kept in JSON: up to 2^53, so that what some thousand attempts add up to has room.
inline std::int64_t json_count(const nlohmann::json& value) {
  return json_integer(value, std::int64_t{1} << 53);
}

}  // namespace moebius::reports
