// config.json, read field by field: every value is checked for type and range where it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::engine {

/// A JSON object with a name for messages ("M/config.json", then
/// "M/config.json: rope_scaling"). Every getter throws Error when the
/// field is missing (unless optional), of another type or out of range. A field that
/// is null counts as missing. Cheap to copy.
class ConfigReader {
 public:
  /// Parses `text`; throws Error if it is no JSON object, or nested deeper than 64.
  ConfigReader(std::string_view text, std::string where);

  bool has(std::string_view field) const;
  std::int64_t integer(std::string_view field, std::int64_t low, std::int64_t high) const;
  std::int64_t integer_or(std::string_view field, std::int64_t fallback, std::int64_t low,
                          std::int64_t high) const;
  double number(std::string_view field, double low, double high) const;
  double number_or(std::string_view field, double fallback, double low, double high) const;
  bool boolean_or(std::string_view field, bool fallback) const;
  std::string text(std::string_view field) const;
  std::string text_or(std::string_view field, std::string fallback) const;
  std::vector<std::string> texts_or(std::string_view field,
                                    std::vector<std::string> fallback) const;
  std::vector<std::int64_t> integers_or(std::string_view field, std::vector<std::int64_t> fallback)
      const;  // a lone number counts as a list of one
  std::vector<double> numbers_or(std::string_view field, std::vector<double> fallback) const;
  std::optional<ConfigReader> object(std::string_view field) const;  // nullopt if missing

  const std::string& where() const { return where_; }
  /// Throws Error("where: what").
  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Json;
  ConfigReader(std::shared_ptr<const Json> json, const void* node, std::string where);
  std::shared_ptr<const Json> json_;
  const void* node_;
  std::string where_;
};

}  // namespace moebius::engine
