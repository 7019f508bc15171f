// UTF-8 checked exhaustively, replacement against Python (testdata/utf8_cases.txt, written by
// tests/oracle/utf8_cases.py), and the parts of Unicode the tokenizer leans on.
#include "engine/text/unicode.h"

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>

#include "engine/text/tokenizer.h"

namespace moebius::engine {
namespace {

std::string utf8(std::u32string_view chars) {
  std::string out;
  for (const char32_t c : chars) append_utf8(out, c);
  return out;
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

TEST(UnicodeTest, EveryCharacterIsReadAsItWasWritten) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    // By hand, as append_utf8 need not write surrogates.
    std::string text;
    if (surrogate) {
      text = {'\xED', static_cast<char>(0x80 | (c >> 6 & 0x3F)),
              static_cast<char>(0x80 | (c & 0x3F))};
    } else {
      append_utf8(text, c);
    }
    ASSERT_EQ(valid_utf8(text), !surrogate) << std::hex << static_cast<unsigned>(c);
    if (surrogate) continue;
    const char* p = text.data();
    ASSERT_EQ(next_char(p), c);
    ASSERT_EQ(p, text.data() + text.size());
    ASSERT_FALSE(valid_utf8(std::string_view(text).substr(0, text.size() - 1)) && c >= 0x80);
  }
}

// All two-byte strings and, where the first byte opens three or four, all second bytes.
TEST(UnicodeTest, ValidityOfEveryPrefix) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const bool tail = b >= 0x80 && b < 0xC0;
      const std::string two = {static_cast<char>(a), static_cast<char>(b)};
      EXPECT_EQ(valid_utf8(two), (a < 0x80 && b < 0x80) || (a >= 0xC2 && a < 0xE0 && tail));
      const bool three =
          a >= 0xE0 && a < 0xF0 && tail && (a != 0xE0 || b >= 0xA0) && (a != 0xED || b < 0xA0);
      EXPECT_EQ(valid_utf8(two + "\x80"), three || (a < 0x80 && b >= 0xC2 && b < 0xE0));
      const bool four =
          a >= 0xF0 && a < 0xF5 && tail && (a != 0xF0 || b >= 0x90) && (a != 0xF4 || b < 0x90);
      EXPECT_EQ(valid_utf8(two + "\x80\xBF"),
                four || (a < 0x80 && b >= 0xE0 && b < 0xF0 && valid_utf8(two + "\x80\xBF")));
    }
  }
  EXPECT_TRUE(valid_utf8("a\xE0\xA0\xBF"));
  EXPECT_FALSE(valid_utf8("a\xE0\x80\xBF"));
  EXPECT_TRUE(valid_utf8(""));
}

TEST(UnicodeTest, InvalidByteIsFoundBehindLongAscii) {
  for (int at = 0; at < 40; ++at) {
    std::string text(40, 'x');
    EXPECT_TRUE(valid_utf8(text));
    text[at] = '\x80';
    EXPECT_FALSE(valid_utf8(text)) << at;
  }
}

TEST(Utf8StreamTest, ReplacesAsPythonHoweverTheBytesArrive) {
  std::ifstream in(MOEBIUS_TESTDATA "/utf8_cases.txt");
  std::string broken;
  std::string expected;
  int cases = 0;
  while (in >> broken >> expected) {
    const std::string bytes = from_hex(broken);
    for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
      Utf8Stream stream;
      std::string out;
      for (std::size_t at = 0; at < bytes.size(); at += chunk) {
        out += stream.push(std::string_view(bytes).substr(at, chunk));
        ASSERT_TRUE(valid_utf8(out)) << broken;
      }
      out += stream.finish();
      ASSERT_EQ(out, from_hex(expected)) << broken << " in chunks of " << chunk;
    }
    ++cases;
  }
  EXPECT_GT(cases, 2000);
}

TEST(Utf8StreamTest, HoldsBackOnlyWhatIsUnfinished) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xE2\x82"), "a");
  EXPECT_EQ(stream.push(""), "");
  EXPECT_EQ(stream.push("\xAC"
                        "b\xF0"),
            "\xE2\x82\xAC"
            "b");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(UnicodeTest, WhiteSpaceIsTheUnicodeProperty) {
  std::u32string found;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (is_space(c)) found += c;
  }
  EXPECT_EQ(found,
            U"\t\n\v\f\r \u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
            U"\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000");
}

TEST(UnicodeTest, CategoriesAreThoseOfTheReference) {
  EXPECT_EQ(category_bit(U'a'), *category_bits("Ll"));
  EXPECT_EQ(category_bit(U'\u4E00'), *category_bits("Lo"));
  EXPECT_EQ(category_bit(0x1C89), *category_bits("Lu"));   // new in Unicode 16
  EXPECT_EQ(category_bit(0x1171E), *category_bits("Mc"));  // was Mn
  EXPECT_EQ(category_bit(0x10FFFF), *category_bits("Cn"));
  EXPECT_FALSE(category_bits("Xx").has_value());
  EXPECT_FALSE(category_bits("").has_value());
}

TEST(NfcTest, ComposesReordersAndLeavesAlone) {
  EXPECT_EQ(nfc("plain"), "plain");
  EXPECT_EQ(nfc(utf8(U"e\u0301")), utf8(U"\u00E9"));
  EXPECT_EQ(nfc(utf8(U"xe\u0301y")), utf8(U"x\u00E9y"));
  EXPECT_EQ(nfc(utf8(U"a\u0301\u0323")), utf8(U"\u1EA1\u0301"));
  EXPECT_EQ(nfc(utf8(U"\u0301a")), utf8(U"\u0301a"));
  EXPECT_EQ(nfc(utf8(U"\u212B\u2126")), utf8(U"\u00C5\u03A9"));
  EXPECT_EQ(nfc(utf8(U"\u1100\u1161\u11A8")), utf8(U"\uAC01"));
  EXPECT_EQ(nfc(utf8(U"\u0958")), utf8(U"\u0915\u093C"));  // excluded from composition
  EXPECT_EQ(nfc(utf8(U"\uFB01")), utf8(U"\uFB01"));
}

// U+1ABF is a mark since Unicode 13; to the reference's older tables it begins anew.
TEST(NfcTest, MarksTheReferenceDoesNotKnowStayWhereTheyAre) {
  EXPECT_EQ(nfc(utf8(U"a\u0301\u1ABF")), utf8(U"\u00E1\u1ABF"));
  EXPECT_EQ(nfc(utf8(U"a\u1ABF\u0301")), utf8(U"a\u1ABF\u0301"));
  EXPECT_EQ(nfc(utf8(U"\U00011935\U00011930")), utf8(U"\U00011935\U00011930"));
}

TEST(NfcTest, LongRunsOfMarksTakeNoQuadraticTime) {
  std::u32string marks = U"a";
  for (int i = 0; i < 200000; ++i) marks += i % 2 == 0 ? U'\u0301' : U'\u0323';
  const std::string text = utf8(marks);
  const std::clock_t start = std::clock();
  const std::string out = nfc(text);
  EXPECT_LT(std::clock() - start, 10 * CLOCKS_PER_SEC);
  EXPECT_EQ(out.substr(0, 5), utf8(U"\u1EA1\u0323"));
  EXPECT_EQ(nfc(out), out);
}

}  // namespace
}  // namespace moebius::engine
