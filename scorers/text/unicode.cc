// UTF-8 decoding and character classes, on utf8proc's tables.
#include "scorers/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>

namespace moebius::scorers::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

utf8proc_category_t category(char32_t point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(point));
}

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

}  // namespace

Decoded decode(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t bytes = sequence_length(lead);
  if (bytes == 1) return {lead, 1, true};
  const Decoded broken{kReplacement, 1, false};
  if (bytes == 0) return broken;
  char32_t point = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!continues(text, at + i)) return broken;
    point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  const bool overlong = (bytes == 3 && point < 0x800) || (bytes == 4 && point < 0x10000);
  if (surrogate || overlong || point > 0x10FFFF) return broken;
  return {point, bytes, true};
}

Decoded decode_before(std::string_view text, std::size_t at) {
  if (at == 0) return {};
  std::size_t start = at - 1;
  while (start > 0 && at - start < 4 && continues(text, start)) --start;
  return decode(text, start);
}

void append(std::string& to, char32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
}

bool is_valid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (!next.valid) return false;
    at += next.bytes;
  }
  return true;
}

std::string valid(std::string_view text) {
  if (is_valid(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (next.valid) {
      out.append(text.substr(at, next.bytes));
    } else {
      append(out, kReplacement);
    }
    at += next.bytes;
  }
  return out;
}

std::string bounded(std::string_view text, std::size_t limit) {
  // What is beyond the limit need not be looked at: repairing never shortens.
  std::string out = valid(text.substr(0, std::min(text.size(), limit + 4)));
  if (out.size() <= limit) return out;
  while (limit > 0 && continues(out, limit)) --limit;
  out.resize(limit);
  return out;
}

bool is_space(char32_t point) {
  if (point < 0x80) return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20);
  return point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
         point == 0x202F || point == 0x205F || point == 0x3000;
}

bool is_alpha(char32_t point) {
  const auto c = category(point);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_word(char32_t point) {
  if (point < 0x80) {
    const char32_t small = point | 0x20;
    return (small >= 'a' && small <= 'z') || (point >= '0' && point <= '9') || point == '_';
  }
  const auto c = category(point);
  return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
         (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

bool is_decimal(char32_t point) {
  if (point < 0x80) return point >= '0' && point <= '9';
  return category(point) == UTF8PROC_CATEGORY_ND;
}

int decimal_value(char32_t point) {
  if (point < 0x80) return point >= '0' && point <= '9' ? static_cast<int>(point - '0') : -1;
  if (!is_decimal(point)) return -1;
  // Decimals stand in runs of tens, each from its zero on (the Unicode Standard, section 4.6).
  char32_t zero = point;
  while (is_decimal(zero - 1)) --zero;
  return static_cast<int>((point - zero) % 10);
}

bool is_digit(char32_t point) {
  if (is_decimal(point)) return true;
  struct Range {
    char32_t first, last;
  };
  // Numeric_Type=Digit in UnicodeData.txt, up to the dingbats.
  static constexpr Range kDigits[] = {
      {0xB2, 0xB3},     {0xB9, 0xB9},     {0x1369, 0x1371}, {0x19DA, 0x19DA},
      {0x2070, 0x2070}, {0x2074, 0x2079}, {0x2080, 0x2089}, {0x2460, 0x2468},
      {0x2474, 0x247C}, {0x2488, 0x2490}, {0x24EA, 0x24EA}, {0x24F5, 0x24FD},
      {0x24FF, 0x24FF}, {0x2776, 0x277E}, {0x2780, 0x2788}, {0x278A, 0x2792}};
  return std::any_of(std::begin(kDigits), std::end(kDigits),
                     [point](Range r) { return point >= r.first && point <= r.last; });
}

std::string lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    at += next.bytes;
    if (next.point < 0x80) {
      const bool capital = next.point >= 'A' && next.point <= 'Z';
      out += static_cast<char>(capital ? next.point + 32 : next.point);
    } else if (next.point == 0x130) {
      out += "i\xCC\x87";  // the one letter whose small form is two code points
    } else {
      append(out,
             static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(next.point))));
    }
  }
  return out;
}

}  // namespace moebius::scorers::text
