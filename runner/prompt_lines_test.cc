// JSON lines become requests; wrong ones name their line.
#include "runner/prompt_lines.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "runner/input.h"
#include "tests/support/fake_engine.h"

namespace moebius::runner {
namespace {

class PromptLines : public testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  ~PromptLines() override { std::remove(path_.c_str()); }

  std::string path_ = testing::TempDir() + "moebius_prompt_lines_test.jsonl";
  GenerateSettings settings_;
};

TEST_F(PromptLines, LinesOverrideTheCommandLine) {
  settings_.generate.max_new_tokens = 11;
  settings_.samples = 2;
  write(R"({"prompt": "a", "other": [1]}
{"id": "x", "ids": [1, 2], "max_new_tokens": 3, "temperature": 0.5, "top_p": 0.9, "top_k": 4,)"
        R"( "min_p": 0.1, "seed": 7, "stop": ["s"], "logprobs": 5, "samples": 1}
{"id": -3, "messages": [{"role": "user", "content": "hi"}]})");
  const auto jobs = read_generate_jobs(path_, settings_);
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].id, 0);
  EXPECT_EQ(jobs[0].prompt.text, "a");
  EXPECT_EQ(jobs[0].generate.max_new_tokens, 11);
  EXPECT_EQ(jobs[0].samples, 2);
  EXPECT_EQ(jobs[1].id, "x");
  EXPECT_EQ(jobs[1].prompt.ids, (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(jobs[1].generate.max_new_tokens, 3);
  EXPECT_EQ(jobs[1].generate.sampling.temperature, 0.5F);
  EXPECT_EQ(jobs[1].generate.sampling.top_p, 0.9F);
  EXPECT_EQ(jobs[1].generate.sampling.top_k, 4);
  EXPECT_EQ(jobs[1].generate.sampling.min_p, 0.1F);
  EXPECT_EQ(jobs[1].generate.sampling.seed, 7U);
  EXPECT_EQ(jobs[1].generate.stop, std::vector<std::string>{"s"});
  EXPECT_EQ(jobs[1].generate.logprobs, 5);
  EXPECT_EQ(jobs[1].samples, 1);
  EXPECT_EQ(jobs[2].id, -3);
  ASSERT_EQ(jobs[2].messages.size(), 1U);
  EXPECT_EQ(jobs[2].messages[0].content, "hi");
}

TEST_F(PromptLines, WrongLinesNameTheirPlace) {
  for (const char* bad : {"{}",
                          "[]",
                          "{",
                          R"({"prompt": 1})",
                          R"({"prompt": "a", "ids": [1]})",
                          R"({"ids": []})",
                          R"({"ids": [-1]})",
                          R"({"ids": "a"})",
                          R"({"messages": []})",
                          R"({"messages": {}})",
                          R"({"messages": [{"role": "user"}]})",
                          R"({"prompt": "a", "id": 1.5})",
                          R"({"prompt": "a", "id": {}})",
                          R"({"prompt": "a", "max_new_tokens": 0})",
                          R"({"prompt": "a", "max_new_tokens": "9"})",
                          R"({"prompt": "a", "temperature": -1})",
                          R"({"prompt": "a", "top_p": 0})",
                          R"({"prompt": "a", "stop": "s"})",
                          R"({"prompt": "a", "logprobs": 1025})",
                          R"({"prompt": "a", "seed": -1})",
                          R"({"prompt": "a", "samples": 0})"}) {
    write("{\"prompt\": \"fine\"}\n" + std::string(bad) + "\n");
    try {
      read_generate_jobs(path_, settings_);
      ADD_FAILURE() << "accepted: " << bad;
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(path_ + ":2: ", 0), 0U) << error.what();
    }
  }
  write("\n\n");
  EXPECT_THROW(read_generate_jobs(path_, settings_), InputError);
}

TEST_F(PromptLines, ChatPutsTheSystemMessageFirst) {
  settings_.chat = true;
  settings_.system = "be brief";
  const GenerateJob job = text_job("hi", settings_);
  ASSERT_EQ(job.messages.size(), 2U);
  EXPECT_EQ(job.messages[0].role, "system");
  EXPECT_EQ(job.messages[1].role, "user");
  EXPECT_EQ(job.messages[1].content, "hi");
  EXPECT_TRUE(job.prompt.text.empty());
}

TEST_F(PromptLines, OneRequestPerSample) {
  settings_.samples = 3;
  const tests::FakeEngine engine;
  const auto requests = to_requests(text_job("a", settings_), engine);
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2].sample, 2U);
  EXPECT_TRUE(requests[2].prompt.add_bos);
  EXPECT_TRUE(requests[2].generate.has_value());
}

TEST_F(PromptLines, ScoreLines) {
  write(R"({"id": 4, "context": "a", "continuations": ["b", [1, 2]]})");
  const auto jobs = read_score_jobs(path_);
  ASSERT_EQ(jobs.size(), 1U);
  const engine::Request request = to_request(jobs[0]);
  EXPECT_EQ(request.prompt.text, "a");
  ASSERT_TRUE(request.score.has_value());
  EXPECT_EQ(request.score->continuations[0].text, "b");
  EXPECT_FALSE(request.score->continuations[0].add_bos);
  EXPECT_EQ(request.score->continuations[1].ids.size(), 2U);
  for (const char* bad :
       {R"({"context": "a"})", R"({"context": "a", "continuations": []})",
        R"({"context": 1, "continuations": ["b"]})", R"({"context": "a", "continuations": [3]})",
        R"({"context": "a", "continuations": "b"})"}) {
    write(bad);
    EXPECT_THROW(read_score_jobs(path_), InputError) << bad;
  }
}

}  // namespace
}  // namespace moebius::runner
