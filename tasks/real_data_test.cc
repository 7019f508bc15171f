// The real benchmarks, where MOEBIUS_SHARED names the folder that holds them: counts, prompts
// against recorded ones, windows, and what private tests decode to.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tasks/dataset.h"
#include "tasks/mini/mini.h"
#include "tasks/parts/livecodebench_prompts.h"
#include "tasks/private_tests.h"
#include "tasks/task.h"
#include "tasks/testing/fake_scorers.h"

namespace moebius::tasks {
namespace {

using testing::given_to;
using Json = nlohmann::json;

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("MOEBIUS_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "MOEBIUS_SHARED names no folder with reference data";
    shared_ = shared;
  }

  Options options(std::vector<std::string> variants = {},
                  std::map<std::string, std::string> values = {}) const {
    Options given;
    given.data_dir = shared_ + "/data";
    given.variants = std::move(variants);
    given.values = std::move(values);
    return given;
  }
  SampleSet load(const std::string& task, std::vector<std::string> variants = {},
                 std::map<std::string, std::string> values = {}) const {
    return find_task(task).load(options(std::move(variants), std::move(values))).front();
  }
  std::size_t count(const std::string& task, std::map<std::string, std::string> values = {}) const {
    return load(task, {}, std::move(values)).samples.size();
  }
  Json document(const std::string& file) const {
    LineReader reader(shared_ + "/" + file);
    return Json::parse(reader.rest());
  }

  std::string shared_;
};

TEST_F(RealData, EveryTaskHasItsItems) {
  const std::map<std::string, std::size_t> items = {
      {"mmlu", 14042},  {"mmlu_cot", 14042},    {"humaneval", 164},
      {"math500", 500}, {"math", 5000},         {"aime24", 30},
      {"aime25", 30},   {"livecodebench", 1054}};  // abc355_e has no test
  for (const auto& [task, size] : items) {
    const SampleSet set = load(task);
    EXPECT_EQ(set.samples.size(), size) << task;
    std::map<std::string, int> ids;
    for (const Sample& sample : set.samples) {
      EXPECT_EQ(++ids[sample.item], 1) << sample.item;
      ASSERT_FALSE(sample.asks.empty());
      ASSERT_EQ(sample.scorers.size(), 1U);
      EXPECT_FALSE(sample.cluster.empty());
      EXPECT_FALSE(sample.target.empty());
    }
  }
}

TEST_F(RealData, OneSourceOfEachTaskIsAsPinned) {
  for (const auto& task : all_tasks()) {
    bool whole = false;
    for (const SourceState& state : verify(*task, shared_ + "/data")) {
      whole |= state.problem.empty();
      EXPECT_TRUE(state.problem.empty() || state.problem == "not found") << state.problem;
    }
    EXPECT_TRUE(whole) << task->info().name;
  }
}

/// 110 prompts that an independent run with the original code kept.
TEST_F(RealData, MmluPromptsEqualTheRecordedOnes) {
  std::map<std::string, std::string> prompts;
  for (const Sample& sample : load("mmlu").samples) {
    EXPECT_EQ(sample.asks.size(), 6U);
    prompts[sample.item] = sample.asks[0].text;
  }
  LineReader lines(shared_ + "/vectors/mmlu/hendrycks_5shot_prompts_sample.jsonl.gz");
  int compared = 0;
  each_row(lines, [&](const Row& row) {
    const std::string item = row.text("subject") + "/" + row.scalar("idx");
    EXPECT_EQ(prompts[item], row.text("prompt")) << item;
    ++compared;
  });
  EXPECT_EQ(compared, 110);
}

TEST_F(RealData, MmluGroupsHaveTheirSizes) {
  std::map<std::string, int> sizes;
  for (const Sample& sample : load("mmlu").samples) ++sizes[sample.stratum];
  EXPECT_EQ(sizes,
            (std::map<std::string, int>{
                {"STEM", 3018}, {"humanities", 4705}, {"other", 3242}, {"social sciences", 3077}}));
}

TEST_F(RealData, MmluStemAgreesWithAnotherCopy) {
  std::map<std::string, std::map<std::string, int>> gold;  // by subject and choices
  for (const Sample& sample : load("mmlu", {"text"}).samples) {
    std::string key = sample.asks[5].text.substr(sample.asks[5].text.find("Question: "));
    for (const std::string& each : sample.asks[5].continuations) key += each;
    gold[sample.tags.at("subject")][key] = sample.target[0] - 'A';
  }
  LineReader lines(shared_ + "/data/mmlu/qwen_mmlu_stem_test.jsonl.gz");
  std::size_t rows = 0;
  std::size_t same = 0;
  each_row(lines, [&](const Row& row) {
    std::string key = "Question: " + row.text("question") + "\nAnswer:";
    for (const std::string& choice : row.texts("choices")) key += " " + choice;
    const auto& subject = gold[row.text("type")];
    const auto found = subject.find(key);
    ++rows;
    same += found != subject.end() && found->second == row.integer("answer") ? 1 : 0;
  });
  EXPECT_EQ(rows, 3018U);
  EXPECT_GE(same, 3018U);
}

TEST_F(RealData, HumanEvalAsksInEveryStyle) {
  const auto sets = find_task("humaneval").load(options({"all"}));
  ASSERT_EQ(sets.size(), 4U);
  for (const SampleSet& set : sets) ASSERT_EQ(set.samples.size(), 164U);
  const std::string prompt = given_to(sets[0].samples[0].scorers[0]).at("prompt");
  EXPECT_EQ(sets[0].samples[0].asks[0].text, prompt);
  EXPECT_EQ(sets[0].samples[0].asks[0].stop,
            (std::vector<std::string>{"\nclass", "\ndef", "\n#", "\nif", "\nprint"}));
  EXPECT_EQ(sets[1].samples[0].asks[0].text + "\n", prompt);
  EXPECT_EQ(given_to(sets[1].samples[0].scorers[0]).at("prompt"), prompt + "\n");
  EXPECT_EQ(sets[2].samples[0].asks[0].chat[0].content,
            "Read the following function signature and docstring, and fully implement the function "
            "described. Your response should only contain the code for this function.\n" +
                prompt);
  EXPECT_EQ(sets[3].samples[0].asks[0].chat[0].content,
            "Please continue to complete the function. You are not allowed to modify the given "
            "code and do the completion only. Please return all completed function in a codeblock. "
            "Here is the given code to do completion:\n```python\n" +
                sets[1].samples[0].asks[0].text + "\n```");
}

TEST_F(RealData, MathAgreesWithMath500) {
  std::map<std::string, std::string> answers;
  const std::string boxed =
      "\nPlease reason step by step, and put your final answer within \\boxed{}.";
  for (const Sample& sample : load("math").samples) {
    answers[sample.asks[0].chat[0].content] = sample.target;
  }
  const SampleSet five_hundred = load("math500");
  for (const Sample& sample : five_hundred.samples) {
    const std::string& asked = sample.asks[0].chat[0].content;
    EXPECT_EQ(asked.substr(asked.size() - boxed.size()), boxed);
    EXPECT_EQ(answers[asked], sample.target) << sample.item;
  }
  std::map<std::string, int> subjects;
  for (const Sample& sample : five_hundred.samples) ++subjects[sample.stratum];
  EXPECT_EQ(subjects.size(), 7U);
}

TEST_F(RealData, CopiesOfOneBenchmarkAreTheSameItems) {
  const auto by_file = [&](const std::string& task, const std::string& files) {
    Options own;
    own.values = {{"files", files}, {"allow_unpinned", "1"}};
    std::map<std::string, std::string> targets;
    const auto sets = find_task(task).load(own);
    for (const Sample& sample : sets.front().samples) {
      targets[sample.item] = sample.target;
    }
    return targets;
  };
  const std::string aime = shared_ + "/data/aime/";
  const auto first = by_file("aime24", aime + "qwen_aime24_test.jsonl");
  EXPECT_EQ(first.at("2024-I-3"), "809");
  EXPECT_EQ(first.at("2024-II-4"), "33");
  EXPECT_EQ(by_file("aime24", aime + "gair_test2024.jsonl"), first);
  EXPECT_EQ(by_file("aime24", aime + "gkv_aime24.jsonl"), first);
  EXPECT_EQ(by_file("aime25", aime + "gair_test2025-I.jsonl," + aime + "gair_test2025-II.jsonl"),
            by_file("aime25", aime + "gkv_aime25.jsonl"));
  const std::string math = shared_ + "/data/math/";
  EXPECT_EQ(by_file("math500", math + "openr_test500.jsonl"),
            by_file("math500", math + "math500_test.jsonl"));
}

TEST_F(RealData, SamplesAsReported) {
  EXPECT_EQ(load("aime24", {"r1"}).sampling.repeats, 64);
  EXPECT_EQ(load("aime24", {"v3"}).sampling.repeats, 16);
  EXPECT_EQ(load("aime24").sampling.repeats, 1);
  const Sample opened = load("aime24", {"r1"}, {{"think", "prefill"}}).samples[0];
  EXPECT_EQ(opened.asks[0].prefill, "<think>\n");
  EXPECT_EQ(given_to(opened.scorers[0]).at("opened"), "1");
  EXPECT_EQ(opened.asks[0].max_new_tokens, 32768);
}

/// Windows and releases: the sizes that the official rule gives.
TEST_F(RealData, LiveCodeBenchWindowsHaveTheirSizes) {
  const auto window = [&](const char* start, const char* end, const char* release) {
    return count("livecodebench", {{"start", start}, {"end", end}, {"release", release}});
  };
  EXPECT_EQ(window("2024-08-01", "2024-11-30", "v6"), 221U);
  EXPECT_EQ(window("2024-08-01", "2024-12-01", "v6"), 223U);
  EXPECT_EQ(window("2024-08-01", "2024-11-01", "v6"), 166U);
  EXPECT_EQ(window("2024-08-01", "2025-01-31", "v5"), 279U);
  EXPECT_EQ(window("2024-08-01", "2025-02-01", "v5"), 279U);
  EXPECT_EQ(window("2024-08-01", "2025-01-31", "v6"), 323U);
  EXPECT_EQ(window("2024-08-01", "2025-02-01", "v6"), 329U);
  EXPECT_EQ(count("livecodebench", {{"release", "v1"}}), 400U);
  EXPECT_EQ(count("livecodebench", {{"release", "v5"}}), 879U);  // 880 but abc355_e
  std::map<std::string, int> difficulties;
  for (const Sample& sample :
       load("livecodebench", {}, {{"start", "2024-08-01"}, {"release", "v5"}}).samples) {
    ++difficulties[sample.stratum];
  }
  EXPECT_EQ(difficulties,
            (std::map<std::string, int>{{"easy", 67}, {"medium", 89}, {"hard", 123}}));
}

/// The project's own result files list the problems of releases v1 and v5.
TEST_F(RealData, LiveCodeBenchReleasesEqualThePublishedLists) {
  const std::string folder = "data/livecodebench/leaderboard/";
  for (const auto& [release, file] : std::map<std::string, std::string>{
           {"v1", "performances_generation_v1_2024-04-17.json.xz"},
           {"v5", "performances_generation_v5_2025-01-15.json.xz"},
           {"v6", "performances_generation_v6_2025-04-22.json.xz"}}) {
    std::map<std::string, int> listed;
    const Json leaderboard = document(folder + file);
    for (const Json& each : leaderboard["performances"]) {
      listed[each["question_id"].get<std::string>()] = 1;
    }
    listed.erase("abc355_e");
    std::map<std::string, int> asked;
    for (const Sample& sample : load("livecodebench", {}, {{"release", release}}).samples) {
      asked[sample.item] = 1;
    }
    EXPECT_EQ(asked, listed) << release;
  }
}

TEST_F(RealData, LiveCodeBenchIsSortedTaggedAndSaysWhatItLacks) {
  const SampleSet set = load("livecodebench");
  std::map<std::string, int> errata;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    EXPECT_LT(i > 0 ? set.samples[i - 1].item : "", set.samples[i].item);
    const auto tag = set.samples[i].tags.find("errata");
    if (tag != set.samples[i].tags.end()) ++errata[tag->second];
  }
  EXPECT_EQ(errata, (std::map<std::string, int>{{"bad", 4}, {"interactive", 1}, {"multiple", 11}}));
  EXPECT_EQ(count("livecodebench", {{"errata", "drop"}}), 1038U);
  ASSERT_EQ(set.notes.size(), 2U);
  EXPECT_EQ(set.notes[0], "left out, without any test: abc355_e");
}

TEST_F(RealData, LiveCodeBenchAsksInEveryStyle) {
  const auto sets = find_task("livecodebench").load(options({"all"}));
  ASSERT_EQ(sets.size(), 5U);
  const Json functional = document("data/livecodebench/lcb_fewshot_func.json")[0];
  const Json stdin_shot = document("data/livecodebench/lcb_fewshot_stdin.json")[0];
  for (const bool is_functional : {true, false}) {
    const Json& recorded = is_functional ? functional : stdin_shot;
    const LcbShot& shot = lcb_shot(is_functional);
    EXPECT_EQ(shot.question, recorded["question"]);
    EXPECT_EQ(shot.answer, recorded["answer"]);
    EXPECT_EQ(is_functional ? recorded["sample_code"].get<std::string>() : "",
              is_functional ? shot.starter : "");
  }
  const Sample& generic = sets[0].samples.front();  // 1873_A, standard input
  ASSERT_EQ(generic.item, "1873_A");
  ASSERT_EQ(generic.asks[0].chat.size(), 2U);
  EXPECT_EQ(generic.asks[0].chat[0].content,
            "You are an expert Python programmer. You will be given a question (problem "
            "specification) and will generate a correct Python program that matches the "
            "specification and passes all tests.");
  const std::string& user = generic.asks[0].chat[1].content;
  EXPECT_EQ(user.find("### Question:\nThere are three cards"), 0U);
  const std::string end =
      "\n\n### Format: Read the inputs from stdin solve the problem and write the answer to stdout "
      "(do not directly test on the sample inputs). Enclose your code within delimiters as "
      "follows. "
      "Ensure that when the python program runs, it reads the inputs, runs the algorithm and "
      "writes "
      "output to STDOUT.\n```python\n# YOUR CODE HERE\n```\n\n### Answer: (use the provided format "
      "with backticks)\n\n";
  EXPECT_EQ(user.substr(user.size() - end.size()), end);
  const Ask& r1 = sets[2].samples.front().asks[0];
  EXPECT_TRUE(r1.special);
  EXPECT_EQ(r1.text.find("<｜begin▁of▁sentence｜>A conversation between User and Assistant."), 0U);
  EXPECT_NE(r1.text.find("</answer>.<｜User｜>You will be given a question"), std::string::npos);
  EXPECT_EQ(sets[2].sampling.repeats, 16);
  const Sample& base = sets[4].samples.front();
  EXPECT_EQ(base.asks[0].stop, std::vector<std::string>{"###"});
  EXPECT_EQ(base.asks[0].text.find("### Question\nYou have $n$ gifts"), 0U);
  EXPECT_EQ(base.asks[0].text.substr(base.asks[0].text.size() - 14), "\n\n### Answer\n\n");
  EXPECT_EQ(given_to(base.scorers[0]).at("base"), "1");
}

TEST_F(RealData, PrivateTestsDecodeToTheRecordedText) {
  const Json recorded = document("vectors/livecodebench/private_test_cases_1873_A.json");
  const std::string packed = recorded["private_test_cases"];
  const std::string text =
      parse_string_pickle("v", inflate_zlib("v", decode_base64("v", packed), kMaxTestBytes));
  EXPECT_EQ(text, recorded["decoded_json_string"]);
  EXPECT_EQ(parse_tests("v", packed, false).size(), 4U);
}

/// SandboxFusion packs a dictionary the same way: another language than the one we read.
TEST_F(RealData, PicklesOfOtherThingsAreRefused) {
  LineReader lines(shared_ +
                   "/data/livecodebench/sandboxfusion_code_eval_live_code_bench_v1.jsonl");
  int refused = 0;
  each_row(lines, [&](const Row& row) {
    EXPECT_THROW(parse_tests(row.where(), row.text("test"), false), Error);
    ++refused;
  });
  EXPECT_EQ(refused, 3);
}

TEST_F(RealData, MiniSuitesAreTheHeldOutMixedSets) {
  const std::map<std::string, std::string> files = {{"mini-aime", "aime_test"},
                                                    {"mini-humaneval", "humaneval_test"},
                                                    {"mini-livecodebench", "lcb_test"},
                                                    {"mini-math", "math_test"},
                                                    {"mini-mmlu", "mmlu_test"}};
  for (const auto& [suite, file] : files) {
    LineReader ours(suite, mini_file(suite + ".jsonl.gz"));
    LineReader theirs(shared_ + "/tiny_model/heldout_mixed/" + file + ".jsonl");
    EXPECT_TRUE(ours.rest() == theirs.rest()) << suite;
  }
}

}  // namespace
}  // namespace moebius::tasks
