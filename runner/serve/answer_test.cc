#include "runner/serve/answer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moebius::runner {
namespace {

const engine::Tokenizer& embedded() {
  static const auto loaded = engine::load_tokenizer("embedded");
  return *loaded;
}

const AnswerHead kHead = {.id = "7", .created = 5, .model = "m", .fingerprint = "f"};

ApiCall asked_of(Endpoint endpoint, const std::string& body) {
  return read_call(endpoint, body, {.tokenizer = &embedded(), .model = "m"});
}

engine::Completion completion_of(const std::string& text, float logprob) {
  engine::Completion completion{.finish = engine::Finish::kLength, .text = text};
  for (const std::int32_t id : embedded().encode(text)) {
    completion.tokens.push_back(
        {.id = id, .logprob = logprob, .top = {{3, -0.25F}, {id, logprob}}});
  }
  completion.prompt_tokens = 2;
  return completion;
}

TEST(Answer, CompletionsCarryEveryBitOfALogprob) {
  const ApiCall asked = asked_of(
      Endpoint::kCompletions,
      R"({"prompt": [4, 5, 6], "echo": true, "logprobs": 2, "max_tokens": 1, "temperature": 0})");
  const float odd = std::nextafter(-1.1F, 0.0F);
  engine::Completion scored{.prompt_tokens = 1};
  scored.continuations.push_back({.ids = {5, 6},
                                  .logprobs = {odd, -2.5F},
                                  .top = {{{5, odd}, {9, -3.0F}}, {{8, -0.5F}, {9, -1.0F}}}});
  engine::Completion next{.finish = engine::Finish::kStop, .tokens = {{.id = 7, .logprob = odd}}};
  next.prompt_tokens = 3;
  const std::vector<engine::Completion> completions = {next, scored};
  const Json json = answer_json(asked, completions, kHead, nullptr);
  const Json& arrays = json["choices"][0]["logprobs"];
  EXPECT_EQ(arrays["tokens"], Json({"token_id:4", "token_id:5", "token_id:6", "token_id:7"}));
  EXPECT_TRUE(arrays["token_logprobs"][0].is_null());
  const Json read = Json::parse(json_line(json))["choices"][0]["logprobs"];
  EXPECT_EQ(read["token_logprobs"][1].get<float>(), odd);
  EXPECT_EQ(read["token_logprobs"][3].get<float>(), odd);
  EXPECT_EQ(read["token_logprobs"][3].get<double>(), static_cast<double>(odd));
  EXPECT_TRUE(arrays["top_logprobs"][0].is_null());
  EXPECT_EQ(arrays["top_logprobs"][1].size(), 2U);
  EXPECT_EQ(arrays["top_logprobs"][2].size(), 3U) << "two best, and the prompt's own";
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(json["usage"]["completion_tokens"], 1);
}

TEST(Answer, ChatHasRoleAndLogprobs) {
  const ApiCall asked = asked_of(
      Endpoint::kChat,
      R"({"messages": [{"role": "user", "content": "q"}], "n": 2, "logprobs": true, "top_logprobs": 2})");
  const std::vector<engine::Completion> completions = {completion_of("yes", -1),
                                                       completion_of("no", -2)};
  const Json json = answer_json(asked, completions, kHead, &embedded());
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["system_fingerprint"], "f");
  ASSERT_EQ(json["choices"].size(), 2U);
  EXPECT_EQ(json["choices"][1]["message"]["content"], "no");
  EXPECT_EQ(json["choices"][1]["message"]["role"], "assistant");
  EXPECT_EQ(json["choices"][1]["finish_reason"], "length");
  const Json& content = json["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), completions[0].tokens.size());
  EXPECT_EQ(content[0]["top_logprobs"].size(), 2U);
  EXPECT_EQ(content[0]["logprob"], -1.0);
}

TEST(Answer, WhatIsNoAnswerIsAnError) {
  const auto status = [](engine::Completion completion) {
    try {
      require_answers({&completion, 1});
    } catch (const ApiError& error) {
      return error.status;
    }
    return 200;
  };
  using engine::Finish;
  EXPECT_EQ(status({.finish = Finish::kStop}), 200);
  EXPECT_EQ(status({.finish = Finish::kContextFull}), 200);
  EXPECT_EQ(status({.finish = Finish::kRefused, .error = "too long"}), 400);
  EXPECT_EQ(status({.finish = Finish::kRefused, .error = "not finite", .prompt_tokens = 3}), 500);
  EXPECT_EQ(status({.finish = Finish::kCancelled}), 503);
}

TEST(Answer, TokensThatAreNoTextHaveNames) {
  EXPECT_EQ(token_name(7, nullptr), "token_id:7");
  EXPECT_EQ(token_name(1 << 30, &embedded()), "token_id:1073741824");
  int bytes = 0;
  for (std::int32_t id = 0; id < embedded().vocab(); ++id) {
    const std::string name = token_name(id, &embedded());
    EXPECT_TRUE(engine::valid_utf8(name));
    bytes += name.starts_with("bytes:\\x") ? 1 : 0;
  }
  EXPECT_GE(bytes, 128) << "a byte-level vocabulary has every byte";
}

/// The events' payloads.
std::vector<Json> events(const std::string& stream) {
  std::vector<Json> all;
  for (std::size_t at = 0; at < stream.size();) {
    EXPECT_EQ(stream.compare(at, 6, "data: "), 0);
    const std::size_t end = stream.find("\n\n", at);
    const std::string data = stream.substr(at + 6, end - at - 6);
    if (data != "[DONE]") all.push_back(Json::parse(data));
    at = end + 2;
  }
  return all;
}

TEST(AnswerStream, PartsMakeTheWhole) {
  for (const Endpoint endpoint : {Endpoint::kChat, Endpoint::kCompletions}) {
    const ApiCall asked =
        endpoint == Endpoint::kChat
            ? asked_of(endpoint, R"({"messages": [{"role": "user", "content": "q"}], "stream": true,
                                     "logprobs": true, "stream_options": {"include_usage": true}})")
            : asked_of(endpoint, R"({"prompt": "q", "stream": true, "logprobs": 1,
                                     "stream_options": {"include_usage": true}})");
    AnswerStream stream(asked, kHead, &embedded());
    engine::Completion completion = completion_of("one two", -1);
    std::string text = stream.begin(0);
    text += stream.token(0, completion.tokens[0], "one");
    text += stream.token(0, completion.tokens[1], "");
    text += stream.end(0, completion);
    text += stream.close({.prompt_tokens = 4, .completion_tokens = 2});
    EXPECT_TRUE(text.ends_with("data: [DONE]\n\n"));
    std::string said;
    std::size_t tokens = 0;
    const std::vector<Json> parts = events(text);
    for (const Json& part : parts) {
      if (part["choices"].empty()) continue;
      const Json& choice = part["choices"][0];
      said += endpoint == Endpoint::kChat ? choice["delta"].value("content", "")
                                          : choice["text"].get<std::string>();
      if (!choice["logprobs"].is_null()) ++tokens;
    }
    EXPECT_EQ(said, "one two");
    EXPECT_EQ(tokens, 2U);
    EXPECT_EQ(parts.back()["usage"]["total_tokens"], 6);
    EXPECT_EQ(parts[parts.size() - 2]["choices"][0]["finish_reason"], "length");
  }
}

TEST(Answer, ErrorsAreOpenAIs) {
  const Json json = error_json(ApiError(429, "full", "rate_limit_exceeded"))["error"];
  EXPECT_EQ(json["message"], "full");
  EXPECT_EQ(json["type"], "rate_limit_error");
  EXPECT_EQ(json["code"], "rate_limit_exceeded");
  EXPECT_TRUE(error_json(ApiError(400, "x"))["error"]["code"].is_null());
}

}  // namespace
}  // namespace moebius::runner
