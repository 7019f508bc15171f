// The five mini suites through our own server and our own client: the same answers, verdicts and
// log-probabilities, to the last bit, as the engine without HTTP between.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "tests/e2e/remote.h"
#include "tests/e2e/serve_process.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

class ServedEval : public RemoteCli {
 protected:
  /// Of each suite the first few; MOEBIUS_SERVED_LIMIT=1000 takes all.
  static std::vector<std::string> asking(const std::string& tasks) {
    return {"--tasks", tasks, "--limit",
            std::to_string(number_from_environment("MOEBIUS_SERVED_LIMIT", 8))};
  }

  /// What the model did and how it was judged. Not what only one side knows, token ids, nor what a
  /// choice took: it is one call for each continuation here.
  static json of_model(const json& line) {
    json kept;
    for (const char* name :
         {"task", "variant", "item", "repeat", "target", "prompt", "text", "finish", "stop",
          "output_tokens", "prompt_tokens", "choices", "scores", "failure"}) {
      if (line.contains(name)) kept[name] = line[name];
    }
    if (kept.contains("choices")) kept.erase("prompt_tokens"), kept.erase("output_tokens");
    return kept;
  }

  void expect_equal(const std::string& tasks) {
    const ServeProcess server({"--api-key-file", key_file()});
    ASSERT_EQ(moebius(eval(asking(tasks), "direct.sqlite")).exit_code, 0);
    std::vector<std::string> command = {
        "eval", "--model", "http://127.0.0.1:" + std::to_string(server.port()) + "/v1#embedded",
        "--store", directory_.file("served.sqlite")};
    for (const std::string& each : asking(tasks)) command.push_back(each);
    const ProcessResult served = moebius(command);
    ASSERT_EQ(served.exit_code, 0) << served.err;
    const std::vector<json> direct = samples("direct.sqlite");
    const std::vector<json> through = samples("served.sqlite");
    ASSERT_EQ(through.size(), direct.size());
    ASSERT_GT(direct.size(), 0U);
    for (std::size_t i = 0; i < direct.size(); ++i) {
      ASSERT_EQ(of_model(through[i]), of_model(direct[i]));
    }
    std::printf("%s: %zu samples equal\n", tasks.c_str(), direct.size());
  }

  std::string key_file() const {
    const std::string path = directory_.file("key.txt");
    std::ofstream(path) << kKey << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }
};

TEST_F(ServedEval, LogProbabilitiesToTheLastBit) {
  expect_equal("mini-mmlu");
}

TEST_F(ServedEval, LogProbabilitiesWithoutExamples) {
  expect_equal("mini-mmlu:0-shot");
}

TEST_F(ServedEval, Texts) {
  expect_equal("mini-math,mini-aime");
}

TEST_F(ServedEval, Programs) {
  if (!sandbox_works()) GTEST_SKIP() << "no sandbox here";
  expect_equal("mini-humaneval,mini-livecodebench");
}

}  // namespace
}  // namespace moebius::tests
