// Evaluations in stores of their own, and what they left there.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/binary.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {

class EvalTest : public testing::Test {
 protected:
  /// `engine`: options that every evaluation of the test gets.
  explicit EvalTest(std::vector<std::string> engine) : engine_(std::move(engine)) {}

  /// The command that evaluates the embedded model into `store`, a name in the test's directory.
  std::vector<std::string> eval(const std::vector<std::string>& more,
                                const std::string& store) const {
    std::vector<std::string> command = {"eval", "--model", "embedded", "--store",
                                        directory_.file(store)};
    command.insert(command.end(), engine_.begin(), engine_.end());
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  /// Whether model-written code may be run on this machine.
  static bool sandbox_works() { return moebius({"sandbox", "doctor"}).exit_code == 0; }

  /// A run's samples, verdicts and log-probabilities to the last bit, without what differs from
  /// run to run: clocks, and which prefix was shared.
  std::vector<nlohmann::json> samples(const std::string& store,
                                      const std::string& run = "last") const {
    const ProcessResult result =
        moebius({"runs", "export", run, "--store", directory_.file(store)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<nlohmann::json> lines = json_lines(result);
    for (nlohmann::json& line : lines) {
      line.erase("latency_us");
      line.erase("cached_tokens");
      if (!line.contains("scores")) continue;
      for (nlohmann::json& score : line["scores"]) {
        for (nlohmann::json& test : score["tests"]) test.erase("cpu_seconds");
      }
    }
    return lines;
  }

  TempDir directory_;

 private:
  std::vector<std::string> engine_;
};

}  // namespace moebius::tests
