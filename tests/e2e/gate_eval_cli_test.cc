// moebius gate that evaluates its candidate: to the end, to a look, after an end that came too
// early, and never twice.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "reports/render/json_schema.h"
#include "tests/e2e/remote.h"

namespace moebius::tests {
namespace {

using nlohmann::json;
using reports::cases::JsonSchema;

class GateEvalCli : public RemoteCli {
 protected:
  /// A base of the embedded model, 30 questions with short answers: evaluated once for all tests.
  static void SetUpTestSuite() {
    made_ = std::make_unique<TempDir>();
    evaluate_base(made_->file("base.sqlite"), {});
  }
  static void TearDownTestSuite() { made_.reset(); }

  void copy_base(const std::string& store = "base.sqlite") const {
    std::filesystem::copy_file(made_->file("base.sqlite"), directory_.file(store));
  }

  static void evaluate_base(const std::string& store, const std::vector<std::string>& more) {
    std::vector<std::string> command = {"eval",      "--model", "embedded", "--tasks",
                                        "mini-math", "--limit", "30",       "--threads",
                                        "2",         "--store", store};
    command.insert(command.end(), more.begin(), more.end());
    const ProcessResult result = moebius(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// A gate over the 30 questions; `changes` replace its fields.
  json config(const json& changes = json::object()) const {
    json gate = {
        {"base", {{"store", "base.sqlite"}}},
        {"candidate", {{"store", "candidate.sqlite"}}},
        {"margin", "30%"},
        {"eval", {{"model", "embedded"}, {"tasks", "mini-math"}, {"limit", 30}}},
        {"output", {{"markdown", "gate.md"}, {"junit", "gate.xml"}, {"json", "gate.out"}}}};
    gate["eval"]["threads"] = 2;
    gate.merge_patch(changes);
    return gate;
  }

  ProcessResult gate(const json& config, const ProcessOptions& options = {}) const {
    ProcessResult result =
        moebius({"gate", "--config", directory_.write("gate.json", config.dump())}, options);
    if (result.exit_code != 2) {  // what is taken is what the published schema allows
      EXPECT_EQ(JsonSchema(json::parse(text_of_path(GATE_CONFIG_SCHEMA))).check(config), "");
    }
    return result;
  }

  std::string text_of(const std::string& name) const {
    std::ifstream file(directory_.file(name), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string reports() const {
    return text_of("gate.md") + text_of("gate.xml") + text_of("gate.out");
  }

  json report() const {
    json report = json::parse(text_of("gate.out"));
    EXPECT_EQ(JsonSchema(json::parse(text_of_path(COMPARISON_SCHEMA))).check(report), "");
    return report;
  }

  /// Run again, a gate asks nothing, says the same and writes the same.
  void expect_the_same_again(const json& config, const ProcessResult& first) const {
    const std::string written = reports();
    const ProcessResult again = gate(config);
    EXPECT_EQ(again.exit_code, first.exit_code) << again.err;
    EXPECT_EQ(again.out, first.out);
    EXPECT_EQ(reports(), written);
    EXPECT_NE(again.err.find("decided by the answers that are there"), std::string::npos)
        << again.err;
  }

 private:
  inline static std::unique_ptr<TempDir> made_;

  static std::string text_of_path(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

TEST_F(GateEvalCli, EvaluatesAndJudges) {
  copy_base();
  const ProcessResult pass = gate(config());
  EXPECT_EQ(pass.exit_code, 0) << pass.out << pass.err;
  EXPECT_EQ(pass.out.rfind("PASS: ", 0), 0U) << pass.out;
  EXPECT_EQ(samples("candidate.sqlite"), samples("base.sqlite"));
  EXPECT_TRUE(report()["early_stop"].is_null());
  EXPECT_EQ(report()["candidate"]["state"], "complete");
  expect_the_same_again(config(), pass);
  // And as a gate of two runs that are stored.
  json stored = config();
  stored.erase("eval");
  EXPECT_EQ(gate(stored).out, pass.out);

  const json worse = config({{"candidate", {{"store", "worse.sqlite"}}},
                             {"margin", "5%"},
                             {"eval", {{"max-new-tokens", 2}}}});
  const ProcessResult regression = gate(worse);
  EXPECT_EQ(regression.exit_code, 1) << regression.out << regression.err;
  expect_the_same_again(worse, regression);
}

TEST_F(GateEvalCli, StopsAtTheLookThatDecidesAndGoesOn) {
  copy_base();
  // 11 questions without a flip reach the boundary of five looks at 30 %: the second look has 12.
  const json looks = config({{"looks", {{"count", 5}}}});
  const ProcessResult pass = gate(looks);
  EXPECT_EQ(pass.exit_code, 0) << pass.out << pass.err;
  EXPECT_NE(pass.err.find("look 1 of 5: goes on"), std::string::npos) << pass.err;
  EXPECT_EQ(samples("candidate.sqlite").size(), 12U);
  const std::string line = "stopped early: decided at look 2 of 5; 12 of 30 questions asked";
  EXPECT_NE(pass.out.find(line), std::string::npos) << pass.out;
  EXPECT_NE(text_of("gate.md").find(line), std::string::npos);
  EXPECT_EQ(report()["early_stop"]["asked"], 12);
  expect_the_same_again(looks, pass);
  // At any time: what is there is not enough, and the run goes on with it.
  const json at_any_time = config({{"looks", "anytime"}, {"margin", "50%"}});
  const ProcessResult anytime = gate(at_any_time);
  EXPECT_EQ(anytime.exit_code, 0) << anytime.out << anytime.err;
  EXPECT_NE(anytime.err.find("12 samples are there already"), std::string::npos) << anytime.err;
  EXPECT_GT(samples("candidate.sqlite").size(), 12U);
  expect_the_same_again(at_any_time, anytime);
  // Without looks to the end, to the answers of a run that never stopped.
  EXPECT_EQ(gate(config()).exit_code, 0);
  EXPECT_EQ(samples("candidate.sqlite"), samples("base.sqlite"));
  // The whole run comes to the same at the same look.
  EXPECT_EQ(gate(looks).exit_code, 0);
  EXPECT_EQ(report()["sets"][0]["statistics"]["look"], 2);
}

TEST_F(GateEvalCli, GoesOnAfterItWasKilled) {
  copy_base();
  // Reports of an earlier call do not stand for one that did not end.
  directory_.write("gate.md", "### PASS");
  directory_.write("gate.out", "{\"verdict\": \"pass\"}");
  bool ended = false;
  for (const int after_ms : {150, 500}) {
    for (const int signal : {SIGKILL, SIGINT}) {
      const ProcessResult cut = gate(config(), {.interrupt_after_ms = after_ms, .signal = signal});
      ended = ended || cut.exit_code == 0;
      if (ended) continue;
      EXPECT_EQ(cut.exit_code, 128 + signal) << cut.err;
      EXPECT_EQ(cut.out, "");
      if (!std::filesystem::exists(directory_.file("candidate.sqlite"))) continue;
      EXPECT_TRUE(reports().empty() || samples("candidate.sqlite").size() == 30) << reports();
    }
  }
  const ProcessResult whole = gate(config());
  EXPECT_EQ(whole.exit_code, 0) << whole.out << whole.err;
  EXPECT_EQ(samples("candidate.sqlite"), samples("base.sqlite"));
  expect_the_same_again(config(), whole);
}

TEST_F(GateEvalCli, AServerThatEndsGivesNoVerdict) {
  std::atomic<int> left = 1'000;
  FaultServer server([&](const FaultServer::Request& request) {
    if (--left < 0) return error(401, "no such key");
    return streamed(events(answer_to(digest(request.body))));
  });
  const std::string model = server.url() + "/v1#toy";
  ASSERT_EQ(
      moebius(remote(server, "base.sqlite", {"--tasks", "mini-math", "--limit", "30"})).exit_code,
      0);
  json asking = config({{"eval", {{"model", model}, {"header", {"X-Team: ${PLANTED_HEADER}"}}}},
                        {"looks", {{"count", 5}}}});
  asking["eval"].erase("threads");
  directory_.write("gate.md", "### PASS");
  left = 8;  // in the second look
  const ProcessResult ended = gate(asking);
  EXPECT_EQ(ended.exit_code, 4) << ended.out << ended.err;
  EXPECT_EQ(ended.out, "");
  EXPECT_NE(ended.err.find("the same command goes on"), std::string::npos) << ended.err;
  EXPECT_EQ(reports(), "");
  EXPECT_EQ(leaks(kKey, ended), std::vector<std::string>());

  left = 1'000;
  const int before = server.requests;
  const ProcessResult pass = gate(asking);
  EXPECT_EQ(pass.exit_code, 0) << pass.out << pass.err;
  EXPECT_EQ(samples("candidate.sqlite").size(), 12U);
  EXPECT_LT(server.requests - before, 12) << "the first answers were kept";
  const int after = server.requests;
  expect_the_same_again(asking, pass);
  EXPECT_EQ(server.requests, after) << "nothing is asked twice";
}

TEST_F(GateEvalCli, SeveralBaselinesAreAllDecided) {
  copy_base("good.sqlite");
  evaluate_base(directory_.file("bad.sqlite"), {"--max-new-tokens", "2"});
  json both = config(
      {{"bases",
        {{{"name", "good"}, {"store", "good.sqlite"}}, {{"name", "bad"}, {"store", "bad.sqlite"}}}},
       {"looks", {{"count", 5}}}});
  both.erase("base");
  const ProcessResult pass = gate(both);
  EXPECT_EQ(pass.exit_code, 0) << pass.out << pass.err;
  EXPECT_EQ(pass.out.rfind("PASS against 2 of 2 baselines", 0), 0U) << pass.out;
  EXPECT_LT(samples("candidate.sqlite").size(), 30U);
  expect_the_same_again(both, pass);

  // The same questions in another order are other looks.
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(directory_.file("bad.sqlite").c_str(), &store), SQLITE_OK);
  EXPECT_EQ(
      sqlite3_exec(store, "UPDATE items SET position = -1 - position", nullptr, nullptr, nullptr),
      SQLITE_OK);
  EXPECT_EQ(
      sqlite3_exec(store, "UPDATE items SET position = position + 30", nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(store);
  expect_refused(gate(both),
                 "gate.json.bases[1]: its questions come in another order than those "
                 "of");
  both["eval"]["limit"] = 20;
  expect_refused(gate(both), "gate.json.bases[0]: mini-math:");
}

TEST_F(GateEvalCli, RefusesBeforeAnythingIsAsked) {
  copy_base();
  const auto refuse = [&](const json& changes, const std::string& part) {
    expect_refused(gate(config(changes)), part);
  };
  refuse({{"eval", {{"modle", "x"}}}}, "gate.json.eval.modle: moebius eval has no such option");
  refuse({{"eval", {{"json", true}}}}, "gate.json.eval.json: not here");
  refuse({{"eval", {{"limit", "many"}}}}, "gate.json.eval.limit: ");
  refuse({{"eval", {{"tasks", "mini-maths"}}}}, "gate.json.eval: ");
  refuse({{"eval", {{"rpm", 10}}}}, "gate.json.eval: --rpm");
  refuse({{"eval", {{"model", "./none"}}}}, directory_.file("./none"));
  refuse({{"eval", {{"tasks", "mini-math,mini-aime"}}}}, "the base has no mini-aime");
  refuse({{"eval", {{"limit", 29}}}}, "the base has 30 questions, this run 29");
  refuse({{"candidate", {{"run", "last"}}}}, "gate.json.candidate.run: not beside \"eval\"");
  refuse({{"candidate", {{"store", "base.sqlite"}}}}, "gate.json.base: \"run\": the last run");
  refuse({{"candidate", {{"store", "base.sqlite"}}}, {"base", {{"run", "1"}}}},
         "run 1 of " + directory_.file("base.sqlite") + " is the one that is evaluated here");
  refuse({{"output", {{"junit", "none/gate.xml"}}}}, "none/gate.xml: cannot be written");
  EXPECT_FALSE(std::filesystem::exists(directory_.file("candidate.sqlite")));
}

TEST_F(GateEvalCli, ALookNeverComparesARunWithItself) {
  copy_base();
  expect_refused(moebius(eval({"--tasks", "mini-math", "--limit", "30", "--sequential", "last"},
                              "base.sqlite")),
                 "--sequential: run 1 of " + directory_.file("base.sqlite") +
                     " is the one that is evaluated here");
}

}  // namespace
}  // namespace moebius::tests
