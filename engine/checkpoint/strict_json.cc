// Strict JSON on top of nlohmann's event parser, which keeps no recursion and no document itself.
#include "engine/checkpoint/strict_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

using nlohmann::json;

std::string printable(std::string_view text, std::size_t limit) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (text.size() > limit) out += "...";
  return out;
}

std::string place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return "line " + std::to_string(line) + ", column " + std::to_string(offset - start + 1) + ": ";
}

// nlohmann's texts read "[json.exception...] parse error at line 1, column 2: the reason".
std::string reason(std::string_view what) {
  if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
  if (what.starts_with("parse error at ")) {
    if (const auto end = what.find(": "); end != std::string_view::npos) {
      what.remove_prefix(end + 2);
    }
  }
  return printable(what, 200);
}

// The document, built while the depth and the keys are checked.
class Document : public JsonEvents {
 public:
  explicit Document(const std::string& where) : where_(where) {}
  json take() { return std::move(root_); }

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(std::int64_t value) override { return put(value) != nullptr; }
  bool number_unsigned(std::uint64_t value) override { return put(value) != nullptr; }
  bool number_float(double value, const std::string&) override { return put(value) != nullptr; }
  bool string(std::string& value) override { return put(std::move(value)) != nullptr; }
  bool start_object(std::size_t) override { return open(json::value_t::object); }
  bool start_array(std::size_t) override { return open(json::value_t::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    const auto [slot, fresh] = open_.back()->emplace(std::move(name), nullptr);
    if (!fresh) throw Error(where_ + ": key " + quote(slot.key()) + " appears twice in one object");
    slot_ = &slot.value();
    return true;
  }

 private:
  json* put(json value) {
    json* target = &root_;
    if (!open_.empty() && open_.back()->is_array()) {
      target = &open_.back()->emplace_back();
    } else if (!open_.empty()) {
      target = slot_;
    }
    *target = std::move(value);
    return target;
  }

  bool open(json::value_t kind) {
    if (open_.size() == kMaxJsonDepth) {
      throw Error(where_ + ": expected JSON nested at most " + std::to_string(kMaxJsonDepth) +
                  " deep, found more");
    }
    open_.push_back(put(json(kind)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const std::string& where_;
  json root_;
  std::vector<json*> open_;  // outermost first; an element stays in place while it is open
  json* slot_ = nullptr;     // where the value of the last key goes
};

}  // namespace

std::string quote(std::string_view text, std::size_t limit) {
  return '"' + printable(text, limit) + '"';
}

bool JsonEvents::binary(json::binary_t& /*value*/) {
  return false;
}

bool JsonEvents::parse_error(std::size_t position, const std::string& /*token*/,
                             const json::exception& error) {
  position_ = position;
  error_ = reason(error.what());
  return false;
}

void parse_json_events(std::string_view text, const std::string& where, JsonEvents& events) {
  // The parser would take a NUL byte for the end of the text.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    throw Error(where + ": " + place(text, nul) + "expected JSON, found a NUL byte");
  }
  if (json::sax_parse(text.begin(), text.end(), &events)) return;
  const std::size_t read = std::min(events.error_position(), text.size());
  const std::size_t last = read == 0 ? 0 : read - 1;
  const std::string_view rest = text.substr(last);
  for (const std::string_view literal : {"NaN", "Infinity"}) {
    if (rest.starts_with(literal)) {
      throw Error(where + ": " + place(text, last) + "expected a finite number, found " +
                  std::string(literal));
    }
  }
  throw Error(where + ": " + place(text, last) + "not JSON: " + events.error_text());
}

json parse_json(std::string_view text, const std::string& where) {
  Document document(where);
  parse_json_events(text, where, document);
  return document.take();
}

std::string describe(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array of " + std::to_string(value.size());
    case json::value_t::string:
      return quote(value.get_ref<const std::string&>(), 40);
    default:
      return value.dump();
  }
}

}  // namespace moebius::engine
