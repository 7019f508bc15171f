// The codec: what C++ refuses, and that both languages agree on what crosses.
#include "scorers/code/wire.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "scorers/code/drivers.h"
#include "scorers/code/json_value.h"
#include "scorers/code/testing/fake_sandbox.h"

namespace moebius::scorers::code {
namespace {

std::string n(std::uint32_t value) {
  std::string out;
  put_u32(out, value);
  return out;
}

std::string block(char tag, const std::string& bytes) {
  return tag + n(static_cast<std::uint32_t>(bytes.size())) + bytes;
}

/// The problem, empty if it parses.
std::string problem_of(const std::string& bytes) {
  std::string problem;
  return parse_value(bytes, problem) ? "" : problem;
}

TEST(Wire, Accepts) {
  const std::string one = block('i', "\x01");
  for (const std::string& bytes :
       {std::string("N"), one, block('s', "h\xC3\xA9"), block('s', "\xED\xA0\x80"),
        "l" + n(2) + "N" + one, "d" + n(1) + block('s', "k") + "l" + n(0), "q" + one + one,
        "r" + one + one + one, "z" + n(1) + "t" + n(1) + one, block('D', "-1.5E+7"),
        "O" + block('s', "Match"), "m" + n(1) + "t" + n(2) + one + "N", "a" + one}) {
    EXPECT_EQ(problem_of(bytes), "");
  }
}

TEST(Wire, Refuses) {
  const std::string zero = block('i', std::string(1, '\0'));
  const std::string one = block('i', "\x01");
  const std::string minus = block('i', "\xFF");
  const std::pair<std::string, std::string> cases[] = {
      {"", "too early"},
      {"x", "no such tag"},
      {"NN", "bytes after"},
      {"l" + n(3) + "N", "count is larger"},
      {"l" + n(0xFFFFFFFF), "count is larger"},
      {"i" + n(0), "without bytes"},
      {"i" + n(9) + "12", "too early"},
      {block('s', "\xFF"), "not UTF-8"},
      {block('s', "\xC0\x80"), "not UTF-8"},
      {"S" + n(1) + "l" + n(0), "no hash"},
      {"z" + n(1) + "t" + n(1) + "d" + n(0), "no hash"},
      {"d" + n(1) + "l" + n(0) + "N", "no hash"},
      {"d" + n(1) + block('D', "sNaN") + "N", "no hash"},
      {"k" + n(1) + block('B', "a"), "no hash"},
      {"m" + n(1) + "NNN", "no pairs"},
      {"q" + one + zero, "a zero"},
      {"q" + one + minus, "a negative"},
      {"q" + one + "N", "expected an int"},
      {"r" + one + one + zero, "a zero"},
      {block('D', "1.2.3"), "not a decimal"},
      {"ON", "type's name"},
      {"f1234567", "too early"},
  };
  for (const auto& [bytes, why] : cases) {
    EXPECT_NE(problem_of(bytes).find(why), std::string::npos) << why << ": " << problem_of(bytes);
  }
}

TEST(Wire, DepthAndNumberAreBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "l" + n(1);
  EXPECT_NE(problem_of(deep + "N").find("too deep"), std::string::npos);
  std::string fits;
  for (int i = 0; i < kMaxDepth; ++i) fits += "l" + n(1);
  EXPECT_EQ(problem_of(fits + "N"), "");
  const auto many = static_cast<std::uint32_t>(kMaxNodes);
  EXPECT_NE(problem_of("l" + n(many) + std::string(many, 'N')).find("too many"), std::string::npos);
  EXPECT_EQ(problem_of("l" + n(many - 1) + std::string(many - 1, 'N')), "");
}

TEST(Wire, OneLine) {
  EXPECT_EQ(one_line("a\nb\tc"), "a b c");
  EXPECT_EQ(one_line("\xC3\xA9\xC3\xA9", 3), "\xC3\xA9");
  EXPECT_EQ(one_line("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8("a\xED\xA0\x80"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

constexpr std::string_view kRoundTrip = R"py(
import collections, decimal, enum, fractions, sys

class Lying(int):
    def __eq__(self, other): return True
    def __hash__(self): return 0
    def __index__(self): return 99
class Looping(list):
    def __iter__(self): return iter([7, 7, 7])
    def __len__(self): return 3
class Disguised:
    __class__ = list
class Colour(enum.IntEnum):
    RED = 3
Point = collections.namedtuple("Point", "x y")
class Empty:
    def __len__(self): return 0
def gen():
    yield from (1, 2)

same = [
    None, True, False, 0, 1, -1, 127, 128, -128, -129, 2**64, -(2**200), 0.5, -0.0, 1e308,
    float("inf"), 1 + 2j, "", "a\0b", "h\u00e9\U0001F600", "\ud800", b"\xff\0", bytearray(b"x"),
    [], [1, [2, "three"]], (), (1, (2,)), set(), {1, "a", (2, 3)}, frozenset({1}), {},
    {"a": [1], 2: {3: None}, (1, 2): "t"}, fractions.Fraction(-3, 7), decimal.Decimal("1.50E-7"),
    decimal.Decimal("-Infinity"), range(3, -9, -2), collections.deque([1, 2]),
]
for value in same:
    back = decode(encode(value))
    assert back == value and type(back) is type(value), (value, back)
nan = decode(encode(float("nan")))
assert nan != nan
based = [
    (Lying(5), 5), (Looping([1]), [1]), (Colour.RED, 3), (Point(1, 2), (1, 2)),
    (collections.Counter("aab"), {"a": 2, "b": 1}), (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, {1: [2]}), {1: [2]}),
    (enum.Enum("E", {"A": "x"}, type=str).A, "x"),
]
for value, base in based:
    back = decode(encode(value))
    assert back == base and type(back) is type(base), (value, back)
d = {"a": 1, "b": 2}
for view in (d.keys(), d.items()):
    assert decode(encode(view)) == view and type(decode(encode(view))) is type(view)
assert list(decode(encode(d.values()))) == [1, 2]
assert tuple(decode(encode(gen()))) == (1, 2) and decode(encode(gen())) != [1, 2]
assert tuple(decode(encode(map(str, [1])))) == ("1",)
import re
for value, truth in ((Disguised(), True), (re.match("a", "a"), True), (gen, True), (object, True),
                     (Empty(), False)):
    back = decode(encode(value))
    assert type(back) is Opaque and bool(back) is truth and back != value, value
loop = []
loop.append(loop)
deep = []
for _ in range(1000):
    deep = [deep]
for value in (loop, deep, [0] * 2_000_001):
    assert type(decode(encode(value))) is Opaque
sys.path.append("/usr/lib/python3/dist-packages")
try:
    import numpy
except ImportError:
    numpy = None
if numpy:
    for value, base in ((numpy.int64(5), 5), (numpy.float32(0.5), 0.5), (numpy.bool_(True), True),
                        (numpy.float64(2.5), 2.5), (numpy.complex64(1j), 1j), (numpy.str_("s"), "s"),
                        (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]), (numpy.array(3), 3),
                        (numpy.longdouble(0.25), 0.25), ([numpy.int8(1)], [1])):
        back = decode(encode(value))
        assert back == base and type(back) is type(base), (value, back)
for value in same + [value for value, base in based] + [d.keys(), d.values(), d.items(), gen(), loop]:
    print(encode(value).hex())
)py";

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(Wire, PythonRoundTrip) {
  const std::string program = std::string(driver_file("wire")) + std::string(kRoundTrip);
  const sandbox::Outcome outcome =
      make_fake_sandbox()->run({.code = program, .limits = {.cpu_seconds = 20}});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  int values = 0;
  for (std::string line; std::getline(lines, line); ++values) {
    EXPECT_EQ(problem_of(unhex(line)), "") << line;
  }
  EXPECT_GT(values, 45);
}

TEST(Wire, Show) {
  std::string problem;
  const std::string bytes = "l" + n(3) + block('i', "\xFE\xFF") + block('s', "a") + "N";
  EXPECT_EQ(show(*parse_value(bytes, problem)), "[-2, 'a', None]");
}

}  // namespace
}  // namespace moebius::scorers::code
