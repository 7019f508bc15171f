// The fixed records between the harness and its fork server: plain structs, one per message.
// Both ends are of one build, yet the harness checks every field of what it reads.
#pragma once

#include <cstdint>

namespace moebius::scorers::sandbox {

inline constexpr std::uint32_t kMagic = 0x6d6f6531;  // of this version of the records
inline constexpr int kControlFd = 3;                 // of the fork server: SOCK_SEQPACKET
inline constexpr int kLibraryFd = 4;                 // of the fork server: inside.so

/// What was being done when something failed. Order and names: stage_name().
enum class Stage : std::uint32_t {
  kProtocol,
  kUid,
  kUserNamespace,
  kIdMap,
  kNamespaces,
  kPrivateRoot,
  kDevices,
  kPivot,
  kWork,
  kFork,
  kProcfs,
  kLimits,
  kCapabilities,
  kNoNewPrivileges,
  kLandlock,
  kSeccomp,
  kCount,
};
const char* stage_name(Stage stage);

/// First message to a fork server; `filter_count` sock_filter records follow in the same message.
struct Setup {
  std::uint32_t magic = kMagic;
  std::uint32_t level = 0;  // of enum Level
  std::uint32_t uid = 0;    // host user to become; 0: stay who we are
  std::uint32_t filter_count = 0;
};
inline constexpr std::uint32_t kMaxFilter = 4096;  // the kernel's BPF_MAXINSNS

/// One program. File descriptors of the same message, in this order: code, standard input,
/// output, error, status (a pipe for Reply records), and the channel if there is one.
struct Request {
  std::uint32_t magic = kMagic;
  std::uint32_t channel = 0;       // 1: the sixth descriptor becomes 3
  std::int64_t address_space = 0;  // bytes, RLIMIT_AS
  std::int64_t cpu_seconds = 0;    // RLIMIT_CPU
  std::int64_t processes = 0;      // RLIMIT_NPROC
  std::int64_t disk_bytes = 0;     // of /work, and RLIMIT_FSIZE
  std::int64_t files = 0;          // inodes of /work
};
inline constexpr int kRequestFds = 5;  // without the channel

enum class ReplyKind : std::uint32_t {
  kHello = 1,  // control: the fork server is ready; text: versions
  kFailed,     // control or status: a layer could not be set up; stage, error
  kSpawned,    // control, with a pidfd of the first process; pid, cpu_ns of the fork server
  kReaped,     // control: nothing of the program is left
  kReady,      // status: locked down, the program starts now; cpu_ns spent before
  kEnded,      // status: the program's first process ended; the rest
};

struct Reply {
  std::uint32_t magic = kMagic;
  ReplyKind kind = ReplyKind::kFailed;
  Stage stage = Stage::kProtocol;
  std::int32_t error = 0;        // errno
  std::int32_t pid = 0;          // as the fork server sees it
  std::int32_t wait_status = 0;  // of wait(2)
  std::int64_t cpu_ns = 0;
  std::int64_t peak_bytes = 0;  // largest resident set of one process
  std::uint32_t disk_full = 0;  // 1: /work had no block or no inode left
  char text[124] = {};          // ends with a zero byte
};
static_assert(sizeof(Reply) <= 512, "must be written to a pipe in one piece");

}  // namespace moebius::scorers::sandbox
