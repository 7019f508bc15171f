// Who may use the sandbox at this moment: many together, or one alone. The sandbox's own
// start_alone() holds one session; a HumanEval verdict needs two at once.
#pragma once

#include <condition_variable>
#include <mutex>

namespace moebius::scorers::code {

/// A shared lock in which one who waits to be alone is not overtaken.
class Turns {
 public:
  void enter(bool alone);
  void leave(bool alone);

  /// Held while two places of the sandbox are taken one after the other: two callers that hold
  /// one place each would wait for each other for ever.
  std::mutex& pair() { return pair_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  int waiting_alone_ = 0;
  bool alone_ = false;
  std::mutex pair_;
};

/// The process's turns: all sandboxes share the machine.
Turns& turns();

/// In from construction to destruction.
class Turn {
 public:
  explicit Turn(bool alone) : alone_(alone) { turns().enter(alone_); }
  ~Turn() { turns().leave(alone_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool alone_;
};

}  // namespace moebius::scorers::code
