// Chat templates against what Jinja makes of their sources (testdata/chat_cases.json, written by
// tests/oracle/chat_cases.py), and against the sources themselves where they are at hand.
#include "engine/text/chat.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

const Json& cases() {
  static const Json kCases = Json::parse(read_file(MOEBIUS_TESTDATA "/chat_cases.json"));
  return kCases;
}

std::vector<Message> messages_of(const Json& conversation) {
  std::vector<Message> out;
  for (const Json& message : conversation) out.push_back({message["role"], message["content"]});
  return out;
}

const ChatTemplate* by_hash(const std::string& hash) {
  for (const ChatTemplate& known : chat_templates()) {
    if (hash == known.sha256[0] || hash == known.sha256[1]) return &known;
  }
  return nullptr;
}

// What `render` returns, or null if it throws, as the fixture has it.
template <typename Render>
Json result_of(const Render& render) {
  try {
    return render();
  } catch (const Error&) {
    return nullptr;
  }
}

TEST(ChatTest, EveryTemplateRendersAsJinja) {
  int compared = 0;
  for (const Json& of : cases()["templates"]) {
    for (const std::string hash : of["sha256"]) {
      SCOPED_TRACE(of["name"]);
      const ChatTemplate* known = by_hash(hash);
      ASSERT_NE(known, nullptr) << hash;
      EXPECT_EQ(known->name, of["name"]);
      for (std::size_t i = 0; i < cases()["conversations"].size(); ++i) {
        const auto messages = messages_of(cases()["conversations"][i]);
        const std::string bos = of["bos"].is_null() ? "" : of["bos"];
        for (const bool prompt : {true, false}) {
          const Chat chat = {messages, bos, of["eos"].get_ref<const std::string&>(), prompt};
          EXPECT_EQ(result_of([&] { return known->render(chat); }),
                    of["rendered"][i][prompt ? 0 : 1])
              << "conversation " << i << ": " << cases()["conversations"][i];
          ++compared;
        }
      }
    }
  }
  EXPECT_GE(compared, 30 * 2 * static_cast<int>(chat_templates().size()));
}

TEST(ChatTest, EveryKnownTemplateHasAReference) {
  std::set<std::string_view> referenced;
  for (const Json& of : cases()["templates"]) {
    for (const Json& hash : of["sha256"]) referenced.insert(hash.get_ref<const std::string&>());
  }
  for (const ChatTemplate& known : chat_templates()) {
    EXPECT_TRUE(referenced.contains(known.sha256[0])) << known.name;
    EXPECT_TRUE(referenced.contains(known.sha256[1])) << known.name;
  }
}

// A tokenizer of three tokens that has `config`'s template, BOS and EOS.
std::unique_ptr<Tokenizer> tokenizer_with(Json config, const std::string& bos,
                                          const std::string& eos) {
  Json json = {{"added_tokens", Json::array()},
               {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
               {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", Json::array()}}}};
  int id = 1;
  for (const std::string& token : {bos, eos}) {
    if (token.empty()) continue;
    json["added_tokens"].push_back({{"id", id++}, {"content", token}, {"special", true}});
  }
  return Tokenizer::parse(json.dump(), config.dump(), "test");
}

// The whole way: a published tokenizer_config.json, its source hashed, its tokens looked up.
void check_config(const std::string& path, const std::string& name) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "MOEBIUS_SHARED is not set";
  const Json config = Json::parse(read_file(shared + path));
  for (const Json& of : cases()["templates"]) {
    if (of["name"] != name) continue;
    const auto tokenizer = tokenizer_with(config, of["bos"].is_null() ? "" : of["bos"], of["eos"]);
    ASSERT_NE(find_chat_template(tokenizer->chat_template()), nullptr);
    for (std::size_t i = 0; i < cases()["conversations"].size(); ++i) {
      const auto messages = messages_of(cases()["conversations"][i]);
      EXPECT_EQ(result_of([&] { return render_chat(*tokenizer, messages); }), of["rendered"][i][0]);
    }
    return;
  }
  FAIL() << "no reference for " << name;
}

TEST(ChatTest, DeepSeekV3Config) {
  check_config("/vectors/tokenizers/npm/deepseek_v3.tokenizer_config.json", "DeepSeek-V3");
}
TEST(ChatTest, Qwen3Config) {
  check_config("/vectors/tokenizers/npm/qwen3.tokenizer_config.json", "Qwen3");
}
TEST(ChatTest, Llama3Config) {
  check_config("/vectors/tokenizers/npm/llama3_1.tokenizer_config.json", "Llama-3");
}
TEST(ChatTest, TinyModelConfig) {
  check_config("/tiny_model/checkpoint/tokenizer_config.json", "DeepSeek-V3");
}

TEST(ChatTest, OneLineBreakAtTheEndOfASourceIsIgnored) {
  const std::string source =
      "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
      "'<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif "
      "%}{{'<|im_start|>' "
      "+ message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if "
      "add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
  ASSERT_NE(find_chat_template(source), nullptr);
  EXPECT_EQ(find_chat_template(source)->name, "Qwen2");
  EXPECT_EQ(find_chat_template(source + "\n"), find_chat_template(source));
  EXPECT_EQ(find_chat_template(source + "\n\n"), nullptr);
  EXPECT_EQ(find_chat_template(source + " "), nullptr);
}

std::string refusal(const std::string& source, const std::string& content) {
  const auto tokenizer = tokenizer_with({{"chat_template", source}}, "", "");
  const std::vector<Message> messages = {{"user", content}};
  try {
    return render_chat(*tokenizer, messages);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ChatTest, UnknownTemplateIsRefusedWithTheWaysOut) {
  const std::string unknown = refusal("{{ messages }}", "Hello");
  EXPECT_NE(unknown.find("unknown"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("--chat"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("DeepSeek-V3"), std::string::npos) << unknown;
  const std::string none = refusal("", "Hello");
  EXPECT_NE(none.find("has none"), std::string::npos) << none;
  EXPECT_EQ(none.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace moebius::engine
