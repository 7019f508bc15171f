// Where kernels run and in what order: a host stream (a thread pool) or a
// device stream. One engine, one graph, two ways to execute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "kernels/launch_log.h"

namespace moebius::kernels {

enum class Place : std::uint8_t { kHost, kDevice };

/// Workers for host kernels. `run` hands out task indices one by one, so how
/// many threads there are decides who computes a task, never what it computes:
/// every kernel cuts its work along outputs, not along a sum.
class ThreadPool {
 public:
  /// `threads` >= 1, the caller included; 0 means one per usable core.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls task(i, worker) once for each i in [0, tasks), worker in [0, threads());
  /// returns when all are done. The first exception a task threw is rethrown.
  /// Not reentrant: one run at a time, never from inside a task.
  void run(std::int64_t tasks, const std::function<void(std::int64_t, int)>& task);

  /// At least `bytes` of memory, 64-byte aligned, kept and grown between launches;
  /// contents undefined. Slot 0 .. threads() - 1 belongs to that worker's tasks, slot
  /// threads() to the launcher itself.
  std::byte* scratch(int slot, std::size_t bytes);

 private:
  struct State;
  int threads_;
  std::unique_ptr<State> state_;
};

/// A host stream runs each launch to its end before the launcher returns; a device stream
/// only takes it.
class Stream {
 public:
  static Stream host(ThreadPool& pool) { return Stream(Place::kHost, &pool, nullptr); }
  /// `handle` is a cudaStream_t; see DeviceStream in kernels/device/device.h, which owns it.
  static Stream device(void* handle) { return Stream(Place::kDevice, nullptr, handle); }

  Place place() const { return place_; }
  ThreadPool& pool() const { return *pool_; }  // host streams only
  void* handle() const { return handle_; }     // device streams only

  void set_log(LaunchLog* log) { log_ = log; }  // null switches logging off
  LaunchLog* log() const { return log_; }

 private:
  Stream(Place place, ThreadPool* pool, void* handle)
      : place_(place), pool_(pool), handle_(handle) {}
  Place place_;
  ThreadPool* pool_;
  void* handle_;
  LaunchLog* log_ = nullptr;
};

/// Throws std::invalid_argument(what) unless `ok`: the check of a launcher's arguments.
void require(bool ok, const char* what);

/// Throws std::runtime_error unless this processor has what the host kernels are
/// built on (x86-64 with AVX2 and FMA, or 64-bit Arm): fused multiply-adds are
/// part of the canonical arithmetic, so nothing older can give the same bits.
void require_supported_cpu();

}  // namespace moebius::kernels
