// Several servers as one engine, also when one of them loses its device.
#include "engine/local/replicas.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>

#include "engine/serving/toy_stepper.h"

namespace moebius::engine {
namespace {

/// `count` prompts of one token each, so that they are dealt out evenly.
std::vector<Request> questions(std::size_t count, std::int32_t new_tokens) {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < count; ++i) {
    Request request{.id = i};
    request.prompt.ids = {static_cast<std::int32_t>(1 + i % 30)};
    request.generate = Generate{.max_new_tokens = new_tokens, .ignore_eos = true};
    requests.push_back(std::move(request));
  }
  return requests;
}

struct Fleet {
  explicit Fleet(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      toys.push_back(std::make_unique<ToyStepper>(ToyLimits{.pages = 4000, .max_context = 100000}));
    }
  }
  void start() {
    std::vector<Stepper*> steppers;
    for (const auto& toy : toys) steppers.push_back(toy.get());
    replicas.emplace(steppers, nullptr, ServerOptions{});
  }
  std::vector<std::unique_ptr<ToyStepper>> toys;
  std::optional<Replicas> replicas;
};

std::map<std::uint64_t, std::vector<std::int32_t>> answers_of(std::size_t servers) {
  Fleet fleet(servers);
  fleet.start();
  std::map<std::uint64_t, std::vector<std::int32_t>> answers;
  fleet.replicas->submit(questions(40, 9), [&](const Completion& completion) {
    for (const GeneratedToken& token : completion.tokens) {
      answers[completion.id].push_back(token.id);
    }
  });
  fleet.replicas->wait();
  for (const auto& toy : fleet.toys) EXPECT_GT(toy->steps, 0);
  return answers;
}

TEST(Replicas, AnswerAsOneDoes) {
  const auto one = answers_of(1);
  EXPECT_EQ(one.size(), 40U);
  EXPECT_EQ(answers_of(3), one);
}

/// Whichever dies, first or last in the row: the others leave off at once, nobody is called after
/// wait(), and what came is whole or cancelled.
TEST(Replicas, OneThatDiesStopsAll) {
  for (const std::size_t dying : {0U, 1U, 2U}) {
    Fleet fleet(3);
    for (const auto& toy : fleet.toys) toy->sleep_us = 200;
    fleet.toys[dying]->throw_at_step = 5;
    fleet.start();
    std::atomic<bool> over = false;
    std::atomic<int> cancelled = 0, whole = 0;
    const Engine::Done done = [&](const Completion& completion) {
      EXPECT_FALSE(over) << "called after wait()";
      ++(completion.finish == Finish::kCancelled ? cancelled : whole);
    };
    fleet.replicas->submit(questions(30, 50000), done);
    try {
      fleet.replicas->wait();
      FAIL() << "expected the stepper's error";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "toy device fault");
    }
    over = true;
    EXPECT_EQ(whole, 0);
    EXPECT_EQ(cancelled, 20) << "those of the two that live";
    for (const auto& toy : fleet.toys) EXPECT_LT(toy->steps, 5000) << "went on to the end";
    // Nothing is taken any more, and the error stays.
    fleet.replicas->submit(questions(3, 2), done);
    EXPECT_THROW(fleet.replicas->wait(), std::runtime_error);
  }
}

TEST(Replicas, AreDestroyedWhileOneDies) {
  for (int i = 0; i < 20; ++i) {
    Fleet fleet(4);
    for (const auto& toy : fleet.toys) toy->throw_at_step = 1 + i % 3;
    fleet.start();
    fleet.replicas->submit(questions(16, 1000), [](const Completion&) {});
    if (i % 2 == 0) {
      EXPECT_THROW(fleet.replicas->wait(), std::runtime_error);
    }
    fleet.replicas.reset();
  }
}

}  // namespace
}  // namespace moebius::engine
