// SIGINT and SIGTERM for commands with something to put in order first.
#pragma once

#include <atomic>

namespace moebius::runner {

/// While one lives, the first SIGINT or SIGTERM sets the flag and says so on standard error; the
/// second ends the process at once.
class InterruptFlag {
 public:
  /// `promise`: what becomes of the work done so far, for that line; a literal.
  explicit InterruptFlag(const char* promise = "keeping what is finished");
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  const std::atomic<bool>& raised() const;

 private:
  void (*previous_int_)(int);
  void (*previous_term_)(int);
};

}  // namespace moebius::runner
