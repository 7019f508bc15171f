#include "runner/serve/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace moebius::runner {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

const engine::Tokenizer& tokenizer() {
  static const auto loaded = engine::load_tokenizer("embedded");
  return *loaded;
}

ApiContext context() {
  return {.tokenizer = &tokenizer(),
          .model = "embedded",
          .max_context = 512,
          .max_requests = 64,
          .fresh_seed = 99};
}

ApiCall completions(const json& body) {
  return read_call(Endpoint::kCompletions, body.dump(), context());
}

ApiCall chat(const json& body) {
  return read_call(Endpoint::kChat, body.dump(), context());
}

const json kTurns = json::array({{{"role", "user"}, {"content", "2+2?"}}});

/// The one line that a body is refused with; empty if it is not.
std::string refusal(Endpoint endpoint, const std::string& body, int status = 400) {
  try {
    read_call(endpoint, body, context());
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, status) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "";
}

void expect_refused(const json& body, const std::string& part) {
  const std::string why = refusal(Endpoint::kCompletions, body.dump());
  EXPECT_NE(why.find(part), std::string::npos) << body.dump() << ": " << why;
}

TEST(Api, ReadsACompletion) {
  const ApiCall asked = completions({{"model", "embedded"},
                                     {"prompt", {1, 2, 3}},
                                     {"max_tokens", 7},
                                     {"n", 2},
                                     {"temperature", 0.5},
                                     {"top_p", 0.25},
                                     {"seed", -1},
                                     {"stop", {"x", "yy"}},
                                     {"user", "somebody"}});
  ASSERT_EQ(asked.requests.size(), 2U);
  EXPECT_EQ(asked.choices(), 2U);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const engine::Request& request = asked.requests[i];
    EXPECT_EQ(request.prompt.ids, (Ids{1, 2, 3}));
    EXPECT_EQ(request.sample, i);
    ASSERT_TRUE(request.generate);
    EXPECT_EQ(request.generate->max_new_tokens, 7);
    EXPECT_EQ(request.generate->sampling.temperature, 0.5F);
    EXPECT_EQ(request.generate->sampling.top_p, 0.25F);
    EXPECT_EQ(request.generate->sampling.seed, ~std::uint64_t{0});
    EXPECT_EQ(request.generate->stop, (std::vector<std::string>{"x", "yy"}));
  }
}

TEST(Api, DefaultsAreOpenAIs) {
  const ApiCall asked = completions({{"prompt", "Hello"}});
  EXPECT_EQ(asked.requests.at(0).generate->max_new_tokens, 16);
  EXPECT_EQ(asked.requests[0].generate->sampling.temperature, 1);
  EXPECT_EQ(asked.requests[0].generate->sampling.seed, 99U);
  EXPECT_FALSE(asked.stream);
  EXPECT_FALSE(asked.logprobs);
  const ApiCall talk = chat({{"messages", kTurns}});
  EXPECT_EQ(talk.requests.at(0).generate->max_new_tokens, 1024);
}

TEST(Api, PromptsOfEveryForm) {
  const Ids hello =
      tokenized({.prompt = {.text = "Hello"}, .generate = engine::Generate{}}, tokenizer())
          .prompt.ids;
  EXPECT_EQ(completions({{"prompt", "Hello"}}).prompts.at(0).ids, hello);
  const ApiCall texts = completions({{"prompt", {"Hello", "Hello"}}, {"n", 2}});
  EXPECT_EQ(texts.prompts.size(), 2U);
  EXPECT_EQ(texts.requests.size(), 4U);
  EXPECT_EQ(texts.requests[2].prompt.ids, hello);
  EXPECT_EQ(texts.requests[2].sample, 0U);
  const ApiCall ids = completions({{"prompt", {{1, 2}, {3}}}});
  EXPECT_EQ(ids.prompts.at(1).ids, (Ids{3}));
}

TEST(Api, BosOnlyWhereItIsAskedFor) {
  const Ids bare = tokenizer().encode("Hello");
  const ApiPrompt with = completions({{"prompt", "Hello"}}).prompts.at(0);
  EXPECT_EQ(with.ids.size(), bare.size() + 1);
  EXPECT_TRUE(with.bos_added);
  for (const json& prompt : {json("Hello"), json::array({"Hello"})}) {
    const ApiPrompt without =
        completions({{"prompt", prompt}, {"add_special_tokens", false}}).prompts.at(0);
    EXPECT_EQ(without.ids, bare);
    EXPECT_FALSE(without.bos_added);
  }
  const std::string written(tokenizer().bytes(tokenizer().bos()));
  const ApiPrompt own = completions({{"prompt", written + "Hello"}}).prompts.at(0);
  EXPECT_EQ(own.ids, with.ids);
  EXPECT_FALSE(own.bos_added) << "it is in the text";
}

TEST(Api, MemoryOfACallIsBounded) {
  ApiContext large = context();
  large.max_context = 0;
  large.max_requests = 1 << 20;
  const auto asked = [&](std::size_t ids, int n) {
    return read_call(Endpoint::kCompletions, json({{"prompt", Ids(ids, 5)}, {"n", n}}).dump(),
                     large);
  };
  EXPECT_EQ(asked(1 << 10, 128).requests.size(), 128U);
  EXPECT_THROW(asked(kMaxApiIds / 128 + 1, 128), ApiError);
}

TEST(Api, EchoWithLogprobsScoresThePrompt) {
  const ApiCall asked = completions({{"prompt", {{5, 6, 7}, {8}}},
                                     {"max_tokens", 1},
                                     {"echo", true},
                                     {"logprobs", 3},
                                     {"temperature", 0}});
  ASSERT_EQ(asked.requests.size(), 3U) << "two answers, one prompt with something to score";
  EXPECT_EQ(asked.prompts[0].scored_by, 2);
  EXPECT_EQ(asked.prompts[1].scored_by, -1);
  ASSERT_TRUE(asked.requests[2].score);
  EXPECT_EQ(asked.requests[2].prompt.ids, (Ids{5}));
  EXPECT_EQ(asked.requests[2].score->continuations.at(0).ids, (Ids{6, 7}));
  EXPECT_EQ(asked.requests[2].score->logprobs, 3);
  const ApiCall only =
      completions({{"prompt", {5, 6}}, {"max_tokens", 0}, {"echo", true}, {"logprobs", 0}});
  EXPECT_FALSE(only.generates);
  EXPECT_EQ(only.requests.size(), 1U);
}

TEST(Api, ChatsAreRenderedByTheTemplate) {
  const ApiCall asked = chat({{"messages", kTurns}, {"logprobs", true}, {"top_logprobs", 4}});
  const std::vector<engine::Message> turns = {{"user", "2+2?"}};
  const std::string text = engine::render_chat(tokenizer(), turns);
  EXPECT_EQ(asked.prompts.at(0).ids, tokenizer().encode(text));
  EXPECT_EQ(asked.requests.at(0).generate->logprobs, 4);
  const json parts = {
      {"messages",
       {{{"role", "user"},
         {"content", {{{"type", "text"}, {"text", "2+"}}, {{"type", "text"}, {"text", "2?"}}}}}}}};
  EXPECT_EQ(chat(parts).prompts.at(0).ids, asked.prompts[0].ids);
}

TEST(Api, RefusesInOneLine) {
  expect_refused({{"prompt", "x"}, {"max_tokens", 0}}, "\"max_tokens\": expected 1");
  expect_refused({{"prompt", "x"}, {"max_tokens", 1.5}}, "expected an integer");
  expect_refused({{"prompt", "x"}, {"temperature", -1}}, "temperature");
  expect_refused({{"prompt", "x"}, {"top_p", 0}}, "top_p");
  expect_refused({{"prompt", "x"}, {"n", 0}}, "\"n\"");
  expect_refused({{"prompt", "x"}, {"n", 128}}, "at most 64 allowed");
  expect_refused({{"prompt", "x"}, {"stop", ""}}, "stop");
  expect_refused({{"prompt", "x"}, {"stop", std::string(2000, 'a')}}, "stop");
  expect_refused({{"prompt", "x"}, {"stop", std::vector<std::string>(65, "a")}}, "stop");
  expect_refused({{"prompt", "x"}, {"logprobs", 21}}, "logprobs");
  expect_refused({{"prompt", "x"}, {"stream", 1}}, "expected true or false");
  expect_refused({{"prompt", "x"}, {"stream_options", {{"include_usage", true}}}}, "needs");
  expect_refused({{"prompt", "x"}, {"presence_penalty", 0.5}}, "not supported");
  expect_refused({{"prompt", "x"}, {"logit_bias", {{"5", 1}}}}, "not supported");
  expect_refused({{"prompt", "x"}, {"best_of", 2}}, "best_of");
  expect_refused({{"prompt", "x"}, {"repetition_penalty", 1.1}}, "unknown field");
  expect_refused({{"prompt", "x"}, {"messages", kTurns}}, "unknown field \"messages\"");
  expect_refused({{"prompt", json::array()}}, "empty");
  expect_refused({{"prompt", {{1}, json::array()}}}, "empty");
  expect_refused({{"prompt", {1, -2}}}, "token id");
  expect_refused({{"prompt", {1, "x"}}}, "token id");
  expect_refused({{"prompt", {1, 1e30}}}, "token id");
  expect_refused({{"prompt", {true}}}, "array");
  expect_refused({{"prompt", 5}}, "an array");
  expect_refused({{"prompt", Ids(513, 1)}}, "prompt has 513 tokens, the context is 512");
  expect_refused(json::object(), "no field \"prompt\"");
  expect_refused({{"prompt", "x"}, {"stream", true}, {"echo", true}, {"logprobs", 1}}, "stream");
}

TEST(Api, RefusesChatsInOneLine) {
  const auto refused = [](json body) {
    if (!body.contains("messages")) body["messages"] = kTurns;
    return refusal(Endpoint::kChat, body.dump());
  };
  EXPECT_NE(refused({{"top_logprobs", 3}}), "");
  EXPECT_NE(refused({{"tools", {{{"type", "function"}}}}}), "");
  EXPECT_NE(refused({{"response_format", {{"type", "json_object"}}}}), "");
  EXPECT_EQ(refused({{"response_format", {{"type", "text"}}}}), "");
  EXPECT_NE(refused({{"messages", json::array()}}), "");
  EXPECT_NE(refused({{"messages", {{{"role", "user"}}}}}), "");
  EXPECT_NE(refused({{"messages", {{{"role", 1}, {"content", "x"}}}}}), "");
  EXPECT_NE(refused({{"messages", {{{"role", "user"}, {"content", {{{"type", "image_url"}}}}}}}}),
            "");
  EXPECT_NE(refused({{"messages", "hello"}}), "");
}

TEST(Api, OtherModelsAreNotFound) {
  EXPECT_NE(refusal(Endpoint::kCompletions, R"({"model": "gpt-4", "prompt": "x"})", 404), "");
}

TEST(Api, HostileBodies) {
  const std::string deep(100000, '[');
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[]"), std::string("\"x\""), deep,
        "{\"prompt\":" + deep, std::string("{\"prompt\": \"\xff\"}"),
        std::string("{\"prompt\": \"x\"} x"), std::string("\0", 1),
        std::string("{\"prompt\": NaN}"), std::string("{\"prompt\": \"\\ud800\"}"),
        std::string("{\"max_tokens\": 1e400}")}) {
    EXPECT_NE(refusal(Endpoint::kCompletions, body), "") << body.substr(0, 40);
    EXPECT_NE(refusal(Endpoint::kChat, body), "") << body.substr(0, 40);
  }
}

// Whatever is done to a good body, it is understood or refused in one line, nothing else.
TEST(Api, DamagedBodies) {
  std::mt19937 random(3);
  const std::string good =
      json({{"prompt", {"Hello", "you"}}, {"max_tokens", 5}, {"stop", "x"}, {"logprobs", 2}})
          .dump();
  for (int round = 0; round < 3000; ++round) {
    std::string body = good;
    for (auto left = 1 + random() % 4; left > 0; --left) {
      body[random() % body.size()] =
          static_cast<char>(random() % 2 ? random() : "[]{}\",:-019e"[random() % 12]);
    }
    refusal(Endpoint::kCompletions, body);
  }
}

}  // namespace
}  // namespace moebius::runner
