// Answers come back in order, and neither a dead engine nor a failing sink hangs anybody.
#include "runner/requests.h"

#include <gtest/gtest.h>

#include "tests/support/fake_engine.h"

namespace moebius::runner {
namespace {

std::vector<engine::Request> some_requests(std::size_t count) {
  std::vector<engine::Request> requests(count);
  for (std::size_t i = 0; i < count; ++i) {
    requests[i].id = 99;
    requests[i].prompt.ids.assign(i + 1, 1);
    requests[i].generate = engine::Generate{.max_new_tokens = 1};
  }
  return requests;
}

TEST(RunInOrder, OrderIsTheRequests) {
  tests::FakeEngine engine;
  std::vector<std::int32_t> lengths;
  run_in_order(engine, some_requests(5), [&](const engine::Completion& completion) {
    EXPECT_EQ(completion.id, lengths.size());
    lengths.push_back(completion.prompt_tokens);
  });
  EXPECT_EQ(lengths, (std::vector<std::int32_t>{1, 2, 3, 4, 5}));
}

TEST(RunInOrder, ProgressReachesTheTotal) {
  tests::FakeEngine engine;
  std::size_t last = 0;
  run_in_order(engine, some_requests(4), [](const auto&) {}, {[&](std::size_t n) { last = n; }});
  EXPECT_EQ(last, 4U);
}

TEST(RunInOrder, NothingToDo) {
  tests::FakeEngine engine;
  run_in_order(engine, {}, [](const auto&) { FAIL(); });
}

TEST(RunInOrder, DeadEngineEndsIt) {
  tests::FakeEngine engine;
  engine.die_after = 2;
  EXPECT_THROW(run_in_order(engine, some_requests(5), [](const auto&) {}), engine::Error);
}

TEST(RunInOrder, FailingSinkCancelsTheRest) {
  tests::FakeEngine engine;
  const auto sink = [](const engine::Completion&) { throw std::runtime_error("disk full"); };
  EXPECT_THROW(run_in_order(engine, some_requests(5), sink), std::runtime_error);
  EXPECT_EQ(engine.cancelled, 5U);
}

TEST(RequireServed, ThrowsTheReason) {
  engine::Completion completion;
  EXPECT_NO_THROW(require_served(completion));
  completion.finish = engine::Finish::kRefused;
  completion.error = "too long";
  EXPECT_THROW(require_served(completion), engine::Error);
}

}  // namespace
}  // namespace moebius::runner
