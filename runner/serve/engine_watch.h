// Notices that an engine's thread has died: then the answers that are missing never come.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/engine.h"

namespace moebius::runner {

class EngineWatch {
 public:
  /// `died` is called at most once, on a thread of the watch. Both must outlive it.
  EngineWatch(engine::Engine& engine, std::function<void(std::exception_ptr)> died);
  /// Waits until nothing is in flight.
  ~EngineWatch();
  EngineWatch(const EngineWatch&) = delete;
  EngineWatch& operator=(const EngineWatch&) = delete;

  void submitted();  // after each Engine::submit()

 private:
  void watch();

  engine::Engine& engine_;
  std::function<void(std::exception_ptr)> died_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_for_ = false;  // something was submitted since the last look
  bool over_ = false;
  std::thread thread_;  // last
};

}  // namespace moebius::runner
