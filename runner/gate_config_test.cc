// The gate's file: what it says, and what is refused.
#include "runner/gate_config.h"

#include <gtest/gtest.h>

#include "runner/input.h"

namespace moebius::runner {
namespace {

GateConfig parsed_gate(const std::string& text) {
  return parse_gate_config(text, "gate.json", "/ci");
}

std::string gate_complaint(const std::string& text) {
  try {
    parsed_gate(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(GateConfig, ReadsEverything) {
  const GateConfig config = parsed_gate(R"({
    "name": "nightly", "base": {"store": "main.sqlite", "run": "3"},
    "candidate": {"store": "/other/branch.sqlite"}, "again": {"store": "main.sqlite", "run": "4"},
    "margin": "2%", "alpha": 0.025, "fail_budget": 0,
    "tasks": {"mmlu": {"margin": 0.01}, "humaneval": {}},
    "limits": {"truncated": "5%", "flips": 0.1},
    "looks": {"count": 4, "shape": "obrien-fleming", "seed": 7},
    "inconclusive": "warn", "transcripts": 3,
    "output": {"markdown": "a.md", "comment": "c.md", "junit": "b.xml", "json": "/x/d.json"}})");
  EXPECT_EQ(config.name, "nightly");
  ASSERT_EQ(config.bases.size(), 1U);
  EXPECT_EQ(config.bases[0].store, "/ci/main.sqlite");
  EXPECT_EQ(config.bases[0].run, "3");
  EXPECT_EQ(config.candidate.store, "/other/branch.sqlite");
  EXPECT_EQ(config.candidate.run, "last");
  EXPECT_EQ(config.again.run, "4");
  EXPECT_EQ(config.options.margin, 0.02);
  EXPECT_EQ(config.options.alpha, 0.025);
  EXPECT_EQ(config.options.fail_budget, 0);
  EXPECT_EQ(config.options.tasks, (std::vector<std::string>{"humaneval", "mmlu"}));
  EXPECT_EQ(config.options.margin_of("mmlu"), 0.01);
  EXPECT_EQ(config.options.margin_of("humaneval"), 0.02);
  EXPECT_EQ(config.options.limits.truncated, 0.05);
  EXPECT_EQ(config.options.limits.flips, 0.1);
  EXPECT_FALSE(config.options.limits.no_answer);
  EXPECT_EQ(config.options.looks, reports::equal_looks(4));
  EXPECT_EQ(config.options.shape, reports::LookShape::kOBrienFleming);
  EXPECT_EQ(config.options.seed, 7U);
  EXPECT_TRUE(config.warn_inconclusive);
  EXPECT_EQ(config.transcripts, 3U);
  EXPECT_EQ(config.output.markdown, "/ci/a.md");
  EXPECT_EQ(config.output.comment, "/ci/c.md");
  EXPECT_EQ(config.output.junit, "/ci/b.xml");
  EXPECT_EQ(config.output.json, "/x/d.json");
}

TEST(GateConfig, SeveralBaselinesAndLooksAtAnyTime) {
  const GateConfig config = parsed_gate(R"({"$schema": "gate.schema.json",
    "bases": [{"name": "main", "store": "a.sqlite"}, {"run": "7"}], "candidate": {},
    "looks": "anytime"})");
  ASSERT_EQ(config.bases.size(), 2U);
  EXPECT_EQ(config.bases[0].name, "main");
  EXPECT_EQ(config.bases[0].store, "/ci/a.sqlite");
  EXPECT_EQ(config.bases[1].name, "2");
  EXPECT_EQ(config.bases[1].run, "7");
  EXPECT_TRUE(config.options.anytime);
  EXPECT_TRUE(config.options.looks.empty());
  EXPECT_EQ(gate_complaint(R"({"bases": [], "candidate": {}})"),
            "gate.json.bases: a list of 1 .. 8 baselines expected");
  EXPECT_EQ(gate_complaint(R"({"bases": [{"name": "a"}, {"name": "a"}], "candidate": {}})"),
            "gate.json.bases[1]: \"name\": \"a\" is another baseline's");
  EXPECT_EQ(gate_complaint(R"({"bases": [{}], "base": {}, "candidate": {}})"),
            "gate.json.base: not beside \"bases\"");
  EXPECT_EQ(gate_complaint(R"({"bases": [{}, {}], "candidate": {}, "again": {}})"),
            "gate.json.again: not with several bases");
  EXPECT_EQ(gate_complaint(R"({"base": {}, "candidate": {}, "looks": "often"})"),
            "gate.json: \"looks\": expected one of anytime, found \"often\"");
}

TEST(GateConfig, DefaultsAreThoseOfCompare) {
  const GateConfig config = parsed_gate(R"({"base": {"store": "a"}, "candidate": {}})");
  const reports::CompareOptions plain;
  EXPECT_EQ(config.options.margin, plain.margin);
  EXPECT_EQ(config.options.alpha, plain.alpha);
  EXPECT_TRUE(config.options.looks.empty());
  EXPECT_EQ(config.candidate.store, "/ci/results.sqlite");
  EXPECT_EQ(config.again.store, "");
  EXPECT_EQ(config.output.markdown, "");
  EXPECT_FALSE(config.warn_inconclusive);
}

TEST(GateConfig, RefusesWhatItDoesNotKnow) {
  const std::string runs = R"("base": {}, "candidate": {})";
  EXPECT_EQ(gate_complaint(R"({"candidate": {}})"), "gate.json: no field \"base\"");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "margim": 0.01})").find("unknown field \"margim\""),
            std::string::npos);
  EXPECT_NE(gate_complaint("{" + runs + R"(, "tasks": {"t": {"magin": 1}}})")
                .find("gate.json.tasks.t: unknown field \"magin\""),
            std::string::npos);
  EXPECT_EQ(gate_complaint("{" + runs + R"(, "margin": "1 %"})"),
            "gate.json: \"margin\": expected a share such as \"1%\" or 0.01, found \"1 %\"");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "margin": 1.5})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "margin": [0.1]})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "tasks": {}})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "tasks": ["mmlu"]})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "looks": {"count": 0}})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "looks": {"count": 5, "shape": "flat"}})"), "");
  EXPECT_NE(gate_complaint("{" + runs + R"(, "inconclusive": "pass"})"), "");
  EXPECT_NE(gate_complaint("[]"), "");
  EXPECT_NE(gate_complaint("{"), "");
}

std::string eval_complaint(const std::string& eval, const std::string& runs = "") {
  const std::string known =
      runs.empty() ? R"("base": {"store": "a"}, "candidate": {"store": "b"})" : runs;
  return gate_complaint("{" + known + R"(, "eval": )" + eval + "}");
}

TEST(GateEval, FieldsAreOptionsOfEval) {
  const GateConfig config = parsed_gate(R"({"base": {"store": "a"}, "candidate": {"store": "b"},
    "eval": {"model": "./new", "tasks": "mini-math,mini-mmlu:original", "limit": 40, "seed": 18446744073709551615,
    "temperature": -1, "top-p": 0.5, "data-dir": "data", "python": "/opt/python", "profile": true,
    "demo": false, "set": ["a.b=c", "d.e=[f,g]"], "more-graders": [], "items": "--json"}})");
  ASSERT_TRUE(config.eval);
  EXPECT_EQ(config.eval->where(), "gate.json.eval");
  EXPECT_EQ(config.eval->options().model, "/ci/./new");
  EXPECT_TRUE(config.eval->options().engine.options.profile);
  EXPECT_EQ(config.eval->options().command_line(),
            "moebius eval --model /ci/./new --tasks mini-math,mini-mmlu:original --set a.b=c --set "
            "d.e=[f,g] --data-dir /ci/data --limit 40 --items --json --temperature -1 --top-p 0.5 "
            "--seed 18446744073709551615 --profile --python /opt/python");
}

TEST(GateEval, ModelsThatAreNoFoldersStay) {
  const auto model = [](const std::string& name, const std::string& more = "") {
    return parsed_gate(R"({"base": {"store": "a"}, "candidate": {}, "eval": {"tasks": "mini",
      "model": ")" + name +
                       "\"" + more + "}}")
        .eval->options()
        .model;
  };
  EXPECT_EQ(model("embedded"), "embedded");
  EXPECT_EQ(model("https://h:1/v1#m"), "https://h:1/v1#m");
  EXPECT_EQ(model("openai:gpt", R"(, "key-file": "key")"), "openai:gpt");
  EXPECT_EQ(model("/models/new"), "/models/new");
  EXPECT_FALSE(parsed_gate(R"({"base": {}, "candidate": {"run": "3"}})").eval);
}

TEST(GateEval, WhatIsWrongIsNamed) {
  const auto with = [](const std::string& field) {
    return eval_complaint(R"({"model": "embedded", "tasks": "mini", )" + field + "}");
  };
  EXPECT_EQ(eval_complaint(R"({"tasks": "mini"})"), "gate.json.eval: no field \"model\"");
  EXPECT_EQ(eval_complaint(R"({"model": "embedded"})"), "gate.json.eval: no field \"tasks\"");
  EXPECT_EQ(with(R"("limits": 3)"),
            "gate.json.eval.limits: moebius eval has no such option; its --help lists them");
  EXPECT_EQ(with(R"("a\nb": 3)").find('\n'), std::string::npos);
  for (const char* elsewhere :
       {"store", "fail-budget", "sequential", "base-store", "margin", "alpha", "looks",
        "look-shape", "shard", "json", "dry-run", "help"}) {
    EXPECT_EQ(with("\"" + std::string(elsewhere) + "\": true")
                  .rfind("gate.json.eval." + std::string(elsewhere) + ": not here: ", 0),
              0U)
        << elsewhere;
  }
  for (const char* field : {R"("limit": -1)",
                            R"("limit": 4.5)",
                            R"("limit": "4x")",
                            R"("limit": "")",
                            R"("limit": true)",
                            R"("limit": null)",
                            R"("limit": [3])",
                            R"("limit": {})",
                            R"("temperature": "nan")",
                            R"("seed": 18446744073709551616)",
                            R"("device": "tpu")",
                            R"("profile": "true")",
                            R"("profile": 1)",
                            R"("profile": [true])",
                            R"("set": [["a.b=c"]])",
                            R"("set": [true])",
                            R"("items": "a\u0000b")",
                            R"("grader": "none")",
                            R"("rpm": 3)",
                            R"("concurrency": "4")",
                            R"("batch": 4, "max-batch-rows": 4)",
                            R"("": 1)",
                            R"("-h": true)",
                            R"("limit=3": 1)",
                            R"("config": "x")"}) {
    const std::string said = with(field);
    EXPECT_EQ(said.rfind("gate.json.eval", 0), 0U) << field << ": " << said;
  }
  EXPECT_EQ(eval_complaint(R"({"model": "openai:m", "tasks": "mini", "threads": 2})"),
            "gate.json.eval: --threads: not for models behind an API");
  EXPECT_NE(eval_complaint(R"({"model": "https://h/v1", "tasks": "mini"})").find("#NAME"),
            std::string::npos);
  EXPECT_NE(eval_complaint("[]"), "");
  EXPECT_NE(eval_complaint("\"mini\""), "");
}

TEST(GateEval, TheCandidateIsNotItsOwnBase) {
  const std::string eval = R"({"model": "embedded", "tasks": "mini"})";
  EXPECT_EQ(eval_complaint(eval, R"("base": {"store": "a"}, "candidate": {"run": "last"})"),
            "gate.json.candidate.run: not beside \"eval\", which makes the run");
  const std::string itself = "the last run of the candidate's own store";
  EXPECT_NE(eval_complaint(eval, R"("base": {}, "candidate": {})").find(itself), std::string::npos);
  EXPECT_NE(eval_complaint(eval, R"("bases": [{"store": "x"}, {"store": "./y/../results.sqlite"}],
    "candidate": {})")
                .find("gate.json.bases[1]"),
            std::string::npos);
  EXPECT_NE(eval_complaint(eval, R"("base": {"run": "1"}, "again": {}, "candidate": {})")
                .find("gate.json.again"),
            std::string::npos);
  EXPECT_EQ(eval_complaint(eval, R"("base": {"run": "1"}, "candidate": {})"), "");
}

}  // namespace
}  // namespace moebius::runner
