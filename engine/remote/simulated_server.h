// A server and its network in virtual time: what pacing is tested against.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/remote/courier.h"

namespace moebius::engine::remote {

/// Serves `capacity` requests at once and says 429 to more. Time passes in poll() alone.
class SimulatedServer : public Clock, public Transport {
 public:
  struct Outage {
    Micros from = 0;
    Micros to = 0;
    int status = 429;         // 0: connections are reset
    bool retry_after = true;  // says when it ends, in whole seconds
  };
  struct Options {
    int capacity = 100;
    Micros shortest = kSecond / 10;
    Micros longest = 3 * kSecond / 10;
    double resets = 0;  // share of requests that end within the answer
    double errors = 0;  // share answered with 500
    std::vector<Outage> outages;
    std::uint64_t seed = 1;
  };

  explicit SimulatedServer(Options options)
      : options_(std::move(options)), random_(options_.seed) {}

  Micros now() const override { return now_; }

  void start(std::uint64_t ticket, HttpRequest) override {
    ++starts;
    const Event event = answer(ticket);
    serving_ += event.serving;
    most_serving = std::max(most_serving, serving_);
    work += event.serving ? event.at - now_ : 0;
    live_[ticket] = events_.emplace(event.at, event);
  }

  void drop(std::uint64_t ticket) override {
    const auto found = live_.find(ticket);
    serving_ -= found->second->second.serving;
    events_.erase(found->second);
    live_.erase(found);
  }

  void poll(Micros longest, Receiver& receiver) override {
    const Micros until = longest == kNever ? kNever : now_ + longest;
    if (events_.empty() || events_.begin()->first > until) {
      now_ = std::max(now_, until == kNever ? now_ : until);
      return;
    }
    now_ = std::max(now_, events_.begin()->first);
    const Event event = events_.begin()->second;
    events_.erase(events_.begin());
    live_.erase(event.ticket);
    serving_ -= event.serving;
    if (event.end.head.status == 200) receiver.received(event.ticket, event.end.head, "ok");
    receiver.ended(event.ticket, event.end);
  }

  void wake() override {}

  std::int64_t starts = 0;
  int most_serving = 0;
  Micros work = 0;  // time of all that was served, failures included

 private:
  struct Event {
    Micros at = 0;
    std::uint64_t ticket = 0;
    bool serving = false;
    HttpEnd end;
  };

  double chance() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  const Outage* outage() const {
    for (const Outage& each : options_.outages) {
      if (now_ >= each.from && now_ < each.to) return &each;
    }
    return nullptr;
  }

  Event answer(std::uint64_t ticket) {
    Event event{.at = now_ + 5000, .ticket = ticket};
    if (const Outage* out = outage()) {
      event.end.head.status = out->status;
      if (out->status == 0) event.end.ending = HttpEnding::kConnection;
      if (out->retry_after) {
        event.end.head.retry_after = std::to_string((out->to - now_ + kSecond - 1) / kSecond);
      }
      return event;
    }
    if (serving_ >= options_.capacity) {
      event.end.head.status = 429;
      return event;
    }
    const double length = static_cast<double>(options_.longest - options_.shortest);
    event.at = now_ + options_.shortest + static_cast<Micros>(length * chance());
    event.serving = true;
    const double fate = chance();
    event.end.head.status = fate < options_.resets + options_.errors ? 500 : 200;
    if (fate < options_.resets) event.end = {.ending = HttpEnding::kConnection};
    return event;
  }

  Options options_;
  std::mt19937_64 random_;
  Micros now_ = kSecond;
  int serving_ = 0;
  std::multimap<Micros, Event> events_;
  std::map<std::uint64_t, std::multimap<Micros, Event>::iterator> live_;
};

}  // namespace moebius::engine::remote
