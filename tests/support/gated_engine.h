// An engine that answers when it is told to, for tests of what its callers do meanwhile.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"

namespace moebius::tests {

/// Whatever is asked, it says `says`, as many tokens of it as may be, over and over; and scores
/// nothing. Starts shut.
class GatedEngine : public engine::LocalEngine {
 public:
  explicit GatedEngine(const std::string& says)
      : tokenizer_(engine::load_tokenizer("embedded")), ids_(tokenizer_->encode(says)) {
    info_.context = 1 << 26;
    info_.vocab = tokenizer_->vocab();
    thread_ = std::thread([this] { loop(); });
  }
  ~GatedEngine() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  /// Answers what is waiting and what will come.
  void open() { set(open_); }
  /// The engine's thread ends: what is waiting is never answered.
  void die() { set(dead_); }
  /// Until so many wait; false if that takes minutes.
  bool await_waiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(4),
                             [&] { return waiting_.size() == count; });
  }
  std::size_t cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_.size();
  }

  void submit(std::vector<engine::Request> requests, Done done) override {
    const std::lock_guard lock(mutex_);
    for (engine::Request& request : requests) waiting_.emplace_back(std::move(request), done);
    changed_.notify_all();
  }
  void cancel(std::uint64_t id) override {
    const std::lock_guard lock(mutex_);
    cancelled_.insert(id);
    changed_.notify_all();
  }
  void wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return dead_ || (waiting_.empty() && !busy_); });
    if (dead_) throw engine::Error("gated engine: died");
  }

  std::string fingerprint() const override { return "gated"; }
  const engine::ModelInfo& info() const override { return info_; }
  bool has_tokenizer() const override { return true; }
  const engine::Tokenizer& tokenizer() const override { return *tokenizer_; }
  engine::Trace trace(std::span<const std::int32_t> /*ids*/) override { return {}; }
  engine::Trace follow(std::span<const std::int32_t> /*ids*/, std::int32_t /*first*/) override {
    return {};
  }
  std::vector<std::vector<std::int64_t>> take_expert_loads() override { return {}; }
  engine::KernelProfile take_profile() override { return {}; }

 private:
  using Waiting = std::deque<std::pair<engine::Request, Done>>;

  void set(bool& which) {
    const std::lock_guard lock(mutex_);
    which = true;
    changed_.notify_all();
  }

  /// What can be answered now: all, or only what was cancelled.
  Waiting::iterator ready() {
    if (open_) return waiting_.begin();
    return std::find_if(waiting_.begin(), waiting_.end(), [this](const auto& waiting) {
      return cancelled_.contains(waiting.first.id);
    });
  }

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over_ || dead_ || ready() != waiting_.end(); });
      if (over_ || dead_) return;
      const auto place = ready();
      const auto [request, done] = std::move(*place);
      waiting_.erase(place);
      const bool cancelled = cancelled_.contains(request.id);
      busy_ = true;
      lock.unlock();
      done(answer(request, cancelled));
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  engine::Completion answer(const engine::Request& request, bool cancelled) const {
    engine::Completion out{.id = request.id, .finish = engine::Finish::kCancelled};
    out.prompt_tokens = static_cast<std::int32_t>(request.prompt.ids.size());
    if (cancelled) return out;
    out.finish = engine::Finish::kLength;
    const auto count = static_cast<std::size_t>(request.generate->max_new_tokens);
    while (out.tokens.size() < count) {
      const engine::GeneratedToken token{.id = ids_[out.tokens.size() % ids_.size()],
                                         .logprob = -0.5F};
      const std::string_view text = tokenizer_->bytes(token.id);
      out.tokens.push_back(token);
      out.text += text;
      if (request.on_token) request.on_token({.id = request.id, .token = token, .text = text});
    }
    return out;
  }

  std::unique_ptr<engine::Tokenizer> tokenizer_;
  std::vector<std::int32_t> ids_;
  engine::ModelInfo info_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Waiting waiting_;
  std::set<std::uint64_t> cancelled_;
  bool open_ = false;
  bool dead_ = false;
  bool over_ = false;
  bool busy_ = false;
  std::thread thread_;
};

}  // namespace moebius::tests
