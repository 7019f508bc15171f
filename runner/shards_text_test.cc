// What is said of the shards of a merged run.
#include "runner/shards_text.h"

#include <gtest/gtest.h>

namespace moebius::runner {
namespace {

TEST(ShardsText, SaysWhatIsLacking) {
  EXPECT_EQ(shards_lacking({}), "");
  EXPECT_EQ(shards_lacking({.merged = "16 of 16"}), "");
  EXPECT_EQ(shards_lacking({.merged = "15 of 16", .missing = {"5/16"}}), "shards missing: 5/16");
  EXPECT_EQ(shards_lacking({.open = {"3/16", "7/16"}}), "shards not finished: 3/16, 7/16");
  EXPECT_EQ(shards_lacking({.missing = {"5/16"}, .open = {"3/16"}}),
            "shards missing: 5/16; not finished: 3/16");
}

TEST(ShardsText, IsShort) {
  const reports::Shards shards{.missing = std::vector<std::string>(1000, "5/16")};
  EXPECT_LT(shards_lacking(shards).size(), 200U);
  EXPECT_NE(shards_lacking(shards).find(" and 980 more"), std::string::npos);
}

TEST(ShardsText, ForPrograms) {
  const Json json = shards_json({.merged = "1 of 2", .missing = {"2/2"}});
  EXPECT_EQ(json.dump(), R"({"merged":"1 of 2","missing":["2/2"],"open":[]})");
}

}  // namespace
}  // namespace moebius::runner
