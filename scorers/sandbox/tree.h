// What a program's processes use, seen from outside through /proc: the stand-in for cgroups.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace moebius::scorers::sandbox {

struct TreeUsage {
  std::int64_t cpu_ns = 0;     // of the living and of the dead that were waited for
  std::int64_t own_bytes = 0;  // anonymous resident memory beyond what each began with
  std::int64_t tasks = 0;      // processes and threads, without the first process
};

/// Of `first` and all below it. `shared_bytes`: of anonymous memory that each process shares
/// with the fork server, not counted. Bounded to 4096 processes.
TreeUsage tree_usage(pid_t first, std::int64_t shared_bytes);

/// Anonymous resident bytes of a process; 0 if it is gone.
std::int64_t anonymous_bytes(pid_t pid);

/// Nanoseconds for which the process's first thread was ready to run and did not, because
/// others ran. 0 if the kernel does not tell.
std::int64_t waited_for_cpu_ns(pid_t pid);

/// The same of the calling thread.
std::int64_t own_wait_for_cpu_ns();

/// The first child of `pid`; 0 if there is none.
pid_t first_child(pid_t pid);

/// Fields of /proc/PID/stat that are used. False if the text is not such a line.
struct ProcessStat {
  std::int64_t ticks = 0;  // user and system, own and of waited-for children
  std::int64_t threads = 0;
};
bool parse_stat(std::string_view text, ProcessStat& stat);

}  // namespace moebius::scorers::sandbox
