// For tests: the part of JSON Schema that report.schema.json uses, checked strictly. A keyword
// that is not known here is an error, so that none is believed to be checked and is not.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace moebius::reports::cases {

class JsonSchema {
 public:
  explicit JsonSchema(nlohmann::json root) : root_(std::move(root)) {}

  /// Empty if `value` conforms; else where and why not.
  std::string check(const nlohmann::json& value) const { return check(root_, value, "$"); }

 private:
  using json = nlohmann::json;

  static bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == "null" && value.is_null();
  }

  static bool has_any_type(const json& value, const json& types) {
    if (types.is_string()) return has_type(value, types);
    for (const json& type : types) {
      if (has_type(value, type)) return true;
    }
    return false;
  }

  std::string check_object(const json& schema, const json& value, const std::string& at) const {
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name)) return at + ": no " + name.get<std::string>();
    }
    const json properties = schema.value("properties", json::object());
    for (const auto& [name, member] : value.items()) {
      const json other = schema.value("additionalProperties", json(true));
      const json& rule = properties.contains(name) ? properties[name] : other;
      const std::string where = at + "." + name;
      if (rule == json(false)) return where + ": not in the schema";
      if (rule.is_boolean()) continue;
      if (std::string wrong = check(rule, member, where); !wrong.empty()) return wrong;
    }
    return "";
  }

  std::string check_any(const json& choices, const json& value, const std::string& at) const {
    std::string wrong;
    for (const json& choice : choices) {
      wrong = check(choice, value, at);
      if (wrong.empty()) return "";
    }
    return wrong;
  }

  std::string check_values(const json& schema, const json& value, const std::string& at) const {
    if (schema.contains("type") && !has_any_type(value, schema["type"])) return at + ": type";
    if (schema.contains("const") && value != schema["const"]) return at + ": const";
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
      return at + ": enum";
    }
    if (!value.is_number()) return "";
    if (schema.contains("minimum") && value < schema["minimum"]) return at + ": minimum";
    if (schema.contains("maximum") && value > schema["maximum"]) return at + ": maximum";
    return "";
  }

  std::string check(const json& schema, const json& value, const std::string& at) const {
    static const std::set<std::string> kKnown = {
        "$schema", "$id",        "$defs",   "$ref",  "title",   "description",
        "type",    "required",   "minimum", "const", "maximum", "additionalProperties",
        "enum",    "properties", "items",   "anyOf"};
    for (const auto& [keyword, unused] : schema.items()) {
      if (kKnown.count(keyword) == 0) return "schema keyword " + keyword + " is not checked";
    }
    if (schema.contains("$ref")) {
      const std::string name = schema["$ref"].get<std::string>().substr(std::size("#/$defs/") - 1);
      if (std::string wrong = check(root_.at("$defs").at(name), value, at); !wrong.empty()) {
        return wrong;
      }
    }
    if (std::string wrong = check_values(schema, value, at); !wrong.empty()) return wrong;
    if (schema.contains("anyOf")) {
      if (std::string wrong = check_any(schema["anyOf"], value, at); !wrong.empty()) return wrong;
    }
    if (value.is_object()) return check_object(schema, value, at);
    if (!value.is_array() || !schema.contains("items")) return "";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string where = at + "[" + std::to_string(i) + "]";
      if (std::string wrong = check(schema["items"], value[i], where); !wrong.empty()) return wrong;
    }
    return "";
  }

  json root_;
};

}  // namespace moebius::reports::cases
