// An engine that answers at once from a script: what is left of the time is the harness's own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace moebius::tests {

class ScriptedEngine : public engine::Engine {
 public:
  using Script = std::function<engine::Completion(const engine::Request&)>;

  explicit ScriptedEngine(Script script)
      : script_(std::move(script)), thread_([this] { loop(); }) {}

  ~ScriptedEngine() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  /// The engine's thread ends with an exception instead of its answer number `count`.
  std::atomic<std::int64_t> die_after{-1};
  std::atomic<std::int64_t> answered{0};
  std::atomic<std::size_t> most_in_flight{0};
  std::atomic<std::int64_t> sets{0};  // calls of submit()

  void submit(std::vector<engine::Request> requests, Done done) override {
    const std::lock_guard lock(mutex_);
    ++sets;
    for (engine::Request& request : requests) waiting_.emplace_back(std::move(request), done);
    most_in_flight = std::max(most_in_flight.load(), waiting_.size());
    changed_.notify_all();
  }

  void cancel(std::uint64_t id) override {
    const std::lock_guard lock(mutex_);
    cancelled_.insert(id);
  }

  void wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return dead_ || (waiting_.empty() && !busy_); });
    if (dead_) throw std::runtime_error("scripted engine: died");
  }

  std::string fingerprint() const override { return "scripted"; }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over_ || !waiting_.empty(); });
      if (over_) return;
      if (answered == die_after) {
        dead_ = true;
        changed_.notify_all();
        return;
      }
      auto [request, done] = std::move(waiting_.front());
      waiting_.pop_front();
      const bool cancelled = cancelled_.contains(request.id);
      busy_ = true;
      lock.unlock();
      answer(request, done, cancelled);
      lock.lock();
      busy_ = false;
      if (waiting_.empty()) changed_.notify_all();
    }
  }

  void answer(const engine::Request& request, const Done& done, bool cancelled) {
    engine::Completion completion;
    if (cancelled) {
      completion.finish = engine::Finish::kCancelled;
    } else {
      completion = script_(request);
    }
    completion.id = request.id;
    ++answered;
    done(std::move(completion));
  }

  Script script_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::pair<engine::Request, Done>> waiting_;
  std::set<std::uint64_t> cancelled_;
  bool busy_ = false;
  bool dead_ = false;
  bool over_ = false;
  std::thread thread_;  // last
};

}  // namespace moebius::tests
