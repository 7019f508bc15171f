// Runs model-written Python where it can do no harm and cannot lie about its result: the
// trusted side holds expected outputs and the verdict, the solver only returns bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

/// Of one program, all its processes together.
struct Limits {
  double cpu_seconds = 6;   // the verdict clock: does not depend on the machine's load
  double wall_seconds = 0;  // safety net; 0: 3 * cpu_seconds + 2
  std::int64_t memory_bytes = std::int64_t{512} << 20;
  std::int32_t processes = 64;
  std::int64_t output_bytes = 1 << 20;               // of standard output
  std::int64_t error_bytes = 64 << 10;               // of standard error
  std::int64_t disk_bytes = std::int64_t{64} << 20;  // of its private /work
  std::int32_t files = 4096;                         // inodes of /work
};

/// How a program ended: from the killer's own record and the limits' counters, never guessed
/// from an exit status.
enum class End : std::uint8_t {
  kExited,     // normal return, exit(n), os._exit(n): Outcome::code
  kSignalled,  // by a signal that was not ours: Outcome::code
  kCpuLimit,
  kWallLimit,
  kMemoryLimit,
  kProcessLimit,
  kOutputLimit,
  kDiskLimit,
  kStopped,  // Session::finish() found it alive and ended it, no limit reached
};

struct Outcome {
  End end = End::kExited;
  int code = 0;
  std::string out;  // at most Limits::output_bytes
  std::string err;
  double cpu_seconds = 0;
  double wall_seconds = 0;  // from the moment the solver was ready
  /// Of these: the program was waited for, and neither ran nor waited for a processor. In a
  /// session only the time within receive() counts. Does not grow with the machine's load.
  double asleep_seconds = 0;
  std::int64_t peak_bytes = 0;
  std::string denied;  // what the policy refused, if it was noticed; informational
};

/// A program and how it is started. The interpreter is warm: the modules that LiveCodeBench's
/// prelude names are imported already, numpy if asked for.
struct Program {
  std::string code;   // Python source, compiled and run as __main__ in a fresh namespace
  std::string input;  // standard input: a real pipe or sealed memory file
  /// The code finds a SOCK_SEQPACKET or stream socket to the trusted side as file descriptor 3
  /// (and the number in the environment as MOEBIUS_FD). Frames: u32 little-endian length, bytes.
  bool channel = false;
  Limits limits;
};

/// A running program with a channel. Not thread-safe.
class Session {
 public:
  virtual ~Session() = default;  // ends and reaps everything

  /// False if the program has closed its end or died.
  virtual bool send(std::string_view frame) = 0;

  /// The next frame; nullopt if the program ended, broke the framing, or used `cpu_seconds`
  /// more processor time (or three times as much plus 2 s of the clock) than at the call.
  /// `max_bytes` bounds a frame; after kTooLong `frame` holds the four bytes of its header.
  enum class Heard : std::uint8_t { kFrame, kEnded, kTimeLimit, kTooLong };
  virtual Heard receive(std::string& frame, double cpu_seconds, std::size_t max_bytes) = 0;

  /// Ends the program if it still runs, and says how it went. Once.
  virtual Outcome finish() = 0;
};

/// Thread-safe: as many programs at a time as Options::workers, further callers wait.
class Sandbox {
 public:
  virtual ~Sandbox() = default;  // leaves no process, mount, file or cgroup behind

  virtual Outcome run(const Program& program) = 0;                     // throws Error: ours
  virtual std::unique_ptr<Session> start(const Program& program) = 0;  // throws Error: ours

  /// Runs alone, nothing else beside it: how a time-out is made sure of.
  virtual Outcome run_alone(const Program& program) = 0;
  virtual std::unique_ptr<Session> start_alone(const Program& program) = 0;

  virtual int workers() const = 0;
  /// Level, interpreter version, filter hash: stored with every verdict. One line.
  virtual const std::string& stamp() const = 0;
};

}  // namespace moebius::scorers::sandbox
