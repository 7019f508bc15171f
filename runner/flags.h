// Options that several subcommands share, and strict versions of CLI11's own: numbers
// must be whole, finite and in range, text is taken as it is.
#pragma once

#include <CLI/App.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace moebius::runner {

/// Parses all of `text` as a number; false if there is anything else, also for nan, inf
/// and what does not fit T.
template <typename T>
bool parse_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return false;
  if constexpr (std::is_floating_point_v<T>) return std::isfinite(value);
  return true;
}

[[noreturn]] void refuse_number(const std::string& name, const std::string& found,
                                const std::string& low, const std::string& high);

/// `name` takes one number in low .. high. The present value is shown as the default.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, T low, T high,
                        const std::string& description) {
  const auto convert = [&value, name, low, high](const CLI::results_t& results) {
    T parsed{};
    if (!parse_number(results.front(), parsed) || parsed < low || parsed > high) {
      refuse_number(name, results.front(), CLI::detail::to_string(low),
                    CLI::detail::to_string(high));
    }
    value = parsed;
    return true;
  };
  return app.add_option(name, convert, description)
      ->type_size(1)
      ->expected(1)
      ->type_name("N")
      ->default_str(CLI::detail::to_string(value));
}

/// `name` may be given again and again, one value each, taken as it is.
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                       const std::string& description);

/// --model M, required unless `required` is false.
CLI::Option* add_model(CLI::App& app, std::string& model, bool required = true);

/// Where and how a local model runs.
struct EngineFlags {
  engine::LocalOptions options;

  void add_threads(CLI::App& app);
  void add_device(CLI::App& app);      // --device and --devices
  void add_arithmetic(CLI::App& app);  // --arithmetic and --kv-cache-dtype
  void add_batch_rows(CLI::App& app, const std::string& names = "--max-batch-rows");

  /// --SIDE-device, --SIDE-arithmetic and --SIDE-kv-cache-dtype, for a command with two models.
  void add_side(CLI::App& app, const std::string& side);
  /// What is said for both models, and over it what is said for this side.
  engine::LocalOptions over(const EngineFlags& both) const;

 private:
  std::optional<engine::Device> own_device_;  // of a side
  std::string device_ = "auto";
};

/// The numbers of a --batches option of `command`: comma separated, each 1 .. 4096.
std::vector<std::int32_t> parse_batches(const std::string& command, const std::string& list);

/// "Examples:" and one indented line each, for App::footer().
std::string examples(const std::vector<std::string>& lines);

/// Prompts and such: "-" reads standard input, of at most kMaxPromptBytes.
std::string text_argument(const std::string& argument);

}  // namespace moebius::runner
