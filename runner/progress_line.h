// The line on a terminal that shows where an evaluation stands.
#pragma once

#include <chrono>
#include <string>

#include "runner/pipeline.h"

namespace moebius::runner {

/// "mmlu:original  [#####.....] 320/467  12.3/s  12 s left  1 failed"
std::string progress_text(const Progress& progress, double seconds);

/// Overwrites itself on standard error; does nothing unless that is a terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();  // takes the line away
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const Progress& progress);

  /// A line of its own on standard error, whatever stands there; from any thread.
  static void say(const std::string& text);

 private:
  bool terminal_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace moebius::runner
