// moebius serve end to end on the embedded model: the same bits as the command line, and every way
// a client can be refused, slow or gone.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "tests/e2e/serve_process.h"
#include "tests/support/temp_dir.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

const std::string kCompletions = "/v1/completions";
const std::string kChat = "/v1/chat/completions";

/// One server for the tests that leave it as it was.
ServeProcess& shared() {
  static ServeProcess server;
  return server;
}

std::int64_t metric(const ServeProcess& server, const std::string& name) {
  return metric_of(server.get("/metrics").body, name);
}

bool becomes(const ServeProcess& server, const std::string& name, std::int64_t value) {
  for (int tries = 0; tries < 600; ++tries) {
    if (metric(server, name) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

TEST(Serve, CompletionsAreThoseOfGenerate) {
  const json direct =
      json_lines(moebius({"generate", "--model", "embedded", "--prompt", "The answer is",
                          "--max-new-tokens", "6", "--logprobs", "2", "--json"}))
          .at(0);
  const HttpAnswer answer = shared().post(
      kCompletions,
      {{"prompt", "The answer is"}, {"max_tokens", 6}, {"temperature", 0}, {"logprobs", 2}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json choice = answer.json()["choices"][0];
  EXPECT_EQ(choice["text"], direct["text"]);
  ASSERT_EQ(choice["logprobs"]["token_logprobs"].size(), direct["logprobs"].size());
  for (std::size_t i = 0; i < direct["logprobs"].size(); ++i) {
    EXPECT_EQ(choice["logprobs"]["token_logprobs"][i].get<float>(),
              direct["logprobs"][i]["logprob"].get<float>());
  }
  EXPECT_EQ(answer.json()["usage"]["completion_tokens"], direct["output_tokens"]);
}

// lm-evaluation-harness asks so: the tokens of context and continuation, echoed, and one more.
TEST(Serve, EchoedLogprobsAreThoseOfScore) {
  const std::string context = "The capital of France is";
  const std::string requests =
      json({{"context", context}, {"continuations", {" Paris", " 7"}}}).dump();
  const json direct =
      json_lines(
          moebius_with_input({"score", "--model", "embedded", "--requests", "-"}, requests + "\n"))
          .at(0);
  const json prefix = json_lines(moebius_with_input(
      {"tokenize", "--tokenizer", "embedded", "--bos"}, json({{"text", context}}).dump() + "\n"));
  for (const json& continuation : direct["continuations"]) {
    json ids = prefix.at(0)["ids"];
    ASSERT_EQ(ids.size(), direct["prompt_tokens"]);
    for (const json& token : continuation["tokens"]) ids.push_back(token["id"]);
    const HttpAnswer answer = shared().post(
        kCompletions,
        {{"prompt", ids}, {"max_tokens", 1}, {"temperature", 0}, {"echo", true}, {"logprobs", 1}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    const json logprobs = answer.json()["choices"][0]["logprobs"];
    ASSERT_EQ(logprobs["token_logprobs"].size(), ids.size() + 1);
    double sum = 0;
    bool greedy = true;
    for (std::size_t i = prefix.at(0)["ids"].size(); i < ids.size(); ++i) {
      const json& want = continuation["tokens"][i - prefix.at(0)["ids"].size()]["logprob"];
      EXPECT_EQ(logprobs["token_logprobs"][i].get<float>(), want.get<float>());
      sum += logprobs["token_logprobs"][i].get<double>();
      for (const auto& other : logprobs["top_logprobs"][i].items()) {
        greedy = greedy && other.value() <= logprobs["token_logprobs"][i];
      }
    }
    EXPECT_EQ(sum, continuation["logprob"].get<double>());
    EXPECT_EQ(greedy, continuation["greedy"].get<bool>());
  }
}

TEST(Serve, ChatsStreamWhatTheyWouldSay) {
  json body = {{"messages", {{{"role", "user"}, {"content", "What is 2 + 2?"}}}},
               {"max_tokens", 12},
               {"temperature", 0.7},
               {"seed", 5},
               {"n", 2}};
  const HttpAnswer whole = shared().post(kChat, body);
  ASSERT_EQ(whole.status, 200) << whole.body;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  const HttpAnswer stream = shared().post(kChat, body);
  ASSERT_EQ(stream.status, 200) << stream.body;
  EXPECT_NE(stream.head.find("text/event-stream"), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  std::vector<std::string> said(2);
  json usage;
  for (const json& event : events_of(stream.body)) {
    if (!event["usage"].is_null()) usage = event["usage"];
    for (const json& choice : event["choices"]) {
      said.at(choice["index"]) += choice["delta"].value("content", "");
    }
  }
  for (std::size_t choice = 0; choice < 2; ++choice) {
    EXPECT_EQ(said[choice], whole.json()["choices"][choice]["message"]["content"]);
  }
  EXPECT_EQ(usage["total_tokens"], whole.json()["usage"]["total_tokens"]);
}

TEST(Serve, SaysWhatItIs) {
  EXPECT_EQ(shared().get("/health").json()["status"], "ok");
  EXPECT_EQ(shared().get("/v1/models").json()["data"][0]["id"], "embedded");
  EXPECT_EQ(shared().get("/v1/models/embedded").json()["id"], "embedded");
  EXPECT_EQ(shared().get("/v1/models/other").status, 404);
  const HttpAnswer metrics = shared().get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("# TYPE moebius_request_seconds histogram"), std::string::npos);
}

TEST(Serve, ConnectionsAreKept) {
  Connection connection(shared().port());
  for (int call = 0; call < 3; ++call) {
    connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(parse_answer(connection.receive()).status, 200);
  }
}

TEST(Serve, RefusesInTheFormOfOpenAI) {
  const auto error = [](const HttpAnswer& answer, int status) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_TRUE(answer.json()["error"]["message"].is_string()) << answer.body;
  };
  error(shared().post(kCompletions, {{"prompt", "x"}, {"max_tokens", -1}}), 400);
  error(shared().post(kCompletions, {{"prompt", std::vector<int>(100000, 1)}}), 400);
  error(shared().post(kCompletions, {{"prompt", {1 << 30}}}), 400);
  error(shared().post(kCompletions, {{"prompt", {1 << 30}}, {"stream", true}}), 400);
  error(shared().post(kCompletions, {{"prompt", "x"}, {"model", "other"}}), 404);
  error(shared().post("/v1/embeddings", {{"input", "x"}}), 404);
  error(shared().get(kCompletions), 405);
  error(shared().raw("GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
        403);
  error(shared().raw(
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            "Content-Length: 2\r\n\r\n{}"),
        415);
  error(shared().raw("NONSENSE\r\n\r\n"), 400);
  error(shared().raw("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"), 431);
}

TEST(Serve, OversizedBodies) {
  const std::string announced =
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 99999999999\r\n\r\n";
  EXPECT_EQ(shared().raw(announced).status, 413);
  const std::string chunk(1 << 20, 'x');
  std::string chunked =
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 17; ++i) chunked += "100000\r\n" + chunk + "\r\n";
  EXPECT_EQ(shared().raw(chunked).status, 413);
}

/// One byte at most: no file, and no handler either, gets what is in the memory.
bool core_dumps_forbidden(pid_t process) {
  std::ifstream limits("/proc/" + std::to_string(process) + "/limits");
  const std::string all{std::istreambuf_iterator<char>(limits), {}};
  const std::string name = "Max core file size";
  const std::size_t at = all.find(name);
  if (at == std::string::npos) return false;
  std::istringstream values(all.substr(at + name.size()));
  std::string soft;
  values >> soft;
  return soft == "0" || soft == "1";
}

TEST(Serve, WantsTheKey) {
  const TempDir dir;
  const std::string key = "planted-key-0123456789";
  const std::string file = dir.write("key", key + "\n");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  expect_refused(moebius({"serve", "--model", "embedded", "--api-key-file", file}), "chmod 600");
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  ServeProcess server({"--api-key-file", file});
  EXPECT_EQ(server.get("/v1/models").status, 401);
  EXPECT_EQ(server.get("/v1/models", "Authorization: Bearer planted-key-0123456780\r\n").status,
            401);
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/v1/models", "Authorization: Bearer " + key + "\r\n").status, 200);
  EXPECT_EQ(server.post(kCompletions, {{"prompt", "x"}}).status, 401);
  EXPECT_TRUE(core_dumps_forbidden(server.process()));
  EXPECT_EQ(server.stop(SIGTERM), 0);
  EXPECT_EQ(server.said().find("planted"), std::string::npos) << server.said();
}

TEST(Serve, OtherMachinesNeedAKey) {
  expect_refused(moebius({"serve", "--model", "embedded", "--port", "0", "--host", "0.0.0.0"}),
                 "--api-key-file");
  expect_refused(moebius({"serve", "--model", "embedded", "--port", "0", "--host", "::"}),
                 "--api-key-file");
  expect_refused(moebius({"serve", "--model", "embedded", "--host", "nowhere"}), "--host");
}

/// An answer that takes long enough to be looked at.
const json kLong = {
    {"prompt", "The answer is"}, {"max_tokens", 400}, {"min_tokens", 400}, {"ignore_eos", true}};

TEST(Serve, AFullQueueSaysComeAgain) {
  ServeProcess server({"--max-queue", "1"});
  Connection first(server.port());
  first.send(post_text(kCompletions, kLong.dump()));
  ASSERT_TRUE(becomes(server, "moebius_requests_in_flight", 1));
  const HttpAnswer full = server.post(kCompletions, {{"prompt", "x"}});
  EXPECT_EQ(full.status, 429);
  EXPECT_NE(full.head.find("Retry-After: "), std::string::npos) << full.head;
  EXPECT_EQ(server.post(kCompletions, {{"prompt", {"x", "y"}}}).status, 429);
  EXPECT_EQ(parse_answer(first.receive_all()).status, 200);
  EXPECT_EQ(server.post(kCompletions, {{"prompt", {"x", "y"}}}).status, 400) << "never fits";
  EXPECT_EQ(server.post(kCompletions, {{"prompt", "x"}}).status, 200);
}

TEST(Serve, AClientThatLeavesIsCancelled) {
  ServeProcess server;
  for (const bool stream : {false, true}) {
    json body = kLong;
    body["stream"] = stream;
    body["n"] = 100;
    const std::int64_t before = metric(server, "moebius_clients_left_total");
    {
      Connection client(server.port());
      client.send(post_text(kCompletions, body.dump()));
      ASSERT_TRUE(becomes(server, "moebius_requests_in_flight", 100));
      if (stream) {
        EXPECT_NE(client.receive(), "");
      }
    }
    EXPECT_TRUE(becomes(server, "moebius_requests_in_flight", 0));
    EXPECT_EQ(metric(server, "moebius_clients_left_total"), before + 1);
  }
  EXPECT_LT(metric(server, "moebius_generated_tokens_total"), 2 * 100 * 400);
}

TEST(Serve, FinishesWhatRunsWhenToldToStop) {
  ServeProcess server({"--grace", "500"});
  Connection client(server.port());
  client.send(post_text(kCompletions, kLong.dump()));
  ASSERT_TRUE(becomes(server, "moebius_requests_in_flight", 1));
  Connection idle(server.port());
  idle.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(idle.receive(), "");
  server.signal(SIGTERM);
  EXPECT_EQ(idle.receive(), "") << "closed";
  const HttpAnswer answer = parse_answer(client.receive_all());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["usage"]["completion_tokens"], 400);
  EXPECT_EQ(server.stop(0), 0);
}

TEST(Serve, CutsOffWhatTakesTooLongWhenToldToStop) {
  ServeProcess server({"--grace", "0"});
  json body = kLong;
  body["n"] = 100;
  Connection client(server.port());
  client.send(post_text(kCompletions, body.dump()));
  ASSERT_TRUE(becomes(server, "moebius_requests_in_flight", 100));
  server.signal(SIGINT);
  EXPECT_EQ(parse_answer(client.receive_all()).status, 503);
  EXPECT_EQ(server.stop(0), 4);
}

TEST(Serve, AnswersThatTakeTooLong) {
  ServeProcess server({"--timeout", "1"});
  json body = kLong;
  body["n"] = 100;
  EXPECT_EQ(server.post(kCompletions, body).status, 504);
  EXPECT_TRUE(becomes(server, "moebius_requests_in_flight", 0));
}

}  // namespace
}  // namespace moebius::tests
