// JSON rows of data files, read by field and type.
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxShown = 60;

/// A value as an error text shows it: one line, bounded.
std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

/// Refuses what is too deep, and a field that an object has twice.
class Strict {
 public:
  explicit Strict(const std::string& where) : where_(where) {}

  bool operator()(int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxJsonDepth) {
      throw Error(where_ + ": expected JSON at most " + std::to_string(kMaxJsonDepth) +
                  " deep, found more");
    }
    if (event == Json::parse_event_t::object_start) fields_.emplace_back();
    if (event == Json::parse_event_t::object_end) fields_.pop_back();
    if (event == Json::parse_event_t::key &&
        !fields_.back().insert(value.get<std::string>()).second) {
      throw Error(where_ + ": expected each field once, found " + shown(value) + " twice");
    }
    return true;
  }

 private:
  const std::string& where_;
  std::vector<std::unordered_set<std::string>> fields_;
};

}  // namespace

Json parse_json(const std::string& where, std::string_view text) {
  if (!valid_utf8(text)) throw Error(where + ": expected UTF-8, found other bytes");
  try {
    return Json::parse(text, Strict(where));
  } catch (const Json::parse_error& error) {
    throw Error(where + ": expected JSON, found a syntax error at byte " +
                std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw Error(where + ": expected JSON, found a number out of range");
  }
}

Row::Row(std::string where, Json value)
    : where_(std::move(where)), value_(std::make_unique<Json>(std::move(value))) {
  if (!value_->is_object()) {
    throw Error(where_ + ": expected a JSON object, found " + value_->type_name());
  }
}

Row::~Row() = default;
Row::Row(Row&&) noexcept = default;
Row& Row::operator=(Row&&) noexcept = default;

const std::string& Row::where() const {
  return where_;
}
bool Row::has(const std::string& field) const {
  return value_->contains(field);
}

void Row::fail(const std::string& field, const std::string& expected,
               const std::string& found) const {
  throw Error(where_ + ": field \"" + field + "\": expected " + expected + ", found " + found);
}

const Json& Row::at(const std::string& field) const {
  const auto found = value_->find(field);
  if (found == value_->end()) throw Error(where_ + ": no field \"" + field + "\"");
  return *found;
}

std::string Row::text(const std::string& field) const {
  const Json& value = at(field);
  if (!value.is_string()) fail(field, "a string", shown(value));
  return value.get<std::string>();
}

std::string Row::text_or(const std::string& field, const std::string& otherwise) const {
  return has(field) ? text(field) : otherwise;
}

std::string Row::filled(const std::string& field) const {
  std::string value = text(field);
  if (value.empty()) fail(field, "a text", "an empty one");
  return value;
}

std::int64_t Row::integer(const std::string& field) const {
  const Json& value = at(field);
  const bool fits = value.is_number_integer() &&
                    !(value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX);
  if (!fits) fail(field, "an integer", shown(value));
  return value.get<std::int64_t>();
}

std::string Row::scalar(const std::string& field) const {
  const Json& value = at(field);
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) fail(field, "a string or a number", shown(value));
  return value.dump();
}

std::vector<std::string> Row::texts(const std::string& field) const {
  const Json& value = at(field);
  if (!value.is_array()) fail(field, "an array of strings", shown(value));
  std::vector<std::string> texts;
  for (const Json& each : value) {
    if (!each.is_string()) fail(field, "an array of strings", "in it " + shown(each));
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

void each_row(LineReader& lines, const std::function<void(const Row&)>& visit) {
  std::string line;
  while (lines.next(line)) {
    if (!line.empty()) visit(Row(lines.where(), parse_json(lines.where(), line)));
  }
}

void each_element(LineReader& document, const std::function<void(const Row&)>& visit) {
  Json array = parse_json(document.name(), document.rest());
  if (!array.is_array()) {
    throw Error(document.name() + ": expected a JSON array, found " + array.type_name());
  }
  for (std::size_t i = 0; i < array.size(); ++i) {
    visit(Row(document.name() + "[" + std::to_string(i) + "]", std::move(array[i])));
  }
}

void UniqueIds::add(const std::string& id, const std::string& where) {
  const auto [first, added] = seen_.emplace(id, where);
  if (!added) {
    throw Error(where + ": expected each id once, found \"" + id + "\" again, first at " +
                first->second);
  }
}

}  // namespace moebius::tasks
