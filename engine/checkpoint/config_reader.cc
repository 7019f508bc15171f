// config.json, read field by field.
#include "engine/checkpoint/config_reader.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

using nlohmann::json;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Null where the field is missing or null.
const json* find(const void* node, std::string_view field) {
  const json& object = *static_cast<const json*>(node);
  const auto found = object.find(field);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void mismatch(const ConfigReader& reader, std::string_view field,
                           const std::string& expected, const json* found) {
  reader.fail(quote(field) + ": expected " + expected + ", found " +
              (found == nullptr ? "nothing" : describe(*found)));
}

// Some writers store whole numbers as 1.0; up to 2^53 a double still names one integer.
std::optional<std::int64_t> as_integer(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(kHighest)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (number != std::trunc(number) || std::abs(number) > 0x1p53) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string integer_in(std::int64_t low, std::int64_t high) {
  return "an integer in " + std::to_string(low) + ".." + std::to_string(high);
}

std::int64_t checked_integer(const ConfigReader& reader, std::string_view field, const json* value,
                             std::int64_t low, std::int64_t high) {
  const auto number = value == nullptr ? std::nullopt : as_integer(*value);
  if (!number || *number < low || *number > high) {
    mismatch(reader, field, integer_in(low, high), value);
  }
  return *number;
}

double checked_number(const ConfigReader& reader, std::string_view field, const json* value,
                      double low, double high) {
  if (value != nullptr && value->is_number()) {
    const double number = value->get<double>();
    if (number >= low && number <= high) return number;
  }
  mismatch(reader, field, "a number in " + short_number(low) + ".." + short_number(high), value);
}

std::string checked_text(const ConfigReader& reader, std::string_view field, const json* value) {
  if (value == nullptr || !value->is_string()) mismatch(reader, field, "a string", value);
  return value->get<std::string>();
}

const json& checked_array(const ConfigReader& reader, std::string_view field, const json& value,
                          const char* expected) {
  if (!value.is_array()) mismatch(reader, field, expected, &value);
  return value;
}

}  // namespace

struct ConfigReader::Json {
  explicit Json(json value) : root(std::move(value)) {}
  json root;
};

ConfigReader::ConfigReader(std::string_view text, std::string where)
    : node_(nullptr), where_(std::move(where)) {
  json_ = std::make_shared<Json>(parse_json(text, where_));
  if (!json_->root.is_object()) fail("expected a JSON object, found " + describe(json_->root));
  node_ = &json_->root;
}

ConfigReader::ConfigReader(std::shared_ptr<const Json> json, const void* node, std::string where)
    : json_(std::move(json)), node_(node), where_(std::move(where)) {}

void ConfigReader::fail(const std::string& what) const {
  throw Error(where_ + ": " + what);
}

bool ConfigReader::has(std::string_view field) const {
  return find(node_, field) != nullptr;
}

std::int64_t ConfigReader::integer(std::string_view field, std::int64_t low,
                                   std::int64_t high) const {
  return checked_integer(*this, field, find(node_, field), low, high);
}

std::int64_t ConfigReader::integer_or(std::string_view field, std::int64_t fallback,
                                      std::int64_t low, std::int64_t high) const {
  return has(field) ? integer(field, low, high) : fallback;
}

double ConfigReader::number(std::string_view field, double low, double high) const {
  return checked_number(*this, field, find(node_, field), low, high);
}

double ConfigReader::number_or(std::string_view field, double fallback, double low,
                               double high) const {
  return has(field) ? number(field, low, high) : fallback;
}

bool ConfigReader::boolean_or(std::string_view field, bool fallback) const {
  const json* value = find(node_, field);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) mismatch(*this, field, "true or false", value);
  return value->get<bool>();
}

std::string ConfigReader::text(std::string_view field) const {
  return checked_text(*this, field, find(node_, field));
}

std::string ConfigReader::text_or(std::string_view field, std::string fallback) const {
  return has(field) ? text(field) : std::move(fallback);
}

std::vector<std::string> ConfigReader::texts_or(std::string_view field,
                                                std::vector<std::string> fallback) const {
  const json* value = find(node_, field);
  if (value == nullptr) return fallback;
  std::vector<std::string> texts;
  for (const json& item : checked_array(*this, field, *value, "an array of strings")) {
    texts.push_back(checked_text(*this, field, &item));
  }
  return texts;
}

std::vector<std::int64_t> ConfigReader::integers_or(std::string_view field,
                                                    std::vector<std::int64_t> fallback) const {
  const json* value = find(node_, field);
  if (value == nullptr) return fallback;
  if (value->is_number()) return {checked_integer(*this, field, value, kLowest, kHighest)};
  std::vector<std::int64_t> numbers;
  for (const json& item : checked_array(*this, field, *value, "an array of integers")) {
    numbers.push_back(checked_integer(*this, field, &item, kLowest, kHighest));
  }
  return numbers;
}

std::vector<double> ConfigReader::numbers_or(std::string_view field,
                                             std::vector<double> fallback) const {
  const json* value = find(node_, field);
  if (value == nullptr) return fallback;
  std::vector<double> numbers;
  for (const json& item : checked_array(*this, field, *value, "an array of numbers")) {
    numbers.push_back(checked_number(*this, field, &item, -kInfinity, kInfinity));
  }
  return numbers;
}

std::optional<ConfigReader> ConfigReader::object(std::string_view field) const {
  const json* value = find(node_, field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) mismatch(*this, field, "an object", value);
  const char* separator = node_ == &json_->root ? ": " : ".";
  return ConfigReader(json_, value, where_ + separator + std::string(field));
}

}  // namespace moebius::engine
