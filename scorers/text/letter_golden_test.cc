// Every recorded simple-evals extraction, all columns.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scorers/text/letter.h"

namespace moebius::scorers::text {
namespace {

using Json = nlohmann::json;

Json recorded(const std::optional<std::string>& found) {
  return found ? Json(*found) : Json();
}

TEST(SimpleEvalsGolden, EveryColumnOfEveryRow) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "MOEBIUS_SHARED is not set: no recorded answers";
  std::ifstream file(std::string(shared) + "/vectors/mmlu/ref_simple_evals_extraction.jsonl");
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Json row = Json::parse(line);
    const std::string response = row.at("response");
    EXPECT_EQ(recorded(simple_evals_letter(response)), row.at("simple_evals_mmlu_extracted"));
    const Json& normal = row.at("simple_evals_normalized_response");  // short ones were recorded
    if (!normal.is_null()) {
      EXPECT_EQ(normalize_response(response), normal);
    }
    EXPECT_EQ(recorded(simple_evals_answer(response)), row.at("simple_evals_math_ANSWER_PATTERN"));
    EXPECT_EQ(recorded(simple_evals_multichoice(response)),
              row.at("simple_evals_ANSWER_PATTERN_MULTICHOICE"));
  }
  EXPECT_GT(rows, 0);
}

}  // namespace
}  // namespace moebius::scorers::text
