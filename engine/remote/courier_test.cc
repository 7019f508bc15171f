// Ten thousand questions to a server that fails in every way, in virtual time: none lost, none
// twice, and hardly slower than possible.
#include "engine/remote/courier.h"

#include <gtest/gtest.h>

#include "engine/remote/simulated_server.h"

namespace moebius::engine::remote {
namespace {

/// Judges by the status alone.
class StatusExchange : public Exchange {
 public:
  explicit StatusExchange(Outcome forced = {}) : forced_(std::move(forced)) {}
  HttpRequest begin() override { return {}; }
  bool received(const HttpHead&, std::string_view, Micros) override { return true; }
  Outcome end(const HttpEnd& end, Micros) override {
    if (end.ending != HttpEnding::kComplete) return {.error = ErrorClass::kConnection};
    const auto retry = parse_retry_after(end.head.retry_after, 0);
    if (end.head.status == 429) {
      return {.error = ErrorClass::kOverloaded, .retry_after = retry.value_or(-1)};
    }
    if (end.head.status != 200) return {.error = ErrorClass::kServerError};
    return forced_;
  }

 private:
  Outcome forced_;
};

struct Result {
  std::vector<int> ends;  // how often each question ended
  int ok = 0;
  int cancelled = 0;
  Micros wall = 0;
  CourierFigures figures;
  std::string stopped;
};

Result run(SimulatedServer& server, const CourierOptions& options, int questions,
           const Outcome& answer = {.tokens = 100}) {
  Result result{.ends = std::vector<int>(questions)};
  Courier courier(options, server, server);
  const Micros start = server.now();
  for (int i = 0; i < questions; ++i) {
    courier.submit(i, std::make_unique<StatusExchange>(answer), 50, [&result, i](const Ended& e) {
      ++result.ends[i];
      result.cancelled += e.cancelled;
      result.ok += !e.cancelled && e.outcome.error == ErrorClass::kNone;
    });
  }
  for (int steps = 0; !courier.idle(); ++steps) {
    if (steps > 100 * questions + 100'000) {
      ADD_FAILURE() << "it does not end";
      break;
    }
    courier.step(kNever - server.now());
  }
  result.wall = server.now() - start;
  result.figures = courier.figures();
  result.stopped = courier.stopped();
  return result;
}

void expect_all_once(const Result& result) {
  for (std::size_t i = 0; i < result.ends.size(); ++i) ASSERT_EQ(result.ends[i], 1) << i;
}

/// No schedule is faster: the server always full, but for its outages.
double ideal_seconds(const SimulatedServer& server, int capacity, Micros outages) {
  return (static_cast<double>(server.work) / capacity + static_cast<double>(outages)) / kSecond;
}

TEST(Courier, FindsTheServersCapacity) {
  for (const int capacity : {1, 7, 100, 700}) {
    SimulatedServer server({.capacity = capacity});
    const int questions = capacity * 100;
    const Result result = run(server, {}, questions);
    expect_all_once(result);
    EXPECT_EQ(result.ok, questions);
    const double ideal = ideal_seconds(server, capacity, 0);
    // Of one place, each look for a second one costs a pause.
    const double factor = capacity == 1 ? 2.5 : 1.3;
    EXPECT_LT(static_cast<double>(result.wall) / kSecond, factor * ideal) << capacity;
  }
}

TEST(Courier, TenThousandThroughBurstsResetsAndErrors) {
  SimulatedServer::Options options{.capacity = 100, .resets = 0.03, .errors = 0.03};
  options.outages = {{3 * kSecond, 7 * kSecond},
                     {10 * kSecond, 13 * kSecond, 503},
                     {16 * kSecond, 19 * kSecond, 0, false},
                     {21 * kSecond, 22 * kSecond, 429, false}};
  Micros outages = 0;
  for (const auto& each : options.outages) outages += each.to - each.from;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    options.seed = seed;
    SimulatedServer server(options);
    const Result result = run(server, {.seed = seed}, 10'000);
    expect_all_once(result);
    EXPECT_EQ(result.ok, 10'000);
    EXPECT_EQ(result.figures.attempts, server.starts);
    const double ideal = ideal_seconds(server, 100, outages);
    const double wall = static_cast<double>(result.wall) / kSecond;
    EXPECT_LT(wall, 1.3 * ideal);
    RecordProperty("ratio_percent_" + std::to_string(seed), static_cast<int>(100 * wall / ideal));
  }
}

TEST(Courier, KeepsTheRequestRate) {
  SimulatedServer server({.capacity = 1000});
  const Result result = run(server, {.requests_per_minute = 6000}, 3000);
  expect_all_once(result);
  // 100 a second after a bucket of one second: 29 s.
  EXPECT_GE(result.wall, 28 * kSecond);
  EXPECT_LE(result.wall, 31 * kSecond);
}

TEST(Courier, KeepsTheTokenRateByWhatAnswersReallyTake) {
  SimulatedServer server({.capacity = 1000});
  // 100 tokens each, 1000 a second: 10 a second, estimated at 5 a question at first.
  const Result result = run(server, {.tokens_per_minute = 60'000}, 1000);
  expect_all_once(result);
  EXPECT_GE(result.wall, 85 * kSecond);
  EXPECT_LE(result.wall, 115 * kSecond);
}

TEST(Courier, NeverAsksMoreAtOnceThanToldTo) {
  SimulatedServer server({.capacity = 1000});
  const Result result = run(server, {.concurrency = 13}, 2000);
  EXPECT_EQ(result.ok, 2000);
  EXPECT_EQ(server.most_serving, 13);
}

TEST(Courier, WaitsOutALongOutageWithFewRequests) {
  SimulatedServer server({.outages = {{2 * kSecond, 602 * kSecond, 0, false}}});
  const Result result = run(server, {}, 10'000);
  expect_all_once(result);
  EXPECT_EQ(result.ok, 10'000);
  EXPECT_LT(result.figures.retries, 400);  // of those in flight when it began, and probes
  EXPECT_LT(result.wall, 660 * kSecond);
}

TEST(Courier, GivesUpAServerThatNeverComesBackButLosesNothing) {
  SimulatedServer server({.outages = {{2 * kSecond, kNever, 0, false}}});
  const Result result = run(server, {.outage_limit = 300 * kSecond}, 10'000);
  expect_all_once(result);
  EXPECT_NE(result.stopped, "");
  EXPECT_GT(result.cancelled, 8000);
  EXPECT_EQ(result.ok + result.cancelled, 10'000);
}

TEST(Courier, StopsAtTheCostLimit) {
  SimulatedServer server({});
  const Result result = run(server, {.cost_limit = 100}, 10'000, {.tokens = 100, .cost = 0.1});
  expect_all_once(result);
  EXPECT_NE(result.stopped.find("cost limit"), std::string::npos);
  EXPECT_EQ(result.ok + result.cancelled, 10'000);
  EXPECT_LE(result.figures.cost, 100.1);
  EXPECT_GE(result.figures.cost, 95);
}

TEST(Courier, GivesUpOneQuestionWithoutHurtingOthers) {
  SimulatedServer server({});
  const Result result = run(server, {}, 50, {.error = ErrorClass::kMalformed, .message = "bad"});
  expect_all_once(result);
  EXPECT_EQ(result.ok, 0);
  EXPECT_EQ(result.cancelled, 0);
  EXPECT_EQ(result.figures.attempts, 50 * attempts_allowed(ErrorClass::kMalformed));
}

TEST(Courier, QuestionsThatBreakTheServerDoNotLookLikeAnOutage) {
  SimulatedServer server({});
  const Result result = run(server, {}, 50, {.error = ErrorClass::kServerError, .message = "bad"});
  expect_all_once(result);
  EXPECT_EQ(result.cancelled, 0);
  EXPECT_EQ(result.figures.attempts, 50 * attempts_allowed(ErrorClass::kServerError));
  // One pause of the breaker for each first failure, and 64 s of a question's own; with one for
  // each of the 400 failures it would be 5000 s and more.
  EXPECT_LT(result.wall, (50 * 30 + 64) * kSecond);
}

TEST(Courier, AWrongKeyEndsAllAtOnceAsCancelled) {
  SimulatedServer server({});
  const Result result = run(server, {}, 1000, {.error = ErrorClass::kFatal, .message = "key"});
  expect_all_once(result);
  EXPECT_EQ(result.stopped, "key");
  EXPECT_EQ(result.ok, 0);
  EXPECT_EQ(result.cancelled, 1000);
  EXPECT_LE(server.starts, 32);
}

TEST(Courier, CancelsWhatWaitsAndWhatIsInFlight) {
  SimulatedServer server({});
  Courier courier({}, server, server);
  int cancelled = 0;
  for (int i = 0; i < 100; ++i) {
    courier.submit(i, std::make_unique<StatusExchange>(), 1,
                   [&](const Ended& e) { cancelled += e.cancelled; });
  }
  courier.step(0);
  for (int i = 0; i < 100; ++i) courier.cancel(i);
  courier.cancel(5);  // again: nothing
  EXPECT_EQ(cancelled, 100);
  EXPECT_TRUE(courier.idle());
}

}  // namespace
}  // namespace moebius::engine::remote
