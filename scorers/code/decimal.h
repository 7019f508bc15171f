// Numbers as Python's decimal.Decimal reads them from text, and when two of them are equal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::scorers::code {

/// (-1)^negative * digits * 10^exponent; no leading or trailing zeros; zero has no digits.
struct Decimal {
  bool negative = false;
  bool nan = false;
  bool signalling = false;  // a NaN whose comparison raises in Python; equal to nothing here
  bool infinite = false;
  std::string digits;
  std::int64_t exponent = 0;
};

/// Decimal(text) of CPython's C implementation; nothing where it raises. Linear time.
std::optional<Decimal> parse_decimal(std::string_view text);

/// a == b, exact; false if either is NaN.
bool equal(const Decimal& a, const Decimal& b);

/// Whether what a program printed is what a LiveCodeBench test expects (lcb_runner/evaluation/
/// testing_util.py, grade_stdio): both stripped, as many lines, and each line the same text once
/// stripped, or the same list of decimals. `why`, if given, gets one line. Linear time.
bool outputs_match(std::string_view printed, std::string_view expected, std::string* why = nullptr);

}  // namespace moebius::scorers::code
