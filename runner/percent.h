// Shares given as "1%" or "0.01".
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

namespace moebius::runner {

/// "1%" or "0.01" as 0.01; none if it is anything but a share in 0 .. 1.
std::optional<double> parse_share(std::string text);

/// `name` takes a share in 0 .. 1, as a number or in percent. The present value is the default.
CLI::Option* add_percent(CLI::App& app, const std::string& name, double& value,
                         const std::string& description);

}  // namespace moebius::runner
