// Runs a set of requests on an engine and hands the answers over in order.
#include "runner/requests.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace moebius::runner {
namespace {

/// Where the engine's thread leaves answers and the caller's finds them.
class Mailbox {
 public:
  void put(engine::Completion completion) {
    const std::lock_guard lock(mutex_);
    answers_.emplace(completion.id, std::move(completion));
    ready_.notify_one();
  }

  void close(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    error_ = error;
    ready_.notify_one();
  }

  /// Waits a moment for answer `id`.
  std::optional<engine::Completion> take(std::uint64_t id) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, std::chrono::milliseconds(200),
                    [&] { return closed_ || answers_.contains(id); });
    const auto found = answers_.find(id);
    if (found == answers_.end()) {
      if (error_) std::rethrow_exception(error_);
      if (closed_) throw engine::Error(fmt::format("engine: request {} was never answered", id));
      return std::nullopt;
    }
    engine::Completion completion = std::move(found->second);
    answers_.erase(found);
    return completion;
  }

  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::map<std::uint64_t, engine::Completion> answers_;
  std::exception_ptr error_;
  bool closed_ = false;
};

void wait_and_close(engine::Engine& engine, Mailbox& mailbox) {
  std::exception_ptr error;
  try {
    engine.wait();
  } catch (...) {
    error = std::current_exception();
  }
  mailbox.close(error);
}

void deliver(Mailbox& mailbox, std::size_t total, const Sink& sink, const RunOptions& options) {
  for (std::size_t next = 0; next < total;) {
    if (const auto completion = mailbox.take(next)) {
      sink(*completion);
      ++next;
    }
    if (options.progress) options.progress(next + mailbox.waiting());
  }
}

}  // namespace

void run_in_order(engine::Engine& engine, std::vector<engine::Request> requests, const Sink& sink,
                  const RunOptions& options) {
  const std::size_t total = requests.size();
  for (std::size_t i = 0; i < total; ++i) requests[i].id = i;

  Mailbox mailbox;
  engine.submit(std::move(requests),
                [&mailbox](engine::Completion done) { mailbox.put(std::move(done)); });
  const std::jthread waiter([&] { wait_and_close(engine, mailbox); });
  try {
    deliver(mailbox, total, sink, options);
  } catch (...) {
    for (std::size_t i = 0; i < total; ++i) engine.cancel(i);
    throw;
  }
}

std::function<void(std::size_t)> terminal_progress(std::size_t total, const std::string& noun) {
  if (total < 2 || ::isatty(STDERR_FILENO) == 0) return {};
  using Clock = std::chrono::steady_clock;
  return
      [total, noun, start = Clock::now(), shown = Clock::time_point()](std::size_t done) mutable {
        const auto now = Clock::now();
        if (now - shown < std::chrono::milliseconds(150)) return;
        shown = now;
        const double seconds = std::chrono::duration<double>(now - start).count();
        fmt::print(stderr, "\r{}/{} {}, {:.1f}/s \x1b[K", done, total, noun,
                   static_cast<double>(done) / std::max(seconds, 1e-3));
        std::fflush(stderr);
      };
}

void clear_progress() {
  if (::isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

void require_served(const engine::Completion& completion) {
  if (completion.finish == engine::Finish::kRefused) throw engine::Error(completion.error);
}

}  // namespace moebius::runner
