// Recorded verdicts of the official checkers. A sample of the rows; all with MOEBIUS_ALL_ROWS=1.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "scorers/code/testing/cases.h"
#include "scorers/code/testing/reference.h"

namespace moebius::scorers::code {
namespace {

using nlohmann::json;

class Golden : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = shared_folder();
    if (folder_.empty()) GTEST_SKIP() << "MOEBIUS_SHARED is not set: no reference data";
    std::string why;
    sandbox_ = test_sandbox(why);
    if (!sandbox_) GTEST_SKIP() << why;
  }

  /// Judges every row; `agrees` is compared with what was recorded.
  struct Tally {
    std::size_t rows = 0;
    std::size_t timed = 0;  // timing-sensitive, not counted
    std::vector<std::string> differ;
    double agreement() const {
      return rows == 0 ? 0 : 1 - static_cast<double>(differ.size()) / static_cast<double>(rows);
    }
  };
  static void note(Tally& tally, const json& row, const std::string& name, bool recorded,
                   const Score& score) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const bool same = recorded == (score.verdict == Verdict::kPass);
    if (row.value("timing_sensitive", false)) {
      ++tally.timed;
      if (!same) std::cout << "timing: " << name << ": " << score.reason << "\n";
      return;
    }
    ++tally.rows;
    if (!same) {
      tally.differ.push_back(name + ": recorded " + (recorded ? "pass" : "fail") + ", here " +
                             verdict_name(score.verdict) + ": " + score.reason);
    }
  }
  static void report(const std::string& what, const Tally& tally) {
    std::cout << what << ": " << tally.rows - tally.differ.size() << " of " << tally.rows
              << " rows agree, " << tally.timed << " timing-sensitive rows besides\n";
    for (const std::string& line : tally.differ) std::cout << "  " << line << "\n";
  }

  std::string folder_;
  std::shared_ptr<sandbox::Sandbox> sandbox_;
};

HumanEvalProblem problem_of(const json& row) {
  HumanEvalProblem problem;
  problem.id = row.at("task_id");
  problem.prompt = row.at("prompt");
  problem.test = row.at("test");
  problem.entry_point = row.at("entry_point");
  return problem;
}

/// The verdict of one recorded row. Where the record says pass and this machine needed longer than
/// the limit, the row is judged with four times the limit: a slower processor than the recorder's
/// is not another verdict (one solution of HumanEval/129 takes 2.7 to 3.9 s of its 3 here).
Score judge(HumanEvalProblem problem, CodeExtraction extraction, const std::string& text,
            bool recorded, const std::shared_ptr<sandbox::Sandbox>& sandbox) {
  const auto verdict = [&] {
    return make_humaneval_scorer(problem, extraction, false, sandbox)->score({.text = text});
  };
  const Score score = verdict();
  if (!recorded || score.verdict != Verdict::kTimeLimit) return score;
  std::cout << problem.id << ": " << score.reason << "; judged again with four times the limit\n";
  problem.seconds *= 4;
  return verdict();
}

TEST_F(Golden, HumanEval) {
  std::map<std::string, HumanEvalProblem> problems;
  for (const char* file : {"HumanEval.jsonl.gz", "example_problem.jsonl"}) {
    for (const json& row : read_rows(folder_ + "/data/humaneval/" + file)) {
      problems.emplace(row.at("task_id"), problem_of(row));
    }
  }
  const std::vector<json> rows =
      sample_rows(read_rows(folder_ + "/vectors/humaneval/ref_humaneval_verdicts.jsonl.gz"), 2);
  Tally tally;
  in_parallel(rows.size(), [&](std::size_t i) {
    const json& row = rows[i];
    const bool whole = row.at("kind") == "full_program";
    const bool recorded = row.at("ref_passed");
    const Score score = judge(problems.at(row.at("task_id")),
                              whole ? CodeExtraction::kWholeProgram : CodeExtraction::kCompletion,
                              row.at("completion").get<std::string>(), recorded, sandbox_);
    note(tally, row, row.at("task_id"), recorded, score);
  });
  report("humaneval", tally);
  EXPECT_TRUE(tally.differ.empty());
}

TEST_F(Golden, HumanEvalCanonicalSolutions) {
  const std::vector<json> rows =
      sample_rows(read_rows(folder_ + "/data/humaneval/HumanEval.jsonl.gz"), 4);
  Tally tally;
  in_parallel(rows.size(), [&](std::size_t i) {
    const Score score = judge(problem_of(rows[i]), CodeExtraction::kCompletion,
                              rows[i].at("canonical_solution").get<std::string>(), true, sandbox_);
    note(tally, rows[i], rows[i].at("task_id"), true, score);
  });
  report("canonical", tally);
  EXPECT_TRUE(tally.differ.empty());
}

TEST_F(Golden, HumanEvalExampleSamples) {
  const json problem = read_rows(folder_ + "/data/humaneval/example_problem.jsonl").at(0);
  const ScorerPtr scorer =
      make_humaneval_scorer(problem_of(problem), CodeExtraction::kCompletion, false, sandbox_);
  const std::vector<json> rows = read_rows(folder_ + "/data/humaneval/example_samples.jsonl");
  double sum = 0;
  for (const json& row : rows) {
    const std::string text = row.at("completion");
    sum += scorer->score({.text = text}).value;
  }
  EXPECT_EQ(rows.size(), 6u);
  EXPECT_DOUBLE_EQ(sum / static_cast<double>(rows.size()), 0.5);
}

std::shared_ptr<LiveCodeBenchProblem> problem_of(const std::string& id, const json& in_out) {
  auto problem = std::make_shared<LiveCodeBenchProblem>();
  problem->id = id;
  if (!in_out.at("fn_name").is_null()) problem->fn_name = in_out.at("fn_name");
  for (std::size_t i = 0; i < in_out.at("inputs").size(); ++i) {
    problem->tests.push_back({in_out.at("inputs")[i], in_out.at("outputs")[i]});
  }
  return problem;
}

TEST_F(Golden, LiveCodeBenchEdgeCases) {
  const std::vector<json> rows =
      read_rows(folder_ + "/vectors/livecodebench/ref_checker_edge_cases.jsonl");
  Tally tally;
  in_parallel(rows.size(), [&](std::size_t i) {
    const std::string code = rows[i].at("code");
    const Score score =
        make_livecodebench_scorer(problem_of(rows[i].at("name"), rows[i].at("input_output")),
                                  LiveCodeBenchMode::kOfficial, false, true, false, sandbox_)
            ->score({.text = code});
    note(tally, rows[i], rows[i].at("name"), rows[i].at("ref_pass"), score);
  });
  report("edge cases", tally);
  EXPECT_TRUE(tally.differ.empty());
}

using Problems = std::map<std::string, std::shared_ptr<LiveCodeBenchProblem>>;

Problems public_problems(const std::string& path) {
  Problems problems;
  for (const json& row : read_rows(path)) {
    auto problem = std::make_shared<LiveCodeBenchProblem>();
    problem->id = row.at("question_id");
    problem->fn_name = json::parse(row.at("metadata").get<std::string>()).value("func_name", "");
    for (const json& test : json::parse(row.at("public_test_cases").get<std::string>())) {
      problem->tests.push_back({test.at("input"), test.at("output")});
    }
    problems.emplace(problem->id, problem);
  }
  return problems;
}

/// Rows that took seconds to record are for the full run.
std::vector<json> untimed(std::vector<json> rows) {
  if (std::getenv("MOEBIUS_ALL_ROWS") != nullptr) return rows;
  std::erase_if(rows, [](const json& row) { return row.value("timing_sensitive", false); });
  return rows;
}

TEST_F(Golden, LiveCodeBenchPublicTests) {
  const Problems problems =
      public_problems(folder_ + "/data/livecodebench/derived_lcb_v6_problems.jsonl.gz");
  const std::vector<json> rows = untimed(
      sample_rows(read_rows(folder_ + "/vectors/livecodebench/ref_public_verdicts.jsonl.gz"), 16));
  Tally tally;
  in_parallel(rows.size(), [&](std::size_t i) {
    const std::string id = rows[i].at("question_id");
    const std::string code = rows[i].at("code");
    const Score score = make_livecodebench_scorer(problems.at(id), LiveCodeBenchMode::kOfficial,
                                                  false, true, false, sandbox_)
                            ->score({.text = code});
    note(tally, rows[i], id, rows[i].at("ref_pass"), score);
  });
  report("public tests", tally);
  EXPECT_GE(tally.agreement(), 0.995);
}

}  // namespace
}  // namespace moebius::scorers::code
