// The engine's promise, checked by its own command: the same tokens, the same bits.
#include <gtest/gtest.h>

#include "tests/e2e/binary.h"

namespace moebius::tests {
namespace {

TEST(VerifyDeterminismCli, HoldsForTheEmbeddedModel) {
  const ProcessResult result = moebius({"model", "verify", "embedded", "--determinism", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const nlohmann::json report = json_lines(result).at(0);
  EXPECT_EQ(report.at("pass"), true);
  EXPECT_GE(report.at("variants").size(), 18U);
  for (const nlohmann::json& variant : report.at("variants"))
    EXPECT_EQ(variant.at("differences"), 0);
}

}  // namespace
}  // namespace moebius::tests
