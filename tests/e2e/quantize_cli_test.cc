// The embedded model with fewer bits: written, loaded, the same bits in every order of work, and
// still able to do its sums.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/e2e/binary.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

nlohmann::json only_line(const ProcessResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return json_lines(result).at(0);
}

struct Case {
  const char* to;
  std::int64_t bits_x100;  // of a weight, scales included, at most
  double rms;              // of a matrix, at most
  bool verify = false;     // its determinism, which takes a while
};

class QuantizeCli : public testing::TestWithParam<Case> {};

// Normally distributed weights: a step of a / 7.5, 32 values reaching about 2 sigma, is an rms
// error of 2 / 7.5 / sqrt(12) = 0.08; a / 127.5 of 128 values, 2.6 sigma, 0.006; e4m3 within a
// binade 2^-3 / sqrt(12) of at most the value, 0.036. Real matrices have heavier tails: half as
// much again.
TEST_P(QuantizeCli, LoadsAndKeepsItsBits) {
  const TempDir dir;
  const std::string out = dir.file("model");
  const nlohmann::json report = only_line(
      moebius({"model", "quantize", "embedded", "--to", GetParam().to, "--out", out, "--json"}));
  EXPECT_GT(report.at("quantized"), 300);
  for (const nlohmann::json& tensor : report.at("tensors")) {
    const std::int64_t weights =
        tensor.at("shape").at(0).get<std::int64_t>() * tensor.at("shape").at(1).get<std::int64_t>();
    EXPECT_LE(tensor.at("bytes_after").get<std::int64_t>() * 800, weights * GetParam().bits_x100)
        << tensor;
    EXPECT_GT(tensor.at("rms_error"), 0) << tensor;
    EXPECT_LT(tensor.at("rms_error"), GetParam().rms) << tensor;
    EXPECT_LT(tensor.at("max_error"), 0.15) << tensor;
  }
  EXPECT_EQ(report.at("sums").back().at("kind"), "all");
  EXPECT_EQ(report.at("sums").back().at("matrices"), report.at("quantized"));
  EXPECT_LT(report.at("sums").back().at("rms_error"), GetParam().rms);
  for (const char* file : {"tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
    EXPECT_TRUE(std::filesystem::exists(out + "/" + file)) << file;
  }

  const nlohmann::json before = only_line(moebius({"model", "info", "embedded", "--json"}));
  const nlohmann::json after = only_line(moebius({"model", "info", out, "--json"}));
  EXPECT_EQ(after.at("parameters"), before.at("parameters"));
  EXPECT_EQ(after.at("tokenizer_sha256"), before.at("tokenizer_sha256"));
  EXPECT_NE(after.at("weights_sha256"), before.at("weights_sha256"));
  EXPECT_EQ(after.at("weight_bytes"), report.at("bytes_after"));

  if (!GetParam().verify) return;
  const nlohmann::json verdict =
      only_line(moebius({"model", "verify", out, "--determinism", "--json"}));
  EXPECT_EQ(verdict.at("pass"), true);
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizeCli,
                         testing::Values(Case{"fp8", 900, 0.054}, Case{"fp8-channel", 850, 0.054},
                                         Case{"int8", 850, 0.009}, Case{"int4", 450, 0.12, true}));

TEST(QuantizeCliErrors, SayWhatIsWrong) {
  const TempDir dir;
  const auto refusal = [&](const std::vector<std::string>& more) {
    std::vector<std::string> line = {"model", "quantize", "embedded"};
    line.insert(line.end(), more.begin(), more.end());
    const ProcessResult result = moebius(line);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    return result.err;
  };
  const std::string free = dir.file("free");
  EXPECT_NE(refusal({"--to", "int3", "--out", free}).find("found \"int3\""), std::string::npos);
  EXPECT_NE(refusal({"--to", "int4", "--out", dir.path()}).find("found a folder"),
            std::string::npos);
  EXPECT_NE(refusal({"--to", "int4", "--out", free, "--keep", "router"}).find("embed"),
            std::string::npos);
  EXPECT_NE(refusal({"--to", "int4", "--out", free, "--keep", "norms"}).find("found \"norms\""),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  ASSERT_EQ(moebius({"model", "quantize", "embedded", "--to", "int4", "--out", free}).exit_code, 0);
  expect_refused(moebius({"model", "quantize", free, "--to", "int8", "--out", dir.file("again")}),
                 "quantised already");
}

}  // namespace
}  // namespace moebius::tests
