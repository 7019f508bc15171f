// What each dialect asks and how it reads answers: good ones, cut ones, contradictory ones.
#include "engine/remote/dialect.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/remote/secret.h"

namespace moebius::engine::remote {
namespace {

using Json = nlohmann::json;

Request chat(std::int32_t logprobs = 0) {
  Request request{.id = 7};
  request.prompt.chat = {{"system", "Be brief."}, {"user", "2+2?"}};
  request.generate = Generate{.max_new_tokens = 10, .logprobs = logprobs};
  return request;
}

Request score(std::string prompt, std::string continuation) {
  Request request{.id = 8};
  request.prompt.text = std::move(prompt);
  request.score = Score{};
  request.score->continuations.push_back({.text = std::move(continuation)});
  return request;
}

Request score_ids(std::vector<std::int32_t> prompt, std::vector<std::int32_t> continuation) {
  Request request = score("", "");
  request.prompt.ids = std::move(prompt);
  request.score->continuations[0].ids = std::move(continuation);
  return request;
}

Json body_of(const Dialect& dialect, const Request& request, bool stream = false) {
  return Json::parse(dialect.body(request, 0, {.model = "m", .stream = stream}));
}

Completion read(const Dialect& dialect, const std::string& json, const Request& request) {
  Answer answer;
  dialect.read(json, answer);
  return to_completion(answer, request, false);
}

Completion stream(const Dialect& dialect, const std::vector<std::string>& events,
                  const Request& request) {
  Answer answer;
  for (const std::string& data : events) dialect.event({.event = "message", .data = data}, answer);
  return to_completion(answer, request, true);
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string message(const std::string& fields, const std::string& finish = "\"stop\"") {
  return R"({"model":"served","system_fingerprint":"fp","choices":[{"index":0,"message":{)" +
         fields + R"(},"finish_reason":)" + finish +
         R"(}],"usage":{"prompt_tokens":11,"completion_tokens":3}})";
}

std::string delta(const std::string& fields, const std::string& finish = "null") {
  return R"({"model":"served","choices":[{"index":0,"delta":{)" + fields + R"(},"finish_reason":)" +
         finish + "}]}";
}

constexpr const char* kUsage =
    R"({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":2}})";

// ---- asking ------------------------------------------------------------------------------

TEST(Asking, ChatsGoToTheServerAsTheyAre) {
  Request request = chat();
  request.generate->stop = {"\n\n"};
  const Json body = body_of(compatible_dialect(), request, true);
  EXPECT_EQ(compatible_dialect().path(request), "/chat/completions");
  EXPECT_EQ(body["messages"][1]["content"], "2+2?");
  EXPECT_EQ(body["max_tokens"], 10);
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["stop"], Json({"\n\n"}));
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_FALSE(body.contains("seed"));
  EXPECT_EQ(body_of(openai_dialect(), request)["max_completion_tokens"], 10);
}

TEST(Asking, EachSampleDrawsAnew) {
  Request request = chat();
  request.generate->sampling = {.temperature = 0.5F, .seed = 3};
  const Json first = body_of(compatible_dialect(), request);
  request.sample = 1;
  EXPECT_NE(body_of(compatible_dialect(), request)["seed"], first["seed"]);
  EXPECT_FALSE(body_of(deepseek_dialect(), request).contains("seed"));
}

TEST(Asking, AnthropicHasItsOwnShape) {
  const Json body = body_of(anthropic_dialect(), chat());
  EXPECT_EQ(body["system"], "Be brief.");
  EXPECT_EQ(body["messages"].size(), 1U);
  EXPECT_EQ(anthropic_dialect().headers("k")[1], "x-api-key: k");
}

TEST(Asking, RefusesWhatTheServerCannotDo) {
  EXPECT_NE(error_of([] { body_of(anthropic_dialect(), score("a", "b")); }), "");
  EXPECT_NE(error_of([] { body_of(deepseek_dialect(), score("a", "b")); }), "");
  Request request = chat();
  request.generate->sampling.top_k = 5;
  EXPECT_EQ(error_of([&] { body_of(openai_dialect(), request); }),
            "openai: the server has no top_k");
  Request scored = chat();
  scored.generate.reset();
  scored.score = Score{.continuations = {{.text = "x"}}};
  EXPECT_NE(error_of([&] { body_of(compatible_dialect(), scored); }), "");
}

// ---- reading -----------------------------------------------------------------------------

TEST(Reading, AWholeAnswer) {
  const Completion c = read(compatible_dialect(), message(R"("content":"4")"), chat());
  EXPECT_EQ(c.finish, Finish::kStop);
  EXPECT_EQ(c.text, "4");
  EXPECT_EQ(c.prompt_tokens, 11);
}

TEST(Reading, ThinkingIsOneTextWithTheAnswer) {
  for (const char* field : {"reasoning_content", "reasoning"}) {
    const std::string thought = "\"" + std::string(field) + "\":\"hm\",";
    EXPECT_EQ(read(deepseek_dialect(), message(thought + R"("content":"4")"), chat()).text,
              "<think>\nhm\n</think>\n\n4");
    // Cut while it thought: nobody may take that for an answer.
    const Completion cut =
        read(deepseek_dialect(), message(thought + R"("content":null)", "\"length\""), chat());
    EXPECT_EQ(cut.text, "<think>\nhm");
    EXPECT_EQ(cut.finish, Finish::kLength);
  }
}

TEST(Reading, TheWaysToEndAreKeptApart) {
  const auto finish = [](const char* content, const char* reason) {
    return read(compatible_dialect(), message(std::string("\"content\":") + content, reason),
                chat())
        .finish;
  };
  EXPECT_EQ(finish("\"x\"", "\"length\""), Finish::kLength);
  EXPECT_EQ(finish("\"x\"", "\"content_filter\""), Finish::kFiltered);
  EXPECT_EQ(finish("\"\"", "\"stop\""), Finish::kEmpty);
  EXPECT_EQ(finish("null", "\"stop\""), Finish::kEmpty);
  EXPECT_THROW(finish("\"x\"", "null"), Error);
  EXPECT_THROW(finish("\"x\"", "\"tool_calls\""), Error);
  EXPECT_THROW(finish("\"x\"", "\"abort\""), ServerError);
  EXPECT_THROW(read(deepseek_dialect(),
                    message(R"("content":"x")", "\"insufficient_system_resource\""), chat()),
               ServerError);
}

TEST(Reading, RefusesWhatIsNoAnswer) {
  for (
      const char* bad :
      {"", "{", "[]", "17", "{}", R"({"choices":[]})", R"({"choices":{}})",
       R"({"choices":[{"index":1,"message":{"content":"x"},"finish_reason":"stop"}]})",
       R"({"choices":[{"message":{"content":7},"finish_reason":"stop"}]})",
       R"({"choices":[{"message":"x","finish_reason":"stop"}]})",
       R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":-1}})"}) {
    EXPECT_THROW(read(compatible_dialect(), bad, chat()), Error) << bad;
    EXPECT_THROW(read(anthropic_dialect(), bad, chat()), Error) << bad;
  }
}

TEST(Reading, AStream) {
  const std::vector<std::string> good = {delta(R"("role":"assistant","content":"")"),
                                         delta(R"("content":"fo")"),
                                         delta(R"("content":"ur")"),
                                         delta("", "\"stop\""),
                                         kUsage,
                                         "[DONE]"};
  EXPECT_EQ(stream(compatible_dialect(), good, chat()).text, "four");
  for (std::size_t n = 0; n < good.size(); ++n) {
    const std::vector<std::string> cut(good.begin(), good.begin() + static_cast<long>(n));
    EXPECT_THROW(stream(compatible_dialect(), cut, chat()), Error) << n;
  }
}

TEST(Reading, AStreamWithEventsTwiceOrOutOfPlace) {
  const std::vector<std::string> good = {delta(R"("content":"fo")"), delta(R"("content":"ur")"),
                                         delta("", "\"stop\""), kUsage, "[DONE]"};
  for (const std::size_t i : {0U, 1U, 2U, 4U}) {
    std::vector<std::string> twice = good;
    twice.insert(twice.begin() + static_cast<long>(i), good[i]);
    EXPECT_THROW(stream(compatible_dialect(), twice, chat()), Error) << i;
  }
  for (const std::size_t i : {1U, 3U}) {  // text behind the end; the end mark before the usage
    std::vector<std::string> swapped = good;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_THROW(stream(compatible_dialect(), swapped, chat()), Error) << i;
  }
}

TEST(Reading, AnErrorWithinAStream) {
  try {
    stream(compatible_dialect(),
           {R"({"error":{"message":"no credit","code":"insufficient_quota"}})"}, chat());
    FAIL() << "read";
  } catch (const ServerError& error) {
    EXPECT_EQ(error.error, ErrorClass::kFatal);
    EXPECT_NE(std::string(error.what()).find("no credit"), std::string::npos);
  }
}

TEST(Reading, AnthropicStreamsAreStrict) {
  const std::vector<std::string> good = {
      R"({"type":"message_start","message":{"model":"c","usage":{"input_tokens":9,"output_tokens":1}}})",
      R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})",
      R"({"type":"ping"})",
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})",
      R"({"type":"content_block_stop","index":0})",
      R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
      R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"4"}})",
      R"({"type":"content_block_stop","index":1})",
      R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})",
      R"({"type":"message_stop"})"};
  const Completion c = stream(anthropic_dialect(), good, chat());
  EXPECT_EQ(c.text, "<think>\nhm\n</think>\n\n4");
  EXPECT_EQ(c.prompt_tokens, 9);
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (i == 2) continue;
    std::vector<std::string> twice = good;
    twice.insert(twice.begin() + static_cast<long>(i), good[i]);
    EXPECT_THROW(stream(anthropic_dialect(), twice, chat()), Error) << i;
    std::vector<std::string> less = good;
    less.erase(less.begin() + static_cast<long>(i));
    if (i == 3 || i == 6) continue;  // a piece less is another answer
    EXPECT_THROW(stream(anthropic_dialect(), less, chat()), Error) << i;
  }
}

TEST(Reading, LogProbabilitiesThatAreNotThereAreARefusal) {
  const Completion c = read(compatible_dialect(), message(R"("content":"4")"), chat(2));
  EXPECT_EQ(c.finish, Finish::kRefused);
}

// ---- statuses ----------------------------------------------------------------------------

TEST(Status, HasAClass) {
  EXPECT_EQ(read_status(200, "").error, ErrorClass::kNone);
  EXPECT_EQ(read_status(429, "").error, ErrorClass::kOverloaded);
  EXPECT_EQ(read_status(529, "").error, ErrorClass::kOverloaded);
  EXPECT_EQ(read_status(500, "").error, ErrorClass::kServerError);
  EXPECT_EQ(read_status(307, "").error, ErrorClass::kRejected);
  EXPECT_EQ(read_status(401, "").error, ErrorClass::kFatal);
  EXPECT_EQ(read_status(204, "").error, ErrorClass::kMalformed);
  EXPECT_EQ(read_status(429, R"({"error":{"message":"x","code":"insufficient_quota"}})").error,
            ErrorClass::kFatal);
  const StatusMeaning filtered = read_status(400, R"({"error":{"code":"content_filter"}})");
  EXPECT_TRUE(filtered.filtered);
  EXPECT_EQ(read_status(400, R"({"error":{"message":"too\nlong"}})").message,
            "HTTP status 400: \"too\\x0along\"");
}

// ---- log-probabilities -------------------------------------------------------------------

std::string echo(const std::string& tokens, const std::string& values, const std::string& top) {
  return R"({"choices":[{"index":0,"text":"","logprobs":{"tokens":)" + tokens +
         R"(,"token_logprobs":)" + values + R"(,"top_logprobs":)" + top + "}}]}";
}

TEST(Scored, ReadsTheContinuationOfTheText) {
  const Request request = score("Q: 2+2", " = 4");
  const std::string answer =
      echo(R"(["<s>","Q",": 2","+2"," ="," 4","!"])", "[null,-3,-1,-2,-0.5,-0.25,-9]",
           R"([null,{"Q":-3},{": 2":-1},{"+2":-2},{" =":-0.5},{" 5":-0.125," 4":-0.25},{"!":-9}])");
  const ScoredContinuation scored = read_scored(answer, request, 0);
  EXPECT_EQ(scored.logprobs, (std::vector<float>{-0.5F, -0.25F}));
  EXPECT_EQ(scored.sum, -0.75);
  EXPECT_FALSE(scored.greedy);
}

TEST(Scored, RefusesTokensThatDoNotLineUp) {
  const Request request = score("Q: 2+2", " = 4");
  const auto refusal = [&](const std::string& tokens, const std::string& values) {
    return error_of([&] { read_scored(echo(tokens, values, "null"), request, 0); });
  };
  EXPECT_EQ(refusal(R"(["Q: 2+2"," = 4"])", "[-1,-2]"), "");
  for (const char* tokens : {R"(["Q: 2+2 ="," 4"])", R"(["Q: 2+2"," = 5"])", R"(["Q: 2+2"," ="])",
                             R"(["Q: 2+2",7])", R"(["x","Q: 2+3"])"}) {
    EXPECT_NE(refusal(tokens, "[-1,-2]"), "") << tokens;
  }
  EXPECT_NE(refusal(R"(["Q: 2+2"," = 4"])", "[-1]"), "");
  EXPECT_NE(refusal(R"(["Q: 2+2"," = 4"])", "[-1,null]"), "");
  EXPECT_NE(refusal(R"(["Q: 2+2"," = 4"])", "[-1,0.5]"), "");
  EXPECT_NE(error_of([&] { read_scored(R"({"choices":[{"text":""}]})", request, 0); }), "");
}

TEST(Scored, IdsAreCheckedWhereTheServerNamesThem) {
  const Request request = score_ids({1, 2}, {3, 4});
  const std::string good = R"(["token_id:1","token_id:2","token_id:3","token_id:4","token_id:9"])";
  const std::string values = "[null,-1,-2,-4,-1]";
  EXPECT_EQ(read_scored(echo(good, values, "null"), request, 0).sum, -6);
  std::string other = good;
  other.replace(other.find("id:3"), 4, "id:5");
  EXPECT_THROW(read_scored(echo(other, values, "null"), request, 0), Error);
  EXPECT_THROW(read_scored(echo(R"(["a","b","c"])", "[null,-1,-2]", "null"), request, 0), Error);
}

TEST(Scored, ReadsPromptLogprobs) {
  const Request request = score_ids({1, 2}, {3, 4});
  const std::string good =
      R"({"choices":[{"text":"","prompt_logprobs":[null,{"2":{"logprob":-1}},{"3":{"logprob":-2}},)"
      R"({"4":{"logprob":-4},"5":{"logprob":-3}}]}]})";
  const ScoredContinuation scored = read_scored(good, request, 0);
  EXPECT_EQ(scored.sum, -6);
  EXPECT_EQ(scored.ids, (std::vector<std::int32_t>{3, 4}));
  EXPECT_FALSE(scored.greedy);
  EXPECT_THROW(read_scored(good, score_ids({1, 2}, {3, 6}), 0), Error);
  EXPECT_THROW(read_scored(good, score_ids({1, 2}, {3}), 0), Error);
}

// ---- event streams -----------------------------------------------------------------------

TEST(Sse, GivesTheSameEventsHoweverItIsCut) {
  const std::string stream =
      "\xEF\xBB\xBF: hello\r\ndata: one\r\n\r\nid: 5\nevent:x\ndata:two\ndata: lines\n\ndata\n\n"
      "retry: 3\r\rdata: last\r\r";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    SseReader reader;
    std::vector<SseEvent> events;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      for (SseEvent& event : reader.push(std::string_view(stream).substr(at, piece))) {
        events.push_back(std::move(event));
      }
    }
    ASSERT_EQ(events.size(), 4U) << piece;
    EXPECT_EQ(events[0].data, "one");
    EXPECT_EQ(events[1].data, "two\nlines");
    EXPECT_EQ(events[1].event, "x");
    EXPECT_EQ(events[1].id, "5");
    EXPECT_EQ(events[2].data, "");
    EXPECT_EQ(events[3].data, "last");
    EXPECT_EQ(events[3].id, "");
    EXPECT_FALSE(reader.unfinished());
  }
}

TEST(Sse, RefusesEventsWithoutEnd) {
  SseReader reader(1000);
  EXPECT_THROW(
      {
        for (int i = 0; i < 1000; ++i) reader.push("data: xxxx\n");
      },
      Error);
  SseReader half;
  half.push("data: x\n");
  EXPECT_TRUE(half.unfinished());
}

// ---- keys --------------------------------------------------------------------------------

TEST(Secret, IsTakenOutOfWhatServersSay) {
  const Secret key("sk-0123456789abcdefghij");
  EXPECT_EQ(key.redact("bad key sk-0123456789abcdefghij!"), "bad key [key]!");
  EXPECT_EQ(key.redact("starts with sk-01234567, ends with 9abcdefghij"),
            "starts with [key], ends with [key]");
  EXPECT_EQ(Secret().redact("as it is"), "as it is");
}

}  // namespace
}  // namespace moebius::engine::remote
