// JSON from outside, parsed strictly: one value, no duplicate keys, limited depth, errors that
// say where.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace moebius::engine {

inline constexpr int kMaxJsonDepth = 64;

/// `text` in quotes for a message: one line of printable ASCII, everything else
/// as \xNN, cut after `limit` bytes.
std::string quote(std::string_view text, std::size_t limit = 100);

/// What a parse calls, token by token. An override may throw Error to end the parse.
class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool binary(nlohmann::json::binary_t& value) final;  // never: JSON text has none
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& error) final;

  std::size_t error_position() const { return position_; }  // bytes read when it failed
  const std::string& error_text() const { return error_; }

 private:
  std::size_t position_ = 0;
  std::string error_;
};

/// Feeds `text` to `events`. Throws Error("where: line 3, column 7: ...") for anything that is
/// not one JSON value: NaN and Infinity, numbers beyond double, ill-formed UTF-8,
/// NUL bytes and text behind the value included. Depth and keys are up to `events`.
void parse_json_events(std::string_view text, const std::string& where, JsonEvents& events);

/// Parses `text` as above; a key twice in one object and nesting deeper than
/// kMaxJsonDepth are Errors too.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// `value` in a few words for a message: 17, "abc", an array of 3.
std::string describe(const nlohmann::json& value);

}  // namespace moebius::engine
