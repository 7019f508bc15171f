// moebius eval and what is kept of it, end to end on the embedded model: results, going on after
// an interrupt or a kill, honest exit codes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <random>

#include "tests/e2e/eval.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

class EvalCli : public EvalTest {
 protected:
  EvalCli() : EvalTest({"--threads", "2"}) {}

  /// The mini suites whose judges run no code, few questions each.
  static std::vector<std::string> small() {
    return {"--tasks", "mini-mmlu,mini-math,mini-aime", "--limit", "5", "--json"};
  }
};

TEST_F(EvalCli, EvaluatesAndRemembers) {
  const ProcessResult first = moebius(eval(small(), "a.sqlite"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_NE(first.err.find(" % saved by shared prefixes"), std::string::npos) << first.err;
  const json report = json::parse(first.out);
  std::map<std::string, json> rows;
  for (const json& row : report["runs"][0]["rows"]) {
    if (row["part"] == "") rows.emplace(row["task"], row);
  }
  ASSERT_EQ(rows.size(), 3U);
  for (const auto& [task, row] : rows) {
    EXPECT_EQ(row["items"], 5) << task;
    EXPECT_GE(row["value"].get<double>(), 0.4) << task;
    EXPECT_LT(row["interval"]["low"].get<double>(), row["value"].get<double>()) << task;
    EXPECT_EQ(row["failed"], 0) << task;
  }
  EXPECT_EQ(samples("a.sqlite").size(), 15U);

  // The same command has nothing left to do and says the same.
  const ProcessResult again = moebius(eval(small(), "a.sqlite"));
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_NE(again.err.find("15 samples are there already"), std::string::npos) << again.err;
  EXPECT_EQ(json::parse(again.out)["runs"][0]["rows"], report["runs"][0]["rows"]);

  // Another seed is another run in the same store.
  std::vector<std::string> other = small();
  other.insert(other.end(), {"--seed", "9"});
  EXPECT_EQ(moebius(eval(other, "a.sqlite")).exit_code, 0);
  const ProcessResult list =
      moebius({"runs", "list", "--json", "--store", directory_.file("a.sqlite")});
  EXPECT_EQ(json_lines(list).size(), 2U);
}

TEST_F(EvalCli, ShowsTranscriptsAndReports) {
  ASSERT_EQ(moebius(eval(small(), "a.sqlite")).exit_code, 0);
  const std::string store = directory_.file("a.sqlite");
  const ProcessResult shown =
      moebius({"runs", "show", "last", "--item", "math/1", "--store", store});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  for (const char* part :
       {"---- prompt (", "---- answer (", "\\boxed{", "---- target ----", "math.moebius"}) {
    EXPECT_NE(shown.out.find(part), std::string::npos) << part << "\n" << shown.out;
  }
  expect_refused(moebius({"runs", "show", "last", "--item", "nowhere", "--store", store}),
                 "nowhere");
  for (const char* format : {"text", "markdown", "csv", "json"}) {
    const ProcessResult report = moebius({"report", "last", "--format", format, "--store", store});
    EXPECT_EQ(report.exit_code, 0) << report.err;
    EXPECT_NE(report.out.find("mini-aime"), std::string::npos) << report.out;
  }
  const ProcessResult rescored =
      moebius({"runs", "rescore", "last", "--grader", "hendrycks", "--store", store});
  EXPECT_EQ(rescored.exit_code, 0) << rescored.err;
  EXPECT_NE(rescored.out.find("math.hendrycks"), std::string::npos) << rescored.out;
  bool found = false;
  for (const json& line : samples("a.sqlite")) {
    for (const json& score : line["scores"]) found = found || score["scorer"] == "math.hendrycks";
  }
  EXPECT_TRUE(found) << "the new judgements are stored";
}

TEST_F(EvalCli, AProfileIsKeptWithTheRun) {
  const auto with = [](std::vector<std::string> command, const std::string& option) {
    command.push_back(option);
    return command;
  };
  ASSERT_EQ(moebius(eval(small(), "plain.sqlite")).exit_code, 0);
  const ProcessResult profiled = moebius(eval(with(small(), "--profile"), "a.sqlite"));
  ASSERT_EQ(profiled.exit_code, 0) << profiled.err;
  EXPECT_EQ(samples("a.sqlite"), samples("plain.sqlite")) << "it changes no answer";

  const std::string store = directory_.file("a.sqlite");
  const ProcessResult shown = moebius({"profile", "last", "--store", store});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  for (const char* part : {"kernel", "us/call", "of limit", "gemm", "limits measured", "busy"}) {
    EXPECT_NE(shown.out.find(part), std::string::npos) << part << "\n" << shown.out;
  }
  const json profile = json::parse(moebius({"profile", "1", "--json", "--store", store}).out);
  EXPECT_EQ(profile["device"], "cpu");
  EXPECT_GE(profile["sum_ns"], profile["busy_ns"]);
  EXPECT_LE(profile["busy_ns"], profile["wall_ns"]);
  EXPECT_GT(profile["limits"]["read_gb_s"], 0);
  ASSERT_GT(profile["kernels"].size(), 5U);
  double share = 0;
  for (const json& kernel : profile["kernels"]) {
    EXPECT_GT(kernel["calls"], 0) << kernel;
    EXPECT_GT(kernel["ns"], 0) << kernel;
    share += kernel["share"].get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-6);

  // A run that was not profiled says so, and one without profile leaves the stored one alone.
  expect_refused(moebius({"profile", "last", "--store", directory_.file("plain.sqlite")}),
                 "no profile");
  EXPECT_EQ(moebius(eval(small(), "a.sqlite")).exit_code, 0);
  EXPECT_EQ(json::parse(moebius({"profile", "1", "--json", "--store", store}).out), profile);
}

TEST_F(EvalCli, ProfilesOfAttemptsAddUp) {
  const std::vector<std::string> command = {"--tasks", "mini-aime", "--limit", "40", "--profile"};
  const auto calls = [&] {
    const ProcessResult result =
        moebius({"profile", "last", "--json", "--store", directory_.file("a.sqlite")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::map<std::string, std::int64_t> found;
    const json profile = json::parse(result.out);
    for (const json& kernel : profile["kernels"]) {
      found[kernel["kernel"]] = kernel["calls"].get<std::int64_t>();
    }
    return found;
  };
  // The limits take a second or two before the first question is asked.
  const ProcessResult cut = moebius(eval(command, "a.sqlite"), {.interrupt_after_ms = 3000});
  if (cut.exit_code == 0) GTEST_SKIP() << "finished before it could be interrupted";
  ASSERT_EQ(cut.exit_code, 130) << cut.err;
  const ProcessResult listed = moebius({"runs", "list", "--store", directory_.file("a.sqlite")});
  if (listed.exit_code != 0) GTEST_SKIP() << "interrupted before there was a store";
  const auto first = calls();
  ASSERT_EQ(moebius(eval(command, "a.sqlite")).exit_code, 0);
  const auto both = calls();
  for (const auto& [kernel, count] : first) {
    ASSERT_EQ(both.count(kernel), 1U) << kernel;
    EXPECT_GE(both.at(kernel), count) << kernel;
  }
  EXPECT_GT(both.at("embedding"), first.contains("embedding") ? first.at("embedding") : 0);
}

TEST_F(EvalCli, AnInterruptLosesNothing) {
  ASSERT_EQ(moebius(eval(small(), "whole.sqlite")).exit_code, 0);
  const ProcessResult cut = moebius(eval(small(), "cut.sqlite"), {.interrupt_after_ms = 300});
  if (cut.exit_code == 0) GTEST_SKIP() << "finished before it could be interrupted";
  EXPECT_EQ(cut.exit_code, 130) << cut.err;
  EXPECT_EQ(cut.out, "");
  const ProcessResult rest = moebius(eval(small(), "cut.sqlite"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(samples("cut.sqlite"), samples("whole.sqlite"));
}

/// MOEBIUS_KILLS processes die at random moments; every store must end like the one that was left
/// alone.
TEST_F(EvalCli, KilledAtAnyMomentAndResumed) {
  std::vector<std::string> command = {"--tasks", "mini-mmlu,mini-math,mini-aime", "--limit", "8",
                                      "--json"};
  if (sandbox_works()) command[1] = "mini";
  ASSERT_EQ(moebius(eval(command, "whole.sqlite")).exit_code, 0);
  const std::vector<json> wanted = samples("whole.sqlite");
  const char* given = std::getenv("MOEBIUS_KILLS");
  const int kills = given != nullptr ? std::atoi(given) : 8;
  std::mt19937_64 random(20261122);
  int killed = 0;
  for (int store = 0; killed < kills; ++store) {
    const std::string name = "killed" + std::to_string(store) + ".sqlite";
    for (int attempt = 0;; ++attempt) {
      ASSERT_LT(attempt, 1000) << "no end";
      // Later attempts live longer, so that each store is finished in the end.
      const int limit_ms = 100 + 150 * attempt;
      const int after = killed < kills ? 1 + static_cast<int>(random() % limit_ms) : 0;
      const ProcessResult result =
          moebius(eval(command, name), {.interrupt_after_ms = after, .signal = SIGKILL});
      if (result.exit_code == 0) break;
      ASSERT_EQ(result.exit_code, 128 + SIGKILL) << result.err;
      ++killed;
    }
    ASSERT_EQ(samples(name), wanted) << name;
  }
}

TEST_F(EvalCli, CodeIsJudgedInTheSandbox) {
  if (!sandbox_works()) GTEST_SKIP() << "no sandbox on this machine: moebius sandbox doctor";
  const ProcessResult result = moebius(
      eval({"--tasks", "mini-humaneval,mini-livecodebench", "--limit", "4", "--json"}, "a.sqlite"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const json& line : samples("a.sqlite")) {
    ASSERT_TRUE(line.contains("scores")) << line;
    EXPECT_NE(line["scores"][0]["sandbox"], "") << line;
  }
}

TEST_F(EvalCli, FailuresOfOursGiveNoScore) {
  // An interpreter that is not there: no verdict can be reached.
  const ProcessResult result = moebius(eval(
      {"--tasks", "mini-humaneval", "--limit", "2", "--python", "/nowhere/python3"}, "a.sqlite"));
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(result.out.find("100"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("/nowhere/python3"), std::string::npos) << result.err;
}

TEST_F(EvalCli, TwoRunsIntoOneStoreAreRefused) {
  std::vector<std::string> first = eval({"--tasks", "mini-aime", "--limit", "40"}, "a.sqlite");
  first.insert(first.begin(), binary());
  // A shell stops the first one, once it has the store, while the second is tried.
  std::string line;
  for (const std::string& word : first) line += "'" + word + "' ";
  const ProcessResult both =
      run_process({"/bin/sh", "-c",
                   line + ">/dev/null 2>&1 & until [ -s '" + directory_.file("a.sqlite") +
                       "' ] || ! kill -0 $!; do sleep 0.01; done; kill -STOP $!; " + line +
                       "; code=$?; kill -9 $!; exit $code"});
  EXPECT_EQ(both.exit_code, 2) << both.err;
  EXPECT_NE(both.err.find("a.sqlite"), std::string::npos) << both.err;
}

TEST_F(EvalCli, AFullDiskIsOneLine) {
  std::vector<std::string> command = eval(small(), "a.sqlite");
  command.insert(command.begin(), binary());
  std::string line;
  for (const std::string& word : command) line += "'" + word + "' ";
  const ProcessResult full = run_process({"/bin/bash", "-c", "ulimit -f 96; exec " + line});
  EXPECT_NE(full.exit_code, 0);
  EXPECT_LE(full.exit_code, 4) << "ended by a signal";
  EXPECT_NE(full.err.find("a.sqlite"), std::string::npos) << full.err;
  // With room again, the same command finishes.
  EXPECT_EQ(moebius(eval(small(), "a.sqlite")).exit_code, 0);
}

TEST_F(EvalCli, DryRunComputesNothing) {
  const ProcessResult result =
      moebius(eval({"--tasks", "mini-math", "--limit", "5", "--dry-run", "--json"}, "none.sqlite"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)["sets"][0]["items"], 5);
  EXPECT_NE(moebius({"runs", "list", "--store", directory_.file("none.sqlite")}).exit_code, 0);
}

TEST_F(EvalCli, BadInput) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& part) {
    expect_refused(moebius(eval(arguments, "a.sqlite")), part);
  };
  refused({"--tasks", "mmul"}, "mmul");
  refused({"--tasks", "mini-math", "--items", "nowhere"}, "nowhere");
  refused({"--tasks", "mini-math", "--fail-budget", "2"}, "--fail-budget");
  refused({"--tasks", "mini-math", "--grader", "mine"}, "--grader");
  // Where there is a GPU, this would run.
  if (::access("/dev/nvidiactl", F_OK) != 0) {
    refused({"--tasks", "mini-math", "--device", "cuda"}, "GPU engine");
  }
  refused({"--tasks", "mini-math", "--device", "tpu"}, "tpu");
  refused({"--tasks", "mmlu", "--data-dir", directory_.path()}, "mmlu");
  directory_.write("text.sqlite", "this is no database, whatever its name says");
  expect_refused(moebius(eval(small(), "text.sqlite")), "text.sqlite");
  expect_refused(moebius({"runs", "list", "--store", directory_.file("no.sqlite")}), "no.sqlite");
}

TEST(GradeCli, Filters) {
  const ProcessResult math =
      moebius_with_input({"grade", "math", "--grader", "hendrycks"},
                         "{\"id\":7,\"gold\":\"\\\\frac{1}{2}\",\"pred\":\"\\\\tfrac12\"}\n"
                         "{\"gold\":\"2\",\"pred\":\"3\"}\n");
  ASSERT_EQ(math.exit_code, 0) << math.err;
  const std::vector<json> lines = json_lines(math);
  EXPECT_EQ(lines[0]["id"], 7);
  EXPECT_EQ(lines[0]["equal"], true);
  EXPECT_EQ(lines[1]["equal"], false);
  const ProcessResult extracted =
      moebius_with_input({"grade", "extract", "--extractor", "boxed"},
                         "{\"response\":\"so \\\\boxed{7}\"}\n{\"response\":\"nothing\"}\n");
  EXPECT_EQ(json_lines(extracted)[0]["extracted"], "7");
  EXPECT_TRUE(json_lines(extracted)[1]["extracted"].is_null());
  const ProcessResult letters =
      moebius_with_input({"grade", "mmlu"}, "{\"gold\":\"B\",\"response\":\"so\\nAnswer: B\"}\n");
  EXPECT_EQ(json_lines(letters)[0]["verdict"], "pass");
  expect_refused(moebius_with_input({"grade", "math", "--grader", "mine"}, ""), "mine");
  expect_refused(moebius_with_input({"grade", "math"}, "{\"gold\":\"1\"}\n"), "pred");
}

TEST(TasksCli, ShowsWhatTheModelIsAsked) {
  const ProcessResult list = moebius({"tasks", "list"});
  EXPECT_EQ(list.exit_code, 0);
  for (const char* task :
       {"mmlu", "humaneval", "math500", "aime24", "livecodebench", "mini-aime"}) {
    EXPECT_NE(list.out.find(task), std::string::npos) << task;
  }
  const ProcessResult shown = moebius({"tasks", "show", "mini-aime", "--item", "aime/0", "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const json question = json::parse(shown.out);
  EXPECT_TRUE(question["prompt"].get<std::string>().ends_with("<think>\n"));
  EXPECT_GT(question["prompt_ids"].size(), 20U);
  EXPECT_EQ(moebius({"tasks", "show", "mmlu"}).exit_code, 0);
  expect_refused(moebius({"tasks", "show", "mini-aime", "--item", "aime/x"}), "aime/x");
  TempDir empty;
  EXPECT_EQ(moebius({"tasks", "verify", "mmlu", "--data-dir", empty.path()}).exit_code, 1);
}

}  // namespace
}  // namespace moebius::tests
