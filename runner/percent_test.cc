#include "runner/percent.h"

#include <gtest/gtest.h>

namespace moebius::runner {
namespace {

double parse(const std::string& text) {
  CLI::App app;
  double value = 0.5;
  add_percent(app, "--share", value, "");
  app.parse(std::vector<std::string>{text, "--share"});  // CLI11 takes them last first
  return value;
}

TEST(Percent, ReadsBothForms) {
  EXPECT_DOUBLE_EQ(parse("1%"), 0.01);
  EXPECT_DOUBLE_EQ(parse("0.02"), 0.02);
  EXPECT_DOUBLE_EQ(parse("0"), 0);
  EXPECT_DOUBLE_EQ(parse("100%"), 1);
  EXPECT_DOUBLE_EQ(parse("1"), 1);
}

TEST(Percent, RefusesWhatIsNoShare) {
  for (const char* text : {"101%", "1.5", "-1", "", "%", "nan", "one", "1%%", "1 %"}) {
    EXPECT_THROW(parse(text), CLI::ValidationError) << text;
  }
}

}  // namespace
}  // namespace moebius::runner
