// Published vocabularies against published and recorded ids: llama.cpp's texts (the outputs of
// its authors), and random texts by Hugging Face tokenizers (testdata/tokenizer_cases.json,
// written by tests/oracle/tokenizer_cases.py). Vocabularies lie below MOEBIUS_SHARED.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error(command);
  std::string out;
  char buffer[65536];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.append(buffer, n);
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  return out;
}

std::vector<std::string> split(const std::string& text, const std::string& mark) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (std::size_t next = 0; (next = text.find(mark, at)) != std::string::npos;
       at = next + mark.size()) {
    out.push_back(text.substr(at, next - at));
  }
  out.push_back(text.substr(at));
  return out;
}

std::string in_shell_quotes(const std::string& text) {
  return "'" + text + "'";
}

class TokenizerGoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("MOEBIUS_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "MOEBIUS_SHARED is not set";
    vectors_ = std::string(shared) + "/vectors/tokenizers/";
  }

  std::unique_ptr<Tokenizer> npm(const std::string& name) const {
    const std::string json =
        output_of("xz -dc " + in_shell_quotes(vectors_ + "npm/" + name + ".tokenizer.json.xz"));
    return Tokenizer::parse(json, read_file(vectors_ + "npm/" + name + ".tokenizer_config.json"),
                            name);
  }

  std::unique_ptr<Tokenizer> gguf(const std::string& name) const {
    const std::string path = vectors_ + "llama.cpp/ggml-vocab-" + name + ".gguf";
    const std::string json =
        output_of("python3 " MOEBIUS_ORACLE "/gguf_to_tokenizer.py " + in_shell_quotes(path));
    return Tokenizer::parse(json, "", name);
  }

  std::vector<std::string> texts(const std::string& name) const {
    return split(read_file(vectors_ + "llama.cpp/ggml-vocab-" + name + ".gguf.inp"),
                 "\n__ggml_vocab_test__\n");
  }

  void check_llama_cpp(const Tokenizer& tokenizer, const std::string& name) const {
    std::vector<Ids> expected;
    for (const auto& line :
         split(read_file(vectors_ + "llama.cpp/ggml-vocab-" + name + ".gguf.out"), "\n")) {
      std::istringstream numbers(line);
      expected.emplace_back(std::istream_iterator<int>(numbers), std::istream_iterator<int>());
    }
    check(tokenizer, texts(name), expected);
  }

  static void check(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    const std::vector<Ids>& expected) {
    ASSERT_EQ(texts.size(), 47U);
    ASSERT_EQ(expected.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(tokenizer.encode(texts[i]), expected[i]) << texts[i];
      EXPECT_EQ(tokenizer.decode(expected[i]), texts[i]);
    }
  }

  static void check_random(const Tokenizer& tokenizer, const std::string& name,
                           bool composes = false) {
    const Json rows = Json::parse(read_file(MOEBIUS_TESTDATA "/tokenizer_cases.json"))[name];
    ASSERT_GE(rows.size(), 100U);
    for (const Json& row : rows) {
      const std::string text = row["text"];
      EXPECT_EQ(tokenizer.encode(text), row["ids"].get<Ids>()) << row["text"];
      EXPECT_EQ(tokenizer.encode(text, false), row["plain"].get<Ids>()) << row["text"];
      const std::string back = composes ? nfc(text) : text;
      EXPECT_EQ(tokenizer.decode(row["ids"].get<Ids>()), back);
    }
  }

  std::string vectors_;
};

TEST_F(TokenizerGoldenTest, DeepSeekV3) {
  const auto tokenizer = npm("deepseek_v3");
  std::vector<std::string> texts;
  std::vector<Ids> expected;
  std::istringstream lines(read_file(vectors_ + "npm/deepseek_v3.transformersjs.out.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const Json row = Json::parse(line);
    texts.push_back(row["text"]);
    expected.push_back(row["ids"]);
  }
  check(*tokenizer, texts, expected);
  check_random(*tokenizer, "deepseek_v3");
  EXPECT_EQ(tokenizer->vocab(), 128815);
  EXPECT_EQ(tokenizer->bos(), 0);
  EXPECT_EQ(tokenizer->eos(), 1);
  EXPECT_TRUE(tokenizer->adds_bos());
}

TEST_F(TokenizerGoldenTest, DeepSeekLlm) {
  const auto tokenizer = gguf("deepseek-llm");
  check_llama_cpp(*tokenizer, "deepseek-llm");
  check_random(*tokenizer, "deepseek_llm");
}

TEST_F(TokenizerGoldenTest, Qwen) {
  const auto tokenizer = npm("qwen3");
  check_llama_cpp(*tokenizer, "qwen2");
  check_llama_cpp(*tokenizer, "deepseek-r1-qwen");
  check_random(*tokenizer, "qwen3", true);
  EXPECT_EQ(tokenizer->bos(), -1);
  EXPECT_FALSE(tokenizer->adds_bos());
}

TEST_F(TokenizerGoldenTest, Llama3) {
  const auto tokenizer = npm("llama3_1");
  const Json inp = Json::parse(read_file(MOEBIUS_TESTDATA "/tokenizer_cases.json"))["inp"];
  ASSERT_EQ(inp["name"], "llama3_1");
  check(*tokenizer, texts("qwen2"), inp["ids"].get<std::vector<Ids>>());
  check_random(*tokenizer, "llama3_1");
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_EQ(tokenizer->token(tokenizer->bos()), "<|begin_of_text|>");
}

}  // namespace
}  // namespace moebius::engine
