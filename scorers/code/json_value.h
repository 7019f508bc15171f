// JSON as Python's json.loads reads it, and when a program's value equals it by Python's ==.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scorers/code/wire.h"

namespace moebius::scorers::code {

/// A JSON value: null, booleans, exact integers of any size, doubles (NaN and Infinity too),
/// strings (lone surrogates kept), lists and objects (a repeated key's last value counts).
struct Json {
  enum class Kind : std::uint8_t { kNull, kBool, kInt, kFloat, kString, kList, kObject };
  Kind kind = Kind::kNull;
  bool truth = false;
  double number = 0;
  mpz_class integer;
  std::string text;
  std::vector<Json> items;
  struct Member;
  std::vector<Member> members;  // sorted by key, no key twice
};
struct Json::Member {
  std::string key;
  Json value;
};

/// Throws Error (bad data set) with the position. At most kMaxDepth deep, kMaxNodes values.
Json parse_json(std::string_view text);

/// How numpy arrays compare.
enum class Arrays : std::uint8_t {
  kAsLists,    // as the nested list they stand for
  kAmbiguous,  // as `array == list` in an if: an error unless exactly one element is compared
};

/// value == expected in Python, where value came over the wire. Exact between int, float, complex,
/// Fraction and Decimal; True equals 1; opaque values, sets, bytes and views equal nothing.
/// `tuple_as_list`: a tuple at the top counts as a list.
bool python_equal(const Value& value, const Json& expected, bool tuple_as_list, Arrays arrays);

/// For messages: the value as Python would print it, cut at `limit` bytes.
std::string show(const Value& value, std::size_t limit = 100);

}  // namespace moebius::scorers::code
