// Python's == between a value from the wire and a JSON value.
#include <gmpxx.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "scorers/code/decimal.h"
#include "scorers/code/json_value.h"

namespace moebius::scorers::code {
namespace {

using Kind = Json::Kind;

// Decimals beyond this many digits on either side of the point equal no number a test can hold.
constexpr std::int64_t kMaxPower = 20'000;

mpz_class to_integer(std::string_view bytes) {
  mpz_class value;
  mpz_import(value.get_mpz_t(), bytes.size(), -1, 1, 0, 0, bytes.data());
  if (static_cast<signed char>(bytes.back()) < 0) {
    mpz_class wrap = 1;
    wrap <<= 8 * bytes.size();
    value -= wrap;
  }
  return value;
}

mpq_class to_rational(const Decimal& decimal) {
  mpz_class digits(decimal.digits.empty() ? "0" : decimal.digits, 10);
  if (decimal.negative) digits = -digits;
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(decimal.exponent)));
  mpq_class value = decimal.exponent >= 0 ? mpq_class(digits * power) : mpq_class(digits, power);
  value.canonicalize();
  return value;
}

bool is_number(const Json& json) {
  return json.kind == Kind::kBool || json.kind == Kind::kInt || json.kind == Kind::kFloat;
}

mpz_class json_integer(const Json& json) {
  return json.kind == Kind::kBool ? mpz_class(json.truth ? 1 : 0) : json.integer;
}

bool equal_integer(const mpz_class& value, const Json& expected) {
  if (expected.kind != Kind::kFloat) return value == json_integer(expected);
  return std::isfinite(expected.number) && cmp(value, expected.number) == 0;
}

bool equal_double(double value, const Json& expected) {
  if (expected.kind == Kind::kFloat) return value == expected.number;
  return std::isfinite(value) && cmp(json_integer(expected), value) == 0;
}

bool equal_rational(const mpq_class& value, const Json& expected) {
  if (expected.kind != Kind::kFloat) return value == mpq_class(json_integer(expected));
  return std::isfinite(expected.number) && value == mpq_class(expected.number);
}

bool equal_decimal(std::string_view text, const Json& expected) {
  const Decimal value = *parse_decimal(text);
  if (value.nan) return false;
  if (value.infinite) {
    return expected.kind == Kind::kFloat && std::isinf(expected.number) &&
           std::signbit(expected.number) == value.negative;
  }
  const auto size = static_cast<std::int64_t>(value.digits.size());
  if (std::abs(value.exponent) > kMaxPower || size > kMaxPower) return false;
  return equal_rational(to_rational(value), expected);
}

bool equal_fraction(const Value& value, const Json& expected) {
  mpq_class rational(to_integer(value.items[0].bytes), to_integer(value.items[1].bytes));
  rational.canonicalize();
  return equal_rational(rational, expected);
}

bool equal_number(const Value& value, const Json& expected) {
  switch (value.tag) {
    case 'T':
      return equal_integer(1, expected);
    case 'F':
      return equal_integer(0, expected);
    case 'i':
      return equal_integer(to_integer(value.bytes), expected);
    case 'f':
      return equal_double(get_double(value.bytes, 0), expected);
    case 'c':
      return get_double(value.bytes, 8) == 0 && equal_double(get_double(value.bytes, 0), expected);
    case 'q':
      return equal_fraction(value, expected);
    case 'D':
      return equal_decimal(value.bytes, expected);
    default:
      return false;
  }
}

class Comparison {
 public:
  explicit Comparison(Arrays arrays) : arrays_(arrays) {}

  bool equal(const Value& value, const Json& expected, bool tuple_as_list) const {
    if (value.tag == 'a') return array(value.items[0], expected);
    switch (expected.kind) {
      case Kind::kNull:
        return value.tag == 'N';
      case Kind::kString:
        return value.tag == 's' && value.bytes == expected.text;
      case Kind::kList:
        return (value.tag == 'l' || (tuple_as_list && value.tag == 't')) && items(value, expected);
      case Kind::kObject:
        return value.tag == 'd' && members(value, expected);
      default:
        return is_number(expected) && equal_number(value, expected);
    }
  }

 private:
  bool items(const Value& value, const Json& expected) const {
    return std::equal(
        value.items.begin(), value.items.end(), expected.items.begin(), expected.items.end(),
        [&](const Value& item, const Json& want) { return equal(item, want, false); });
  }

  // A hostile reply may hold a key twice; counting the distinct ones settles it.
  bool members(const Value& value, const Json& expected) const {
    if (value.items.size() != 2 * expected.members.size()) return false;
    std::vector<bool> seen(expected.members.size());
    for (std::size_t i = 0; i < value.items.size(); i += 2) {
      if (value.items[i].tag != 's') return false;
      const std::string_view key = value.items[i].bytes;
      const auto found = std::lower_bound(
          expected.members.begin(), expected.members.end(), key,
          [](const auto& member, std::string_view wanted) { return member.key < wanted; });
      if (found == expected.members.end() || found->key != key) return false;
      const auto index = static_cast<std::size_t>(found - expected.members.begin());
      if (seen[index] || !equal(value.items[i + 1], found->value, false)) return false;
      seen[index] = true;
    }
    return true;
  }

  bool array(const Value& content, const Json& expected) const {
    if (arrays_ == Arrays::kAsLists) return equal(content, expected, false);
    const Value* value = &content;
    while (value->tag == 'l' && value->items.size() == 1) value = &value->items[0];
    const Json* want = &expected;
    while (want->kind == Kind::kList && want->items.size() == 1) want = &want->items[0];
    return value->tag != 'l' && want->kind != Kind::kList && equal(*value, *want, false);
  }

  Arrays arrays_;
};

std::string show_items(const Value& value, const char* open, const char* close, std::size_t limit) {
  std::string out = open;
  for (std::size_t i = 0; i < value.items.size() && out.size() < limit; ++i) {
    if (i > 0) out += value.tag == 'd' && i % 2 == 1 ? ": " : ", ";
    out += show(value.items[i], limit - std::min(limit, out.size()));
  }
  return out + close;
}

}  // namespace

bool python_equal(const Value& value, const Json& expected, bool tuple_as_list, Arrays arrays) {
  return Comparison(arrays).equal(value, expected, tuple_as_list);
}

std::string show(const Value& value, std::size_t limit) {
  switch (value.tag) {
    case 'N':
      return "None";
    case 'T':
      return "True";
    case 'F':
      return "False";
    case 'i':
      return value.bytes.size() > 64 ? "a large int" : to_integer(value.bytes).get_str();
    case 'f': {
      char text[32];
      std::snprintf(text, sizeof text, "%.17g", get_double(value.bytes, 0));
      return text;
    }
    case 's':
      return "'" + one_line(value.bytes, limit) + "'";
    case 'D':
      return one_line(value.bytes, limit);
    case 'O':
    case 'o':
      return "<" + one_line(value.bytes, limit) + ">";
    case 'l':
      return show_items(value, "[", "]", limit);
    case 'd':
      return show_items(value, "{", "}", limit);
    case 't':
      return show_items(value, "(", ")", limit);
    default:
      return show_items(value, "<", ">", limit);
  }
}

}  // namespace moebius::scorers::code
