#include "engine/serving/answer_text.h"

#include <gtest/gtest.h>

#include <random>

namespace moebius::engine {
namespace {

TEST(AnswerText, CutsBeforeAStopThatSpansTokens) {
  AnswerText text({"\n\nQ:"});
  EXPECT_FALSE(text.push("42\n"));
  EXPECT_FALSE(text.push("\n"));
  EXPECT_FALSE(text.push("Q"));
  EXPECT_TRUE(text.push(": and more"));
  EXPECT_EQ(text.text(), "42");
  EXPECT_EQ(text.stop(), "\n\nQ:");
  EXPECT_TRUE(text.push("late")) << "nothing comes after a stop";
  EXPECT_EQ(text.text(), "42");
}

TEST(AnswerText, PartialMatchStaysInTheText) {
  AnswerText text({"END"});
  EXPECT_FALSE(text.push("ENEN"));
  EXPECT_FALSE(text.finish());
  EXPECT_EQ(text.text(), "ENEN");
  EXPECT_EQ(text.stop(), "");
}

TEST(AnswerText, FirstInTheTextThenFirstListed) {
  AnswerText earliest({"c", "b"});
  EXPECT_TRUE(earliest.push("abc"));
  EXPECT_EQ(earliest.stop(), "b");
  AnswerText listed({"ab", "abc"});
  EXPECT_TRUE(listed.push("xabc"));
  EXPECT_EQ(listed.stop(), "ab");
  EXPECT_EQ(listed.text(), "x");
}

TEST(AnswerText, CharactersComeWhole) {
  AnswerText text({"é"});
  EXPECT_FALSE(text.push("a\xC3"));
  EXPECT_EQ(text.text(), "a");
  EXPECT_TRUE(text.push("\xA9"));
  EXPECT_EQ(text.text(), "a");
  AnswerText broken({});
  broken.push("a\xE2\x82");
  EXPECT_FALSE(broken.finish());
  EXPECT_EQ(broken.text(), "a\xEF\xBF\xBD");
}

// What is settled only grows, and is in the text at the end; at most a partial stop is held back.
TEST(AnswerText, SettledTextStays) {
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> stops(random() % 3);
    std::size_t longest = 1;
    for (std::string& stop : stops) {
      for (auto left = 1 + random() % 4; left > 0; --left) stop += "ab"[random() % 2];
      longest = std::max(longest, stop.size());
    }
    AnswerText text(stops);
    std::string settled;
    for (int tokens = 0; tokens < 12; ++tokens) {
      std::string token;
      for (auto left = random() % 4; left > 0; --left) token += "abc"[random() % 3];
      const bool stopped = text.push(token);
      const std::string now(text.settled());
      ASSERT_TRUE(now.starts_with(settled)) << now << " after " << settled;
      ASSERT_TRUE(text.text().starts_with(now));
      ASSERT_LT(text.text().size() - now.size(), longest);
      settled = now;
      if (stopped) break;
    }
    text.finish();
    ASSERT_TRUE(text.text().starts_with(settled)) << text.text() << " was " << settled;
  }
}

TEST(AnswerText, HoldsBackWhatAStopMayBeginWith) {
  AnswerText text({"ab", "bcd"});
  text.push("xa");
  EXPECT_EQ(text.settled(), "x");
  text.push("x");
  EXPECT_EQ(text.settled(), "xax");
  text.push("bc");
  EXPECT_EQ(text.settled(), "xax");
  text.push("d");
  EXPECT_EQ(text.settled(), "xax");
  EXPECT_EQ(text.text(), "xax");
}

// However the text is cut into tokens, a single stop string ends it at the same place.
TEST(AnswerText, CutDoesNotDependOnTokens) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string whole, stop;
    for (auto left = random() % 20; left > 0; --left) whole += "ab"[random() % 2];
    for (auto left = 1 + random() % 4; left > 0; --left) stop += "ab"[random() % 2];
    AnswerText text({stop});
    bool stopped = false;
    for (std::size_t at = 0; at < whole.size() && !stopped;) {
      const std::size_t size = 1 + random() % 4;
      stopped = text.push(std::string_view(whole).substr(at, size));
      at += size;
    }
    ASSERT_EQ(text.text(), whole.substr(0, whole.find(stop))) << whole << " until " << stop;
    ASSERT_EQ(stopped, whole.find(stop) != std::string::npos);
  }
}

}  // namespace
}  // namespace moebius::engine
