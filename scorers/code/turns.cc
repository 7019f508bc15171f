// Turns: a readers-writer lock that lets writers in first.
#include "scorers/code/turns.h"

namespace moebius::scorers::code {

void Turns::enter(bool alone) {
  std::unique_lock lock(mutex_);
  if (alone) {
    ++waiting_alone_;
    changed_.wait(lock, [&] { return inside_ == 0; });
    --waiting_alone_;
    alone_ = true;
  } else {
    changed_.wait(lock, [&] { return waiting_alone_ == 0 && !alone_; });
  }
  ++inside_;
}

void Turns::leave(bool alone) {
  {
    const std::lock_guard lock(mutex_);
    --inside_;
    if (alone) alone_ = false;
  }
  changed_.notify_all();
}

Turns& turns() {
  static Turns instance;
  return instance;
}

}  // namespace moebius::scorers::code
