// The command line end to end on the embedded model: results, exit codes, one line per error.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/e2e/binary.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

const std::string kQuestion = "Solve for $t$: $3t - 9 = -42$.";

/// Seconds of sanitizer builds matter here: few tokens.
std::vector<std::string> generate(std::vector<std::string> more) {
  more.insert(more.begin(),
              {"generate", "--model", "embedded", "--max-new-tokens", "6", "--threads", "2"});
  return more;
}

TEST(Cli, HelpAndVersionAreResults) {
  const ProcessResult version = moebius({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out.rfind("moebius ", 0), 0U);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{},
                                             {"model"},
                                             {"model", "info"},
                                             {"model", "verify"},
                                             {"generate"},
                                             {"score"},
                                             {"serve"},
                                             {"tokenize"},
                                             {"bench"},
                                             {"bench", "engine"},
                                             {"bench", "kernels"},
                                             {"profile"},
                                             {"eval"},
                                             {"report"},
                                             {"compare"},
                                             {"diff"},
                                             {"gate"},
                                             {"plan"},
                                             {"runs"},
                                             {"runs", "list"},
                                             {"runs", "show"},
                                             {"runs", "rescore"},
                                             {"runs", "export"},
                                             {"tasks"},
                                             {"tasks", "list"},
                                             {"tasks", "show"},
                                             {"tasks", "verify"},
                                             {"tasks", "fetch"},
                                             {"grade"},
                                             {"grade", "math"},
                                             {"grade", "extract"},
                                             {"grade", "mmlu"},
                                             {"grade", "humaneval"},
                                             {"grade", "livecodebench"},
                                             {"sandbox"},
                                             {"sandbox", "doctor"},
                                             {"completion"}}) {
    std::vector<std::string> arguments = command;
    arguments.emplace_back("--help");
    const ProcessResult help = moebius(arguments);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("Examples:"), std::string::npos);
  }
}

TEST(Cli, UsageErrors) {
  expect_refused(moebius({}), "subcommand");
  expect_refused(moebius({"evaluate"}), "unknown command 'evaluate'");
  expect_refused(moebius({"generate", "--prompt", "x"}), "--model");
  expect_refused(moebius({"generate", "--model", "embedded"}), "--prompt");
  expect_refused(moebius(generate({"--prompt", "x", "--temperature", "nan"})), "--temperature");
  expect_refused(moebius(generate({"--prompt", "x", "--stop"})), "--stop");
  expect_refused(moebius(generate({"--prompt", "x", "--system", "y"})), "--chat");
  expect_refused(moebius({"score", "--model", "embedded", "--context", "x"}), "--continuation");
  expect_refused(moebius({"model", "verify", "embedded"}), "--golden");
  expect_refused(moebius({"model", "verify", "embedded", "--golden", "x", "--determinism"}),
                 "excludes");
  expect_refused(moebius({"bench", "engine"}), "--model");
  expect_refused(moebius({"bench", "kernels", "--filter", "(gemm"}), "--filter");
  expect_refused(moebius({"bench", "kernels", "--device", "cpu", "--filter", "no such kernel"}),
                 "no such kernel");
  expect_refused(moebius({"profile", "last", "--store", "/nowhere/results.sqlite"}), "/nowhere");
  expect_refused(moebius({"bench", "engine", "--model", "embedded", "--batches", "1,x"}),
                 "--batches");
  expect_refused(moebius(generate({"--prompt", "a\xff"})), "not valid UTF-8");
}

TEST(Cli, FilesThatAreNotThere) {
  expect_refused(moebius({"model", "info", "/no/such/model"}), "/no/such/model");
  expect_refused(moebius({"generate", "--model", "/no/such/model", "--prompt", "x"}), "/no/such");
  expect_refused(moebius(generate({"--prompts-file", "/no/such/file"})), "cannot open");
  expect_refused(moebius({"model", "verify", "embedded", "--golden", "/no/such/file"}),
                 "cannot open");
  expect_refused(moebius({"tokenize", "--tokenizer", "/no/such/tokenizer"}), "/no/such/tokenizer");
}

TEST(Cli, FailedWritesAreNoticed) {
  const ProcessResult full = moebius({"model", "info", "embedded"}, {.output_path = "/dev/full"});
  expect_refused(full, "No space left on device");
  const ProcessResult closed = moebius({"model", "info", "embedded"}, {.close_output = true});
  expect_refused(closed, "Broken pipe");
}

TEST(Cli, InterruptIs130) {
  // Waits for more of its prompt. A signal before main() has begun ends it without a line.
  ProcessResult result;
  for (int wait_ms = 100; wait_ms < 20000 && result.err.empty(); wait_ms *= 3) {
    result = moebius({"generate", "--model", "embedded", "--prompt", "-"},
                     {.input = "x", .keep_input_open = true, .interrupt_after_ms = wait_ms});
    EXPECT_EQ(result.exit_code, 130);
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(result.err, "moebius: interrupted\n");
}

TEST(Cli, ModelInfo) {
  const ProcessResult result = moebius({"model", "info", "embedded", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json info = json_lines(result).at(0);
  EXPECT_EQ(info.at("architecture"), "DeepseekV3ForCausalLM");
  EXPECT_EQ(info.at("parameters"), 5742816);
  EXPECT_LT(info.at("active_parameters"), info.at("parameters"));
  EXPECT_EQ(info.at("vocab"), 1536);
  EXPECT_EQ(info.at("weights_sha256").get<std::string>().size(), 64U);
  EXPECT_GT(info.at("kv_bytes_per_1k_tokens"), 0);
  const ProcessResult text = moebius({"model", "info", "embedded"});
  EXPECT_NE(text.out.find(info.at("weights_sha256").get<std::string>()), std::string::npos);
}

TEST(Cli, GenerateTellsTheSameInTextAndJson) {
  const ProcessResult text = moebius(generate({"--chat", "--prompt", kQuestion}));
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const ProcessResult again = moebius_with_input(
      generate({"--chat", "--prompt", "-", "--json", "--logprobs", "3"}), kQuestion);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const json line = json_lines(again).at(0);
  EXPECT_EQ(line.at("text").get<std::string>() + "\n", text.out);
  EXPECT_EQ(line.at("finish"), "length");
  EXPECT_EQ(line.at("output_tokens"), 6);
  ASSERT_EQ(line.at("tokens").size(), 6U);
  ASSERT_EQ(line.at("logprobs").size(), 6U);
  for (const json& token : line.at("logprobs")) {
    ASSERT_EQ(token.at("top").size(), 3U);
    EXPECT_EQ(token.at("top")[0].at("id"), token.at("id"));  // greedy
    EXPECT_EQ(token.at("top")[0].at("logprob"), token.at("logprob"));
    EXPECT_LE(token.at("logprob"), 0);
  }
}

TEST(Cli, PromptsFileKeepsOrderAndReportsRefusals) {
  const TempDir dir;
  std::string long_ids = "[1";
  for (int i = 0; i < 4000; ++i) long_ids += ",1";
  const std::string file =
      dir.write("prompts.jsonl",
                "{\"id\": \"a\", \"prompt\": \"The answer is\"}\n\n"
                "{\"id\": 7, \"ids\": " +
                    long_ids +
                    "]}\n"
                    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}],"
                    " \"max_new_tokens\": 2}\n");
  const ProcessResult result = moebius(generate({"--prompts-file", file}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("1 of 3 requests refused"), std::string::npos) << result.err;
  const auto lines = json_lines(result);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("id"), "a");
  EXPECT_EQ(lines[1].at("id"), 7);
  EXPECT_EQ(lines[1].at("finish"), "refused");
  EXPECT_FALSE(lines[1].at("error").get<std::string>().empty());
  EXPECT_EQ(lines[2].at("id"), 2);
  EXPECT_EQ(lines[2].at("output_tokens"), 2);
  const ProcessResult again = moebius({"generate", "--model", "embedded", "--max-new-tokens", "6",
                                       "--threads", "1", "--prompts-file", file});
  EXPECT_EQ(again.out, result.out);  // byte for byte
}

TEST(Cli, BadPromptLinesEndBeforeAnythingRuns) {
  expect_refused(moebius_with_input(generate({"--prompts-file", "-"}), "{\"prompt\": \"a\"}\n{\n"),
                 "standard input:2: not JSON");
  expect_refused(moebius_with_input(generate({"--prompts-file", "-"}), ""), "no lines");
  expect_refused(moebius_with_input(generate({"--prompt", "-"}), "\xff"), "not valid UTF-8");
}

TEST(Cli, RefusedSinglePromptIsOneLine) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "7 ";
  expect_refused(moebius_with_input(generate({"--prompt", "-", "--json"}), text), "context");
}

TEST(Cli, SamplesDiffer) {
  const ProcessResult result = moebius(generate(
      {"--prompt", "The", "--temperature", "3", "--samples", "4", "--seed", "5", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = json_lines(result);
  ASSERT_EQ(lines.size(), 4U);
  bool different = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].at("sample"), i);
    different = different || lines[i].at("tokens") != lines[0].at("tokens");
  }
  EXPECT_TRUE(different);
}

TEST(Cli, ScoreAgreesWithGenerate) {
  const ProcessResult generated =
      moebius(generate({"--prompt", "The answer is", "--logprobs", "1", "--json"}));
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  const json answer = json_lines(generated).at(0);
  const ProcessResult tokenized = moebius_with_input(
      {"tokenize", "--tokenizer", "embedded", "--bos"}, "{\"text\": \"The answer is\"}\n");
  ASSERT_EQ(tokenized.exit_code, 0) << tokenized.err;
  const json request = {{"id", "x"},
                        {"context", json_lines(tokenized).at(0).at("ids")},
                        {"continuations", {answer.at("tokens"), {1, 2}}}};
  const ProcessResult scored = moebius_with_input(
      {"score", "--model", "embedded", "--requests", "-"}, request.dump() + "\n");
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const json line = json_lines(scored).at(0);
  EXPECT_EQ(line.at("id"), "x");
  ASSERT_EQ(line.at("continuations").size(), 2U);
  const json& first = line.at("continuations")[0];
  EXPECT_EQ(first.at("greedy"), true);
  ASSERT_EQ(first.at("tokens").size(), 6U);
  double sum = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(first.at("tokens")[i].at("id"), answer.at("tokens")[i]);
    EXPECT_EQ(first.at("tokens")[i].at("logprob"), answer.at("logprobs")[i].at("logprob"));
    sum += first.at("tokens")[i].at("logprob").get<double>();
  }
  EXPECT_NEAR(first.at("logprob").get<double>(), sum, 1e-5);
}

TEST(Cli, ScoreTable) {
  const ProcessResult result =
      moebius({"score", "--model", "embedded", "--context", "Answer:", "--continuation", " A",
               "--continuation", "[x,y]"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out.rfind("continuation", 0), 0U) << result.out;
  EXPECT_NE(result.out.find("\n[x,y] "), std::string::npos) << result.out;
}

TEST(Cli, TokenizeThereAndBack) {
  const std::vector<std::string> texts = {"Hello, world! 123", "", "h\xC3\xA9llo \xE6\x97\xA5",
                                          " \n\t x\n\n  y", "<think>\n1+1=2"};
  std::string input;
  for (const std::string& text : texts) input += json{{"text", text}}.dump() + "\n";
  const ProcessResult encoded =
      moebius_with_input({"tokenize", "--tokenizer", "embedded", "--json"}, input);
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  std::string ids;
  for (const json& line : json_lines(encoded)) {
    EXPECT_EQ(line.at("ids").size(), line.at("tokens").size());
    ids += json{{"ids", line.at("ids")}}.dump() + "\n";
  }
  const ProcessResult decoded = moebius_with_input({"tokenize", "--tokenizer", "embedded"}, ids);
  const auto lines = json_lines(decoded);
  ASSERT_EQ(lines.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(lines[i].at("text"), texts[i]);
}

TEST(Cli, TokenizeChat) {
  const json chat = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  const ProcessResult result =
      moebius_with_input({"tokenize", "--tokenizer", "embedded", "--chat"}, chat.dump());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json line = json_lines(result).at(0);
  EXPECT_NE(line.at("text").get<std::string>().find("Hi"), std::string::npos);
  EXPECT_GT(line.at("ids").size(), 2U);
}

TEST(Cli, TokenizeNamesBadLines) {
  const std::vector<std::string> command = {"tokenize", "--tokenizer", "embedded"};
  for (const char* bad : {"{", "[]", "{}", "{\"text\": 1}", "{\"ids\": [-1]}", "{\"ids\": [99999]}",
                          "{\"text\": \"a\", \"ids\": []}", "\"\xff\""}) {
    expect_refused(moebius_with_input(command, "\n" + std::string(bad) + "\n"), "standard input:2");
  }
}

/// A golden of the embedded model that says what the model does say, but for `change`.
void expect_golden(const std::function<void(json&)>& change, int exit_code,
                   const std::string& names) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr || *shared == '\0') GTEST_SKIP() << "MOEBIUS_SHARED is not set";
  std::ifstream file(std::filesystem::path(shared) / "tiny_model/golden.json");
  json golden = json::parse(file);
  golden["prompts"].erase(golden["prompts"].begin() + 1, golden["prompts"].end());
  change(golden["prompts"][0]);
  const TempDir dir;
  const ProcessResult result = moebius({"model", "verify", "embedded", "--golden",
                                        dir.write("golden.json", golden.dump()), "--json"});
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  if (exit_code == 2) return expect_refused(result, names);
  const json report = json_lines(result).at(0);
  EXPECT_EQ(report.at("pass"), exit_code == 0);
  EXPECT_NE(report.at("overall").at("violations").dump().find(names), std::string::npos)
      << result.out;
}

TEST(Cli, VerifyGoldenPasses) {
  expect_golden([](json&) {}, 0, "[]");
}

TEST(Cli, VerifyGoldenFailsByName) {
  expect_golden([](json& p) { p["last_logits"][5] = p["last_logits"][5].get<double>() + 0.1; }, 1,
                "last logits");
  expect_golden([](json& p) { p["argmax_per_position"][9] = 3; }, 1, "top-1");
  expect_golden([](json& p) { p["experts"][2][7] = {0, 1, 2, 3}; }, 1, "routed experts");
  expect_golden([](json& p) { p["greedy_ids"][0] = 3; }, 1, "greedy");
}

TEST(Cli, VerifyGoldenRefusesHostileFiles) {
  expect_golden([](json& p) { p.erase("experts"); }, 2, "\"experts\"");
  expect_golden([](json& p) { p["input_ids"][3] = 1 << 30; }, 2, "vocabulary");
  expect_golden([](json& p) { p["last_logits"] = "none"; }, 2, "\"last_logits\"");
}

TEST(Cli, BenchReportsSpeeds) {
  const ProcessResult result =
      moebius({"bench", "engine", "--model", "embedded", "--prompt-tokens", "8", "--new-tokens",
               "2", "--batches", "1,3", "--repetitions", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json_lines(result).at(0);
  ASSERT_EQ(report.at("batches").size(), 2U);
  EXPECT_GT(report.at("batches")[0].at("decode_percent"), 0);
  EXPECT_GT(report.at("batches")[1].at("prefill_tokens_s"), 0);
}

TEST(Cli, BenchTimesASetOfRequests) {
  const ProcessResult result =
      moebius({"bench", "engine", "--model", "embedded", "--prompt-tokens", "8", "--new-tokens",
               "2", "--requests", "5", "--repetitions", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json_lines(result).at(0);
  EXPECT_EQ(report.at("requests"), 5);
  const double seconds = report.at("seconds");
  EXPECT_GT(seconds, 0);
  EXPECT_DOUBLE_EQ(report.at("requests_s"), 5 / seconds);
  EXPECT_DOUBLE_EQ(report.at("prompt_tokens_s"), report.at("requests_s").get<double>() * 8);
  EXPECT_DOUBLE_EQ(report.at("new_tokens_s"), report.at("requests_s").get<double>() * 2);
}

TEST(Cli, BenchAsksTheQuestionsOfATask) {
  const ProcessResult result = moebius({"bench", "engine", "--model", "embedded", "--tasks",
                                        "mini-mmlu", "--limit", "30", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json_lines(result).at(0);
  EXPECT_EQ(report.at("items"), 30);
  EXPECT_EQ(report.at("refused"), 0);
  // Five examples are most of a prompt, and there are few subjects.
  EXPECT_GT(report.at("saved_percent"), 50);
  EXPECT_LT(report.at("saved_percent"), 100);
  EXPECT_GT(report.at("computed_tokens"), 0);
  const ProcessResult text =
      moebius({"bench", "engine", "--model", "embedded", "--tasks", "mini-mmlu", "--limit", "3"});
  EXPECT_NE(text.out.find("bytes per token"), std::string::npos) << text.out;
}

TEST(Cli, BenchEngineRefusesWhatItCannotMeasure) {
  expect_refused(moebius({"bench", "engine", "--model", "embedded", "--tasks", "mini-math"}),
                 "mini-math");
  expect_refused(moebius({"bench", "engine", "--model", "embedded", "--tasks", "mini-mmlu",
                          "--requests", "4"}),
                 "--requests");
  expect_refused(moebius({"bench", "engine", "--model", "embedded", "--dtype", "fp8"}), "--shape");
  expect_refused(moebius({"bench", "engine", "--shape", "v2-lite", "--dtype", "int4"}), "--dtype");
}

TEST(Cli, BenchKernelsReportsRatesAndLimits) {
  const ProcessResult result = moebius(
      {"bench", "kernels", "--device", "cpu", "--filter", "rms_norm|gemm f32 1 x", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<json> lines = json_lines(result);
  ASSERT_EQ(lines.size(), 3U) << result.out;
  EXPECT_EQ(lines[0].at("device"), "cpu");
  EXPECT_GT(lines[0].at("limits").at("read_gb_s"), 0);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    EXPECT_GT(lines[i].at("ns"), 0) << lines[i];
    EXPECT_GT(lines[i].at("gb_s"), 0) << lines[i];
    EXPECT_GT(lines[i].at("percent_of_limit"), 0) << lines[i];
    EXPECT_TRUE(lines[i].contains("bound")) << lines[i];
  }
}

}  // namespace
}  // namespace moebius::tests
