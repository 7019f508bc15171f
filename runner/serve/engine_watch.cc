// Notices that an engine's thread has died: then the answers that are missing never come.
#include "runner/serve/engine_watch.h"

namespace moebius::runner {

EngineWatch::EngineWatch(engine::Engine& engine, std::function<void(std::exception_ptr)> died)
    : engine_(engine), died_(std::move(died)), thread_([this] { watch(); }) {}

EngineWatch::~EngineWatch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void EngineWatch::submitted() {
  {
    const std::lock_guard lock(mutex_);
    waiting_for_ = true;
  }
  changed_.notify_one();
}

// After `over_` once more: what is in flight then must not be left to call back later.
void EngineWatch::watch() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return waiting_for_ || over_; });
      waiting_for_ = false;
      last = over_;
    }
    try {
      engine_.wait();
    } catch (...) {
      died_(std::current_exception());
      return;
    }
  }
}

}  // namespace moebius::runner
