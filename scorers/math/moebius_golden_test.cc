// The moebius grader against the test cases that Math-Verify, lighteval and others publish.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "scorers/math/moebius_grader.h"

namespace moebius::scorers::math {
namespace {

struct Agreement {
  int rows = 0;
  int agreed = 0;
};

Agreement agreement(const std::string& name) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  std::ifstream file(std::string(shared) + "/vectors/math/" + name);
  EXPECT_TRUE(file) << name;
  Agreement result;
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json row = nlohmann::json::parse(line);
    const nlohmann::json& verdict = row.contains("equal") ? row["equal"] : row["expected"];
    const bool expected = verdict.is_boolean() ? verdict.get<bool>() : verdict.get<int>() == 1;
    const auto gold = row["gold"].get<std::string>();
    const auto pred = row["pred"].get<std::string>();
    const Equality got = moebius_equal(gold, pred);
    ++result.rows;
    if (got.equal == expected) {
      ++result.agreed;
    } else {
      std::printf("%s:%d expected %d: %.80s | %.80s | %s\n", name.c_str(), result.rows,
                  int{expected}, gold.c_str(), pred.c_str(), got.reason.c_str());
    }
  }
  return result;
}

void expect_percent(const std::string& name, int rows, double percent) {
  if (std::getenv("MOEBIUS_SHARED") == nullptr) {
    GTEST_SKIP() << "MOEBIUS_SHARED is not set: no reference vectors";
  }
  const Agreement got = agreement(name);
  EXPECT_GE(got.rows, rows);
  EXPECT_GE(got.agreed, percent / 100 * got.rows) << name;
}

TEST(MoebiusGolden, MathVerify) {
  expect_percent("math_verify.jsonl", 100, 97);
}
TEST(MoebiusGolden, Lighteval) {
  expect_percent("lighteval_extractive_match.jsonl", 100, 97);
}
TEST(MoebiusGolden, Inspect) {
  expect_percent("inspect_math_cases.jsonl", 30, 100);
}
// Two of its sixteen cases insist on the order of a list.
TEST(MoebiusGolden, Hendrycks) {
  expect_percent("hendrycks_is_equiv.jsonl", 16, 87);
}

}  // namespace
}  // namespace moebius::scorers::math
