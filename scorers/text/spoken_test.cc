// What counts as spoken after thinking.
#include <gtest/gtest.h>

#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

TEST(SpokenPart, IsWhatFollowsTheLastEnd) {
  struct Case {
    const char* text;
    bool opened;
    const char* spoken;
    bool unclosed;
  };
  const Case cases[] = {
      {"plain", false, "plain", false},
      {"<think>a</think>b", false, "b", false},
      {"a</think>b", true, "b", false},
      {"a</think>b", false, "b", false},
      {"<think>a</think>b</think>c", false, "c", false},
      {"still thinking", true, "still thinking", true},
      {"<think>still", false, "<think>still", true},
      {"<think>a</think>b<think>c", false, "b<think>c", true},
      {"<think></think>", false, "", false},
      {"", false, "", false},
      {"", true, "", true},
  };
  for (const Case& c : cases) {
    const Spoken spoken = spoken_part(c.text, c.opened);
    EXPECT_EQ(spoken.text, c.spoken) << c.text;
    EXPECT_EQ(spoken.think_unclosed, c.unclosed) << c.text;
  }
}

}  // namespace
}  // namespace moebius::scorers
