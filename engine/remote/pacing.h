// How fast a server is asked: rate limits, a window of requests in flight, a breaker for outages,
// pauses between attempts. Pure: time and chance are arguments, so that tests need no network.
#pragma once

#include <optional>
#include <string_view>

#include "engine/remote/clock.h"

namespace moebius::engine::remote {

/// So much a minute: a bucket that fills evenly and holds what `burst` lets through at once.
class RateLimit {
 public:
  /// per_minute 0: no limit.
  explicit RateLimit(double per_minute, Micros burst = kSecond);

  /// When `amount` may be taken: `now` or later. What the bucket can never hold needs a full one.
  Micros ready_at(Micros now, double amount) const;
  void take(Micros now, double amount);
  /// Corrects an estimate that was taken; below zero the bucket is in debt.
  void give_back(double amount);

 private:
  double level_at(Micros now) const;

  double per_micro_;
  double capacity_;
  double level_;
  Micros at_ = 0;
};

/// How many requests may be in flight. Doubles each round trip until the server is overloaded
/// (slow start). Each overload cuts it by a fifth; then it comes back to where that was by half of
/// the distance a round trip, and leaves that point as it came, slowly first (as BIC does).
class Window {
 public:
  /// 1 <= first <= most.
  Window(int first, int most);

  int limit() const { return static_cast<int>(limit_); }

  /// An answer came. `wait`: until its first byte. `full`: the window was used up, so that more
  /// would have been asked. First bytes that come much later than they used to mean a queue: the
  /// window stops growing, then shrinks.
  void succeeded(Micros started, Micros now, Micros wait, bool full);

  /// The server has too much to do. Cuts once a round trip, and what was asked before the last cut
  /// cuts no more.
  void overloaded(Micros started, Micros now);

  /// What was asked at `started` had the cut window, and nothing was answered since the cut: it is
  /// not the number of requests that is too much.
  bool helpless(Micros started) const { return started > last_cut_ && !success_since_cut_; }

 private:
  void cut(Micros now, double share);
  bool slow(Micros wait);
  double step() const;

  double limit_;
  double most_;
  double ceiling_;  // where the last cut was
  bool slow_start_ = true;
  bool success_since_cut_ = true;
  Micros last_cut_ = -1;
  double round_trip_ = 0;  // of answers, smoothed
  double usual_wait_ = 0;  // the shortest there was, forgotten slowly
  double recent_wait_ = 0;
};

/// Stops asking a server that fails, and tries with one request whether it is back.
class Breaker {
 public:
  /// Failures since the first that no later asked request was answered after, if they are more
  /// than the answers in the same time.
  static constexpr int kOpenAfter = 16;
  static constexpr Micros kFirstPause = kSecond;
  static constexpr Micros kLongestPause = 30 * kSecond;

  bool open() const { return open_; }

  /// When a request may start: `now`, later, or kNever while a probe is under way.
  Micros ready_at(Micros now) const;
  void started(Micros now);

  void succeeded(Micros started);
  /// `started` is the failed request's. `chance` in [0, 1).
  void failed(Micros started, Micros now, double chance);
  /// A request ended that says nothing about the server: it was cancelled.
  void dropped(Micros started);

  /// Since when there has been no success; kNever while there is no failure.
  Micros failing_since() const { return failing_since_; }

 private:
  void pause(Micros now, double chance);

  int failures_ = 0;
  int successes_ = 0;  // since failing_since_, of what was asked before
  bool open_ = false;
  Micros failing_since_ = kNever;
  Micros until_ = 0;
  Micros pause_ = kFirstPause;
  Micros probe_ = -1;  // when the probe under way started
};

/// What became of one attempt. The order is that of the table in pacing.cc.
enum class ErrorClass : std::uint8_t {
  kNone,
  kOverloaded,   // 429, 503, 529: ask later and less
  kServerError,  // other 5xx
  kConnection,   // no connection, or it ended within the answer
  kMalformed,    // the answer is not what the protocol says
  kTimeout,      // idle or total deadline
  kRejected,     // this request cannot be served: other 4xx
  kFatal,        // no request can: wrong key, no credit, certificate
};
const char* error_class_name(ErrorClass error);

/// How often one request may fail like that before it is given up; 1: never tried again.
int attempts_allowed(ErrorClass error);

/// Pause before the next attempt after `failures` >= 1: full jitter, uniform in [0, limit), the
/// limit `first`, doubled each time, at most a minute. `chance` in [0, 1).
Micros backoff(int failures, Micros first, double chance);

/// The value of a Retry-After header: seconds (fractions too) or an HTTP date, as a duration from
/// `wall_seconds` (Unix time) on. Absent for anything else; 0 for what is past, at most an hour.
std::optional<Micros> parse_retry_after(std::string_view value, std::int64_t wall_seconds);

}  // namespace moebius::engine::remote
