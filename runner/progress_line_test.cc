#include "runner/progress_line.h"

#include <gtest/gtest.h>

namespace moebius::runner {
namespace {

TEST(ProgressText, ShowsWhereItStands) {
  Progress progress{.planned = 400, .found = 100, .scored = 95, .failed = 5, .now = "mmlu:cot"};
  EXPECT_EQ(progress_text(progress, 10),
            "mmlu:cot  [############............] 200/400  10.0/s  20 s left  5 failed");
  progress = {.planned = 400, .found = 100, .now = "mmlu:cot"};
  EXPECT_EQ(progress_text(progress, 10), "mmlu:cot  [######..................] 100/400");
  progress = {.planned = 2'000'000, .scored = 100, .now = "x"};
  EXPECT_NE(progress_text(progress, 10).find("55.6 h left"), std::string::npos);
  progress = {.planned = 2, .scored = 2, .now = "x"};
  EXPECT_EQ(progress_text(progress, 1), "x  [########################] 2/2  2.0/s");
}

}  // namespace
}  // namespace moebius::runner
