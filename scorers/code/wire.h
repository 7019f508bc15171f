// The wire codec, C++ half (drivers/wire.py is the other): what programs return, read as hostile
// bytes. A value is one tag byte and its payload; counts and lengths are u32 little-endian:
//
//   N T F            None, True, False        d n (key value)*     dict
//   i n bytes        int, two's complement    k v I Q n items      dict keys, dict values,
//   f 8, c 16 bytes  float, complex                                iterator, deque
//   s b B D n bytes  str (UTF-8, surrogates   m n (t 2 k v)*       dict items
//                    allowed), bytes,         q int int            Fraction
//                    bytearray, Decimal       r int int int        range
//   l t S z n items  list, tuple, set,        a value              numpy array as nested list
//                    frozenset                O o s..              opaque and true, or false
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::code {

inline constexpr int kMaxDepth = 200;
inline constexpr std::size_t kMaxNodes = 2'000'000;
inline constexpr std::size_t kMaxFrame = std::size_t{64} << 20;

/// A parsed value. `bytes` points into what was parsed.
struct Value {
  char tag = 'N';
  std::string_view bytes;    // payload of i f c s b B D; of O and o the type's name
  std::vector<Value> items;  // of containers; of d and m: key, value, key, value, ...
};

/// All of `bytes` as one value, or nothing and in `problem` one line that says why. Bounded by
/// kMaxDepth and kMaxNodes. What is accepted, Python can rebuild: keys are hashable, strings
/// decode, fractions have a denominator.
std::optional<Value> parse_value(std::string_view bytes, std::string& problem);

/// Writers for what the trusted side sends.
void put_none(std::string& out);
void put_bool(std::string& out, bool value);
void put_float(std::string& out, double value);
void put_str(std::string& out, std::string_view utf8);  // invalid UTF-8 becomes U+FFFD
void put_bytes(std::string& out, std::string_view bytes);
void put_tuple(std::string& out, std::uint32_t items);  // the items follow
void put_u32(std::string& out, std::uint32_t value);    // bare, not a value

std::uint32_t get_u32(std::string_view bytes, std::size_t at);  // at + 4 <= size
double get_double(std::string_view bytes, std::size_t at);      // at + 8 <= size

/// Well-formed UTF-8; each byte that is not becomes U+FFFD.
std::string valid_utf8(std::string_view text);

/// At most `limit` bytes of valid UTF-8 on one line: control characters become blanks.
std::string one_line(std::string_view text, std::size_t limit = 300);

}  // namespace moebius::scorers::code
