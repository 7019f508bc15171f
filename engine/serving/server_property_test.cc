// Random request sets against one request at a time, token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "engine/serving/server.h"
#include "engine/serving/toy_stepper.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;
constexpr std::int32_t kEos = 3;
constexpr std::int32_t kContext = 300;

// ---- the sequential reference: no cache, no batch, no sharing ---------------------------

Completion generate_alone(const ToyStepper& toy, const Request& request) {
  const Generate& generate = *request.generate;
  Completion out{.id = request.id};
  Ids text = request.prompt.ids;
  for (;;) {
    if (static_cast<std::int32_t>(text.size()) == kContext) {
      out.finish = Finish::kContextFull;
      return out;
    }
    StepHead head{.top = generate.logprobs};
    head.draw.kind = generate.sampling.temperature == 0 ? StepDraw::kGreedy : StepDraw::kSample;
    head.draw.temperature = generate.sampling.temperature;
    head.draw.seed = generate.sampling.seed;
    head.draw.sample = request.sample;
    const StepResult result = toy.answer(text, head);
    GeneratedToken token{result.token, result.token_logit - result.logsumexp, {}};
    for (std::size_t i = 0; i < result.top_ids.size(); ++i) {
      token.top.push_back({result.top_ids[i], result.top_logits[i] - result.logsumexp});
    }
    out.tokens.push_back(token);
    text.push_back(token.id);
    const bool stop = std::ranges::find(generate.stop_ids, token.id) != generate.stop_ids.end();
    if (stop || (token.id == kEos && !generate.ignore_eos)) {
      out.finish = Finish::kStop;
      return out;
    }
    if (static_cast<std::int32_t>(out.tokens.size()) == generate.max_new_tokens) {
      out.finish = Finish::kLength;
      return out;
    }
  }
}

Completion score_alone(const ToyStepper& toy, const Request& request) {
  Completion out{.id = request.id};
  for (const Prompt& continuation : request.score->continuations) {
    ScoredContinuation scored{.ids = continuation.ids, .greedy = true};
    Ids text = request.prompt.ids;
    for (std::int32_t id : continuation.ids) {
      const StepResult result = toy.answer(text, {.top = 1, .targets = {id}});
      scored.logprobs.push_back(result.target_logits[0] - result.logsumexp);
      scored.sum += scored.logprobs.back();
      scored.greedy = scored.greedy && result.top_ids[0] == id;
      text.push_back(id);
    }
    out.continuations.push_back(scored);
  }
  return out;
}

Completion alone(const ToyStepper& toy, const Request& request) {
  return request.generate ? generate_alone(toy, request) : score_alone(toy, request);
}

void expect_equal(const Completion& got, const Completion& want) {
  EXPECT_EQ(got.id, want.id);
  EXPECT_EQ(got.finish, want.finish) << got.error;
  ASSERT_EQ(got.tokens.size(), want.tokens.size());
  for (std::size_t i = 0; i < got.tokens.size(); ++i) {
    EXPECT_EQ(got.tokens[i].id, want.tokens[i].id);
    EXPECT_EQ(got.tokens[i].logprob, want.tokens[i].logprob);
    ASSERT_EQ(got.tokens[i].top.size(), want.tokens[i].top.size());
    for (std::size_t t = 0; t < got.tokens[i].top.size(); ++t) {
      EXPECT_EQ(got.tokens[i].top[t].id, want.tokens[i].top[t].id);
      EXPECT_EQ(got.tokens[i].top[t].logprob, want.tokens[i].top[t].logprob);
    }
  }
  ASSERT_EQ(got.continuations.size(), want.continuations.size());
  for (std::size_t i = 0; i < got.continuations.size(); ++i) {
    EXPECT_EQ(got.continuations[i].ids, want.continuations[i].ids);
    EXPECT_EQ(got.continuations[i].logprobs, want.continuations[i].logprobs);
    EXPECT_EQ(got.continuations[i].sum, want.continuations[i].sum);
    EXPECT_EQ(got.continuations[i].greedy, want.continuations[i].greedy);
  }
}

// ---- random requests --------------------------------------------------------------------

Ids random_ids(std::mt19937& random, std::size_t size) {
  Ids ids(size);
  for (auto& id : ids) id = static_cast<std::int32_t>(random() % 6);
  return ids;
}

void make_score(std::mt19937& random, Request& request) {
  request.score.emplace();
  for (auto left = 1 + random() % 5; left > 0; --left) {
    const std::size_t size = random() % 2 == 0 ? 1 : 1 + random() % 30;
    request.score->continuations.push_back({.ids = random_ids(random, size)});
  }
}

void make_generate(std::mt19937& random, Request& request) {
  Generate& generate = request.generate.emplace();
  generate.max_new_tokens = 1 + static_cast<std::int32_t>(random() % 90);
  generate.ignore_eos = random() % 2 == 0;
  generate.logprobs = static_cast<std::int32_t>(random() % 3);
  if (random() % 4 == 0) generate.stop_ids = {4, 2};
  if (random() % 2 == 0) generate.sampling = {.temperature = 0.8F, .seed = random() % 3};
  request.sample = random() % 3;
}

std::vector<Request> random_requests(std::mt19937& random, std::size_t most) {
  std::vector<Request> requests(1 + random() % most);
  std::uint64_t id = 0;
  for (Request& request : requests) {
    if (id > 0 && random() % 3 != 0) {  // shares a prefix, perhaps all of it
      request.prompt.ids = requests[random() % id].prompt.ids;
      if (random() % 2 == 0) request.prompt.ids.resize(random() % request.prompt.ids.size() + 1);
    }
    const std::size_t more = request.prompt.ids.empty() ? 1 + random() % 150 : random() % 60;
    for (std::int32_t token : random_ids(random, more)) request.prompt.ids.push_back(token);
    request.prompt.ids.resize(std::min<std::size_t>(request.prompt.ids.size(), kContext - 30));
    request.id = id++;
    random() % 3 == 0 ? make_score(random, request) : make_generate(random, request);
  }
  return requests;
}

ToyLimits random_limits(std::mt19937& random) {
  return {.vocab = 6,
          .pages = 5 + static_cast<std::int32_t>(random() % 3 == 0 ? random() % 3 : random() % 60),
          .max_rows = 1 + static_cast<std::int32_t>(random() % 60),
          .max_heads = 1 + static_cast<std::int32_t>(random() % 30),
          .max_context = kContext};
}

ServerOptions random_options(std::mt19937& random) {
  return {.prefill_chunk = random() % 2 == 0 ? 0 : 1 + static_cast<std::int32_t>(random() % 70),
          .share_prefixes = random() % 4 != 0,
          .eos_ids = {kEos}};
}

/// Collects completions; each request once.
class Answers {
 public:
  Engine::Done done() {
    return [this](Completion completion) {
      const std::lock_guard lock(mutex_);
      const std::uint64_t id = completion.id;
      EXPECT_TRUE(answers_.emplace(id, std::move(completion)).second) << "answered twice";
    };
  }
  const Completion& operator[](std::uint64_t id) const { return answers_.at(id); }
  std::size_t size() const { return answers_.size(); }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, Completion> answers_;
};

TEST(ServerProperty, EqualsOneAtATime) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ToyStepper toy(random_limits(random));
    Server server(toy, nullptr, random_options(random));
    std::vector<Request> requests = random_requests(random, 25);
    Answers answers;
    std::shuffle(requests.begin(), requests.end(), random);
    const std::size_t half = random() % (requests.size() + 1);
    server.submit({requests.begin(), requests.begin() + half}, answers.done());
    server.submit({requests.begin() + half, requests.end()}, answers.done());
    server.wait();
    ASSERT_EQ(answers.size(), requests.size());
    for (const Request& request : requests) expect_equal(answers[request.id], alone(toy, request));
    EXPECT_EQ(server.pages_free(), toy.pages()) << "leaked";
    if (HasFailure()) return;
  }
}

void expect_start_of(const Completion& got, const Completion& want) {
  ASSERT_LE(got.tokens.size(), want.tokens.size());
  for (std::size_t i = 0; i < got.tokens.size(); ++i) {
    EXPECT_EQ(got.tokens[i].id, want.tokens[i].id);
  }
  for (std::size_t i = 0; i < got.continuations.size(); ++i) {
    const std::vector<float>& have = got.continuations[i].logprobs;
    ASSERT_LE(have.size(), want.continuations[i].logprobs.size());
    EXPECT_TRUE(std::equal(have.begin(), have.end(), want.continuations[i].logprobs.begin()));
  }
}

// Several threads submit and cancel at once.
TEST(ServerProperty, CancellationAtAnyTime) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed + 5000);
    ToyStepper toy(random_limits(random));
    Server server(toy, nullptr, random_options(random));
    constexpr std::uint64_t kThreads = 3, kMost = 12;
    std::vector<std::vector<Request>> requests;
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
      requests.push_back(random_requests(random, kMost));
      for (Request& request : requests.back()) request.id += thread * kMost;
    }
    Answers answers;
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          std::mt19937 own(seed * 7 + static_cast<unsigned>(thread));
          server.submit(requests[thread], answers.done());
          for (int i = 0; i < 6; ++i) {
            std::this_thread::sleep_for(std::chrono::microseconds(own() % 1500));
            server.cancel(own() % (kThreads * kMost));
          }
          server.wait();
        });
      }
    }
    for (const std::vector<Request>& set : requests) {
      for (const Request& request : set) {
        const Completion& got = answers[request.id];
        const Completion want = alone(toy, request);
        if (got.finish == Finish::kCancelled) {
          expect_start_of(got, want);
        } else {
          expect_equal(got, want);
        }
      }
    }
    EXPECT_EQ(server.pages_free(), toy.pages()) << "leaked";
    if (HasFailure()) return;
  }
}

// Two thousand short questions behind five long instructions, in a cache for a few.
TEST(ServerProperty, TwoThousandRequests) {
  ToyStepper toy({.vocab = 6, .pages = 40, .max_rows = 64, .max_heads = 64});
  Server server(toy, nullptr, {.eos_ids = {kEos}});
  std::mt19937 random(1);
  std::vector<Ids> instructions;
  for (int i = 0; i < 5; ++i) instructions.push_back(random_ids(random, 100 + 10 * i));
  std::vector<Request> requests(2000);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    request.id = i;
    request.prompt.ids = instructions[i % 5];
    for (std::int32_t token : random_ids(random, 12)) request.prompt.ids.push_back(token);
    if (i % 2 == 0) {
      request.score = Score{{{.ids = {1}}, {.ids = {2}}, {.ids = {1, 2}}}};
    } else {
      request.generate = Generate{.max_new_tokens = 8, .ignore_eos = true};
    }
  }
  Answers answers;
  server.submit(requests, answers.done());
  server.wait();
  ASSERT_EQ(answers.size(), 2000U);
  for (std::size_t i = 0; i < 2000; i += 7) {
    Completion want = alone(toy, requests[i]);
    expect_equal(answers[i], want);
  }
  EXPECT_EQ(server.pages_free(), 40);
  EXPECT_LE(server.counts().rows, 600 + 2000 * 20) << "instructions were computed again";
}

}  // namespace
}  // namespace moebius::engine
