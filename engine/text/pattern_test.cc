// Splitting by regular expression: the semantics of a backtracking engine, and no bad surprises.
#include "engine/text/pattern.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

std::vector<std::string> split(std::string_view regex, std::string_view text) {
  std::vector<Piece> pieces;
  Pattern(regex).split(text, {0, static_cast<std::uint32_t>(text.size())}, pieces);
  std::vector<std::string> out;
  for (const Piece& piece : pieces) {
    out.emplace_back(text.substr(piece.begin, piece.end - piece.begin));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(PatternTest, MatchesAndWhatLiesBetweenArePieces) {
  EXPECT_EQ(split("b+", "abbcb"), (Texts{"a", "bb", "c", "b"}));
  EXPECT_EQ(split("x", "abc"), (Texts{"abc"}));
  EXPECT_EQ(split("x", ""), (Texts{}));
  EXPECT_EQ(split("\\p{N}{1,3}", "a12345b"), (Texts{"a", "123", "45", "b"}));
}

TEST(PatternTest, TheFirstAlternativeWinsNotTheLongest) {
  EXPECT_EQ(split("a|ab", "ab"), (Texts{"a", "b"}));
  EXPECT_EQ(split("ab|a", "ab"), (Texts{"ab"}));
  EXPECT_EQ(split("ab|abc", "abcab"), (Texts{"ab", "c", "ab"}));
}

TEST(PatternTest, RepetitionGivesBack) {
  EXPECT_EQ(split("\\s+(?!\\S)|\\s+", "a   b"), (Texts{"a", "  ", " ", "b"}));
  EXPECT_EQ(split("\\s+(?!\\S)|\\s+", "a   "), (Texts{"a", "   "}));
  EXPECT_EQ(split("\\s*[\\r\\n]+", "a \n \n b"), (Texts{"a", " \n \n", " b"}));
  EXPECT_EQ(split("[ab]+b", "aabab-ba"), (Texts{"aabab", "-ba"}));
  EXPECT_EQ(split("[ab]*+b", "aabc"), (Texts{"aabc"}));  // possessive: never matches
  EXPECT_EQ(split("[ab]*b", "aabc"), (Texts{"aab", "c"}));
  EXPECT_EQ(split("é+é", "éééa"), (Texts{"ééé", "a"}));
}

TEST(PatternTest, GroupsAreTriedInOrderWithWhatFollows) {
  EXPECT_EQ(split("a(?:b|bc)d", "abcd-abd"), (Texts{"abcd", "-", "abd"}));
  EXPECT_EQ(split("a(?:b|c)?", "aacab"), (Texts{"a", "ac", "ab"}));
  EXPECT_EQ(split("x+(?:y|x)", "xxx"), (Texts{"xxx"}));
}

TEST(PatternTest, CaseIsIgnoredWhereAsked) {
  EXPECT_EQ(split("(?i:'s|'ll)", "a'Sb'lLc's"), (Texts{"a", "'S", "b", "'lL", "c", "'s"}));
  EXPECT_EQ(split("(?i:'s)|K", "'\u017F-\u212A"), (Texts{"'\u017F", "-\u212A"}));
  EXPECT_EQ(split("(?i:k)", "K\u212Ak"), (Texts{"K", "\u212A", "k"}));
}

TEST(PatternTest, ClassesKnowUnicode) {
  EXPECT_EQ(split("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", "¡hola 漢字9é"),
            (Texts{"¡hola", " 漢字", "9", "é"}));
  EXPECT_EQ(split("[一-龥]+", "a漢字b"), (Texts{"a", "漢字", "b"}));
  EXPECT_EQ(split("\\s", "a\u3000b\u0085"), (Texts{"a", "\u3000", "b", "\u0085"}));
  EXPECT_EQ(split("\\S+", "é \u00A0x"), (Texts{"é", " \u00A0", "x"}));
  EXPECT_EQ(split("[!\\-/\\]\\\\]", "a-b]c\\"), (Texts{"a", "-", "b", "]", "c", "\\"}));
  EXPECT_EQ(split("\\P{L}", "a1b"), (Texts{"a", "1", "b"}));
  EXPECT_EQ(split("\\x41|\\u00e9", "Aé"), (Texts{"A", "é"}));
}

TEST(PatternTest, TheEndIsThatOfThePieceOrALine) {
  EXPECT_EQ(split("\\s+$", "a b  "), (Texts{"a b", "  "}));
  EXPECT_EQ(split(" $", "a \nb "), (Texts{"a", " ", "\nb", " "}));
  std::vector<Piece> pieces;
  Pattern("\\s+$").split("a  b", {0, 2}, pieces);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[1].begin, 1U);
}

TEST(PatternTest, WhatItCannotDoIsRefused) {
  for (const char* regex :
       {"",          "a*",      "(?:a|)",   "(?!a)",   "$",
        "a|b?",      "(?:a)+",  "(a)*",     "(?<=a)b", "(?=a)b",
        "a+?",       "a{2}{3}", "a{3,2}",   "a{0}",    "a{",
        "a{1001}",   "[",       "[]",       "[^]",     "[b-a]",
        "[a[b]]",    "[a&&b]",  "[\\S]",    "(",       ")",
        "(a",        "a)",      "*",        "+a",      "\\",
        "\\p",       "\\p{",    "\\p{Xyz}", "\\w",     "\\b",
        "\\1",       "\\x4",    "\\xzz",    ".",       "^a",
        "(?i:[ab])", "(?i:é)",  "(?#a)",    "(?>a)",   "((((((((((a))))))))))"}) {
    EXPECT_THROW(Pattern{regex}, Error) << regex;
  }
  EXPECT_THROW(Pattern{std::string(5000, 'a')}, Error);
  std::string many = "a";
  for (int i = 0; i < 40; ++i) many += "|a";
  EXPECT_THROW(Pattern{many}, Error);
}

// Processor time: other work on the machine does not count.
double seconds_to_split(std::string_view regex, const std::string& text) {
  const std::clock_t start = std::clock();
  split(regex, text);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(PatternTest, LongRunsTakeLinearTime) {
  const std::string blanks = std::string(1 << 20, ' ') + "a";
  EXPECT_LT(seconds_to_split("\\s+$", blanks), 10);
  EXPECT_LT(seconds_to_split("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", blanks), 10);
  EXPECT_LT(seconds_to_split("\\p{L}+\\p{N}", std::string(1 << 20, 'x')), 10);
}

TEST(PatternTest, WhatWouldTakeForeverIsAnError) {
  std::string optional;
  for (int i = 0; i < 30; ++i) optional += "(?:a|a)?";
  EXPECT_THROW(split("x" + optional + "b", "x" + std::string(64, 'a')), Error);
  EXPECT_THROW(split("a*a*a*a*b", std::string(4096, 'a')), Error);
}

}  // namespace
}  // namespace moebius::engine
