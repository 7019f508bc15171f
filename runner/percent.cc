// Shares given as "1%" or "0.01".
#include "runner/percent.h"

#include <fmt/format.h>

#include "runner/flags.h"
#include "runner/output.h"

namespace moebius::runner {

std::optional<double> parse_share(std::string text) {
  const bool percent = text.ends_with('%');
  if (percent) text.pop_back();
  double parsed = 0;
  if (!parse_number(text, parsed) || parsed < 0 || parsed > (percent ? 100 : 1)) {
    return std::nullopt;
  }
  return percent ? parsed / 100 : parsed;
}

CLI::Option* add_percent(CLI::App& app, const std::string& name, double& value,
                         const std::string& description) {
  const auto convert = [&value, name](const CLI::results_t& results) {
    const std::optional<double> parsed = parse_share(results.front());
    if (!parsed) {
      throw CLI::ValidationError(name,
                                 fmt::format("expected a share such as 1% or 0.01, found '{}'",
                                             one_line(results.front())));
    }
    value = *parsed;
    return true;
  };
  return app.add_option(name, convert, description)
      ->type_size(1)
      ->expected(1)
      ->type_name("SHARE")
      ->default_str(fmt::format("{:g}%", 100 * value));
}

}  // namespace moebius::runner
