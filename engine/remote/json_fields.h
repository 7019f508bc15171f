// Fields of JSON objects that may be absent or null, but not of another type.
#pragma once

#include <string>
#include <string_view>

#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"

namespace moebius::engine::remote {

using Json = nlohmann::json;

/// The member, or null if it is absent or null itself.
inline const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) {
    throw Error(std::string("answer: expected an object with \"") + key + "\", found " +
                describe(object));
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline const Json& need(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr) throw Error(std::string("answer: expected \"") + key + "\", found none");
  return *found;
}

[[noreturn]] inline void wrong_type(const char* key, const char* wanted, const Json& found) {
  throw Error(std::string("answer: \"") + key + "\": expected " + wanted + ", found " +
              describe(found));
}

inline std::string text_at(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr) return "";
  if (!found->is_string()) wrong_type(key, "a text", *found);
  return found->get<std::string>();
}

/// A count in 0 .. 2^40; `absent` without one.
inline std::int64_t count_at(const Json& object, const char* key, std::int64_t absent) {
  const Json* found = member(object, key);
  if (found == nullptr) return absent;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > (1ULL << 40)) {
    wrong_type(key, "a count", *found);
  }
  return found->get<std::int64_t>();
}

inline double number_of(const Json& value, const char* key) {
  if (!value.is_number()) wrong_type(key, "a number", value);
  return value.get<double>();
}

}  // namespace moebius::engine::remote
