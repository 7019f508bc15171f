// The whole client against a server that fails in every way, over real sockets: each request ends
// once, right or in the right failure state, and no key is anywhere.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/engine.h"
#include "tests/support/fault_server.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;
using tests::FaultServer;
using Reply = FaultServer::Reply;

constexpr const char* kKey = "sk-planted-0123456789-key";

Request ask(std::uint64_t id) {
  Request request{.id = id};
  request.prompt.chat = {{"user", std::to_string(id)}};
  request.generate = Generate{.max_new_tokens = 16};
  return request;
}

std::uint64_t asked(const FaultServer::Request& request) {
  return std::stoull(
      Json::parse(request.body).at("messages").at(0).at("content").get<std::string>());
}

std::string answer_json(const std::string& text, const std::string& finish = "stop") {
  return Json{{"model", "toy-1"},
              {"system_fingerprint", "fp-7"},
              {"choices",
               {{{"index", 0},
                 {"message", {{"role", "assistant"}, {"content", text}}},
                 {"finish_reason", finish}}}},
              {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 5}}}}
      .dump();
}

Reply good(const std::string& text, const std::string& finish = "stop") {
  return {.bytes = FaultServer::http(200, "application/json", answer_json(text, finish))};
}

/// Events with numbers: text in two pieces, the end, the usage, the end mark.
std::vector<std::string> events(const std::string& text, bool numbered) {
  const auto piece = [](const std::string& content, const Json& finish) {
    return Json{
        {"choices", {{{"index", 0}, {"delta", {{"content", content}}}, {"finish_reason", finish}}}}}
        .dump();
  };
  const std::vector<std::string> data = {
      piece(text.substr(0, 1), nullptr), piece(text.substr(1), nullptr), piece("", "stop"),
      R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2}})", "[DONE]"};
  std::vector<std::string> all;
  for (std::size_t i = 0; i < data.size(); ++i) {
    all.push_back((numbered ? "id: " + std::to_string(i) + "\n" : "") + "data: " + data[i] +
                  "\n\n");
  }
  return all;
}

Reply stream(const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) body += part;
  return {.bytes = FaultServer::http(200, "text/event-stream; charset=utf-8", body)};
}

RemoteOptions options_for(const FaultServer& server) {
  ::setenv("MOEBIUS_API_KEY", kKey, 1);
  return {.endpoint = server.url() + "/v1",
          .model = "toy",
          .concurrency = 64,
          .first_pause_us = 10'000};
}

struct Ended {
  std::map<std::uint64_t, std::vector<Completion>> all;
  std::string error;  // of wait()
};

Ended run_all(Engine& engine, std::uint64_t count) {
  Ended ended;
  std::mutex mutex;
  std::vector<Request> requests;
  for (std::uint64_t id = 0; id < count; ++id) requests.push_back(ask(id));
  engine.submit(std::move(requests), [&](Completion completion) {
    const std::lock_guard lock(mutex);
    ended.all[completion.id].push_back(std::move(completion));
  });
  try {
    engine.wait();
  } catch (const Error& error) {
    ended.error = error.what();
  }
  return ended;
}

// Fates by the number asked, modulo kFates; those that pass do so at the second attempt.
enum Fate : std::uint64_t {
  kPlain,
  kStream,
  k429,
  kRetryAfter,
  k500,
  kReset,
  kResetInStream,
  kCutJson,
  kBadJson,
  kWrongType,
  kTwice,    // numbered events, one of them twice: it is dropped
  kSwapped,  // numbered events in disorder
  kTwiceUnnumbered,
  kEndless,  // a stream without its end
  kRedirect,
  kFilter,
  kEmptyAnswer,
  kLong,
  kHuge,
  k400,
  kAlways500,
  kFates
};

Reply misbehave(std::uint64_t fate, const std::string& text) {
  auto parts = events(text, true);
  Reply whole = good(text);
  switch (fate) {
    case k429:
      return {.bytes =
                  FaultServer::http(429, "application/json", R"({"error":{"message":"slow"}})")};
    case kRetryAfter:
      return {.bytes = FaultServer::http(503, "text/plain", "later", "Retry-After: 0.02\r\n")};
    case k500:
    case kAlways500:
      return {.bytes = FaultServer::http(500, "text/html", std::string("<b>") + kKey + "</b>")};
    case kReset:
      whole.cut = whole.bytes.size() - 20;
      return whole;
    case kResetInStream:
      whole = stream(parts);
      whole.cut = whole.bytes.size() - 60;
      return whole;
    case kCutJson:
      return {.bytes = FaultServer::http(200, "application/json", answer_json(text).substr(0, 40))};
    case kBadJson:
      return {.bytes = FaultServer::http(200, "application/json", "{\"choices\": nope}")};
    case kWrongType:
      return {.bytes = FaultServer::http(200, "text/html", answer_json(text))};
    case kSwapped:
      std::swap(parts[0], parts[1]);
      return stream(parts);
    case kTwiceUnnumbered:
      parts = events(text, false);
      parts.insert(parts.begin(), parts[0]);
      return stream(parts);
    case kEndless:
      parts.pop_back();
      return stream(parts);
    default:
      return whole;
  }
}

Reply behave(std::uint64_t fate, const std::string& text) {
  auto parts = events(text, true);
  switch (fate) {
    case kStream:
      return stream(parts);
    case kTwice:
      parts.insert(parts.begin() + 1, parts[1]);
      return stream(parts);
    case kRedirect:
      return {.bytes =
                  FaultServer::http(307, "text/plain", "", "Location: http://127.0.0.1:1/\r\n")};
    case kFilter:
      return good("I", "content_filter");
    case kEmptyAnswer:
      return good("");
    case kLong:
      return good(text, "length");
    case kHuge:
      return {
          .bytes = "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
          .close = true,
          .filler = std::string(1 << 16, ' '),
          .fill = 20};
    case k400:
      return {.bytes = FaultServer::http(400, "application/json", R"({"message":"too long"})")};
    default:
      return good(text);
  }
}

void expect_right(std::uint64_t id, const Completion& completion) {
  const std::string text = "answer " + std::to_string(id);
  switch (id % kFates) {
    case kRedirect:
    case kHuge:
    case k400:
      EXPECT_EQ(completion.finish, Finish::kRefused) << id;
      return;
    case kFilter:
      EXPECT_EQ(completion.finish, Finish::kFiltered) << id;
      return;
    case kEmptyAnswer:
      EXPECT_EQ(completion.finish, Finish::kEmpty) << id;
      return;
    case kAlways500:
      EXPECT_EQ(completion.finish, Finish::kFailed) << id;
      EXPECT_EQ(completion.error.find(kKey), std::string::npos);
      EXPECT_NE(completion.error.find("[key]"), std::string::npos);
      return;
    case kLong:
      EXPECT_EQ(completion.finish, Finish::kLength) << id;
      EXPECT_EQ(completion.text, text);
      return;
    default:
      EXPECT_EQ(completion.finish, Finish::kStop) << id << ": " << completion.error;
      EXPECT_EQ(completion.text, text) << id;
      EXPECT_GE(completion.served->attempts, 1);
  }
}

TEST(RemoteEngine, EveryFaultEndsEveryRequestOnceAndRight) {
  std::map<std::uint64_t, int> attempts;  // the server's thread alone
  FaultServer server([&](const FaultServer::Request& request) {
    const std::uint64_t id = asked(request);
    const std::uint64_t fate = id % kFates;
    const std::string text = "answer " + std::to_string(id);
    const bool first = attempts[id]++ == 0;
    const bool stays = fate == kAlways500;
    const bool fails = (fate >= k429 && fate <= kEndless && fate != kTwice) || stays;
    return fails && (first || stays) ? misbehave(fate, text) : behave(fate, text);
  });
  RemoteOptions options = options_for(server);
  options.max_answer_bytes = 1 << 20;
  const std::uint64_t count = 30 * kFates;
  const Ended ended = [&] {
    const auto engine = connect(options);
    return run_all(*engine, count);
  }();
  EXPECT_EQ(ended.error, "");
  ASSERT_EQ(ended.all.size(), count);
  for (const auto& [id, completions] : ended.all) {
    ASSERT_EQ(completions.size(), 1U) << id;
    expect_right(id, completions[0]);
  }
}

TEST(RemoteEngine, KeepsWhoAnsweredAndWhatItCost) {
  std::string head;
  FaultServer server([&](const FaultServer::Request& request) {
    head = request.head;
    return stream(events("four", false));
  });
  RemoteOptions options = options_for(server);
  options.price_in = 1e6, options.price_out = 2e6;
  const auto engine = connect(options);
  const std::vector<Completion> completions = run(*engine, {ask(0)});
  ASSERT_TRUE(completions[0].served);
  EXPECT_EQ(completions[0].served->cost, 10 + 2 * 2);
  EXPECT_EQ(completions[0].served->output_tokens, 2);
  EXPECT_EQ(completions[0].served->endpoint, server.url() + "/v1");
  EXPECT_GE(completions[0].served->first_token_us, 0);
  EXPECT_LE(completions[0].served->first_token_us, completions[0].latency_us);
  EXPECT_NE(head.find(std::string("Authorization: Bearer ") + kKey), std::string::npos);
  EXPECT_NE(head.find("POST /v1/chat/completions"), std::string::npos);
  EXPECT_EQ(engine->fingerprint().find(kKey), std::string::npos);
}

TEST(RemoteEngine, DeadlinesEndSilenceAndSlowLoris) {
  FaultServer server([](const FaultServer::Request& request) {
    Reply reply = good("late");
    if (asked(request) == 0) reply.delay_ms = 60'000;
    if (asked(request) == 1) reply.drip_ms = 100;
    return reply;
  });
  RemoteOptions options = options_for(server);
  options.total_us = 300'000;
  const auto engine = connect(options);
  const std::vector<Completion> completions = run(*engine, {ask(0), ask(1), ask(2)});
  EXPECT_EQ(completions[0].finish, Finish::kFailed);
  EXPECT_EQ(completions[1].finish, Finish::kFailed);
  EXPECT_NE(completions[1].error.find("timeout after 3 attempts"), std::string::npos);
  EXPECT_EQ(completions[2].text, "late");
}

TEST(RemoteEngine, AWrongKeyEndsTheRunAndNamesNoKey) {
  FaultServer server([](const FaultServer::Request&) {
    const std::string words = std::string(R"({"error":{"message":"Incorrect API key )") + kKey;
    return Reply{.bytes = FaultServer::http(401, "application/json", words + "\"}}")};
  });
  const auto engine = connect(options_for(server));
  const Ended ended = run_all(*engine, 500);
  EXPECT_NE(ended.error.find("401"), std::string::npos);
  EXPECT_EQ(ended.error.find(kKey), std::string::npos);
  ASSERT_EQ(ended.all.size(), 500U);
  for (const auto& [id, completions] : ended.all) {
    ASSERT_EQ(completions.size(), 1U);
    EXPECT_EQ(completions[0].finish, Finish::kCancelled);
  }
  EXPECT_LT(server.requests, 200);
}

TEST(RemoteEngine, CancelsAndGoesOn) {
  FaultServer server([](const FaultServer::Request& request) {
    Reply reply = good("x");
    if (asked(request) < 10) reply.delay_ms = 60'000;
    return reply;
  });
  const auto engine = connect(options_for(server));
  std::atomic<int> cancelled{0};
  std::vector<Request> requests;
  for (std::uint64_t id = 0; id < 10; ++id) requests.push_back(ask(id));
  engine->submit(std::move(requests),
                 [&](Completion c) { cancelled += c.finish == Finish::kCancelled; });
  while (server.requests < 10) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (std::uint64_t id = 0; id < 10; ++id) engine->cancel(id);
  engine->wait();
  EXPECT_EQ(cancelled, 10);
  EXPECT_EQ(run(*engine, {ask(50)})[0].text, "x");
}

TEST(RemoteEngine, ScoresContinuationsByEcho) {
  FaultServer server([](const FaultServer::Request& request) {
    const Json body = Json::parse(request.body);
    const std::string prompt = body.at("prompt");
    const Json tokens = {prompt.substr(0, 3), prompt.substr(3)};
    const Json logprobs = {{"tokens", tokens}, {"token_logprobs", {nullptr, -1.5}}};
    const Json answer = {
        {"choices",
         {{{"index", 0}, {"text", ""}, {"finish_reason", "length"}, {"logprobs", logprobs}}}},
        {"usage", {{"prompt_tokens", 2}, {"completion_tokens", 1}}}};
    return Reply{.bytes = FaultServer::http(200, "application/json", answer.dump())};
  });
  const auto engine = connect(options_for(server));
  Request request{.id = 1};
  request.prompt.text = "Q: ";
  request.score = Score{.continuations = {{.text = "A"}, {.text = "B"}}};
  Request crooked = request;
  crooked.id = 2;
  crooked.prompt.text = "Q: x";  // a token goes across its end
  const std::vector<Completion> completions = run(*engine, {request, crooked});
  ASSERT_EQ(completions[0].continuations.size(), 2U) << completions[0].error;
  EXPECT_EQ(completions[0].continuations[1].sum, -1.5);
  EXPECT_EQ(completions[1].finish, Finish::kRefused);
  EXPECT_NE(completions[1].error.find("part of prompt and continuation"), std::string::npos);
}

TEST(RemoteEngine, KeepsConnections) {
  FaultServer server([](const FaultServer::Request& request) {
    return good("answer " + std::to_string(asked(request)));
  });
  RemoteOptions options = options_for(server);
  options.concurrency = 8;
  const auto engine = connect(options);
  const Ended ended = run_all(*engine, 1000);
  EXPECT_EQ(ended.all.size(), 1000U);
  EXPECT_LE(server.accepted, 16);
}

TEST(RemoteEngine, RefusesBadOptions) {
  EXPECT_THROW(connect({.dialect = "morse", .endpoint = "http://x", .model = "m"}), Error);
  EXPECT_THROW(connect({.endpoint = "ftp://x", .model = "m"}), Error);
  EXPECT_THROW(connect({.endpoint = "http://x"}), Error);
  EXPECT_THROW(connect({.endpoint = "http://x", .model = "m", .key_file = "/nonexistent"}), Error);
  EXPECT_THROW(connect({.endpoint = "http://x", .model = "m", .headers = {"A: b\r\nC: d"}}), Error);
  for (const char* endpoint : {"https://user:pass@host/v1", "https://host/v1?key=x", "https://"}) {
    EXPECT_THROW(connect({.endpoint = endpoint, .model = "m"}), Error) << endpoint;
  }
  ::setenv("MOEBIUS_API_KEY", kKey, 1);
  EXPECT_THROW(connect({.endpoint = "http://x", .model = "m", .headers = {"authorization: y"}}),
               Error);
  const tests::TempDir dir;
  const std::string key = dir.write("key", "  sk-from-file \n");
  EXPECT_NE(connect({.endpoint = "http://127.0.0.1:9", .model = "m", .key_file = key}), nullptr);
}

TEST(RemoteEngine, TellsOfAnOutageOnceAndOfItsEnd) {
  std::atomic<bool> down{true};  // until the client has told of it
  FaultServer server([&](const FaultServer::Request& request) {
    if (down) {
      return Reply{.bytes = FaultServer::http(
                       500, "application/json",
                       Json{{"error", {{"message", std::string("no GPU for ") + kKey}}}}.dump())};
    }
    return good(std::to_string(asked(request)));
  });
  RemoteOptions options = options_for(server);
  options.stream = false;
  options.concurrency = 20;
  std::mutex mutex;
  std::vector<std::string> told;
  options.notice = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    told.push_back(text);
    down = false;
  };
  const auto engine = connect(options);
  std::vector<Request> requests;
  for (std::uint64_t id = 0; id < 64; ++id) requests.push_back(ask(id));
  std::atomic<int> good_answers{0};
  engine->submit(std::move(requests), [&](const Completion& completion) {
    good_answers += completion.finish == Finish::kStop;
  });
  engine->wait();
  EXPECT_EQ(good_answers, 64);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told[0].find("waiting until it answers again (server error: "), std::string::npos)
      << told[0];
  EXPECT_NE(told[0].find("no GPU for"), std::string::npos) << told[0];
  EXPECT_EQ(told[0].find("planted"), std::string::npos) << told[0];
  EXPECT_TRUE(told[1].ends_with("answers again")) << told[1];
}

}  // namespace
}  // namespace moebius::engine
