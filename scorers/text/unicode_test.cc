// Broken UTF-8 is repaired, bounded and classified as Python would.
#include "scorers/text/unicode.h"

#include <gtest/gtest.h>

#include <random>

namespace moebius::scorers::text {
namespace {

TEST(Unicode, BrokenBytesBecomeReplacementCharacters) {
  EXPECT_EQ(valid("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(valid("\xC3"), "\uFFFD");
  EXPECT_EQ(valid("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(valid("\xC0\xAF"), "\uFFFD\uFFFD");            // an overlong slash
  EXPECT_EQ(valid("\xF4\x90\x80\x80").size(), 12U);        // beyond U+10FFFF
  EXPECT_EQ(valid("\u20AC\U0001F600"), "\u20AC\U0001F600");
}

TEST(Unicode, BoundedNeverCutsACharacter) {
  EXPECT_EQ(bounded("ab\u20AC", 4), "ab");
  EXPECT_EQ(bounded("ab\u20AC", 5), "ab\u20AC");
  EXPECT_EQ(bounded("\xFF\xFF", 4), "\uFFFD");
  EXPECT_EQ(bounded("", 0), "");
}

TEST(Unicode, BoundedIsValidForRandomBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 3 ? random() : 0xE2 - random() % 3);
    const std::size_t limit = random() % 30;
    const std::string out = bounded(bytes, limit);
    EXPECT_TRUE(is_valid(out));
    EXPECT_LE(out.size(), limit);
    EXPECT_EQ(valid(valid(bytes)), valid(bytes));
  }
}

TEST(Unicode, ClassesAreThoseOfPython) {
  for (const char32_t space : {U' ', U'\t', U'\x1c', U'\x85', U'\u00a0', U'\u3000', U'\u2028'}) {
    EXPECT_TRUE(is_space(space)) << static_cast<unsigned>(space);
  }
  EXPECT_FALSE(is_space(U'\u200b'));
  EXPECT_TRUE(is_word(U'\u00b2') && is_word(U'_') && is_word(U'\u0436') && !is_word(U'\u0301'));
  EXPECT_TRUE(is_digit(U'\u00b2') && !is_decimal(U'\u00b2') && is_decimal(U'\u0663'));
  EXPECT_TRUE(is_alpha(U'\u03c0') && !is_alpha(U'1') && !is_alpha(U'\u221e'));
  EXPECT_EQ(lower("AB\u00C9\u0130\u03A9"), "ab\u00E9i\u0307\u03C9");
}

}  // namespace
}  // namespace moebius::scorers::text
