// Every recorded normalisation of the answers of MATH, all seven columns.
#include "scorers/math/normalizers.h"

#include <gtest/gtest.h>

#include "scorers/math/recorded_rows.h"

namespace moebius::scorers::math {
namespace {

TEST(NormalizersGolden, EveryColumnOfEveryRow) {
  const auto rows = recorded_rows("math/ref_normalizers_math5000.jsonl.gz");
  if (rows.empty()) GTEST_SKIP() << "MOEBIUS_SHARED is not set: no recorded answers";
  for (const auto& row : rows) {
    const std::string answer = row.at("answer");
    for (const char* name : normalizer_names()) {
      EXPECT_EQ(normalize(name, answer).value_or("(raised)"), row.at(name))
          << name << ": " << answer;
    }
  }
}

}  // namespace
}  // namespace moebius::scorers::math
