// A JSON reader with Python's extensions.
#include "scorers/code/json_value.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "scorers/code/unicode.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  const std::uint32_t lead = more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0;
  out += static_cast<char>(lead | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3F));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json all() {
    Json json;
    value(json, 0);
    blank();
    if (at_ != text_.size()) fail("nothing after the value");
    return json;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error("json: at byte " + std::to_string(at_) + ": expected " + expected + ", found \"" +
                one_line(text_.substr(std::min(at_, text_.size()), 20)) + "\"");
  }
  void blank() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }
  bool eat(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void value(Json& to, int depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) fail("less nesting or fewer values");
    blank();
    if (eat("[")) return list(to, depth);
    if (eat("{")) return object(to, depth);
    if (eat("\"")) {
      to.kind = Json::Kind::kString;
      to.text = string();
      return;
    }
    if (!word(to)) number(to);
  }

  bool word(Json& to) {
    if (eat("null")) return true;
    to.truth = eat("true");
    if (to.truth || eat("false")) {
      to.kind = Json::Kind::kBool;
      return true;
    }
    if (eat("NaN")) {
      to.number = std::numeric_limits<double>::quiet_NaN();
    } else if (eat("Infinity")) {
      to.number = std::numeric_limits<double>::infinity();
    } else if (eat("-Infinity")) {
      to.number = -std::numeric_limits<double>::infinity();
    } else {
      return false;
    }
    to.kind = Json::Kind::kFloat;
    return true;
  }

  std::size_t digits() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - from;
  }

  void number(Json& to) {
    const std::size_t from = at_;
    eat("-");
    if (!eat("0") && digits() == 0) fail("a value");
    const std::size_t whole = at_;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (digits() == 0) --at_;
    }
    const std::size_t before = at_;
    if (eat("e") || eat("E")) {
      if (!eat("+")) eat("-");
      if (digits() == 0) at_ = before;
    }
    const std::string token(text_.substr(from, at_ - from));
    if (at_ == whole) {
      to.kind = Json::Kind::kInt;
      to.integer.set_str(token, 10);
    } else {
      to.kind = Json::Kind::kFloat;
      to.number = std::strtod(token.c_str(), nullptr);
    }
  }

  std::uint32_t hex4() {
    if (text_.size() - at_ < 4) fail("four hexadecimal digits");
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("four hexadecimal digits");
      value = value << 4 | static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  void escape(std::string& out) {
    if (at_ == text_.size()) fail("an escape");
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    const char c = text_[at_++];
    const std::size_t known = kFrom.find(c);
    if (known != std::string_view::npos) {
      out += kTo[known];
      return;
    }
    if (c != 'u') fail("an escape");
    std::uint32_t unit = hex4();
    if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      const std::size_t back = at_;
      at_ += 2;
      const std::uint32_t low = hex4();
      if (low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
      } else {
        at_ = back;
      }
    }
    append_utf8(out, unit);
  }

  std::string string() {
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) fail("the end of a string");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) fail("no control character in a string");
      ++at_;
      if (c == '"') return out;
      if (c == '\\') {
        escape(out);
      } else {
        out += c;
      }
    }
  }

  void list(Json& to, int depth) {
    to.kind = Json::Kind::kList;
    blank();
    if (eat("]")) return;
    do {
      value(to.items.emplace_back(), depth + 1);
      blank();
    } while (eat(","));
    if (!eat("]")) fail("\",\" or \"]\"");
  }

  void object(Json& to, int depth) {
    to.kind = Json::Kind::kObject;
    blank();
    if (eat("}")) return;
    do {
      blank();
      if (!eat("\"")) fail("a key");
      auto& [key, item] = to.members.emplace_back();
      key = string();
      blank();
      if (!eat(":")) fail("\":\"");
      value(item, depth + 1);
      blank();
    } while (eat(","));
    if (!eat("}")) fail("\",\" or \"}\"");
    keep_last(to.members);
  }

  static void keep_last(std::vector<Json::Member>& members) {
    std::reverse(members.begin(), members.end());
    const auto less = [](const auto& a, const auto& b) { return a.key < b.key; };
    std::stable_sort(members.begin(), members.end(), less);
    const auto same = [](const auto& a, const auto& b) { return a.key == b.key; };
    members.erase(std::unique(members.begin(), members.end(), same), members.end());
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

Json parse_json(std::string_view text) {
  return Parser(text).all();
}

}  // namespace moebius::scorers::code
