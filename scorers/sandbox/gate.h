// Who may run a program now: so many at a time, or one alone.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace moebius::scorers::sandbox {

/// A thread that is inside may enter again at once, so that a grader with two programs (a checker
/// and a solver) cannot starve itself or its like. Thread-safe.
class Gate {
 public:
  explicit Gate(int places) : places_(places) {}

  /// A place inside; leaves when destroyed, on any thread.
  class Pass {
   public:
    Pass(Gate& gate, bool alone);  // waits. Throws Error: alone while inside with others
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    Gate& gate_;
    std::thread::id owner_;
  };

 private:
  int inside_of(std::thread::id thread) const;

  const int places_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::thread::id, int> inside_;
  int total_ = 0;
  int waiting_alone_ = 0;  // they go first, or they would never get in
  std::thread::id alone_;  // default: nobody
};

}  // namespace moebius::scorers::sandbox
