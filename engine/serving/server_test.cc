#include "engine/serving/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <set>
#include <stdexcept>

#include "engine/serving/test_tokenizer.h"
#include "engine/serving/toy_stepper.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;

class ServerEngine : public Engine {
 public:
  explicit ServerEngine(Stepper& stepper, const Tokenizer* tokenizer = nullptr,
                        const ServerOptions& options = {})
      : server(stepper, tokenizer, options) {}
  void submit(std::vector<Request> requests, Done done) override {
    server.submit(std::move(requests), std::move(done));
  }
  void cancel(std::uint64_t id) override { server.cancel(id); }
  void wait() override { server.wait(); }
  std::string fingerprint() const override { return "toy"; }

  Server server;
};

/// Says its script, one token per position from 1 on, whatever it reads.
class ScriptStepper : public ToyStepper {
 public:
  explicit ScriptStepper(Ids script)
      : ToyStepper({.vocab = 300, .pages = 8, .max_context = 32}), script_(std::move(script)) {}
  std::vector<StepResult> step(const StepBatch& batch) override {
    std::vector<StepResult> results = ToyStepper::step(batch);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const StepHead& head = batch.heads[i];
      const std::int32_t position = batch.sequences[head.sequence].position + head.offset;
      results[i].token = script_.at(position);
    }
    return results;
  }

 private:
  Ids script_;
};

/// From position `from` on its logits are not finite.
class BrokenStepper : public ToyStepper {
 public:
  BrokenStepper(std::int32_t from, float logsumexp)
      : ToyStepper({}), from_(from), logsumexp_(logsumexp) {}
  std::vector<StepResult> step(const StepBatch& batch) override {
    std::vector<StepResult> results = ToyStepper::step(batch);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const StepHead& head = batch.heads[i];
      if (batch.sequences[head.sequence].position + head.offset < from_) continue;
      results[i].logsumexp = logsumexp_;
      results[i].token = -1;
    }
    return results;
  }

 private:
  std::int32_t from_;
  float logsumexp_;
};

Request generate(Ids prompt, Generate options) {
  return {.prompt = {.ids = std::move(prompt)}, .generate = std::move(options)};
}

Request score(Ids context, const std::vector<Ids>& continuations) {
  Request request{.prompt = {.ids = std::move(context)}, .score = Score{}};
  for (const Ids& ids : continuations) request.score->continuations.push_back({.ids = ids});
  return request;
}

Completion run_one(Engine& engine, const Request& request) {
  return run(engine, {request})[0];
}

Ids ids_of(const Completion& completion) {
  Ids ids;
  for (const GeneratedToken& token : completion.tokens) ids.push_back(token.id);
  return ids;
}

// ---- generate ---------------------------------------------------------------------------

TEST(Server, GeneratesGreedily) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  Request request = generate({1, 2, 3}, {.max_new_tokens = 70, .logprobs = 3});
  request.id = 77;
  const Completion out = run_one(engine, request);
  EXPECT_EQ(out.id, 77U);
  EXPECT_EQ(out.finish, Finish::kLength);
  EXPECT_EQ(out.error, "");
  EXPECT_EQ(out.prompt_tokens, 3);
  EXPECT_EQ(out.cached_tokens, 0);
  EXPECT_GE(out.latency_us, 0);
  ASSERT_EQ(out.tokens.size(), 70U);
  Ids text = {1, 2, 3};
  for (const GeneratedToken& token : out.tokens) {
    const StepResult want = toy.answer(text, {.draw = {.kind = StepDraw::kGreedy}, .top = 3});
    EXPECT_EQ(token.id, want.token);
    EXPECT_EQ(token.logprob, want.token_logit - want.logsumexp);
    ASSERT_EQ(token.top.size(), 3U);
    EXPECT_EQ(token.top[0].id, token.id);
    EXPECT_EQ(token.top[0].logprob, token.logprob);
    EXPECT_EQ(token.top[2].id, want.top_ids[2]);
    text.push_back(token.id);
  }
  EXPECT_EQ(engine.server.pages_free(), toy.pages());
}

/// What a model says whose numbers overflow is no answer: the request fails, others go on.
TEST(Server, LogitsThatAreNotFiniteEndTheRequest) {
  for (const float broken : {NAN, INFINITY, -INFINITY}) {
    BrokenStepper toy(4, broken);
    ServerEngine engine(toy);
    const std::vector<Completion> out = run(
        engine, {generate({1, 2, 3}, {.max_new_tokens = 9}), generate({9}, {.max_new_tokens = 3}),
                 score({1, 2, 3}, {{4, 5, 6, 7}, {8}}), score({1, 2}, {{3, 4}, {5}})});
    EXPECT_EQ(out[0].finish, Finish::kRefused);
    EXPECT_EQ(out[0].tokens.size(), 2U);
    EXPECT_NE(out[0].error.find("logits at position 4 are not finite"), std::string::npos)
        << out[0].error;
    EXPECT_EQ(out[1].finish, Finish::kLength);
    EXPECT_EQ(out[2].finish, Finish::kRefused);
    EXPECT_NE(out[2].error.find("are not finite"), std::string::npos) << out[2].error;
    EXPECT_EQ(out[3].finish, Finish::kStop);
    EXPECT_EQ(out[3].error, "");
    EXPECT_EQ(engine.server.pages_free(), toy.pages());
  }
}

TEST(Server, ListsTheWholeVocabularyAtMost) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  const Completion out = run_one(engine, generate({1}, {.max_new_tokens = 1, .logprobs = 1024}));
  ASSERT_EQ(out.tokens.size(), 1U);
  EXPECT_EQ(out.tokens[0].top.size(), 40U);
}

TEST(Server, DrawsBySampleAndSeed) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  std::vector<Request> requests(4, generate({5}, {.max_new_tokens = 20}));
  for (Request& request : requests) request.generate->sampling = {.temperature = 1, .seed = 3};
  requests[1].sample = 1;
  requests[2].sample = 1;
  requests[3].generate->sampling.seed = 4;
  const std::vector<Completion> out = run(engine, requests);
  EXPECT_NE(ids_of(out[0]), ids_of(out[1]));
  EXPECT_EQ(ids_of(out[1]), ids_of(out[2]));
  EXPECT_NE(ids_of(out[0]), ids_of(out[3]));
}

TEST(Server, StopsAtEosAndStopIds) {
  ScriptStepper script(Ids{10, 11, 12, 13, 14, 15, 16});
  ServerEngine engine(script, nullptr, {.eos_ids = {12}});
  Completion out = run_one(engine, generate({1}, {}));
  EXPECT_EQ(out.finish, Finish::kStop);
  EXPECT_EQ(ids_of(out), (Ids{10, 11, 12})) << "the token that ended it is listed";
  out = run_one(engine, generate({1}, {.stop_ids = {14, 11}}));
  EXPECT_EQ(ids_of(out), (Ids{10, 11}));
  out = run_one(engine, generate({1}, {.stop_ids = {14}, .ignore_eos = true}));
  EXPECT_EQ(ids_of(out), (Ids{10, 11, 12, 13, 14}));
  EXPECT_EQ(out.finish, Finish::kStop);
}

TEST(Server, FillsTheContext) {
  ToyStepper toy({.max_context = 50});
  ServerEngine engine(toy, nullptr, {.max_context = 20});
  Completion out = run_one(engine, generate(Ids(5, 1), {.max_new_tokens = 16}));
  EXPECT_EQ(out.finish, Finish::kContextFull);
  EXPECT_EQ(out.tokens.size(), 15U);
  out = run_one(engine, generate(Ids(5, 1), {.max_new_tokens = 15}));
  EXPECT_EQ(out.finish, Finish::kLength);
  out = run_one(engine, generate(Ids(20, 1), {}));
  EXPECT_EQ(out.finish, Finish::kContextFull);
  EXPECT_EQ(out.tokens.size(), 0U);
  out = run_one(engine, generate(Ids(21, 1), {}));
  EXPECT_EQ(out.finish, Finish::kRefused);
  EXPECT_EQ(out.error, "prompt has 21 tokens, the context is 20");
}

// ---- text -------------------------------------------------------------------------------

Ids letters(const std::string& text) {
  return {text.begin(), text.end()};
}

TEST(Server, WritesText) {
  const auto tokenizer = test_tokenizer(TestBos::kAdded);
  Ids script = {0};  // behind <s>
  for (unsigned char c : std::string("hé")) script.push_back(c);
  script.insert(script.end(), {256, 258, 299, 'x', 257});  // <s>, " b", unknown, x, </s>
  ScriptStepper stepper(script);
  ServerEngine engine(stepper, tokenizer.get(), {.eos_ids = {257}});
  Request request{.prompt = {.text = "q"}, .generate = Generate{}};
  const Completion out = run_one(engine, request);
  EXPECT_EQ(out.finish, Finish::kStop);
  EXPECT_EQ(out.text, "hé bx") << "special and unknown tokens have no text";
  EXPECT_EQ(out.tokens.size(), 8U);
  EXPECT_EQ(out.prompt_tokens, 2);
  EXPECT_EQ(out.stop, "");
}

TEST(Server, StopStringsSpanTokens) {
  const auto tokenizer = test_tokenizer(TestBos::kNone);
  ScriptStepper stepper(letters("answer 4\n\nQ: next one"));
  ServerEngine engine(stepper, tokenizer.get());
  Request request{.prompt = {.text = "q"}, .generate = Generate{.stop = {"zz", "\n\nQ"}}};
  Completion out = run_one(engine, request);
  EXPECT_EQ(out.finish, Finish::kStop);
  EXPECT_EQ(out.text, "answer 4");
  EXPECT_EQ(out.stop, "\n\nQ");
  EXPECT_EQ(out.tokens.size(), 11U);
  request.generate->max_new_tokens = 10;
  out = run_one(engine, request);
  EXPECT_EQ(out.finish, Finish::kLength);
  EXPECT_EQ(out.text, "answer 4\n\n") << "a partial match is text after all";
}

TEST(Server, UnfinishedCharactersBecomeReplacements) {
  const auto tokenizer = test_tokenizer(TestBos::kNone);
  ScriptStepper stepper(Ids{'a', 0xE2, 0x82, 0xAC, 0xE2});
  ServerEngine engine(stepper, tokenizer.get());
  Request request{.prompt = {.text = "q"}, .generate = Generate{.max_new_tokens = 5}};
  EXPECT_EQ(run_one(engine, request).text, "a€\xEF\xBF\xBD");
}

TEST(Server, TellsOfEveryToken) {
  const auto tokenizer = test_tokenizer(TestBos::kNone);
  ScriptStepper stepper(letters("answer 4\n\nQ: next one"));
  ServerEngine engine(stepper, tokenizer.get());
  Ids told;
  std::string text;
  std::vector<std::size_t> tops;
  Request request{.id = 9, .prompt = {.text = "q"}, .generate = Generate{.stop = {"\n\nQ"}}};
  request.generate->logprobs = 2;
  request.on_token = [&](const Growth& growth) {
    EXPECT_EQ(growth.id, 9U);
    told.push_back(growth.token.id);
    tops.push_back(growth.token.top.size());
    text += growth.text;
  };
  Completion out = run_one(engine, request);
  EXPECT_EQ(told, ids_of(out));
  EXPECT_EQ(tops, std::vector<std::size_t>(11, 2));
  EXPECT_EQ(text, "answer 4") << "nothing that the stop string takes back";
  text.clear();
  request.generate->max_new_tokens = 10;
  out = run_one(engine, request);
  EXPECT_EQ(text, "answer 4");
  EXPECT_EQ(out.text, "answer 4\n\n") << "what was held back comes with the completion";
}

TEST(Server, OnTokenMayCancel) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  std::atomic<int> told = 0;
  std::vector<Request> requests(2, generate({1}, {.max_new_tokens = 60}));
  requests[1].id = 1;
  requests[0].on_token = [&](const Growth& growth) {
    if (++told == 3) engine.cancel(growth.id);
  };
  const std::vector<Completion> out = run(engine, requests);
  EXPECT_EQ(out[0].finish, Finish::kCancelled);
  EXPECT_EQ(out[0].tokens.size(), static_cast<std::size_t>(told));
  EXPECT_LT(told, 10);
  EXPECT_EQ(out[1].tokens.size(), 60U);
}

TEST(Server, ExceptionInOnTokenEndsTheServer) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  Request request = generate({1}, {});
  request.on_token = [](const Growth&) { throw std::runtime_error("listener"); };
  engine.submit({request}, [](Completion) {});
  EXPECT_THROW(engine.wait(), std::runtime_error);
}

// ---- score ------------------------------------------------------------------------------

TEST(Server, ScoresContinuations) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  const Ids context = {4, 5, 6};
  StepHead greedy{.draw = {.kind = StepDraw::kGreedy}};
  const std::int32_t best = toy.answer(context, greedy).token;
  const Ids best_two = {best, toy.answer(Ids{4, 5, 6, best}, greedy).token};
  const std::vector<Ids> continuations = {{best}, {(best + 1) % 40}, best_two, {7, 8, 9}};
  const Completion out = run_one(engine, score(context, continuations));
  EXPECT_EQ(out.prompt_tokens, 3);
  ASSERT_EQ(out.continuations.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const ScoredContinuation& scored = out.continuations[i];
    EXPECT_EQ(scored.ids, continuations[i]);
    ASSERT_EQ(scored.logprobs.size(), scored.ids.size());
    Ids text = context;
    double sum = 0;
    for (std::size_t t = 0; t < scored.ids.size(); ++t) {
      const StepResult want = toy.answer(text, {.targets = {scored.ids[t]}});
      EXPECT_EQ(scored.logprobs[t], want.target_logits[0] - want.logsumexp);
      sum += scored.logprobs[t];
      text.push_back(scored.ids[t]);
    }
    EXPECT_EQ(scored.sum, sum);
  }
  EXPECT_TRUE(out.continuations[0].greedy);
  EXPECT_FALSE(out.continuations[1].greedy);
  EXPECT_TRUE(out.continuations[2].greedy);
  EXPECT_FALSE(out.continuations[3].greedy);
}

TEST(Server, ScoresWithAlternatives) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  Request request = score({4, 5, 6}, {{7, 8, 9}, {1}, {2}});
  const Completion plain = run_one(engine, request);
  EXPECT_TRUE(plain.continuations[0].top.empty());
  request.score->logprobs = 3;
  const Completion out = run_one(engine, request);
  for (std::size_t c = 0; c < 3; ++c) {
    const ScoredContinuation& scored = out.continuations[c];
    EXPECT_EQ(scored.logprobs, plain.continuations[c].logprobs);
    EXPECT_EQ(scored.greedy, plain.continuations[c].greedy);
    ASSERT_EQ(scored.top.size(), scored.ids.size());
    Ids text = {4, 5, 6};
    for (std::size_t i = 0; i < scored.ids.size(); ++i) {
      const StepResult want = toy.answer(text, {.top = 3});
      ASSERT_EQ(scored.top[i].size(), 3U);
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(scored.top[i][k].id, want.top_ids[k]);
        EXPECT_EQ(scored.top[i][k].logprob, want.top_logits[k] - want.logsumexp);
      }
      text.push_back(scored.ids[i]);
    }
  }
  request.score->logprobs = 1025;
  EXPECT_EQ(run_one(engine, request).error, "logprobs must be in 0 .. 1024");
}

TEST(Server, SingleTokensShareOneRow) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  run_one(engine, score(Ids(50, 1), {{1}, {2}, {3}, {4}}));
  EXPECT_EQ(engine.server.counts().rows, 50);
  // 49 shared rows; then one for both single tokens and 1 + 2 for the others.
  run_one(engine, score(Ids(50, 1), {{1}, {2}, {1, 2}, {1, 2, 3}}));
  EXPECT_EQ(engine.server.counts().rows, 50 + 49 + 1 + 2 + 3);
}

TEST(Server, SamplesShareTheirPrompt) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  const std::vector<Request> requests(16, generate(Ids(100, 1), {.max_new_tokens = 5}));
  const std::vector<Completion> out = run(engine, requests);
  EXPECT_EQ(engine.server.counts().rows, 99 + 16 * 5);
  EXPECT_EQ(engine.server.counts().shared, 99);
  std::int32_t cached = 0;
  for (const Completion& completion : out) cached += completion.cached_tokens;
  EXPECT_EQ(cached, 15 * 99);

  ServerEngine alone(toy, nullptr, {.share_prefixes = false});
  run(alone, requests);
  EXPECT_EQ(alone.server.counts().rows, 16 * 104);
}

// ---- the asynchronous contract ------------------------------------------------------------

TEST(Server, RefusesOneAndServesTheOthers) {
  ToyStepper toy({.pages = 2});
  ServerEngine engine(toy);
  std::vector<Request> requests = {generate({1}, {.max_new_tokens = 2}), generate({99}, {}),
                                   generate({1}, {.max_new_tokens = 500}), score({1}, {{2}})};
  const std::vector<Completion> out = run(engine, requests);
  EXPECT_EQ(out[0].finish, Finish::kLength);
  EXPECT_EQ(out[1].error, "prompt id 0 is 99, the vocabulary has 0 .. 39");
  EXPECT_EQ(out[2].error,
            "prompt of 1 tokens and 500 more need 8 pages of 64 tokens, the KV cache has 2");
  EXPECT_EQ(out[2].finish, Finish::kRefused);
  EXPECT_EQ(out[3].continuations.size(), 1U);
}

TEST(Server, RunKeepsOrderAndIds) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  std::vector<Request> requests;
  for (std::int32_t i = 0; i < 30; ++i) {
    requests.push_back(generate({i}, {.max_new_tokens = 1 + i % 7}));
    requests.back().id = 1000 - i;
  }
  std::vector<Completion> out = run(engine, requests);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(out[i].id, 1000 - i);
    EXPECT_EQ(out[i].tokens.size(), 1 + i % 7);
  }
  for (Request& request : requests) request.id = 5;
  out = run(engine, requests);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(out[i].id, 5U);
    EXPECT_EQ(out[i].tokens.size(), 1 + i % 7);
  }
  EXPECT_TRUE(run(engine, {}).empty());
}

TEST(Server, DoneMaySubmitAndCancel) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  int answered = 0;
  std::set<std::thread::id> threads;
  Engine::Done done = [&](Completion completion) {
    threads.insert(std::this_thread::get_id());
    ++answered;
    if (completion.id >= 50) return;
    Request next = generate({1}, {.max_new_tokens = 2});
    next.id = completion.id + 1;
    engine.submit({next}, done);
    engine.cancel(completion.id + 1);
    EXPECT_THROW(engine.wait(), std::logic_error);
  };
  engine.submit({generate({1}, {.max_new_tokens = 2})}, done);
  engine.wait();
  EXPECT_EQ(answered, 51);
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(Server, CancelKeepsWhatThereIs) {
  const auto tokenizer = test_tokenizer(TestBos::kNone);
  ToyStepper toy({.vocab = 256, .pages = 1000, .max_context = 60000});
  toy.sleep_us = 100;
  ServerEngine engine(toy, tokenizer.get());
  Request request{.id = 7, .prompt = {.text = "x"}, .generate = Generate{.max_new_tokens = 50000}};
  Completion out;
  engine.submit({request}, [&](Completion completion) { out = std::move(completion); });
  while (engine.server.counts().steps < 5) std::this_thread::yield();
  engine.cancel(8);  // nobody
  engine.cancel(7);
  engine.wait();
  EXPECT_EQ(out.finish, Finish::kCancelled);
  EXPECT_EQ(out.id, 7U);
  EXPECT_GE(out.tokens.size(), 5U);
  EXPECT_LT(out.tokens.size(), 50000U);
  EXPECT_GE(out.text.size(), 5U);
  EXPECT_EQ(engine.server.pages_free(), 1000);
  engine.cancel(7);  // long gone
  engine.wait();
}

TEST(Server, StepperFailureEndsTheServer) {
  ToyStepper toy({});
  toy.throw_at_step = 3;
  ServerEngine engine(toy);
  std::atomic<int> answered = 0;
  const auto done = [&](const Completion&) { ++answered; };
  engine.submit({generate({1}, {.max_new_tokens = 2}), generate({1}, {.max_new_tokens = 9})}, done);
  EXPECT_THROW(engine.wait(), std::runtime_error);
  EXPECT_EQ(answered, 1);
  engine.submit({generate({1}, {.max_new_tokens = 1})}, done);
  try {
    engine.wait();
    FAIL() << "thrown each time";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "toy device fault");
  }
  EXPECT_EQ(answered, 1);
}

TEST(Server, ExceptionInDoneEndsTheServer) {
  ToyStepper toy({});
  ServerEngine engine(toy);
  engine.submit({generate({1}, {.max_new_tokens = 1})},
                [](const Completion&) { throw std::domain_error("in done"); });
  EXPECT_THROW(engine.wait(), std::domain_error);
}

TEST(Server, DestructorCancels) {
  for (int after : {0, 1, 5}) {
    ToyStepper toy({.pages = 20000, .max_context = 1000000});
    toy.sleep_us = 50;
    std::vector<Finish> finishes;
    {
      Server server(toy, nullptr, {});
      const Engine::Done done = [&](Completion completion) {
        finishes.push_back(completion.finish);
        if (completion.finish != Finish::kCancelled) return;
        server.submit({generate({1}, {})}, [&](Completion) { FAIL() << "came too late"; });
      };
      server.submit({generate({1}, {.max_new_tokens = 500000}),
                     generate({2}, {.max_new_tokens = 500000}), score({3}, {{4}})},
                    done);
      while (server.counts().steps < after) std::this_thread::yield();
      if (after == 5) server.submit({generate({1}, {})}, done);
    }
    ASSERT_EQ(finishes.size(), after == 5 ? 4U : 3U);
    EXPECT_GE(std::count(finishes.begin(), finishes.end(), Finish::kCancelled), 2);
  }
}

TEST(Server, RefusesNonsense) {
  ToyStepper toy({});
  EXPECT_THROW(Server(toy, nullptr, {.prefill_chunk = -1}), std::invalid_argument);
  EXPECT_THROW(Server(toy, nullptr, {.max_context = -1}), std::invalid_argument);
  ToyStepper empty({.vocab = 0});
  EXPECT_THROW(Server(empty, nullptr, {}), std::invalid_argument);
}

TEST(Finish, HasNames) {
  EXPECT_STREQ(finish_name(Finish::kStop), "stop");
  EXPECT_STREQ(finish_name(Finish::kContextFull), "context_full");
}

}  // namespace
}  // namespace moebius::engine
