// From what was counted and what the killer did to how a program ended.
#pragma once

#include <cstdint>

#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::sandbox {

/// Why we ended a program.
enum class Killed : std::uint8_t { kNo, kCpu, kWall, kMemory, kOutput, kFinished };

struct Facts {
  Killed killed = Killed::kNo;
  bool reported = false;  // its first process told how the solver ended
  int wait_status = 0;    // of wait(2), if reported
  bool over_cpu = false;
  bool over_output = false;
  std::int64_t out_of_memory = 0;
  bool memory_touched = false;  // without a cgroup: came within a tenth of the limit
  bool processes_hit = false;
  bool disk_full = false;
};

struct Ending {
  End end = End::kExited;
  int code = 0;
};

/// Total for all facts but one: a program that ended without a report, a kill of ours or one of
/// the kernel's for memory. That is a failure of ours, and nothing to classify: false.
bool classify(const Facts& facts, Ending& ending);

}  // namespace moebius::scorers::sandbox
