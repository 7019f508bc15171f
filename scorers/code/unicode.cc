// UTF-8 walking, Python's white space and decimal digits.
#include "scorers/code/unicode.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace moebius::scorers::code {
namespace {

// First of ten consecutive digits, every script of Unicode 14, category Nd.
constexpr std::uint32_t kZeros[] = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
    0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};

std::uint8_t byte(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

std::uint32_t code_point(std::string_view text, std::size_t size) {
  if (size == 1) return byte(text, 0);
  std::uint32_t value = byte(text, 0) & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) value = value << 6 | (byte(text, i) & 0x3Fu);
  return value;
}

bool is_space(std::uint32_t c) {
  return (c >= 0x9 && c <= 0xD) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

}  // namespace

std::size_t utf8_size(std::string_view text, bool surrogates) {
  if (text.empty()) return 0;
  const std::uint8_t lead = byte(text, 0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(text, i) & 0xC0) != 0x80) return 0;
  }
  const std::uint32_t c = code_point(text, size);
  if ((size == 3 && c < 0x800) || (size == 4 && (c < 0x10000 || c > 0x10FFFF))) return 0;
  return !surrogates && c >= 0xD800 && c <= 0xDFFF ? 0 : size;
}

bool is_utf8(std::string_view text, bool surrogates) {
  while (!text.empty()) {
    const std::size_t size = utf8_size(text, surrogates);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::size_t space_at_start(std::string_view text) {
  const std::size_t size = utf8_size(text, true);
  return size != 0 && is_space(code_point(text, size)) ? size : 0;
}

std::size_t space_at_end(std::string_view text) {
  // At most two continuation bytes: no white space is longer than three bytes.
  for (std::size_t size = 1; size <= 3 && size <= text.size(); ++size) {
    const std::string_view last = text.substr(text.size() - size);
    if ((byte(last, 0) & 0xC0) == 0x80) continue;
    return utf8_size(last, true) == size && is_space(code_point(last, size)) ? size : 0;
  }
  return 0;
}

std::string_view strip(std::string_view text) {
  while (const std::size_t size = space_at_start(text)) text.remove_prefix(size);
  while (const std::size_t size = space_at_end(text)) text.remove_suffix(size);
  return text;
}

int digit_at_start(std::string_view text, std::size_t& size) {
  size = utf8_size(text, true);
  if (size == 0) return -1;
  const std::uint32_t c = code_point(text, size);
  const auto* after = std::upper_bound(std::begin(kZeros), std::end(kZeros), c);
  if (after == std::begin(kZeros) || c - after[-1] > 9) return -1;
  return static_cast<int>(c - after[-1]);
}

}  // namespace moebius::scorers::code
