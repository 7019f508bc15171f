// Decimals and printed output, against tables and against Python itself.
#include "scorers/code/decimal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "scorers/code/testing/fake_sandbox.h"

namespace moebius::scorers::code {
namespace {

TEST(Decimal, Parses) {
  for (const char* text : {"0",
                           "-0",
                           "+5",
                           "007",
                           "1_000",
                           "_1",
                           "1__0",
                           "1_",
                           "1e1_0",
                           "1e_1",
                           ".5",
                           "5.",
                           "5.e3",
                           "\xEF\xBC\x91\xEF\xBC\x92",
                           "\xD9\xA3.\xD9\xA5",
                           "\x1c"
                           "1",
                           "1\xE2\x80\x83",
                           "+_1",
                           "nan_1",
                           "i_nf",
                           "NaN123",
                           "sNaN",
                           "-inf",
                           "Infinity",
                           "1e999999999999999999",
                           "1e-1999999999999999997",
                           "0.0000000001e1000000000000000005"}) {
    EXPECT_TRUE(parse_decimal(text)) << text;
  }
}

TEST(Decimal, Refuses) {
  for (const char* text : {"",
                           ".",
                           "_",
                           "1e",
                           "e5",
                           "--1",
                           "+-1",
                           "1 2",
                           "0x10",
                           "1,5",
                           "\xC2\xB2",
                           "1e5.0",
                           "infinit",
                           "nanx",
                           "1e1000000000000000000",
                           "10e999999999999999999",
                           "1e-1999999999999999998",
                           "1e99999999999999999999999",
                           "\xE2\x88\x92"
                           "5",
                           "\xFF",
                           "abc",
                           "1.2.3"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(Outputs, Match) {
  const std::pair<const char*, const char*> cases[] = {
      {"5\n\n\n", "5"},       {"\n5\n", "5"},       {"1.0", "1"},        {"1e3", "1000"},
      {"0.50 2.000", ".5 2"}, {"-0", "0"},          {"inf", "Infinity"}, {"a  b", "a  b"},
      {"1  2", "1 2"},        {"1\r\n2\r", "1\n2"}, {"", "\n"},          {"nan", "nan"},
      {" a \n b ", "a\nb"},   {"1\t2", "1 2"},      {"\xC2\xA0x", "x"},  {"1_0", "10"}};
  for (const auto& [printed, expected] : cases) {
    EXPECT_TRUE(outputs_match(printed, expected)) << printed;
  }
}

TEST(Outputs, Differ) {
  const std::pair<const char*, const char*> cases[] = {
      {"1\n\n2", "1\n2"}, {"Yes", "YES"},   {"0.333333333", "0.3333333333"},
      {"NaN", "nan"},     {"a  b", "a b"},  {"a\tb", "a b"},
      {"1", "1\n2"},      {"", "0"},        {"1 2", "1 2 3"},
      {"2 1", "1 2"},     {"1 a", "1.0 a"}, {"-inf", "inf"}};
  for (const auto& [printed, expected] : cases) {
    EXPECT_FALSE(outputs_match(printed, expected)) << printed;
  }
}

TEST(Outputs, SaysWhere) {
  std::string why;
  EXPECT_FALSE(outputs_match("1\n2\n3", "1\n5\n3", &why));
  EXPECT_EQ(why, "line 2: printed \"2\", expected \"5\"");
  EXPECT_FALSE(outputs_match("1\n2", "1", &why));
  EXPECT_EQ(why, "printed 2 lines, expected 1");
}

TEST(Outputs, LongInputIsLinear) {
  const std::string spaces(5'000'000, ' ');
  EXPECT_TRUE(outputs_match(spaces + "1" + spaces, "1.0"));
  const std::string digits(5'000'000, '7');
  EXPECT_TRUE(outputs_match(digits + ".0", digits));
  std::string words;
  for (int i = 0; i < 1'000'000; ++i) words += "1 ";
  EXPECT_TRUE(outputs_match(words, words + " "));
  EXPECT_FALSE(outputs_match(words, words + "1"));
}

std::string random_number(std::mt19937_64& random) {
  static const std::vector<std::string> kParts = {"0",
                                                  "1",
                                                  "5",
                                                  "00",
                                                  "10",
                                                  "9",
                                                  ".",
                                                  ".",
                                                  "e",
                                                  "E",
                                                  "-",
                                                  "+",
                                                  "_",
                                                  "inf",
                                                  "NaN",
                                                  "s",
                                                  "\xD9\xA3",
                                                  "e5",
                                                  "e-3",
                                                  "0.0",
                                                  "e999999999999999998",
                                                  "x",
                                                  "1e-1999999999999999990"};
  std::string out;
  for (auto left = random() % 6 + 1; left > 0; --left) out += kParts[random() % kParts.size()];
  return out;
}

constexpr std::string_view kOracle = R"py(
import sys
from decimal import Decimal
def read(text):
    try:
        return Decimal(text)
    except Exception:
        return None
for line in sys.stdin.read().split("\n")[:-1]:
    a, b = [read(word) for word in line.split(" ")]
    try:
        same = a is not None and b is not None and a == b
    except Exception:
        same = False
    print(int(a is not None), int(b is not None), int(same))
)py";

TEST(Decimal, AgreesWithPython) {
  const char* seed = std::getenv("MOEBIUS_SEED");
  std::mt19937_64 random(seed == nullptr ? 20'240'801 : std::strtoull(seed, nullptr, 10));
  std::string input;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < 20'000; ++i) {
    pairs.emplace_back(random_number(random), random_number(random));
    input += pairs.back().first + " " + pairs.back().second + "\n";
  }
  const sandbox::Outcome outcome = make_fake_sandbox()->run(
      {.code = std::string(kOracle), .input = input, .limits = {.cpu_seconds = 20}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream answers(outcome.out);
  for (const auto& [a, b] : pairs) {
    int first = -1, second = -1, same = -1;
    answers >> first >> second >> same;
    const auto x = parse_decimal(a), y = parse_decimal(b);
    ASSERT_EQ(static_cast<int>(x.has_value()), first) << a;
    ASSERT_EQ(static_cast<int>(y.has_value()), second) << b;
    ASSERT_EQ(static_cast<int>(x && y && equal(*x, *y)), same) << a << " " << b;
  }
}

}  // namespace
}  // namespace moebius::scorers::code
