// The server on sockets, before an engine that answers when it is told to: what must hold while
// answers are missing, and whatever bytes come.
#include "runner/serve/http.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <memory>
#include <thread>

#include "runner/input.h"
#include "tests/support/gated_engine.h"
#include "tests/support/http_client.h"

namespace moebius::runner {
namespace {

using nlohmann::json;
using tests::Connection;
using tests::get_text;
using tests::HttpAnswer;
using tests::parse_answer;
using tests::post_text;

const std::string kSays = "one two three four";
const std::string kCompletions = "/v1/completions";

/// A server on a thread of its own; until the test stops it, or ends.
class Served {
 public:
  explicit Served(HttpOptions http = {}, std::size_t max_queue = 4096)
      : server_(on_free_port(http)),
        service_(engine_, {.model = "m", .max_queue = max_queue}, server_.post(),
                 [this](std::exception_ptr error) { server_.die(error); }) {
    const std::string url = server_.url();
    port_ = std::stoi(url.substr(url.rfind(':') + 1));
    thread_ = std::thread([this] { run(); });
    // The first answer means that signals are the server's.
    EXPECT_EQ(get("/health").status, 200);
  }
  ~Served() {
    engine_.open();
    if (thread_.joinable()) stop();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  tests::GatedEngine& engine() { return engine_; }
  int port() const { return port_; }
  HttpAnswer get(const std::string& path) const { return tests::ask(port_, get_text(path)); }
  HttpAnswer complete(const json& body) const {
    return tests::ask(port_, post_text(kCompletions, body.dump()));
  }
  std::int64_t metric(const std::string& name) const {
    return tests::metric_of(get("/metrics").body, name);
  }

  static void signal() { ::kill(::getpid(), SIGTERM); }
  /// What run() returned; throws what it threw.
  bool join() {
    thread_.join();
    if (error_) std::rethrow_exception(error_);
    return whole_;
  }
  bool stop() {
    signal();
    return join();
  }

 private:
  static HttpOptions on_free_port(HttpOptions http) {
    http.port = 0;
    return http;
  }
  void run() {
    try {
      whole_ = server_.run(service_);
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  tests::GatedEngine engine_{kSays};
  HttpServer server_;
  Service service_;
  int port_ = 0;
  bool whole_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

/// Whether this process may open so many files.
bool may_open(rlim_t files) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= files) return true;
  limit.rlim_cur = std::min(limit.rlim_max, files);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= files;
}

bool soon(const std::function<bool()>& holds) {
  for (int tries = 0; tries < 1200; ++tries) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

/// A stream's text.
std::string said(const HttpAnswer& answer) {
  std::string text;
  for (const json& event : tests::events_of(answer.body)) {
    for (const json& choice : event["choices"]) text += choice["text"].get<std::string>();
  }
  return text;
}

std::string spoken(const tests::GatedEngine& engine, std::size_t tokens) {
  const std::vector<std::int32_t> ids = engine.tokenizer().encode(kSays);
  std::string text;
  for (std::size_t i = 0; i < tokens; ++i) text += engine.tokenizer().bytes(ids[i % ids.size()]);
  return text;
}

// ---- many, and too many -------------------------------------------------------------------------

TEST(Http, TwoThousandStreamsAtOnce) {
  constexpr std::size_t kStreams = 2000;
  if (!may_open(2 * kStreams + 200)) GTEST_SKIP() << "too few files may be open";
  Served server({}, kStreams);
  const std::string call =
      post_text(kCompletions, json({{"prompt", "x"}, {"max_tokens", 5}, {"stream", true}}).dump());
  std::vector<std::unique_ptr<Connection>> clients;
  for (std::size_t i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<Connection>(server.port()));
    ASSERT_TRUE(clients.back()->open()) << i;
    clients.back()->send(call);
  }
  ASSERT_TRUE(server.engine().await_waiting(kStreams));
  EXPECT_EQ(server.metric("moebius_requests_in_flight"), kStreams);
  const HttpAnswer full = server.complete({{"prompt", "x"}});
  EXPECT_EQ(full.status, 429);
  EXPECT_NE(full.head.find("Retry-After: "), std::string::npos) << full.head;
  server.engine().open();
  const std::string want = spoken(server.engine(), 5);
  for (std::size_t i = 0; i < kStreams; ++i) {
    const HttpAnswer answer = parse_answer(clients[i]->receive_all());
    ASSERT_EQ(answer.status, 200);
    ASSERT_EQ(said(answer), want) << i;
    ASSERT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
  }
  EXPECT_EQ(server.complete({{"prompt", "x"}}).status, 200);
  EXPECT_EQ(server.metric("moebius_requests_in_flight"), 0);
  EXPECT_TRUE(server.stop());
}

TEST(Http, ConnectionsOverTheLimitHearSo) {
  Served server({.max_connections = 2});
  ASSERT_TRUE(soon([&] { return server.get("/health").status == 200; }));
  auto first = std::make_unique<Connection>(server.port());
  Connection second(server.port());
  const std::string call = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (Connection* each : {first.get(), &second}) {
    each->send(call);
    EXPECT_EQ(parse_answer(each->receive()).status, 200);
  }
  const HttpAnswer third = server.get("/health");
  EXPECT_EQ(third.status, 503);
  EXPECT_NE(third.head.find("Retry-After: "), std::string::npos) << third.head;
  EXPECT_NE(third.head.find("Connection: close"), std::string::npos) << third.head;
  second.send(call);
  EXPECT_EQ(parse_answer(second.receive()).status, 200);
  first.reset();
  EXPECT_TRUE(soon([&] { return server.get("/health").status == 200; }));
}

// ---- the end ------------------------------------------------------------------------------------

TEST(Http, StopsWhenWhatRunsHasEnded) {
  Served server;
  Connection whole(server.port());
  whole.send(post_text(kCompletions, R"({"prompt": "x", "max_tokens": 4})"));
  Connection stream(server.port());
  stream.send(post_text(kCompletions, R"({"prompt": "x", "max_tokens": 4, "stream": true})"));
  ASSERT_TRUE(server.engine().await_waiting(2));
  Connection idle(server.port());
  idle.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(idle.receive(), "");
  Served::signal();
  EXPECT_EQ(idle.receive(), "") << "nothing ran there";
  EXPECT_FALSE(Connection(server.port()).open());
  server.engine().open();
  const std::string want = spoken(server.engine(), 4);
  EXPECT_EQ(parse_answer(whole.receive_all()).json()["choices"][0]["text"], want);
  EXPECT_EQ(said(parse_answer(stream.receive_all())), want);
  EXPECT_TRUE(server.join());
}

TEST(Http, CutsOffWhatOutlastsTheGrace) {
  Served server({.grace = std::chrono::seconds(0)});
  Connection whole(server.port());
  whole.send(post_text(kCompletions, R"({"prompt": "x"})"));
  ASSERT_TRUE(server.engine().await_waiting(1));
  Served::signal();
  EXPECT_EQ(parse_answer(whole.receive_all()).status, 503);
  EXPECT_FALSE(server.join());
}

TEST(Http, ADeadEngineEndsTheServer) {
  Served server;
  Connection client(server.port());
  client.send(post_text(kCompletions, R"({"prompt": "x"})"));
  ASSERT_TRUE(server.engine().await_waiting(1));
  server.engine().die();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_THROW(server.join(), engine::Error);
}

// ---- clients that are slow, or gone -------------------------------------------------------------

TEST(Http, SlowClientsAreNotWaitedFor) {
  Served server({.read_timeout = std::chrono::seconds(1)});
  server.engine().open();
  Connection silent(server.port());
  EXPECT_EQ(silent.receive_all(), "");
  Connection half_a_head(server.port());
  half_a_head.send("POST /v1/completions HTTP/1.1\r\nHost: local");
  EXPECT_EQ(half_a_head.receive_all(), "");
  Connection half_a_body(server.port());
  std::string call = post_text(kCompletions, R"({"prompt": "x"})");
  call.resize(call.size() - 5);
  half_a_body.send(call);
  EXPECT_EQ(parse_answer(half_a_body.receive_all()).status, 408);
}

// The answer is larger than what sockets hold, so that it is this client that keeps it waiting.
TEST(Http, ClientsThatDoNotReadAreDropped) {
  Served server({.read_timeout = std::chrono::seconds(1), .grace = std::chrono::seconds(300)});
  server.engine().open();
  Connection deaf(server.port());
  std::string text;
  while (text.size() < (1U << 20U)) text += "word ";
  const json body = {{"prompt", text}, {"echo", true}, {"max_tokens", 1}, {"n", 32}};
  deaf.send(post_text(kCompletions, body.dump()));
  ASSERT_TRUE(soon([&] { return server.metric("moebius_request_seconds_count") == 1; }));
  EXPECT_TRUE(server.stop()) << "the server need not cut it off";
  EXPECT_LT(deaf.receive_all().size(), 32U << 20U);
}

TEST(Http, WhatNobodyWaitsForIsCancelled) {
  Served server;
  {
    Connection client(server.port());
    client.send(post_text(kCompletions, R"({"prompt": "x", "n": 3, "stream": true})"));
    ASSERT_TRUE(server.engine().await_waiting(3));
  }
  ASSERT_TRUE(server.engine().await_waiting(0));
  EXPECT_EQ(server.engine().cancelled(), 3U);
  EXPECT_TRUE(soon([&] { return server.metric("moebius_requests_in_flight") == 0; }));
  EXPECT_EQ(server.metric("moebius_clients_left_total"), 1);
}

TEST(Http, AnswersThatTakeTooLong) {
  Served server({.answer_timeout = std::chrono::seconds(1)});
  EXPECT_EQ(server.complete({{"prompt", "x"}}).status, 504);
  EXPECT_EQ(server.engine().cancelled(), 1U);
}

TEST(Http, CallsInOneBreathAreAnsweredInOrder) {
  Served server;
  server.engine().open();
  Connection client(server.port());
  std::string calls;
  for (int i = 0; i < 3; ++i) {
    calls += "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const std::string body = "{\"prompt\": \"x\", \"max_tokens\": " + std::to_string(i + 1) + "}";
    calls +=
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  client.send(calls);
  std::string all;
  while (all.find(spoken(server.engine(), 3) + "\"") == std::string::npos) {
    const std::string part = client.receive();
    if (part.empty()) break;
    all += part;
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    at = all.find("max_model_len", at);
    ASSERT_NE(at, std::string::npos) << all;
    at = all.find("\"text\":\"" + spoken(server.engine(), i + 1) + "\"", at);
    ASSERT_NE(at, std::string::npos) << all;
  }
}

// ---- bytes that are no call ---------------------------------------------------------------------

/// What is answered to `bytes` from a client that then says no more: a status, 0 for nothing.
int status_of(const Served& server, const std::string& bytes) {
  Connection client(server.port());
  client.send(bytes);
  client.end_sending();
  const std::string answer = client.receive_all();
  if (answer.empty()) return 0;
  const HttpAnswer parsed = parse_answer(answer);
  if (parsed.status >= 400) {
    EXPECT_TRUE(parsed.json()["error"]["message"].is_string()) << answer;
  }
  return parsed.status;
}

TEST(Http, HeadsThatAreNone) {
  Served server;
  const std::string post =
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const std::vector<std::pair<std::string, int>> cases = {
      {"", 0},
      {"\r\n", 400},
      {"\r\n\r\n\r\n", 400},
      {std::string(3, '\0') + "\r\n\r\n", 400},
      {"GET /health", 400},
      {"GET /health HTTP/9.9\r\n\r\n", 400},
      {"GET  /health HTTP/1.1\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\nno colon\r\n\r\n", 400},
      {std::string("GET /health HTTP/1.1\r\nX: \0\r\n\r\n", 30), 400},
      {"GET /health HTTP/1.1\r\n\r\n", 403},
      {"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n", 200},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
      {post + "Content-Length: -1\r\n\r\n{}", 400},
      {post + "Content-Length: 2x\r\n\r\n{}", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n{}", 400},
      {post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
      {post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400},
      {post + "Content-Length: 20\r\n\r\n{}", 400},
      {post + "\r\n{}", 400},
      {"GET /" + std::string(70000, 'a') + " HTTP/1.1\r\n\r\n", 431},
      {"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(70000, 'a') + "\r\n\r\n",
       431},
  };
  for (const auto& [bytes, status] : cases) {
    EXPECT_EQ(status_of(server, bytes), status) << bytes.substr(0, 120);
  }
  EXPECT_EQ(server.get("/health").status, 200);
}

TEST(Http, BodiesThatAreNone) {
  Served server;
  server.engine().open();
  const std::string deep(1 << 20, '[');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("nul"), deep, "{\"prompt\": " + deep,
        std::string("{\"prompt\": \"\xff\xfe\"}"), std::string("{\"prompt\": \"\xed\xa0\x80\"}"),
        std::string("{\"prompt\": \"\\ud800\"}"), std::string("{\"prompt\": 1e999}"),
        std::string("{\"prompt\": \"x\", \"max_tokens\": 1e30}"), std::string(1 << 20, '\0'),
        std::string("{\"prompt\": \"x\"}{\"prompt\": \"y\"}")}) {
    EXPECT_EQ(status_of(server, post_text(kCompletions, body)), 400) << body.substr(0, 40);
    EXPECT_EQ(status_of(server, post_text("/v1/chat/completions", body)), 400)
        << body.substr(0, 40);
  }
  EXPECT_EQ(server.complete({{"prompt", "x"}}).status, 200);
}

// ---- where it listens ---------------------------------------------------------------------------

TEST(Http, OtherMachinesOnlyIfOpen) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "::ffff:0.0.0.0", "169.254.1.1"}) {
    EXPECT_THROW(HttpServer({.host = host, .port = 0}), InputError) << host;
  }
  for (const char* host : {"", "nowhere", "127.0.0.1.", "127.0.0.1:80"}) {
    EXPECT_THROW(HttpServer({.host = host, .port = 0, .open = true}), InputError) << host;
  }
  EXPECT_EQ(HttpServer({.host = "localhost", .port = 0}).url().rfind("http://127.0.0.1:", 0), 0U);
  EXPECT_EQ(HttpServer({.host = "0.0.0.0", .port = 0, .open = true}).url().rfind("http://0.", 0),
            0U);
  const HttpServer first({.port = 0});
  const std::string url = first.url();
  const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  EXPECT_THROW(HttpServer({.port = port}), InputError) << "taken";
}

}  // namespace
}  // namespace moebius::runner
