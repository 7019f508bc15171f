// Every task is complete, refuses what it does not know, and the mini suites ask what is recorded.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "scorers/sandbox/sandbox.h"
#include "tasks/dataset.h"
#include "tasks/mini/mini.h"
#include "tasks/suite.h"
#include "tasks/task.h"
#include "tasks/testing/fake_scorers.h"
#include "tasks/testing/files.h"

namespace moebius::tasks {
namespace {

using testing::error_of;
using testing::given_to;

TEST(Tasks, AreListedByNameMiniSuitesLast) {
  std::vector<std::string> names;
  for (const auto& task : all_tasks()) names.push_back(task->info().name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"aime24", "aime25", "humaneval", "livecodebench", "math",
                                      "math500", "mmlu", "mmlu_cot", "mini-aime", "mini-humaneval",
                                      "mini-livecodebench", "mini-math", "mini-mmlu"}));
}

TEST(Tasks, DescribeThemselvesWhole) {
  for (const auto& task : all_tasks()) {
    const Info& info = task->info();
    SCOPED_TRACE(info.name);
    EXPECT_FALSE(info.description.empty());
    EXPECT_GE(info.version, 1);
    EXPECT_EQ(info.description.find('\n'), std::string::npos);
    ASSERT_FALSE(info.variants.empty());
    // Whoever says nothing gets one answer a question, not an hour of sampling.
    EXPECT_EQ(info.variants.front().sampling.repeats, 1);
    std::set<std::string> names;
    for (const Variant& variant : info.variants) {
      EXPECT_TRUE(names.insert(variant.name).second) << variant.name;
      EXPECT_FALSE(variant.description.empty());
      EXPECT_TRUE(variant.metric == "accuracy" || variant.metric == "pass@1" ||
                  variant.metric == "avg@k")
          << variant.metric;
    }
    ASSERT_FALSE(info.sources.empty());
    for (const Source& source : info.sources) {
      EXPECT_EQ(source.sha256.size(), 64U);
      EXPECT_FALSE(source.licence.empty());
      EXPECT_FALSE(source.note.empty());
      EXPECT_GT(source.rows, 0);
    }
  }
}

TEST(Tasks, UnknownNamesListTheKnown) {
  EXPECT_EQ(error_of([] { find_task("mmul"); }).find("expected a task of aime24, "), 0U);
  EXPECT_EQ(&find_task("mmlu"), &find_task("mmlu"));
  Options options;
  options.variants = {"7-shot"};
  EXPECT_EQ(error_of([&] { find_task("mini-mmlu").load(options); }),
            "mini-mmlu: expected a variant of 5-shot, 0-shot or all, found \"7-shot\"");
  options.variants = {};
  options.values = {{"subst", "demo"}};
  EXPECT_EQ(error_of([&] { find_task("mini-mmlu").load(options); }),
            "mini-mmlu: expected an option of subset, found \"subst\"");
  options.values = {{"subset", "some"}};
  EXPECT_EQ(error_of([&] { find_task("mini-mmlu").load(options); }),
            "mini-mmlu: option subset: expected one of all, demo, found \"some\"");
}

TEST(Tasks, WithoutADataDirectorySaySo) {
  for (const auto& task : all_tasks()) {
    if (task->info().mini) continue;
    EXPECT_EQ(error_of([&] { task->load({}); }),
              task->info().name + ": expected a data directory, found none given");
  }
}

class OneSandbox {
 public:
  Options options() {
    Options given;
    given.sandbox = [this]() -> std::shared_ptr<scorers::sandbox::Sandbox> {
      ++opened_;
      return nullptr;
    };
    return given;
  }
  int opened() const { return opened_; }

 private:
  int opened_ = 0;
};

TEST(MiniSuites, OpenTheSandboxOnceAndOnlyForCode) {
  for (const auto& task : all_tasks()) {
    if (!task->info().mini) continue;
    OneSandbox sandbox;
    task->load(sandbox.options());
    const bool code =
        task->info().name == "mini-humaneval" || task->info().name == "mini-livecodebench";
    EXPECT_EQ(sandbox.opened(), code ? 1 : 0) << task->info().name;
  }
}

TEST(MiniSuites, AreWhatTheirPinsSay) {
  for (const auto& task : all_tasks()) {
    if (!task->info().mini) continue;
    SCOPED_TRACE(task->info().name);
    const auto states = verify(*task, "");
    ASSERT_EQ(states.size(), 1U);
    EXPECT_EQ(states[0].problem, "");
    EXPECT_EQ(states[0].sha256, task->info().sources[0].sha256);
    EXPECT_EQ(states[0].rows, task->info().sources[0].rows);
    const SampleSet set = task->load({}).front();
    EXPECT_EQ(static_cast<std::int64_t>(set.samples.size()), states[0].rows);
    EXPECT_EQ(set.data_sha256, states[0].sha256);
    for (const Sample& sample : set.samples) {
      ASSERT_TRUE(sample.stratum == "core" || sample.stratum == "stress") << sample.item;
      EXPECT_FALSE(sample.tags.at("family").empty());
      EXPECT_FALSE(sample.cluster.empty());
      ASSERT_EQ(sample.asks.size(), 1U);
      ASSERT_EQ(sample.scorers.size(), task->info().name == "mini-math" ? 2U : 1U);
      EXPECT_FALSE(sample.asks[0].text.empty());
    }
  }
}

TEST(MiniSuites, TheDemonstrationIsAFixedSubset) {
  const std::map<std::string, std::pair<std::size_t, std::string>> demos = {
      {"mini-aime", {20, "02e1c0c1bc04"}},
      {"mini-humaneval", {40, "586b78f605d6"}},
      {"mini-livecodebench", {40, "4cb596c9e319"}},
      {"mini-math", {60, "604f94c7b4cb"}},
      {"mini-mmlu", {80, "e4fde717760f"}}};
  for (const auto& [name, expected] : demos) {
    Options options;
    options.values = {{"subset", "demo"}};
    const SampleSet demo = find_task(name).load(options).front();
    const SampleSet all = find_task(name).load({}).front();
    EXPECT_EQ(demo.samples.size(), expected.first) << name;
    std::string items;
    std::size_t tagged = 0;
    for (const Sample& sample : demo.samples) items += sample.item + "\n";
    for (const Sample& sample : all.samples) {
      tagged += sample.tags.count("demo");
    }
    EXPECT_EQ(tagged, expected.first) << name;
    EXPECT_EQ(sha256_hex(items).substr(0, 12), expected.second) << name;
  }
}

/// The row of a mini suite as it stands in the file.
nlohmann::json row_of(const std::string& file, std::size_t index) {
  LineReader lines(file, mini_file(file));
  std::string line;
  for (std::size_t i = 0; i <= index; ++i) lines.next(line);
  return nlohmann::json::parse(line);
}

TEST(MiniSuites, AskTheRecordedPrompts) {
  const auto row = [](const char* file) { return row_of(file, 3); };
  Options both;
  both.variants = {"all"};
  const auto mmlu = find_task("mini-mmlu").load(both);
  ASSERT_EQ(mmlu.size(), 2U);
  EXPECT_EQ(mmlu[0].samples[3].asks[0].text, row("mini-mmlu.jsonl.gz")["prompt_5shot"]);
  EXPECT_EQ(mmlu[1].samples[3].asks[0].text, row("mini-mmlu.jsonl.gz")["prompt"]);
  EXPECT_EQ(mmlu[1].samples[3].asks[0].continuations,
            (std::vector<std::string>{" A", " B", " C", " D"}));
  EXPECT_EQ(given_to(mmlu[0].samples[3].scorers[0]).at("gold"),
            row("mini-mmlu.jsonl.gz")["answer"].dump());
  const Sample aime = find_task("mini-aime").load({}).front().samples[3];
  EXPECT_EQ(aime.asks[0].text, row("mini-aime.jsonl.gz")["prompt"]);
  EXPECT_TRUE(aime.asks[0].special);
  EXPECT_EQ(aime.asks[0].max_new_tokens, 960);
  EXPECT_EQ(given_to(aime.scorers[0]).at("opened"), "1");  // the prompt ends with <think>
  const Sample math = find_task("mini-math").load({}).front().samples[3];
  EXPECT_EQ(math.asks[0].text, row("mini-math.jsonl.gz")["prompt"]);
  EXPECT_EQ(math.asks[0].max_new_tokens, 300);
  EXPECT_EQ(given_to(math.scorers[0]).at("extractor"), "boxed");
  EXPECT_EQ(given_to(math.scorers[0]).at("gold"), row("mini-math.jsonl.gz")["answer"]);
  const Sample code = find_task("mini-humaneval").load({}).front().samples[3];
  EXPECT_EQ(code.asks[0].text, row("mini-humaneval.jsonl.gz")["prompt"]);
  EXPECT_EQ(code.asks[0].max_new_tokens, 280);
  EXPECT_EQ(given_to(code.scorers[0]).at("test"), row("mini-humaneval.jsonl.gz")["test"]);
  const Sample program = find_task("mini-livecodebench").load({}).front().samples[3];
  EXPECT_EQ(program.asks[0].text, row("mini-livecodebench.jsonl.gz")["prompt"]);
  EXPECT_EQ(program.asks[0].max_new_tokens, 330);
  EXPECT_EQ(given_to(program.scorers[0]).at("tests"), "9");  // one public and eight private
}

TEST(MiniSuites, TakeTheGradersAsked) {
  Options options;
  options.grader = "hendrycks";
  options.more_graders = {"moebius", "hendrycks"};
  const Sample sample = find_task("mini-math").load(options).front().samples[0];
  ASSERT_EQ(sample.scorers.size(), 2U);
  EXPECT_EQ(given_to(sample.scorers[0]).at("grader"), "hendrycks");
  EXPECT_EQ(given_to(sample.scorers[1]).at("grader"), "moebius");
}

TEST(MiniSuites, FilesHaveTheRecordedSums) {
  LineReader sums(MOEBIUS_MINI_SUMS);
  int files = 0;
  for (std::string line; sums.next(line); ++files) {
    EXPECT_EQ(sha256_hex(mini_file(line.substr(66))), line.substr(0, 64)) << line;
  }
  EXPECT_EQ(files, 5);
  error_of([] { mini_file("mini-gsm8k.jsonl.gz"); });
}

TEST(Stripped, KnowsUnicodesSpaces) {
  EXPECT_EQ(stripped(" \t\n\xc2\xa0 a b\xe2\x80\x83\xe3\x80\x80\n"), "a b");
  EXPECT_EQ(stripped("\xc2\xa0\xc2\xa0"), "");
  EXPECT_EQ(stripped("\xe2\x80\x8bx"), "\xe2\x80\x8bx");  // zero width space is none
}

}  // namespace
}  // namespace moebius::tasks
