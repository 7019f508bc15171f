// Carries questions to a server and back: paced, tried again, each ended exactly once.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/remote/pacing.h"
#include "engine/remote/transport.h"

namespace moebius::engine::remote {

/// What one attempt gave.
struct Outcome {
  ErrorClass error = ErrorClass::kNone;
  std::string message;      // one line, unless kNone
  Micros retry_after = -1;  // the server's wish; < 0: none
  std::int64_t tokens = 0;  // used, prompt and answer
  double cost = 0;          // in the currency of the prices
};

/// One question: makes its HTTP request and reads what comes back.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual HttpRequest begin() = 0;  // of a new attempt; forgets the last one's answer
  virtual bool received(const HttpHead& head, std::string_view bytes, Micros now) = 0;
  virtual Outcome end(const HttpEnd& end, Micros now) = 0;
};

/// How a question ended.
struct Ended {
  Outcome outcome;
  bool cancelled = false;  // outcome says nothing then
  int attempts = 0;
  Micros first_start = 0;  // of the first attempt
  Micros last_start = 0;
  Micros end = 0;
};

struct CourierOptions {
  int concurrency = 0;             // 0: found out, at most kMostConcurrent
  double requests_per_minute = 0;  // 0: no limit
  double tokens_per_minute = 0;
  double cost_limit = 0;                 // 0: none
  Micros first_pause = kSecond / 2;      // between attempts, at most; doubled each time
  Micros outage_limit = 3600 * kSecond;  // without any success for so long: stopped
  std::uint64_t seed = 0;                // of the jitter
};

struct CourierFigures {
  std::int64_t attempts = 0;
  std::int64_t retries = 0;
  std::array<std::int64_t, 8> errors{};  // by ErrorClass
  int most_in_flight = 0;
  double cost = 0;
  std::int64_t tokens = 0;
};

/// For one thread. Clock and transport must outlive it.
class Courier : private Transport::Receiver {
 public:
  static constexpr int kMostConcurrent = 2048;
  using Done = std::function<void(const Ended&)>;

  Courier(const CourierOptions& options, const Clock& clock, Transport& transport);
  ~Courier() override;

  /// `done` is called once, from within step(), cancel() or stop(), and must not call back.
  /// `prompt_tokens`: an estimate, for the token rate.
  void submit(std::uint64_t id, std::unique_ptr<Exchange> exchange, double prompt_tokens,
              Done done);
  void cancel(std::uint64_t id);

  /// Starts what may start and waits, at most `longest`, for something to happen.
  void step(Micros longest);

  bool idle() const { return jobs_.empty(); }

  /// Why nothing new is asked any more; empty while it is. Once stopped, what was waiting is
  /// cancelled, and what is in flight ends as it does, without another attempt.
  const std::string& stopped() const { return stopped_; }
  void stop(std::string why);

  const CourierFigures& figures() const { return figures_; }
  bool paused() const { return breaker_.open(); }  // an outage is waited out
  /// What the server said, or did not say, when it failed last.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Job {
    std::unique_ptr<Exchange> exchange;
    Done done;
    double prompt_tokens = 0;
    double taken_tokens = 0;  // from the token rate, for the attempt in flight
    bool in_flight = false;
    Micros first_byte = 0;
    std::array<int, 8> failures{};  // by ErrorClass
    Ended ended;
  };
  struct Delayed {
    Micros at = 0;
    std::uint64_t id = 0;
    bool operator>(const Delayed& other) const { return at > other.at; }
  };

  bool received(std::uint64_t ticket, const HttpHead& head, std::string_view bytes) override;
  void ended(std::uint64_t ticket, HttpEnd end) override;

  Micros start_ready(Micros now);
  Micros may_start(Micros now, const Job& job) const;
  void start(std::uint64_t id, Job& job, Micros now);
  void settle(Job& job, const Outcome& outcome, Micros now);
  void learn(const Job& job, const Outcome& outcome, Micros now);
  bool again(std::uint64_t id, Job& job, const Outcome& outcome, Micros now);
  void finish(std::uint64_t id, bool cancelled);
  void check_limits(Micros now);
  bool too_expensive() const;
  double expected_tokens(const Job& job) const;
  double chance();

  const CourierOptions options_;
  const Clock& clock_;
  Transport& transport_;
  RateLimit requests_;
  RateLimit tokens_;
  Window window_;
  Breaker breaker_;
  std::mt19937_64 random_;
  std::unordered_map<std::uint64_t, Job> jobs_;
  std::deque<std::uint64_t> ready_;  // ids of jobs that are gone are skipped
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_;
  Micros hold_until_ = 0;  // Retry-After
  int in_flight_ = 0;
  std::int64_t answered_ = 0;
  std::string stopped_;
  std::string trouble_;
  CourierFigures figures_;
};

}  // namespace moebius::engine::remote
