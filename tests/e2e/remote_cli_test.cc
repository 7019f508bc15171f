// moebius eval against a server that fails as told: no sample lost, none twice, none scored that
// was not answered, no key anywhere, and the same result after any number of kills.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "tests/e2e/remote.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

TEST_F(RemoteCli, ScoresStoresReportsAndGoesOn) {
  std::string head;
  FaultServer server([&](const FaultServer::Request& request) {
    head = request.head;
    return streamed(events(answer_to(digest(request.body))));
  });
  const std::vector<std::string> command =
      remote(server, "a.sqlite",
             {"--tasks", "mini-math", "--limit", "30", "--price-in", "10", "--price-out", "100",
              "--currency", "CNY", "--header", "X-Team: ${PLANTED_HEADER}"});
  const ProcessResult first = moebius(command);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_NE(head.find("POST /v1/completions"), std::string::npos) << head;
  EXPECT_NE(head.find(std::string("Bearer ") + kKey), std::string::npos);
  EXPECT_NE(head.find(std::string("X-Team: ") + kHeaderKey), std::string::npos);
  for (const char* part : {"asked for toy, answered by toy-2026-11 (30), fingerprint fp-7 (30)",
                           "cannot be reproduced bit for bit", "3000 prompt tokens",
                           "300 output tokens", "30 answers in 30 attempts", "cost 0.0600 CNY"}) {
    EXPECT_NE(first.out.find(part), std::string::npos) << part << "\n" << first.out;
  }
  EXPECT_EQ(samples("a.sqlite").size(), 30U);

  const ProcessResult again = moebius(command);
  EXPECT_NE(again.err.find("30 samples are there already"), std::string::npos) << again.err;
  EXPECT_EQ(server.requests, 30) << "nothing is asked twice";
  const ProcessResult report =
      moebius({"report", "last", "--format", "json", "--store", directory_.file("a.sqlite")});
  const json run = json::parse(report.out)["runs"][0]["run"];
  EXPECT_NEAR(run["remote"]["cost"].get<double>(), 0.06, 1e-12);  // 30 sums
  EXPECT_EQ(run["remote"]["models"]["toy-2026-11"], 30);
  EXPECT_EQ(run["remote"]["endpoint"], server.url() + "/v1");
  EXPECT_EQ(run["command"].get<std::string>().find("PLANTED"), std::string::npos);
  for (const char* secret : {kKey, kHeaderKey}) {
    EXPECT_EQ(leaks(secret, first), std::vector<std::string>());
  }
}

// Fates by what is asked; those that pass do so at the second attempt.
enum Fate : std::uint64_t {
  kWhole,
  kStreamed,
  kBusy,  // 429
  kBusyAfter,
  kBroken,  // 500, with the key in its words
  kReset,
  kResetInStream,
  kCutJson,
  kMalformedJson,
  kWrongType,
  kTwice,
  kSwapped,
  kEndless,
  kDripping,
  kRedirect,
  kFiltered,
  kEmpty,
  kCut,
  kHuge,
  kRejected,
  kFates
};

/// The failure that a fate ends as; empty: it is scored.
std::string failure_of(std::uint64_t fate) {
  switch (fate) {
    case kRedirect:
    case kHuge:
    case kRejected:
      return "refused";
    case kFiltered:
      return "content_filter";
    case kEmpty:
      return "empty";
    default:
      return "";
  }
}

Reply first_reply(std::uint64_t fate, const std::string& text) {
  std::vector<std::string> parts = events(text);
  Reply reply = whole(text);
  switch (fate) {
    case kBusy:
      return error(429, "slow down");
    case kBusyAfter:
      return error(503, "later", "Retry-After: 0.05\r\n");
    case kBroken:
      return error(500, std::string("key ") + kKey + " and " + kHeaderKey + " made me fall");
    case kReset:
      reply.cut = reply.bytes.size() - 20;
      return reply;
    case kResetInStream:
      reply = streamed(parts);
      reply.cut = reply.bytes.size() - 60;
      return reply;
    case kCutJson:
      return {.bytes = FaultServer::http(200, "application/json", R"({"choices": [{"inde)")};
    case kMalformedJson:
      return {.bytes = FaultServer::http(200, "application/json", R"({"choices": nope})")};
    case kWrongType:
      return {.bytes = FaultServer::http(200, "text/html", "<html>proxy</html>")};
    case kSwapped:
      std::swap(parts[0], parts[1]);
      return streamed(parts);
    case kEndless:
      parts.pop_back();
      return streamed(parts);
    default:
      return reply;
  }
}

Reply later_reply(std::uint64_t fate, const std::string& text) {
  std::vector<std::string> parts = events(text);
  Reply reply;
  switch (fate) {
    case kStreamed:
      return streamed(parts);
    case kTwice:
      parts.insert(parts.begin() + 1, parts[1]);
      return streamed(parts);
    case kDripping:
      reply = whole(text);
      reply.drip_ms = 1;
      return reply;
    case kRedirect:
      return {.bytes = FaultServer::http(307, "text/plain", "", "Location: http://[::1]:1/\r\n")};
    case kFiltered:
      return whole("I", "content_filter");
    case kEmpty:
      return whole("");
    case kCut:
      return whole(text, "length");
    case kHuge:
      return {
          .bytes = "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
          .close = true,
          .filler = std::string(1 << 20, ' '),
          .fill = 100};
    case kRejected:
      return error(400, std::string("no ") + kKey);
    default:
      return whole(text);
  }
}

TEST_F(RemoteCli, EveryFaultEndsEverySampleOnceAndRight) {
  std::map<std::uint64_t, int> attempts;  // the server's thread alone, until it has ended
  int huge = 0;
  const auto fate_of = [&](std::uint64_t asked) {
    const std::uint64_t fate = asked % kFates;
    // A few of 100 MB are enough.
    return fate == kHuge && asked % (16 * kFates) >= kFates ? std::uint64_t{kWhole} : fate;
  };
  FaultServer server([&](const FaultServer::Request& request) {
    const std::uint64_t asked = digest(request.body);
    const std::uint64_t fate = fate_of(asked);
    const bool first = attempts[asked]++ == 0;
    huge += fate == kHuge ? 1 : 0;
    const bool fails = fate >= kBusy && fate <= kEndless && fate != kTwice;
    return first && fails ? first_reply(fate, answer_to(asked))
                          : later_reply(fate, answer_to(asked));
  });
  // 20 questions, each with other draws.
  const int repeats = number_from_environment("MOEBIUS_REMOTE_REQUESTS", 1000) / 20;
  const std::vector<std::string> command =
      remote(server, "a.sqlite",
             {"--tasks", "mini-math", "--limit", "20", "--repeats", std::to_string(repeats),
              "--temperature", "1", "--fail-budget", "50%", "--concurrency", "64", "--header",
              "X-Team: ${PLANTED_HEADER}"});
  const ProcessResult result = moebius(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(attempts.size(), static_cast<std::size_t>(20 * repeats)) << "each draw is another";
  EXPECT_GT(huge, 0);

  std::map<std::string, std::int64_t> expected;
  std::set<std::string> answers;
  for (const auto& [asked, count] : attempts) {
    const std::string failure = failure_of(fate_of(asked));
    ++expected[failure];
    if (failure.empty()) answers.insert(answer_to(asked));
  }
  std::map<std::string, std::int64_t> found;
  std::set<std::string> seen;
  for (const json& line : samples("a.sqlite")) {
    if (line.contains("failure")) {
      ++found[line["failure"]["kind"]];
      continue;
    }
    ++found[""];
    EXPECT_TRUE(seen.insert(line["text"]).second) << "twice: " << line["text"];
    EXPECT_FALSE(line["scores"].empty());
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(seen, answers);
  for (const char* secret : {kKey, kHeaderKey}) {
    EXPECT_EQ(leaks(secret, result), std::vector<std::string>());
  }
}

TEST_F(RemoteCli, AKilledRunGoesOnToTheSameResult) {
  FaultServer server([](const FaultServer::Request& request) {
    const std::uint64_t asked = digest(request.body);
    Reply reply = asked % 3 == 0 ? streamed(events(answer_to(asked))) : whole(answer_to(asked));
    reply.delay_ms = 5 + static_cast<int>(asked % 20);
    return reply;
  });
  const std::vector<std::string> asking = {"--tasks",       "mini-math", "--limit",       "100",
                                           "--repeats",     "4",         "--temperature", "1",
                                           "--concurrency", "8"};
  ASSERT_EQ(moebius(remote(server, "whole.sqlite", asking)).exit_code, 0);
  const std::vector<json> whole_run = samples("whole.sqlite");
  ASSERT_EQ(whole_run.size(), 400U);

  const int kills = number_from_environment("MOEBIUS_REMOTE_KILLS", 4);
  std::mt19937_64 random(20261122);
  int killed = 0;
  for (int round = 0; killed < kills; ++round) {
    const std::string store = "killed" + std::to_string(round) + ".sqlite";
    // At random moments, until one attempt comes to its end.
    int exit_code = -1;
    while (exit_code != 0) {
      ProcessOptions options{.signal = SIGKILL};
      if (killed < kills) options.interrupt_after_ms = 20 + static_cast<int>(random() % 600);
      const ProcessResult result = moebius(remote(server, store, asking), options);
      exit_code = result.exit_code;
      ASSERT_TRUE(exit_code == 0 || exit_code == 128 + SIGKILL) << result.err;
      killed += exit_code == 0 ? 0 : 1;
    }
    ASSERT_EQ(samples(store), whole_run) << "after kill " << killed;
  }
}

TEST_F(RemoteCli, ACostLimitStopsCleanlyAndTheNextCallGoesOn) {
  FaultServer server(
      [](const FaultServer::Request& request) { return whole(answer_to(digest(request.body))); });
  std::vector<std::string> command =
      remote(server, "a.sqlite",
             {"--tasks", "mini-math", "--limit", "200", "--concurrency", "4", "--price-in", "10000",
              "--price-out", "0", "--cost-limit", "50"});  // 1 each
  const ProcessResult first = moebius(command);
  EXPECT_EQ(first.exit_code, 4) << first.err;
  EXPECT_NE(first.err.find("cost limit of 50"), std::string::npos) << first.err;
  EXPECT_NE(first.err.find("the same command goes on"), std::string::npos) << first.err;
  const std::size_t asked = static_cast<std::size_t>(server.requests);
  EXPECT_GE(asked, 40U);
  EXPECT_LE(asked, 50U);
  EXPECT_EQ(samples("a.sqlite").size(), asked) << "what was paid for is kept, and no failure made";
  command.back() = "1000";
  EXPECT_EQ(moebius(command).exit_code, 0);
  EXPECT_EQ(server.requests, 200);
  EXPECT_EQ(samples("a.sqlite").size(), 200U);
}

/// Every character is a token; its log-probability depends on what stands before it.
Reply echo(const FaultServer::Request& request) {
  const json body = json::parse(request.body);
  const std::string prompt = body.at("prompt");
  json tokens = json::array();
  json values = json::array();
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    tokens.push_back(prompt.substr(i, 1));
    const auto before = static_cast<double>(digest(prompt.substr(0, i + 1)) % 1000);
    values.push_back(i == 0 ? json(nullptr) : json(-before / 100));
  }
  json answer = choice_piece("", "length");
  answer["choices"][0]["logprobs"] = {{"tokens", tokens}, {"token_logprobs", values}};
  answer["usage"] = kUsage;
  return {.bytes = FaultServer::http(200, "application/json", answer.dump())};
}

TEST_F(RemoteCli, MultipleChoiceByLogProbabilities) {
  FaultServer server(echo);
  const ProcessResult result =
      moebius(remote(server, "a.sqlite", {"--tasks", "mini-mmlu", "--limit", "25"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(server.requests, 100);
  for (const json& line : samples("a.sqlite")) {
    ASSERT_EQ(line["choices"].size(), 4U);
    const std::string whole = line["prompt"].get<std::string>() + " A";
    double sum = 0;
    for (std::size_t i = whole.size() - 1; i <= whole.size(); ++i) {
      sum += static_cast<float>(-static_cast<double>(digest(whole.substr(0, i)) % 1000) / 100);
    }
    EXPECT_EQ(line["choices"][0]["logprob"], sum);
  }
}

TEST_F(RemoteCli, WithoutLogProbabilitiesThereIsNoScoreByChance) {
  FaultServer server([](const FaultServer::Request&) { return whole("A", "length"); });
  const ProcessResult result =
      moebius(remote(server, "a.sqlite", {"--tasks", "mini-mmlu", "--limit", "200"}));
  EXPECT_EQ(result.exit_code, 4) << result.out;
  EXPECT_NE(result.err.find("the first 16 were rejected: log-probabilities of a continuation"),
            std::string::npos)
      << result.err;
  EXPECT_LT(server.requests, 100) << "it is not asked on in vain";
  for (const json& line : samples("a.sqlite")) EXPECT_TRUE(line.contains("failure")) << line;
}

TEST_F(RemoteCli, ADryRunCountsAndSendsNothing) {
  FaultServer server([](const FaultServer::Request&) { return whole("no"); });
  std::vector<std::string> command =
      remote(server, "none.sqlite",
             {"--tasks", "mini-mmlu,mini-math", "--limit", "5", "--repeats", "2", "--dry-run",
              "--price-in", "1000", "--price-out", "2000", "--currency", "CNY", "--rpm", "25"});
  const ProcessResult text = moebius(command);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("CNY, if every answer"), std::string::npos) << text.out;
  command.emplace_back("--json");
  const json cost = json_lines(moebius(command)).at(0);
  const json& choice = cost["sets"][0];
  const json& written = cost["sets"][1];
  EXPECT_EQ(choice["requests"], choice["samples"].get<int>() * 4) << "one for each continuation";
  EXPECT_EQ(written["requests"], written["samples"]);
  EXPECT_EQ(written["samples"], 10);
  EXPECT_EQ(cost["requests"], choice["requests"].get<int>() + written["requests"].get<int>());
  EXPECT_EQ(cost["seconds_at_least"].get<double>(), cost["requests"].get<double>() * 60 / 25);
  const double tokens = cost["prompt_tokens_about"];
  EXPECT_GT(tokens, 0);
  EXPECT_DOUBLE_EQ(cost["cost_about"]["value"].get<double>(),
                   tokens / 1000 + cost["max_output_tokens"].get<double>() / 500);
  EXPECT_EQ(server.requests, 0);
  EXPECT_FALSE(std::filesystem::exists(directory_.file("none.sqlite")));
}

TEST_F(RemoteCli, RefusesWhatCannotBe) {
  const auto eval = [&](const std::string& model, std::vector<std::string> more) {
    std::vector<std::string> command = {"eval",
                                        "--model",
                                        model,
                                        "--tasks",
                                        "mini-math",
                                        "--store",
                                        directory_.file("none.sqlite")};
    command.insert(command.end(), more.begin(), more.end());
    return moebius(command);
  };
  const std::string host = "http://127.0.0.1:9/v1#m";
  expect_refused(eval("http://127.0.0.1:9/v1", {}), "https://HOST/v1#NAME");
  expect_refused(eval("https://user:secret@host/v1#m", {}), "no user, password");
  expect_refused(eval("deepseek:deepseek-reasoner", {}), "the server answers chats");
  expect_refused(eval("anthropic:claude", {}), "the server answers chats");
  expect_refused(eval(host, {"--threads", "3"}), "--threads: not for models behind an API");
  expect_refused(eval(host, {"--endpoint", "http://x"}), "--endpoint");
  expect_refused(eval(host, {"--concurrency", "many"}), "--concurrency: expected auto or 1");
  expect_refused(eval(host, {"--cost-limit", "3"}), "--price-in");
  expect_refused(eval(host, {"--header", "A: ${NOT_SET_ANYWHERE}"}), "NOT_SET_ANYWHERE");
  expect_refused(eval(host, {"--header", "no colon"}), "expected \"Name: value\"");
  expect_refused(eval(host, {"--key-file", "/nonexistent"}), "/nonexistent: cannot read a key");
  expect_refused(eval("embedded", {"--rpm", "3"}), "--rpm: for models behind an API only");
  EXPECT_FALSE(std::filesystem::exists(directory_.file("none.sqlite")));
}

}  // namespace
}  // namespace moebius::tests
