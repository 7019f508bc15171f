#include "engine/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

struct Delta {
  char32_t first;
  char32_t last;
  int category;
};
constexpr Delta kDelta[] = {
#include "engine/text/unicode_delta.inc"
};

struct Range {
  char32_t first;
  char32_t last;
};
constexpr Range kNfcUnknown[] = {
#include "engine/text/nfc_unknown.inc"
};

// The range that holds `c`, or null. `ranges`: ascending and disjoint.
template <typename T, std::size_t n>
const T* find_range(const T (&ranges)[n], char32_t c) {
  const T* at = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                 [](char32_t x, const T& range) { return x < range.first; });
  return at != std::begin(ranges) && c <= at[-1].last ? at - 1 : nullptr;
}

constexpr std::array<std::string_view, 30> kCategories = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
static_assert(UTF8PROC_CATEGORY_CN == 0 && UTF8PROC_CATEGORY_CO == 29);

int category(char32_t c) {
  if (const Delta* changed = find_range(kDelta, c)) return changed->category;
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Canonical decomposition of `c` and of what follows from it, appended to `out`.
void decompose(char32_t c, std::vector<utf8proc_int32_t>& out) {
  std::array<utf8proc_int32_t, 32> buffer;
  int boundary = 0;
  const auto n = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), buffer.data(), buffer.size(),
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &boundary);
  if (n < 0 || n > static_cast<utf8proc_ssize_t>(buffer.size())) {
    throw Error(std::string("NFC: ") + utf8proc_errmsg(n));
  }
  out.insert(out.end(), buffer.begin(), buffer.begin() + n);
}

int combining_class(utf8proc_int32_t c) {
  return utf8proc_get_property(c)->combining_class;
}

// utf8proc's own reordering is a bubble sort: quadratic on a long run of marks.
void reorder_marks(std::vector<utf8proc_int32_t>& chars) {
  for (auto at = chars.begin(); at != chars.end();) {
    if (combining_class(*at) == 0) {
      ++at;
      continue;
    }
    auto stop = at;
    while (stop != chars.end() && combining_class(*stop) != 0) ++stop;
    std::stable_sort(at, stop,
                     [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    at = stop;
  }
}

// Appends the composition of `chars` and empties it.
void compose(std::vector<utf8proc_int32_t>& chars, std::string& out) {
  if (chars.empty()) return;
  reorder_marks(chars);
  const auto n =
      utf8proc_normalize_utf32(chars.data(), static_cast<utf8proc_ssize_t>(chars.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (n < 0) throw Error(std::string("NFC: ") + utf8proc_errmsg(n));
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, static_cast<char32_t>(chars[i]));
  chars.clear();
}

}  // namespace

void append_utf8(std::string& out, char32_t c) {
  std::array<utf8proc_uint8_t, 4> bytes;
  const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(n));
}

std::uint32_t category_bit(char32_t c) {
  return std::uint32_t{1} << category(c);
}

std::optional<std::uint32_t> category_bits(std::string_view name) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kCategories.size(); ++i) {
    if (kCategories[i] == name || (name.size() == 1 && kCategories[i][0] == name[0])) {
      bits |= std::uint32_t{1} << i;
    }
  }
  if (bits == 0) return std::nullopt;
  return bits;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  constexpr std::uint32_t kZ =
      1U << UTF8PROC_CATEGORY_ZS | 1U << UTF8PROC_CATEGORY_ZL | 1U << UTF8PROC_CATEGORY_ZP;
  return c == 0x85 || (category_bit(c) & kZ) != 0;
}

Utf8Char read_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {.bytes = 1, .valid = true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte alone decides about overlong forms, surrogates and what lies past U+10FFFF.
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {.bytes = i, .valid = false, .complete = false};
    if (byte(i) < low || byte(i) > high) return {.bytes = i, .valid = false};
    low = 0x80;
    high = 0xBF;
  }
  return {.bytes = length, .valid = true};
}

std::string nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::vector<utf8proc_int32_t> chars;  // the last, not yet certain characters, decomposed
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    const char* const start = p;
    const char32_t c = next_char(p);
    const bool unknown = find_range(kNfcUnknown, c) != nullptr;
    // Below U+0300 nothing changes what stands before it, so all of that is certain.
    if (c < 0x300 || unknown) compose(chars, out);
    // Nor does it change itself, unless a mark follows.
    if (unknown || (c < 0x300 && (p == end || static_cast<unsigned char>(*p) < 0xCC))) {
      out.append(start, p);
    } else {
      decompose(c, chars);
    }
  }
  compose(chars, out);
  return out;
}

}  // namespace moebius::engine
