// What the tokenizer needs to know about Unicode: decoding, categories, white space, NFC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::engine {

/// The character at `p`, which must start one in valid UTF-8; `p` moves past it.
inline char32_t next_char(const char*& p) {
  const auto byte = [&p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    p += 1;
    return lead;
  }
  if (lead < 0xE0) {
    const char32_t c = (lead & 0x1F) << 6 | (byte(1) & 0x3F);
    p += 2;
    return c;
  }
  if (lead < 0xF0) {
    const char32_t c = (lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    p += 3;
    return c;
  }
  const char32_t c =
      (lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
  p += 4;
  return c;
}

inline bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

void append_utf8(std::string& out, char32_t c);

/// General category as a bit: 1 << UTF8PROC_CATEGORY_*. Unicode 16, as in the reference tokenizers.
std::uint32_t category_bit(char32_t c);

/// Bits of a category ("Lu") or of a major class ("L"); nullopt if there is none of that name.
std::optional<std::uint32_t> category_bits(std::string_view name);

/// Unicode property White_Space.
bool is_space(char32_t c);

/// How many bytes at the start of `text` are one valid UTF-8 character: 1 .. 4. If there is
/// none, `valid` is false and the result is the length of the maximal part that could have
/// begun one (Unicode 15, section 3.9, table 3-7; at least 1): what one U+FFFD replaces.
/// `complete` is false if that part ends with the text and more bytes could make it valid.
/// `text` must not be empty.
struct Utf8Char {
  std::size_t bytes = 1;
  bool valid = false;
  bool complete = true;
};
Utf8Char read_utf8(std::string_view text);

/// Normalization form C of valid UTF-8 as the reference tokenizers have it, whose tables are those
/// of Unicode 9: later marks stay where they are. O(n log n) on any text.
std::string nfc(std::string_view text);

}  // namespace moebius::engine
