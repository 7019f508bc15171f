// Waiting for a place.
#include "scorers/sandbox/gate.h"

#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

int Gate::inside_of(std::thread::id thread) const {
  const auto found = inside_.find(thread);
  return found == inside_.end() ? 0 : found->second;
}

Gate::Pass::Pass(Gate& gate, bool alone) : gate_(gate), owner_(std::this_thread::get_id()) {
  std::unique_lock lock(gate.mutex_);
  const bool again = gate.inside_of(owner_) > 0;
  if (again && alone && gate.alone_ != owner_)
    throw Error("sandbox: a program alone was asked for by a thread that runs another");
  if (!again && alone) {
    ++gate.waiting_alone_;
    gate.changed_.wait(lock, [&] { return gate.total_ == 0; });
    --gate.waiting_alone_;
    gate.alone_ = owner_;
  } else if (!again) {
    gate.changed_.wait(lock, [&] {
      return gate.total_ < gate.places_ && gate.waiting_alone_ == 0 &&
             gate.alone_ == std::thread::id();
    });
  }
  ++gate.inside_[owner_];
  ++gate.total_;
}

Gate::Pass::~Pass() {
  const std::lock_guard lock(gate_.mutex_);
  --gate_.total_;
  if (--gate_.inside_[owner_] == 0) {
    gate_.inside_.erase(owner_);
    if (gate_.alone_ == owner_) gate_.alone_ = {};
  }
  gate_.changed_.notify_all();
}

}  // namespace moebius::scorers::sandbox
