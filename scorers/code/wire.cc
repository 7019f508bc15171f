// The wire codec: a recursive reader whose depth and size are bounded, and small writers.
#include "scorers/code/wire.h"

#include <bit>
#include <cstring>

#include "scorers/code/decimal.h"
#include "scorers/code/unicode.h"

namespace moebius::scorers::code {
namespace {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

bool hashable(const Value& value) {
  switch (value.tag) {
    case 'l':
    case 'S':
    case 'd':
    case 'B':
    case 'k':
    case 'v':
    case 'm':
    case 'Q':
    case 'a':
      return false;
    case 'D':
      return !parse_decimal(value.bytes)->signalling;
    case 't':
      for (const Value& item : value.items) {
        if (!hashable(item)) return false;
      }
      return true;
    default:
      return true;
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool all(Value& to) {
    if (!value(to, 0)) return false;
    return at_ == bytes_.size() || fail("bytes after the value");
  }
  std::string problem() const {
    return "wire: at byte " + std::to_string(at_) + ": " + (problem_ ? problem_ : "no problem");
  }

 private:
  bool fail(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
    return false;
  }
  bool take(std::size_t size, std::string_view& to) {
    if (size > bytes_.size() - at_) return fail("the value ends too early");
    to = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool count(std::uint32_t& to) {
    std::string_view raw;
    if (!take(4, raw)) return false;
    to = get_u32(raw, 0);
    return true;
  }
  bool block(Value& to) {
    std::uint32_t size = 0;
    return count(size) && take(size, to.bytes);
  }
  bool child(Value& to, int depth) { return value(to.items.emplace_back(), depth + 1); }

  bool some(Value& to, std::size_t items, int depth) {
    // Every item is a byte at least: a count that promises more than is left is refused here,
    // before anything is allocated for it.
    if (items > bytes_.size() - at_) return fail("a count is larger than what follows");
    to.items.reserve(std::min<std::size_t>(items, 1024));
    for (std::size_t i = 0; i < items; ++i) {
      if (!child(to, depth)) return false;
    }
    return true;
  }
  bool many(Value& to, int depth) {
    std::uint32_t items = 0;
    return count(items) && some(to, items, depth);
  }
  bool hashed(Value& to, int depth) {
    if (!many(to, depth)) return false;
    for (const Value& item : to.items) {
      if (!hashable(item)) return fail("a member that has no hash");
    }
    return true;
  }
  bool dict(Value& to, int depth) {
    std::uint32_t pairs = 0;
    if (!count(pairs) || !some(to, 2 * std::size_t{pairs}, depth)) return false;
    for (std::size_t i = 0; i < to.items.size(); i += 2) {
      if (!hashable(to.items[i])) return fail("a key that has no hash");
    }
    return true;
  }
  bool pairs(Value& to, int depth) {
    if (!many(to, depth)) return false;
    for (const Value& item : to.items) {
      if (item.tag != 't' || item.items.size() != 2) return fail("dict items that are no pairs");
      if (!hashable(item.items[0])) return fail("a key that has no hash");
    }
    return true;
  }
  bool ints(Value& to, int number, int depth) {
    if (!some(to, static_cast<std::size_t>(number), depth)) return false;
    for (const Value& item : to.items) {
      if (item.tag != 'i') return fail("expected an int");
    }
    const std::string_view last = to.items.back().bytes;
    if (last.find_first_not_of('\0') == std::string_view::npos) return fail("a zero");
    return to.tag != 'q' || static_cast<signed char>(last.back()) >= 0 || fail("a negative");
  }
  bool text(Value& to) { return block(to) && (is_utf8(to.bytes, true) || fail("not UTF-8")); }
  bool decimal(Value& to) {
    return block(to) && (parse_decimal(to.bytes).has_value() || fail("not a decimal"));
  }
  bool opaque(Value& to, int depth) {
    Value name;
    if (!value(name, depth + 1)) return false;
    if (name.tag != 's') return fail("expected a type's name");
    to.bytes = name.bytes;
    return true;
  }
  bool value(Value& to, int depth) {
    std::string_view tag;
    if (depth > kMaxDepth) return fail("nested too deep");
    if (++nodes_ > kMaxNodes) return fail("too many values");
    if (!take(1, tag)) return false;
    to.tag = tag[0];
    return payload(to, depth);
  }
  bool payload(Value& to, int depth) {
    switch (to.tag) {
      case 'N':
      case 'T':
      case 'F':
        return true;
      case 'i':
        return block(to) && (!to.bytes.empty() || fail("an int without bytes"));
      case 'f':
        return take(8, to.bytes);
      case 'c':
        return take(16, to.bytes);
      case 's':
        return text(to);
      case 'b':
      case 'B':
        return block(to);
      case 'D':
        return decimal(to);
      case 'l':
      case 't':
      case 'v':
      case 'I':
      case 'Q':
        return many(to, depth);
      case 'S':
      case 'z':
      case 'k':
        return hashed(to, depth);
      case 'd':
        return dict(to, depth);
      case 'm':
        return pairs(to, depth);
      case 'q':
        return ints(to, 2, depth);
      case 'r':
        return ints(to, 3, depth);
      case 'a':
        return some(to, 1, depth);
      case 'O':
      case 'o':
        return opaque(to, depth);
      default:
        return fail("no such tag");
    }
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  const char* problem_ = nullptr;
};

void put_block(std::string& out, char tag, std::string_view bytes) {
  out += tag;
  put_u32(out, static_cast<std::uint32_t>(bytes.size()));
  out += bytes;
}

}  // namespace

std::optional<Value> parse_value(std::string_view bytes, std::string& problem) {
  Reader reader(bytes);
  Value value;
  if (reader.all(value)) return value;
  problem = reader.problem();
  return std::nullopt;
}

void put_none(std::string& out) {
  out += 'N';
}
void put_bool(std::string& out, bool value) {
  out += value ? 'T' : 'F';
}

void put_float(std::string& out, double value) {
  char raw[8];
  std::memcpy(raw, &value, sizeof raw);
  out += 'f';
  out.append(raw, sizeof raw);
}

void put_str(std::string& out, std::string_view utf8) {
  put_block(out, 's', valid_utf8(utf8));
}
void put_bytes(std::string& out, std::string_view bytes) {
  put_block(out, 'b', bytes);
}

void put_tuple(std::string& out, std::uint32_t items) {
  out += 't';
  put_u32(out, items);
}

void put_u32(std::string& out, std::uint32_t value) {
  char raw[4];
  std::memcpy(raw, &value, sizeof raw);
  out.append(raw, sizeof raw);
}

std::uint32_t get_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

double get_double(std::string_view bytes, std::size_t at) {
  double value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = utf8_size(text, false);
    out += size == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string out = valid_utf8(text.substr(0, limit));
  if (out.size() > limit) out.resize(limit);
  // A character cut in two at the limit is left out.
  while (!out.empty() && !is_utf8(out, false)) out.pop_back();
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

}  // namespace moebius::scorers::code
