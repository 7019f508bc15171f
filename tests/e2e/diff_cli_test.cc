// moebius diff, end to end: the embedded model against itself, against bf16, and against a copy of
// which the weights lost most of their digits.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "reports/render/json_schema.h"
#include "tests/e2e/binary.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

using nlohmann::json;
using reports::cases::JsonSchema;

std::string diff_file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class DiffCli : public testing::Test {
 protected:
  /// The embedded checkpoint as a folder.
  std::string copy(const std::string& name) const {
    std::string path = directory_.file(name);
    std::filesystem::copy(EMBEDDED_CHECKPOINT, path);
    return path;
  }

  /// The same with `bits` of each bf16 weight's seven digits left, those of norms and routers too.
  std::string rounded_copy(const std::string& name, int bits) const {
    const std::string path = copy(name);
    const std::string file = path + "/model.safetensors";
    std::string bytes = diff_file_text(file);
    std::uint64_t header = 0;
    for (int i = 8; i-- > 0;) header = header << 8 | static_cast<unsigned char>(bytes.at(i));
    const auto mask = static_cast<unsigned char>(0xff << (7 - bits));
    const json tensors = json::parse(bytes.substr(8, header));
    for (const auto& [tensor, about] : tensors.items()) {
      if (tensor == "__metadata__" || about["dtype"] != "BF16") continue;
      const auto begin = about["data_offsets"][0].get<std::size_t>();
      const auto end = about["data_offsets"][1].get<std::size_t>();
      for (std::size_t at = 8 + header + begin; at < 8 + header + end; at += 2) {
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) & mask);
      }
    }
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::ofstream(file, std::ios::binary) << bytes;
    return path;
  }

  static ProcessResult diff(const std::string& base, const std::string& candidate,
                            const std::vector<std::string>& more) {
    std::vector<std::string> command = {"diff", base, candidate, "--threads", "2"};
    command.insert(command.end(), more.begin(), more.end());
    return moebius(command);
  }

  static json diff_json(const std::string& base, const std::string& candidate,
                        std::vector<std::string> more) {
    more.emplace_back("--json");
    const ProcessResult result = diff(base, candidate, more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const json report = json::parse(result.out);
    EXPECT_EQ(JsonSchema(json::parse(diff_file_text(DIFF_SCHEMA))).check(report), "");
    return report;
  }

  TempDir directory_;
};

TEST_F(DiffCli, AModelAgainstItselfIsExactlyZero) {
  const json report =
      diff_json("embedded", copy("same"), {"--tasks", "mini-math,mini-mmlu", "--limit", "4"});
  ASSERT_EQ(report["sets"].size(), 2U);
  for (const json& set : report["sets"]) {
    const json& d = set["divergence"];
    EXPECT_EQ(set["asked"], 4);
    EXPECT_EQ(set["failed"], 0);
    EXPECT_EQ(d["questions"], 4);
    EXPECT_EQ(d["kl"]["max"], 0) << d;
    EXPECT_EQ(d["kl"]["mean"], 0);
    EXPECT_EQ(d["top1_agreement"]["mean"], 1);
    EXPECT_EQ(d["delta_logprob"]["mean"], 0);
    EXPECT_EQ(set["answers"]["changed"], 0);
    EXPECT_EQ(set["answers"]["gained"], 0);
    EXPECT_EQ(set["answers"]["lost"], 0);
    EXPECT_EQ(set["answers"]["compared"], 4);
    EXPECT_EQ(d["routing"].size(), 6U) << "the first of seven layers is dense";
    for (const json& layer : d["routing"]) EXPECT_EQ(layer["agreement"], 1) << layer;
  }
  const json& math = report["sets"][0]["divergence"];
  EXPECT_EQ(math["written"]["answers"], 4);
  EXPECT_EQ(math["written"]["unchanged"], 4);
  EXPECT_GT(math["positions"], 60);
  EXPECT_EQ(report["sets"][1]["divergence"]["written"], nullptr);
  EXPECT_GE(report["sets"][1]["divergence"]["positions"], 4);
  EXPECT_EQ(report["total"]["divergence"]["questions"], 8);
  EXPECT_EQ(report["base"]["fingerprint"], report["candidate"]["fingerprint"]);
}

TEST_F(DiffCli, RoundedWeightsAreSeen) {
  const std::string rounded = rounded_copy("rounded", 2);
  const std::string store = directory_.file("diff.sqlite");
  const std::vector<std::string> asked = {"--tasks", "mini-math", "--limit",
                                          "10",      "--store",   store};
  const json report = diff_json("embedded", rounded, asked);
  const json& set = report["sets"][0];
  const json& d = set["divergence"];
  EXPECT_GT(d["kl"]["mean"], 1e-4) << d;
  EXPECT_LE(d["kl"]["median"], d["kl"]["p95"]);
  EXPECT_LE(d["kl"]["p95"], d["kl"]["p99"]);
  EXPECT_LE(d["kl"]["p99"], d["kl"]["max"]);
  EXPECT_GT(d["kl"]["stderr"], 0);
  EXPECT_LT(d["top1_agreement"]["mean"], 1);
  EXPECT_LT(d["delta_logprob"]["mean"], 0) << "the base's own tokens become less likely";
  EXPECT_LT(d["delta_logprob"]["p5"], d["delta_logprob"]["mean"]);
  EXPECT_LT(d["written"]["unchanged"], d["written"]["answers"]);
  EXPECT_TRUE(std::any_of(d["routing"].begin(), d["routing"].end(),
                          [](const json& layer) { return layer["agreement"] < 1; }));
  EXPECT_NE(report["base"]["fingerprint"], report["candidate"]["fingerprint"]);

  // The answers are ordinary runs, and compare counts the same flips.
  const ProcessResult compared =
      moebius({"compare", "1", "2", "--store", store, "--format", "json", "--margin", "50%"});
  const json comparison = json::parse(compared.out);
  EXPECT_EQ(comparison["sets"][0]["questions"], 10) << compared.out;
  EXPECT_EQ(comparison["sets"][0]["statistics"]["lost"], set["answers"]["lost"]);
  EXPECT_EQ(comparison["sets"][0]["statistics"]["gained"], set["answers"]["gained"]);
  EXPECT_EQ(comparison["sets"][0]["base"]["value"], set["answers"]["base_mean"]);

  // A position from which on the candidate writes something else is one where it changes its text.
  for (const json& question : set["questions"]) {
    if (question["base_extracted"] != question["candidate_extracted"]) {
      EXPECT_NE(question["first_divergence"], nullptr) << question;
    }
  }

  const json cut = diff_json("embedded", rounded,
                             {"--tasks", "mini-math", "--limit", "2", "--max-positions", "5"});
  EXPECT_EQ(cut["sets"][0]["cut"], 2);
  EXPECT_EQ(cut["sets"][0]["divergence"]["positions"], 10);
}

TEST_F(DiffCli, ArithmeticsFormatsAndRepetition) {
  std::vector<std::string> asked = {"--tasks", "mini-math", "--limit", "2", "--changes", "3"};
  asked.insert(asked.end(), {"--base-arithmetic", "f32", "--candidate-arithmetic", "bf16"});
  const json report = diff_json("embedded", "embedded", asked);
  EXPECT_GT(report["total"]["divergence"]["kl"]["mean"], 0);
  EXPECT_LT(report["total"]["divergence"]["kl"]["mean"], 0.1) << "the weights are the same";
  const ProcessResult text = diff("embedded", "embedded", asked);
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("mini-math"), std::string::npos) << text.out;
  EXPECT_EQ(text.out, diff("embedded", "embedded", asked).out) << "the same bytes again";
  asked.insert(asked.end(), {"--format", "markdown"});
  const ProcessResult markdown = diff("embedded", "embedded", asked);
  EXPECT_EQ(markdown.exit_code, 0) << markdown.err;
  EXPECT_NE(markdown.out.find("| mini-math"), std::string::npos) << markdown.out;
}

TEST_F(DiffCli, RefusesWhatCannotBeCompared) {
  const std::string other = copy("other");
  std::filesystem::permissions(other + "/tokenizer.json", std::filesystem::perms::owner_all);
  std::ofstream(other + "/tokenizer.json", std::ios::app) << "\n";
  expect_refused(diff("embedded", other, {"--tasks", "mini-math"}), "expected one tokenizer");
  expect_refused(diff("embedded", directory_.file("none"), {"--tasks", "mini-math"}), "none");
  expect_refused(moebius({"diff", "embedded", "--tasks", "mini-math"}), "CANDIDATE");
  expect_refused(moebius({"diff", "embedded", "embedded"}), "--tasks");
  expect_refused(diff("embedded", "embedded", {"--tasks", "mini-nothing"}), "mini-nothing");
  expect_refused(diff("embedded", "embedded", {"--tasks", "mini-math", "--items", "x"}), "'x'");
  expect_refused(
      diff("embedded", "embedded", {"--tasks", "mini-math", "--json", "--format", "text"}),
      "--json");
}

TEST_F(DiffCli, AModelThatCannotAnswerGivesNoResult) {
  // No question fits into a cache of one page.
  const ProcessResult result =
      diff("embedded", "embedded", {"--tasks", "mini-mmlu", "--limit", "3", "--kv-tokens", "64"});
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
  EXPECT_NE(result.err.find("no result: 3 of 3 questions"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace moebius::tests
