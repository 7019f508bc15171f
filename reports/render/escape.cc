// Text of unknown origin made harmless.
#include "reports/render/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace moebius::reports {
namespace {

constexpr char32_t kReplacement = 0xfffd;

struct CodePoint {
  char32_t value = kReplacement;
  std::size_t bytes = 1;
  bool valid = false;
};

/// The code point at the start of `text`, which is not empty.
CodePoint first(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t value = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[bytes] || value > 0x10ffff || surrogate) return {};
  return {value, bytes, true};
}

/// Would move the cursor, change the direction of writing, or not be seen.
bool unseen(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

void append_visible(std::string& to, char32_t c) {
  const auto out = std::back_inserter(to);
  if (c == '\n') {
    to += "\\n";
  } else if (c == '\t') {
    to += "\\t";
  } else if (c < 0x100) {
    fmt::format_to(out, "\\x{:02x}", static_cast<std::uint32_t>(c));
  } else {
    fmt::format_to(out, "\\u{{{:x}}}", static_cast<std::uint32_t>(c));
  }
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Calls `each(code point, its bytes)`; bytes outside any come as U+FFFD.
template <typename Each>
void walk(std::string_view text, Each each) {
  while (!text.empty()) {
    const CodePoint point = first(text);
    each(point.value, point.valid ? text.substr(0, point.bytes) : std::string_view("\xef\xbf\xbd"));
    text.remove_prefix(point.bytes);
  }
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  walk(text, [&](char32_t, std::string_view bytes) { valid += bytes; });
  return valid;
}

std::string escape_terminal(std::string_view text) {
  std::string line;
  walk(text, [&](char32_t c, std::string_view bytes) {
    if (c == '\\') {
      line += "\\\\";
    } else if (unseen(c)) {
      append_visible(line, c);
    } else {
      line += bytes;
    }
  });
  return line;
}

std::string escape_block(std::string_view text) {
  std::string block;
  walk(text, [&](char32_t c, std::string_view bytes) {
    if (unseen(c) && c != '\n' && c != '\t') {
      append_visible(block, c);
    } else {
      block += bytes;
    }
  });
  return block;
}

std::string escape_xml(std::string_view text) {
  std::string safe;
  walk(text, [&](char32_t c, std::string_view bytes) {
    const bool blank = c == '\t' || c == '\n' || c == '\r';
    const bool forbidden = (c < 0x20 && !blank) || c == 0xfffe || c == 0xffff;
    if (forbidden) {
      safe += "\xef\xbf\xbd";
    } else if (blank || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'') {
      safe += "&#" + std::to_string(static_cast<std::uint32_t>(c)) + ";";
    } else {
      safe += bytes;
    }
  });
  return safe;
}

std::string escape_markdown(std::string_view text) {
  std::string line;
  char before = ' ';
  for (const char c : escape_terminal(text)) {
    // Within a word, as in avg@16, nobody is called.
    const bool calls = c == '@' && !is_word(before);
    if (c == '<' || c == '>' || c == '&' || calls) {
      line += "&#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      if (std::string_view("\\`*_[]|~#").find(c) != std::string_view::npos) line += '\\';
      line += c;
    }
    before = c;
  }
  return line;
}

std::string escape_csv(std::string_view text) {
  std::string field = valid_utf8(text);
  if (!field.empty() && std::string_view("=+-@\t\r").find(field[0]) != std::string_view::npos) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of("\",\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::size_t width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace moebius::reports
