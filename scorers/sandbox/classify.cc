// The order of the questions is the meaning: the cause before its symptoms.
#include "scorers/sandbox/classify.h"

#include <sys/wait.h>

namespace moebius::scorers::sandbox {
namespace {

bool failed(const Facts& facts) {
  return !facts.reported || !WIFEXITED(facts.wait_status) || WEXITSTATUS(facts.wait_status) != 0;
}

/// A limit that explains why the program could not go on; kExited if none does.
End cause(const Facts& facts) {
  if (facts.out_of_memory > 0 || facts.memory_touched) return End::kMemoryLimit;
  if (facts.processes_hit) return End::kProcessLimit;
  if (facts.disk_full) return End::kDiskLimit;
  return End::kExited;
}

/// A program that spun or slept until we ended it, because it had run into another limit first.
End of_time(const Facts& facts, End time) {
  if (facts.out_of_memory > 0) return End::kMemoryLimit;
  return facts.processes_hit ? End::kProcessLimit : time;
}

}  // namespace

bool classify(const Facts& facts, Ending& ending) {
  switch (facts.killed) {
    case Killed::kCpu: ending.end = of_time(facts, End::kCpuLimit); return true;
    case Killed::kWall: ending.end = of_time(facts, End::kWallLimit); return true;
    case Killed::kMemory: ending.end = End::kMemoryLimit; return true;
    case Killed::kOutput: ending.end = End::kOutputLimit; return true;
    case Killed::kProcesses: ending.end = End::kProcessLimit; return true;
    case Killed::kFinished: ending.end = End::kStopped; return true;
    case Killed::kNo: break;
  }
  if (facts.over_cpu) {
    ending.end = End::kCpuLimit;
  } else if (facts.over_output) {
    ending.end = End::kOutputLimit;
  } else if (failed(facts) && cause(facts) != End::kExited) {
    ending.end = cause(facts);
  } else if (!facts.reported) {
    return false;
  } else if (WIFSIGNALED(facts.wait_status)) {
    ending = {End::kSignalled, WTERMSIG(facts.wait_status)};
  } else {
    ending = {End::kExited, WEXITSTATUS(facts.wait_status)};
  }
  return true;
}

}  // namespace moebius::scorers::sandbox
