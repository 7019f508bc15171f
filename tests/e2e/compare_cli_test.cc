// moebius compare, gate and plan, end to end on the embedded model.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "reports/render/json_schema.h"
#include "tests/e2e/eval.h"

namespace moebius::tests {
namespace {

using nlohmann::json;
using reports::cases::JsonSchema;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class CompareCli : public EvalTest {
 protected:
  CompareCli() : EvalTest({"--threads", "2"}) {}

  /// The first `questions` of a suite whose answers are short.
  void evaluate(const std::string& store, const std::string& questions = "60",
                const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--tasks", "mini-math", "--limit", questions};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = moebius(eval(arguments, store));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  ProcessResult compare(const std::string& base, const std::string& candidate,
                        const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"compare",
                                        "last",
                                        "last",
                                        "--base-store",
                                        directory_.file(base),
                                        "--store",
                                        directory_.file(candidate)};
    command.insert(command.end(), more.begin(), more.end());
    return moebius(command);
  }
};

TEST_F(CompareCli, SameDamagedAndDifferent) {
  evaluate("base.sqlite");
  evaluate("same.sqlite");
  evaluate("damaged.sqlite", "60",
           {"--max-new-tokens", "2"});  // answers that end before they are given
  evaluate("fewer.sqlite", "30");

  // 52 questions without a flip pass at 5 %; 60 are too few for 1 %.
  const ProcessResult same = compare("base.sqlite", "same.sqlite", {"--margin", "5%"});
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  EXPECT_EQ(same.out.rfind("PASS: ", 0), 0U) << same.out;
  const ProcessResult few = compare("base.sqlite", "same.sqlite");
  EXPECT_EQ(few.exit_code, 3) << few.out << few.err;
  EXPECT_NE(few.out.find("268 questions would pass"), std::string::npos) << few.out;

  const ProcessResult damaged =
      compare("base.sqlite", "damaged.sqlite",
              {"--margin", "5%", "--format", "json", "--transcripts", "1", "--tasks", "mini-math"});
  EXPECT_EQ(damaged.exit_code, 1) << damaged.out << damaged.err;
  const json report = json::parse(damaged.out);
  EXPECT_EQ(JsonSchema(json::parse(text_of(COMPARISON_SCHEMA))).check(report), "");
  EXPECT_EQ(report["verdict"], "regression");
  ASSERT_EQ(report["sets"].size(), 1U);
  const json& set = report["sets"][0];
  EXPECT_EQ(set["questions"], 60);
  EXPECT_GT(set["candidate"]["truncated"], 0.9);
  EXPECT_GT(set["statistics"]["lost"], 20);
  bool shown = false;
  for (const json& change : set["changes"]) {
    if (!change.contains("base_answers")) continue;
    shown = true;
    EXPECT_GT(change["base_answers"][0]["text"].get<std::string>().size(),
              change["candidate_answers"][0]["text"].get<std::string>().size());
  }
  EXPECT_TRUE(shown);
  // The other way round it is better, which is no regression.
  EXPECT_EQ(compare("damaged.sqlite", "base.sqlite", {"--margin", "5%"}).exit_code, 0);

  const ProcessResult fewer = compare("base.sqlite", "fewer.sqlite", {"--margin", "10%"});
  EXPECT_EQ(fewer.exit_code, 4) << fewer.out;
  EXPECT_NE(fewer.out.find("30 questions only in the base"), std::string::npos) << fewer.out;
  const ProcessResult shared =
      compare("base.sqlite", "fewer.sqlite", {"--margin", "10%", "--intersect"});
  EXPECT_EQ(shared.exit_code, 0) << shared.out;

  for (const char* format : {"text", "markdown", "junit"}) {
    const ProcessResult one = compare("base.sqlite", "damaged.sqlite", {"--format", format});
    EXPECT_EQ(one.exit_code, 1) << one.err;
    EXPECT_NE(one.out.find("mini-math"), std::string::npos) << one.out;
    EXPECT_EQ(compare("base.sqlite", "damaged.sqlite", {"--format", format}).out, one.out);
  }
}

TEST_F(CompareCli, AnInterruptedRunNeverPasses) {
  evaluate("base.sqlite", "20");
  const ProcessResult cut = moebius(eval({"--tasks", "mini-math", "--limit", "20"}, "cut.sqlite"),
                                    {.interrupt_after_ms = 400});
  if (cut.exit_code == 0) GTEST_SKIP() << "finished before it could be interrupted";
  if (!std::filesystem::exists(directory_.file("cut.sqlite"))) GTEST_SKIP() << "too early";
  const ProcessResult result = compare("base.sqlite", "cut.sqlite", {"--margin", "50%"});
  EXPECT_TRUE(result.exit_code == 4 || result.exit_code == 2) << result.out << result.err;
}

TEST_F(CompareCli, WritesPagesToLookAt) {
  evaluate("base.sqlite", "10");
  const std::string store = directory_.file("base.sqlite");
  const std::string page = directory_.file("report.html");
  const ProcessResult report =
      moebius({"report", "last", "--store", store, "--format", "html", "--out", page});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(report.out, "");
  const std::string written = text_of(page);
  EXPECT_EQ(written.rfind("<!DOCTYPE html>", 0), 0U);
  EXPECT_EQ(written.substr(written.size() - 8), "</html>\n");
  EXPECT_NE(written.find("mini-math"), std::string::npos);
  EXPECT_NE(written.find("Experts of run 1"), std::string::npos);
  EXPECT_EQ(moebius({"report", "last", "--store", store, "--format", "html"}).out, written);
  const ProcessResult same =
      compare("base.sqlite", "base.sqlite", {"--margin", "30%", "--format", "html"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_NE(same.out.find("Comparison: pass"), std::string::npos);
  expect_refused(moebius({"report", "--store", store, "--out", directory_.file("none/report")}),
                 "none/report: cannot be written");
}

TEST_F(CompareCli, UsageErrors) {
  evaluate("base.sqlite", "2");
  const std::string store = directory_.file("base.sqlite");
  expect_refused(moebius({"compare", "last"}), "CANDIDATE");
  expect_refused(moebius({"compare", "last", "77", "--store", store}), "77");
  expect_refused(moebius({"compare", "last", "last", "--store", store, "--margin", "0"}), "margin");
  expect_refused(moebius({"compare", "last", "last", "--store", store, "--margin", "x"}), "1%");
  expect_refused(moebius({"compare", "last", "last", "--store", directory_.file("none")}), "none");
  expect_refused(moebius({"gate", "--config", directory_.file("none.json")}), "none.json");
  EXPECT_EQ(
      moebius({"compare", "last", "last", "--store", store, "--tasks", "mini-aime"}).exit_code, 4);
}

TEST_F(CompareCli, TheGateWritesReports) {
  evaluate("base.sqlite");
  evaluate("damaged.sqlite", "60", {"--max-new-tokens", "2"});
  const auto config = [&](const std::string& candidate, const std::string& more = "") {
    return directory_.write("gate.json", R"({"base": {"store": "base.sqlite"}, "candidate":
      {"store": ")" + candidate + R"("}, "tasks": {"mini-math": {"margin": "5%"}}, "margin": "1%",
      "limits": {"truncated": "50%"}, "output": {"markdown": "gate.md", "junit": "gate.xml",
      "json": "gate.out"})" + more + "}");
  };
  const ProcessResult pass = moebius({"gate", "--config", config("base.sqlite")});
  EXPECT_EQ(pass.exit_code, 0) << pass.out << pass.err;
  EXPECT_EQ(
      moebius({"gate", "--config", config("base.sqlite", R"(, "looks": {"count": 2})")}).exit_code,
      3);  // two looks cost more than 60 questions can prove at 5 %
  const ProcessResult fail = moebius({"gate", "--config", config("damaged.sqlite")});
  EXPECT_EQ(fail.exit_code, 1) << fail.out << fail.err;
  EXPECT_NE(text_of(directory_.file("gate.md")).find("### REGRESSION"), std::string::npos);
  EXPECT_NE(text_of(directory_.file("gate.xml")).find("<failure "), std::string::npos);
  const json report = json::parse(text_of(directory_.file("gate.out")));
  EXPECT_EQ(JsonSchema(json::parse(text_of(COMPARISON_SCHEMA))).check(report), "");
  const JsonSchema config_schema(json::parse(text_of(GATE_CONFIG_SCHEMA)));
  json written = json::parse(text_of(config("base.sqlite", R"(, "looks": {"count": 2})")));
  EXPECT_EQ(config_schema.check(written), "");
  written["margim"] = 1;
  EXPECT_EQ(config_schema.check(written), "$.margim: not in the schema");
  EXPECT_EQ(report["options"]["margins"]["mini-math"], 0.05);
  EXPECT_EQ(report["sets"][0]["limits_exceeded"].size(), 1U);
  expect_refused(moebius({"gate", "--config", config("base.sqlite", R"(, "margim": 1)")}),
                 "margim");
}

TEST_F(CompareCli, StopsOnceLooksDecide) {
  const std::vector<std::string> questions = {"--tasks", "mini-math", "--limit", "60"};
  ASSERT_EQ(moebius(eval(questions, "base.sqlite")).exit_code, 0);
  const auto against = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {
        "--sequential", "last", "--base-store", directory_.file("base.sqlite"), "--margin", "15%"};
    command.insert(command.end(), questions.begin(), questions.end());
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  // 26 questions without a flip reach the boundary of five looks at 15 %: the third look has 36.
  const ProcessResult same = moebius(eval(against({}), "same.sqlite"));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  EXPECT_NE(same.out.find("36 (early-stopped)"), std::string::npos) << same.out;
  EXPECT_NE(same.err.find("look 2 of 5: goes on"), std::string::npos) << same.err;
  EXPECT_EQ(samples("same.sqlite").size(), 36U);
  // It is no whole run, and only a gate with the same looks takes it.
  EXPECT_EQ(compare("base.sqlite", "same.sqlite", {"--margin", "15%"}).exit_code, 4);
  const auto gate = [&](const std::string& more) {
    return moebius({"gate", "--config",
                    directory_.write("gate.json", R"({"base": {"store": "base.sqlite"},
      "candidate": {"store": "same.sqlite"}, "margin": "15%")" +
                                                      more + "}")});
  };
  EXPECT_EQ(gate(R"(, "looks": {"count": 5})").exit_code, 0);
  EXPECT_EQ(gate("").exit_code, 4);
  // At any time: 36 questions are a bet that is not won yet, 60 are.
  const ProcessResult anytime =
      compare("base.sqlite", "same.sqlite", {"--margin", "15%", "--anytime"});
  EXPECT_EQ(anytime.exit_code, 3) << anytime.out << anytime.err;
  EXPECT_NE(anytime.out.find("36 (early-stopped)"), std::string::npos) << anytime.out;
  EXPECT_EQ(gate(R"(, "looks": "anytime")").exit_code, 3);
  const ProcessResult damaged = moebius(eval(against({"--max-new-tokens", "2"}), "damaged.sqlite"));
  EXPECT_EQ(damaged.exit_code, 1) << damaged.out << damaged.err;
  EXPECT_LT(samples("damaged.sqlite").size(), 60U);
  // Without looks the same command goes on to the end, to the same answers.
  ASSERT_EQ(moebius(eval(questions, "same.sqlite")).exit_code, 0);
  EXPECT_EQ(samples("same.sqlite").size(), 60U);
  EXPECT_EQ(compare("base.sqlite", "same.sqlite", {"--margin", "15%"}).exit_code, 0);
  EXPECT_EQ(compare("base.sqlite", "same.sqlite", {"--margin", "15%", "--anytime"}).exit_code, 0);
  EXPECT_EQ(gate(R"(, "looks": {"count": 5})").exit_code, 0);
  EXPECT_EQ(gate(R"(, "looks": "anytime")").exit_code, 0);

  std::vector<std::string> fewer = against({});
  *(std::find(fewer.begin(), fewer.end(), "--limit") + 1) = "50";
  expect_refused(moebius(eval(fewer, "other.sqlite")), "the base has 60");
  expect_refused(moebius(eval({"--tasks", "mini-math", "--looks", "3"}, "other.sqlite")),
                 "--sequential");
}

TEST_F(CompareCli, SeveralStoresMakeALeaderboardAndSeveralBaselines) {
  evaluate("base.sqlite", "30");
  evaluate("damaged.sqlite", "30", {"--max-new-tokens", "2"});
  const auto report = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"report",  "--all",
                                        "--store", directory_.file("base.sqlite"),
                                        "--store", directory_.file("damaged.sqlite")};
    command.insert(command.end(), more.begin(), more.end());
    return moebius(command);
  };
  const ProcessResult text = report({});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  for (const char* part : {"1-1", "2-2", "longest answers (tokens) differ", "mini-math"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << "\n" << text.out;
  }
  const ProcessResult history = report({"--history"});
  EXPECT_NE(history.out.find("change of the model"), std::string::npos) << history.out;
  for (const char* format : {"text", "markdown", "csv", "json", "lm-eval"}) {
    const ProcessResult one = report({"--format", format});
    EXPECT_EQ(one.exit_code, 0) << one.err;
    EXPECT_NE(one.out.find("mini-math"), std::string::npos) << one.out;
    EXPECT_EQ(report({"--format", format}).out, one.out);
  }
  const json board = json::parse(report({"--format", "json"}).out);
  EXPECT_EQ(board["runs"].size(), 2U);
  EXPECT_EQ(board["leaderboard"]["boards"][0]["entries"][0]["rank"]["worst"], 1);
  expect_refused(report({"--history", "--format", "csv"}), "--history");
  expect_refused(moebius({"report", "77", "--store", directory_.file("base.sqlite")}), "77");
  // One run alone is the report that it always was.
  const std::string store = directory_.file("base.sqlite");
  EXPECT_EQ(moebius({"report", "--all", "--store", store}).out,
            moebius({"report", "last", "--store", store}).out);

  const std::string config = directory_.write("gate.json", R"({"margin": "20%",
    "bases": [{"name": "good", "store": "base.sqlite"}, {"name": "bad", "store": "damaged.sqlite"}],
    "candidate": {"store": "damaged.sqlite"}, "output": {"json": "gate.out"}})");
  const ProcessResult gate = moebius({"gate", "--config", config});
  EXPECT_EQ(gate.exit_code, 1) << gate.out << gate.err;
  EXPECT_EQ(gate.out.rfind("REGRESSION against 1 of 2 baselines", 0), 0U) << gate.out;
  const json result = json::parse(text_of(directory_.file("gate.out")));
  EXPECT_EQ(JsonSchema(json::parse(text_of(GATE_SCHEMA))).check(result), "");
  for (const json& baseline : result["baselines"]) {
    EXPECT_EQ(JsonSchema(json::parse(text_of(COMPARISON_SCHEMA))).check(baseline["comparison"]),
              "");
  }
  EXPECT_EQ(
      JsonSchema(json::parse(text_of(GATE_CONFIG_SCHEMA))).check(json::parse(text_of(config))), "");
  EXPECT_EQ(result["baselines"][1]["comparison"]["verdict"], "pass");
}

/// The step of the GitHub action, as a job would run it.
TEST_F(CompareCli, TheActionsStepReports) {
  evaluate("base.sqlite", "10");
  const std::string config = directory_.write(
      "gate.json", R"({"base": {"store": "base.sqlite"}, "candidate": {"store": "base.sqlite"}})");
  const std::string summary = directory_.file("summary.md");
  const std::string output = directory_.file("output");
  const ProcessResult step =
      run_process({"/usr/bin/env", "GITHUB_STEP_SUMMARY=" + summary, "GITHUB_OUTPUT=" + output,
                   GATE_STEP, binary(), config, directory_.file("reports")});
  EXPECT_EQ(step.exit_code, 3) << step.out << step.err;
  EXPECT_NE(text_of(summary).find("### INCONCLUSIVE"), std::string::npos);
  EXPECT_EQ(text_of(output), "verdict=inconclusive\n");
  for (const char* name : {"gate.md", "comment.md", "gate.xml", "gate.json"}) {
    EXPECT_TRUE(std::filesystem::exists(directory_.file(std::string("reports/") + name))) << name;
  }
}

TEST_F(CompareCli, PlansBeforeAnythingIsComputed) {
  const std::vector<std::string> flips = {"plan",
                                          "--tasks",
                                          "mini-mmlu,mini-aime",
                                          "--margin",
                                          "2%",
                                          "--flip-rate",
                                          "5%",
                                          "--json",
                                          "--model",
                                          "embedded",
                                          "--price",
                                          "2",
                                          "--tokens-per-second",
                                          "1000"};
  const ProcessResult result = moebius(flips);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json plan = json::parse(result.out);
  ASSERT_EQ(plan["sets"].size(), 2U);
  for (const json& set : plan["sets"]) {
    EXPECT_EQ(set["questions_needed"], 773) << set;  // STATISTICS 2.2.12
    EXPECT_TRUE(set["repeats_needed"].is_null());
    EXPECT_GT(set["prompt_tokens"], 1000);
    EXPECT_NEAR(set["cost"].get<double>(), 2 * set["hours"].get<double>(), 1e-9);
  }
  // What runs of a store say: two equal ones do not differ at all, and took so many tokens.
  evaluate("base.sqlite", "20");
  const ProcessResult known =
      moebius({"plan", "--tasks", "mini-math", "--margin", "5%", "--store",
               directory_.file("base.sqlite"), "--candidate", "last", "--json"});
  ASSERT_EQ(known.exit_code, 0) << known.err;
  const json set = json::parse(known.out)["sets"][0];
  EXPECT_EQ(set["spread"], 0);
  EXPECT_EQ(set["questions_needed"], 52);
  EXPECT_EQ(set["power"], 1);
  EXPECT_GT(set["output_tokens"], 100);
  EXPECT_FALSE(set["output_tokens_at_most"]);
  const ProcessResult table = moebius({"plan", "--tasks", "mini-math", "--margin", "5%"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_NE(table.out.find("detectable"), std::string::npos) << table.out;
}

}  // namespace
}  // namespace moebius::tests
