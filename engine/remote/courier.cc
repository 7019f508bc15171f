// Carries questions to a server and back.
#include "engine/remote/courier.h"

#include <algorithm>
#include <utility>

namespace moebius::engine::remote {
namespace {

constexpr int kFirstWindow = 4;
constexpr int kRejectedAtFirst = 16;  // without one answer: the next will be too

std::size_t index(ErrorClass error) {
  return static_cast<std::size_t>(error);
}

/// Failures that say the server is in trouble, not the request.
bool outage(ErrorClass error) {
  return error == ErrorClass::kServerError || error == ErrorClass::kConnection ||
         error == ErrorClass::kTimeout;
}

int most_concurrent(const CourierOptions& options) {
  return options.concurrency > 0 ? options.concurrency : Courier::kMostConcurrent;
}

}  // namespace

Courier::Courier(const CourierOptions& options, const Clock& clock, Transport& transport)
    : options_(options),
      clock_(clock),
      transport_(transport),
      requests_(options.requests_per_minute),
      tokens_(options.tokens_per_minute, 10 * kSecond),
      window_(options.concurrency > 0 ? options.concurrency : kFirstWindow,
              most_concurrent(options)),
      random_(options.seed) {}

Courier::~Courier() {
  for (const auto& [id, job] : jobs_) {
    if (job.in_flight) transport_.drop(id);
  }
}

double Courier::chance() {
  return static_cast<double>(random_() >> 11) * 0x1p-53;
}

void Courier::submit(std::uint64_t id, std::unique_ptr<Exchange> exchange, double prompt_tokens,
                     Done done) {
  Job& job = jobs_[id];
  job.exchange = std::move(exchange);
  job.done = std::move(done);
  job.prompt_tokens = prompt_tokens;
  if (!stopped_.empty()) return finish(id, true);
  ready_.push_back(id);
}

void Courier::cancel(std::uint64_t id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  if (found->second.in_flight) {
    transport_.drop(id);
    --in_flight_;
    breaker_.dropped(found->second.ended.last_start);
  }
  finish(id, true);
}

void Courier::stop(std::string why) {
  if (!stopped_.empty()) return;
  stopped_ = std::move(why);
  std::vector<std::uint64_t> waiting;
  for (const auto& [id, job] : jobs_) {
    if (!job.in_flight) waiting.push_back(id);
  }
  std::sort(waiting.begin(), waiting.end());
  for (const std::uint64_t id : waiting) finish(id, true);
}

void Courier::step(Micros longest) {
  const Micros now = clock_.now();
  check_limits(now);
  const Micros next = start_ready(now);
  const Micros wait = next == kNever ? longest : std::min(longest, next - now);
  transport_.poll(std::max<Micros>(0, wait), *this);
}

// ---- starting ----------------------------------------------------------------------------

/// Returns when there may be more to start.
Micros Courier::start_ready(Micros now) {
  while (!delayed_.empty() && delayed_.top().at <= now) {
    ready_.push_back(delayed_.top().id);
    delayed_.pop();
  }
  Micros next = delayed_.empty() ? kNever : delayed_.top().at;
  while (!ready_.empty()) {
    const std::uint64_t id = ready_.front();
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) {  // cancelled meanwhile
      ready_.pop_front();
      continue;
    }
    const Micros at = may_start(now, found->second);
    if (at > now) return std::min(next, at);
    if (too_expensive()) {
      stop("cost limit of " + std::to_string(options_.cost_limit) +
           " reached: " + std::to_string(figures_.cost) + " spent, " + std::to_string(in_flight_) +
           " requests under way");
      return kNever;
    }
    ready_.pop_front();
    start(id, found->second, now);
  }
  return next;
}

/// `now`, later, or kNever if something must end first.
Micros Courier::may_start(Micros now, const Job& job) const {
  if (in_flight_ >= window_.limit()) return kNever;
  const Micros whole = breaker_.ready_at(now);
  if (whole == kNever) return kNever;
  return std::max({whole, hold_until_, requests_.ready_at(now, 1),
                   tokens_.ready_at(now, expected_tokens(job))});
}

/// What is in flight, and one more, will cost about what the others did. Before the first answer
/// nobody knows.
bool Courier::too_expensive() const {
  if (options_.cost_limit <= 0 || answered_ == 0) return false;
  const double each = figures_.cost / static_cast<double>(answered_);
  return figures_.cost + each * (in_flight_ + 1) > options_.cost_limit * (1 + 1e-9);
}

double Courier::expected_tokens(const Job& job) const {
  if (answered_ == 0) return job.prompt_tokens;
  return std::max(job.prompt_tokens,
                  static_cast<double>(figures_.tokens) / static_cast<double>(answered_));
}

void Courier::start(std::uint64_t id, Job& job, Micros now) {
  job.taken_tokens = expected_tokens(job);
  requests_.take(now, 1);
  tokens_.take(now, job.taken_tokens);
  breaker_.started(now);
  job.in_flight = true;
  ++in_flight_;
  job.first_byte = 0;
  job.ended.last_start = now;
  if (job.ended.attempts++ == 0) job.ended.first_start = now;
  ++figures_.attempts;
  if (job.ended.attempts > 1) ++figures_.retries;
  figures_.most_in_flight = std::max(figures_.most_in_flight, in_flight_);
  transport_.start(id, job.exchange->begin());
}

// ---- ending ------------------------------------------------------------------------------

bool Courier::received(std::uint64_t ticket, const HttpHead& head, std::string_view bytes) {
  Job& job = jobs_.at(ticket);
  const Micros now = clock_.now();
  if (job.first_byte == 0) job.first_byte = now;
  return job.exchange->received(head, bytes, now);
}

void Courier::ended(std::uint64_t ticket, HttpEnd end) {
  Job& job = jobs_.at(ticket);
  const Micros now = clock_.now();
  Outcome outcome = job.exchange->end(end, now);
  job.in_flight = false;
  --in_flight_;
  settle(job, outcome, now);
  learn(job, outcome, now);
  if (again(ticket, job, outcome, now)) return;
  job.ended.outcome = std::move(outcome);
  job.ended.end = now;
  const bool fatal = job.ended.outcome.error == ErrorClass::kFatal;
  const bool hopeless = job.ended.outcome.error == ErrorClass::kRejected && answered_ == 0 &&
                        figures_.errors[index(ErrorClass::kRejected)] >= kRejectedAtFirst;
  std::string why = job.ended.outcome.message;
  // What is wrong with all questions is not this one's failure: the next run asks it again.
  finish(ticket, fatal);
  if (fatal) stop(std::move(why));
  if (hopeless) stop("the first " + std::to_string(kRejectedAtFirst) + " were rejected: " + why);
}

void Courier::settle(Job& job, const Outcome& outcome, Micros) {
  if (outcome.error != ErrorClass::kNone) {
    tokens_.give_back(job.taken_tokens);
  } else {
    tokens_.give_back(job.taken_tokens - static_cast<double>(outcome.tokens));
    figures_.tokens += outcome.tokens;
    ++answered_;
  }
  figures_.cost += outcome.cost;
  if (outcome.error == ErrorClass::kNone) return;
  ++figures_.errors[index(outcome.error)];
  trouble_ = std::string(error_class_name(outcome.error)) + ": " + outcome.message;
}

void Courier::learn(const Job& job, const Outcome& outcome, Micros now) {
  const Micros started = job.ended.last_start;
  if (outcome.retry_after >= 0) hold_until_ = std::max(hold_until_, now + outcome.retry_after);
  if (outcome.error == ErrorClass::kOverloaded) {
    const bool helpless = window_.helpless(started);
    window_.overloaded(started, now);
    if (helpless) breaker_.failed(started, now, chance());
    if (!helpless) breaker_.dropped(started);
    return;
  }
  // A question that fails again may be what the server fails on: others would tell.
  if (outcome.error == ErrorClass::kServerError && job.ended.attempts > 1) {
    return breaker_.dropped(started);
  }
  if (outage(outcome.error)) return breaker_.failed(started, now, chance());
  breaker_.succeeded(started);  // it answered, whatever it said
  if (outcome.error == ErrorClass::kNone) {
    const Micros first = job.first_byte > 0 ? job.first_byte : now;
    // This one counts: it is what leaves room now.
    window_.succeeded(started, now, first - started, 2 * (in_flight_ + 1) > window_.limit());
  }
}

bool Courier::again(std::uint64_t id, Job& job, const Outcome& outcome, Micros now) {
  if (outcome.error == ErrorClass::kNone || !stopped_.empty()) return false;
  const int failures = ++job.failures[index(outcome.error)];
  if (failures >= attempts_allowed(outcome.error)) return false;
  const Micros from = std::max(now, hold_until_);
  delayed_.push({.at = from + backoff(failures, options_.first_pause, chance()), .id = id});
  return true;
}

void Courier::finish(std::uint64_t id, bool cancelled) {
  auto node = jobs_.extract(id);
  node.mapped().ended.cancelled = cancelled;
  node.mapped().done(node.mapped().ended);
}

void Courier::check_limits(Micros now) {
  if (!stopped_.empty()) return;
  const Micros since = breaker_.failing_since();
  if (breaker_.open() && now - since > options_.outage_limit) {
    stop("no answer for " + std::to_string((now - since) / kSecond) +
         " s: the server is given up; nothing that was asked is lost");
  }
}

}  // namespace moebius::engine::remote
