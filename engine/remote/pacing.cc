// How fast a server is asked: the arithmetic.
#include "engine/remote/pacing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string>

namespace moebius::engine::remote {

// ---- rate limit --------------------------------------------------------------------------

RateLimit::RateLimit(double per_minute, Micros burst)
    : per_micro_(per_minute / (60.0 * kSecond)),
      capacity_(std::max(1.0, per_micro_ * static_cast<double>(burst))),
      level_(capacity_) {}

double RateLimit::level_at(Micros now) const {
  return std::min(capacity_, level_ + static_cast<double>(now - at_) * per_micro_);
}

Micros RateLimit::ready_at(Micros now, double amount) const {
  if (per_micro_ <= 0) return now;
  const double missing = std::min(amount, capacity_) - level_at(now);
  // Rounding must not say "now" to what take() would find missing.
  if (missing <= 1e-9 * capacity_) return now;
  return now + static_cast<Micros>(std::ceil(missing / per_micro_));
}

void RateLimit::take(Micros now, double amount) {
  level_ = level_at(now) - amount;
  at_ = now;
}

void RateLimit::give_back(double amount) {
  level_ = std::min(capacity_, level_ + amount);
}

// ---- window ------------------------------------------------------------------------------

namespace {

constexpr double kSlowStartCut = 0.5;  // it may have grown to twice what is possible
constexpr double kCut = 0.8;
constexpr double kSlowWait = 4;          // times the usual wait: a queue has formed
constexpr double kPatience = kSecond;    // waits that differ by less mean nothing
constexpr double kForget = 1.0 / 4096;   // of the usual wait, per answer
constexpr double kSmoothing = 1.0 / 16;  // of the recent wait, per answer

}  // namespace

Window::Window(int first, int most) : limit_(first), most_(most), ceiling_(most) {}

bool Window::slow(Micros wait) {
  const auto seen = static_cast<double>(wait);
  if (usual_wait_ == 0) usual_wait_ = recent_wait_ = seen;
  usual_wait_ = std::min(seen, usual_wait_ + kForget * (seen - usual_wait_));
  recent_wait_ += kSmoothing * (seen - recent_wait_);
  return recent_wait_ > kSlowWait * usual_wait_ + kPatience;
}

/// Growth a round trip.
double Window::step() const {
  if (slow_start_) return limit_;
  if (limit_ < ceiling_) return std::max(1.0, (ceiling_ - limit_) / 2);
  return 1.0 + limit_ - ceiling_;
}

void Window::succeeded(Micros started, Micros now, Micros wait, bool full) {
  success_since_cut_ = true;
  const auto trip = static_cast<double>(now - started);
  round_trip_ = round_trip_ == 0 ? trip : round_trip_ + kSmoothing * (trip - round_trip_);
  if (slow(wait)) {
    if (started > last_cut_ && recent_wait_ > 2 * kSlowWait * usual_wait_) cut(now, kCut);
    slow_start_ = false;
    return;
  }
  if (full) limit_ = std::min(most_, limit_ + step() / limit_);
}

void Window::overloaded(Micros started, Micros now) {
  if (started <= last_cut_ || !success_since_cut_) return;
  if (last_cut_ >= 0 && static_cast<double>(now - last_cut_) < round_trip_) return;
  cut(now, slow_start_ ? kSlowStartCut : kCut);
}

void Window::cut(Micros now, double share) {
  ceiling_ = limit_;
  limit_ = std::max(1.0, limit_ * share);
  slow_start_ = false;
  success_since_cut_ = false;
  last_cut_ = now;
}

// ---- breaker -----------------------------------------------------------------------------

Micros Breaker::ready_at(Micros now) const {
  if (!open_) return now;
  if (probe_ >= 0) return kNever;
  return std::max(now, until_);
}

void Breaker::started(Micros now) {
  if (open_) probe_ = now;
}

void Breaker::succeeded(Micros started) {
  // What was asked before the trouble began says little about now.
  if (failing_since_ != kNever && started < failing_since_) {
    ++successes_;
    return;
  }
  *this = Breaker();
}

void Breaker::failed(Micros started, Micros now, double chance) {
  if (failing_since_ == kNever) failing_since_ = now;
  if (open_) {
    if (started == probe_) pause(now, chance);
    return;  // what was in flight when it opened says nothing new
  }
  ++failures_;
  if (failures_ < kOpenAfter || failures_ <= successes_) return;
  open_ = true;
  pause(now, chance);
}

void Breaker::dropped(Micros started) {
  if (open_ && started == probe_) probe_ = -1;
}

void Breaker::pause(Micros now, double chance) {
  probe_ = -1;
  // Between half and all of the pause, so that many clients do not come back at once.
  until_ = now + static_cast<Micros>(static_cast<double>(pause_) * (0.5 + 0.5 * chance));
  pause_ = std::min(kLongestPause, pause_ + pause_ / 2);
}

// ---- retries -----------------------------------------------------------------------------

namespace {

struct ClassRow {
  const char* name;
  int attempts;
};
constexpr std::array<ClassRow, 8> kClasses = {{{"none", 1},
                                               {"overloaded", 64},
                                               {"server error", 8},
                                               {"connection", 8},
                                               {"malformed answer", 4},
                                               {"timeout", 3},
                                               {"rejected", 1},
                                               {"fatal", 1}}};

constexpr Micros kLongestBackoff = 60 * kSecond;
constexpr Micros kLongestRetryAfter = 3600 * kSecond;

}  // namespace

const char* error_class_name(ErrorClass error) {
  return kClasses[static_cast<std::size_t>(error)].name;
}

int attempts_allowed(ErrorClass error) {
  return kClasses[static_cast<std::size_t>(error)].attempts;
}

Micros backoff(int failures, Micros first, double chance) {
  const int doublings = std::clamp(failures - 1, 0, 16);
  const Micros limit = std::min(kLongestBackoff, first << doublings);
  return static_cast<Micros>(static_cast<double>(limit) * chance);
}

std::optional<Micros> parse_retry_after(std::string_view value, std::int64_t wall_seconds) {
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  if (value.empty() || value.size() > 64) return std::nullopt;
  double seconds = 0;
  const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (bad != std::errc() || end != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    seconds = static_cast<double>(::timegm(&date) - wall_seconds);
  }
  if (std::isnan(seconds)) return std::nullopt;
  seconds = std::clamp(seconds, 0.0, static_cast<double>(kLongestRetryAfter / kSecond));
  return static_cast<Micros>(seconds * static_cast<double>(kSecond));
}

}  // namespace moebius::engine::remote
