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
  if (facts.memory_touched) return End::kMemoryLimit;
  if (facts.processes_hit) return End::kProcessLimit;
  if (facts.disk_full) return End::kDiskLimit;
  return End::kExited;
}

/// A program that spun or slept until we ended it, because it had run into another limit first.
End of_time(const Facts& facts, End time) {
  return facts.processes_hit ? End::kProcessLimit : time;
}

End natural(const Facts& facts) {
  if (facts.over_cpu) return End::kCpuLimit;
  if (facts.over_output) return End::kOutputLimit;
  if (failed(facts) && cause(facts) != End::kExited) return cause(facts);
  return WIFSIGNALED(facts.wait_status) ? End::kSignalled : End::kExited;
}

End by_us(const Facts& facts) {
  switch (facts.killed) {
    case Killed::kCpu:
      return of_time(facts, End::kCpuLimit);
    case Killed::kWall:
      return of_time(facts, End::kWallLimit);
    case Killed::kMemory:
      return End::kMemoryLimit;
    case Killed::kOutput:
      return End::kOutputLimit;
    case Killed::kFinished:
    case Killed::kNo:
      break;
  }
  return End::kStopped;
}

}  // namespace

bool classify(const Facts& facts, Ending& ending) {
  // A kill at the very end finds a program that had already told how it ended.
  const bool told = facts.reported && facts.killed == Killed::kFinished;
  const bool killed = facts.killed != Killed::kNo && !told;
  if (facts.out_of_memory > 0)
    ending.end = End::kMemoryLimit;  // of any process: they have one limit together
  else
    ending.end = killed ? by_us(facts) : natural(facts);
  if (ending.end == End::kExited) ending.code = WEXITSTATUS(facts.wait_status);
  if (ending.end == End::kSignalled) ending.code = WTERMSIG(facts.wait_status);
  const bool from_report = ending.end == End::kExited || ending.end == End::kSignalled;
  return facts.reported || !from_report;
}

}  // namespace moebius::scorers::sandbox
