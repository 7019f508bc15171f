// Counting and bounding what all processes of a program use together, where cgroups allow it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "scorers/sandbox/fd.h"

namespace moebius::scorers::sandbox {

/// Since the group's begin().
struct Usage {
  std::int64_t cpu_ns = 0;
  std::int64_t peak_bytes = 0;     // of memory; 0 if this kernel does not tell
  std::int64_t out_of_memory = 0;  // processes that the kernel killed for memory
  std::int64_t process_hits = 0;   // forks and threads refused
};

/// One worker's group: its fork server lives in it, and so does all that it forks. Everything
/// throws Error if the kernel refuses. Not thread-safe.
class Group {
 public:
  virtual ~Group() = default;  // kills what is left and removes the group

  virtual bool counts_cpu() const = 0;
  virtual bool counts_memory() const = 0;
  virtual bool counts_processes() const = 0;

  virtual void add(pid_t pid) = 0;
  /// Before each program, with nothing but the fork server inside: limits on top of what that
  /// uses, counters from here.
  virtual void begin(std::int64_t memory_bytes, std::int64_t processes) = 0;
  virtual Usage usage() = 0;
};

/// Makes groups below the harness's own.
class Groups {
 public:
  virtual ~Groups() = default;
  virtual std::unique_ptr<Group> make(int worker) = 0;
  virtual std::string name() const = 0;  // "cgroup-v1(memory,pids,cpuacct)"
};

/// What this machine has: version 2 if its controllers can be used, else version 1, else null.
/// Removes what harnesses that are gone have left behind.
std::unique_ptr<Groups> find_groups();

/// The two kinds, for trees at a given place. Null if no controller can be used there.
/// `proc_cgroup`: text of /proc/self/cgroup; `mountinfo`: of /proc/self/mountinfo.
std::unique_ptr<Groups> find_groups_v1(const std::string& proc_cgroup,
                                       const std::string& mountinfo);
std::unique_ptr<Groups> find_groups_v2(const std::string& proc_cgroup,
                                       const std::string& mountinfo);

/// A group of version 2 whose folder is there already.
std::unique_ptr<Group> adopt_group_v2(std::string path);

/// Folders "moebius-PID-N" in `base` whose PID is no more: killed if need be, and removed.
void remove_stale_groups(const std::string& base);

}  // namespace moebius::scorers::sandbox
