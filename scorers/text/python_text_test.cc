// str methods against what Python 3.11 answers.
#include "scorers/text/python_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moebius::scorers::text {
namespace {

std::string replaced(std::string s, std::string_view from, std::string_view to) {
  replace(s, from, to);
  return s;
}

TEST(PythonText, StripsWhatPythonStrips) {
  EXPECT_EQ(strip(" \t\u00a0a b\u3000\n"), "a b");
  EXPECT_EQ(strip("\u200ba"), "\u200ba");
  EXPECT_EQ(strip("  "), "");
  EXPECT_EQ(strip_chars("..a.b..", "."), "a.b");
  EXPECT_EQ(strip_right("a//", "/"), "a");
  EXPECT_EQ(strip_left("::a", ":"), "a");
  EXPECT_EQ(strip_right("...", "."), "");
}

TEST(PythonText, ReplacesFromTheLeftWithoutOverlap) {
  EXPECT_EQ(replaced("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replaced("\\\\\\", "\\\\", "\\"), "\\\\");
  EXPECT_EQ(replaced("abc", "x", "y"), "abc");
  EXPECT_EQ(replaced("", "x", "y"), "");
}

TEST(PythonText, SplitsAsPython) {
  using Pieces = std::vector<std::string_view>;
  EXPECT_EQ(split("a,b,,c", ","), (Pieces{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ","), (Pieces{""}));
  EXPECT_EQ(split_words(" a\u00a0b  c "), (Pieces{"a", "b", "c"}));
  EXPECT_EQ(last_piece("aaa", "aa"), "a");
  EXPECT_EQ(last_piece("abc", "x"), "abc");
  EXPECT_EQ(first_piece("a=b=c", "="), "a");
  EXPECT_EQ(after_first("a=b=c", "="), "b=c");
  EXPECT_EQ(count("aaaa", "aa"), 2U);
}

TEST(PythonText, ReadsIntegers) {
  EXPECT_EQ(to_int(" +007\n"), "7");
  EXPECT_EQ(to_int("-0"), "0");
  EXPECT_EQ(to_int("-1_000"), "-1000");
  for (const char* bad : {"", "-", "1__0", "_1", "1_", "1.0", "1e3", "0x1", "1 2"}) {
    EXPECT_FALSE(to_int(bad)) << bad;
  }
  EXPECT_EQ(to_int("\uff11\u0662\U0001D7E1"), "129");
  EXPECT_TRUE(to_int(std::string(4300, '9')));
  EXPECT_FALSE(to_int(std::string(4301, '9')));
}

TEST(PythonText, ReadsAndWritesFloats) {
  EXPECT_EQ(to_float(" 1_0.5e1 "), 105.0);
  EXPECT_EQ(to_float(".5"), 0.5);
  EXPECT_EQ(to_float("5."), 5.0);
  EXPECT_EQ(to_float("-Infinity"), -HUGE_VAL);
  EXPECT_EQ(to_float("1e999"), HUGE_VAL);
  EXPECT_TRUE(std::isnan(*to_float("+nan")));
  for (const char* bad : {"", ".", "e5", "1e", "1_.5", "0x1p3", "1,000", "--1", "1 2", "infinit"}) {
    EXPECT_FALSE(to_float(bad)) << bad;
  }
  EXPECT_EQ(float_text(2.0), "2.0");
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(1e16), "1e+16");
  EXPECT_EQ(int_text(1e20), "100000000000000000000");
  EXPECT_EQ(int_text(-0.0), "0");
}

}  // namespace
}  // namespace moebius::scorers::text
