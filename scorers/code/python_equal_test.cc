// JSON as Python reads it, and Python's == against it, with Python as the oracle.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "scorers/code/drivers.h"
#include "scorers/code/json_value.h"
#include "scorers/code/testing/fake_sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {
namespace {

TEST(Json, Reads) {
  EXPECT_EQ(parse_json(" 12345678901234567890123 ").integer.get_str(), "12345678901234567890123");
  EXPECT_EQ(parse_json("1.5e3").number, 1500);
  EXPECT_EQ(parse_json(R"("\u00e9\ud83d\ude00\n\ud800")").text,
            "\xC3\xA9\xF0\x9F\x98\x80\n\xED\xA0\x80");
  const Json object = parse_json(R"({"b": 1, "a": 2, "b": 3})");
  ASSERT_EQ(object.members.size(), 2u);
  EXPECT_EQ(object.members[1].value.integer, 3);
  EXPECT_TRUE(parse_json("-Infinity").number < 0);
}

TEST(Json, Refuses) {
  for (const char* text : {"", "[1,]", "{1: 2}", "01", "1.", "nul", "\"a", "\"\n\"", "[1", "1 2",
                           "'a'", "+1", ".5", "{\"a\" 1}", "\"\\x\"", "\"\\u12g4\"", "-"}) {
    EXPECT_THROW(parse_json(text), Error) << text;
  }
  EXPECT_THROW(parse_json(std::string(100'000, '[')), Error);
}

constexpr std::string_view kOracle = R"py(
import itertools, json
from collections import Counter, OrderedDict, deque, namedtuple
from decimal import Decimal as D
from fractions import Fraction as Q
P = namedtuple("P", "a b")
big = 2 ** 53
values = [
    None, True, False, 0, 1, 2, -1, big, big + 1, float(big), 10 ** 30, 1e30, 0.5, -0.0, 1.0, 0.1,
    float("nan"), float("inf"), -float("inf"), 1 + 0j, 1 + 1j, Q(1, 2), Q(1, 10), Q(1), D("0.5"),
    D("0.1"), D("1"), D("NaN"), D("Infinity"), D("1e400"), D(0.1), "", "a", "1", "\ud800", b"a", [],
    [1], [True], [1.0, [2]], (1,), (1, (2,)), [(1,)], {1}, {}, {"a": 1}, {"a": 1.0, "b": [None]},
    {1: 1}, OrderedDict(a=1), Counter("a"), P(1, 2), deque([1]), range(2), {"a": 1}.keys(),
]
texts = [
    "null", "true", "false", "0", "1", "2", "-1", str(big), str(big + 1), "1" + "0" * 30, "1e30",
    "0.5", "-0.0", "0.1", "1.0", "NaN", "Infinity", "-Infinity", '""', '"a"', '"1"', '"\\ud800"',
    "[]", "[1]", "[1.0, [2]]", "[[1]]", "[1, [2]]", "[1, 2]", "{}", '{"a": 1}', "[0, 1]",
    '{"a": 1, "b": [null]}', "1" + "0" * 400,
]
for value, text in itertools.product(values, texts):
    shown = list(value) if type(value) in (tuple, P) else value
    print(encode(value).hex(), text.encode().hex(), int(shown == json.loads(text)))
)py";

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(PythonEqual, AgreesWithPython) {
  const std::string program = std::string(driver_file("wire")) + std::string(kOracle);
  const sandbox::Outcome outcome = make_fake_sandbox()->run({.code = program});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::string wire, text;
  int want = 0, compared = 0, equals = 0;
  while (lines >> wire >> text >> want) {
    const std::string bytes = unhex(wire);
    std::string problem;
    const auto value = parse_value(bytes, problem);
    ASSERT_TRUE(value) << problem;
    EXPECT_EQ(python_equal(*value, parse_json(unhex(text)), true, Arrays::kAsLists), want == 1)
        << show(*value) << " and " << unhex(text).substr(0, 60);
    ++compared;
    equals += want;
  }
  EXPECT_GT(compared, 1500);
  EXPECT_GT(equals, 50);
}

std::string n(std::uint32_t value) {
  std::string out;
  put_u32(out, value);
  return out;
}

std::string key(const std::string& text) {
  return "s" + n(static_cast<std::uint32_t>(text.size())) + text;
}

bool equal(const std::string& bytes, const std::string& json, Arrays arrays, bool top = true) {
  std::string problem;
  return python_equal(parse_value(bytes, problem).value(), parse_json(json), top, arrays);
}

TEST(PythonEqual, ARepeatedKeyIsNoSecondMember) {
  EXPECT_FALSE(
      equal("d" + n(2) + key("a") + "T" + key("a") + "T", R"({"a": 1, "b": 1})", Arrays::kAsLists));
  EXPECT_TRUE(
      equal("d" + n(2) + key("b") + "T" + key("a") + "T", R"({"a": 1, "b": 1})", Arrays::kAsLists));
}

TEST(PythonEqual, ArraysAsListsOrAsTheOriginalSeesThem) {
  const std::string two = "al" + n(2) + "TF";
  const std::string one = "al" + n(1) + "T";
  EXPECT_TRUE(equal(two, "[1, 0]", Arrays::kAsLists));
  EXPECT_FALSE(equal(two, "[1, 0]", Arrays::kAmbiguous));
  EXPECT_TRUE(equal(one, "[1]", Arrays::kAmbiguous));
  EXPECT_FALSE(equal(one, "[2]", Arrays::kAmbiguous));
}

TEST(PythonEqual, OnlyATupleAtTheTopIsAList) {
  EXPECT_FALSE(equal("t" + n(1) + "T", "[1]", Arrays::kAsLists, false));
  EXPECT_TRUE(equal("t" + n(1) + "T", "[1]", Arrays::kAsLists, true));
  EXPECT_FALSE(equal("l" + n(1) + "t" + n(0), "[[]]", Arrays::kAsLists, true));
}

}  // namespace
}  // namespace moebius::scorers::code
