// The system calls a solver may not make, compiled once, and the resource limits it runs under.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "scorers/sandbox/sandbox.h"
#include "scorers/sandbox/wire.h"

namespace moebius::scorers::sandbox {

struct Filter {
  std::vector<sock_filter> program;
  std::string hash;  // SHA-256 of the program's bytes, first 12 hexadecimal digits
};

/// Deny list: EPERM for what no program of a benchmark needs (so that a harmless probe is not a
/// false failure), ENOSYS for io_uring and clone3 (libraries fall back), death for system calls
/// of another architecture. Throws Error.
Filter compile_filter();

/// What is counted for us elsewhere; decides how tight the per-process limits must be.
struct Counted {
  bool cpu = false;        // a cgroup counts processor time of all processes together
  bool memory = false;     // and holds their memory
  bool processes = false;  // and their number
  bool own_user = false;   // RLIMIT_NPROC counts this fork server's processes alone
};
Request make_request(const Program& program, const Counted& counted);

/// With the default filled in.
double wall_limit(const Limits& limits);

}  // namespace moebius::scorers::sandbox
