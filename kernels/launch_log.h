// What every launch did: the declared bytes and FLOPs behind each figure in
// `bench` and `profile`.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::kernels {

/// One launch. `bytes` counts each operand once; `flops` counts useful
/// multiply-adds twice, whatever the instruction mix that made them.
struct Launch {
  std::string_view kernel;  // a string literal
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
  std::int64_t duration_ns = 0;  // host streams only; the device profiler fills the others
};

/// Collects launches while attached to a Stream. Thread-safe.
class LaunchLog {
 public:
  LaunchLog() = default;
  virtual ~LaunchLog() = default;
  LaunchLog(const LaunchLog&) = delete;
  LaunchLog& operator=(const LaunchLog&) = delete;

  virtual void add(const Launch& launch) {
    std::lock_guard lock(mutex_);
    launches_.push_back(launch);
  }
  std::vector<Launch> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(launches_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Launch> launches_;
};

/// Times one host launch from construction to destruction; free without a log.
class LaunchScope {
 public:
  LaunchScope(LaunchLog* log, std::string_view kernel, std::int64_t bytes, std::int64_t flops)
      : log_(log), launch_{kernel, bytes, flops, 0} {
    if (log_) start_ = std::chrono::steady_clock::now();
  }
  LaunchScope(const LaunchScope&) = delete;
  LaunchScope& operator=(const LaunchScope&) = delete;
  ~LaunchScope() {
    if (!log_) return;
    const auto spent = std::chrono::steady_clock::now() - start_;
    launch_.duration_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count();
    log_->add(launch_);
  }

 private:
  LaunchLog* log_;
  Launch launch_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace moebius::kernels
