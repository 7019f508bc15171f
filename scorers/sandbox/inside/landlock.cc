// Landlock by system call number: which files may be read, and that nothing else may be reached.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "scorers/sandbox/inside/inside.h"

namespace moebius::scorers::sandbox::inside {
namespace {

// The same numbers on every architecture. Kernel headers may be older than the kernel.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr std::uint64_t kRefer = 1ULL << 13, kTruncate = 1ULL << 14, kIoctlDevice = 1ULL << 15;
constexpr std::uint64_t kTcp = 3;            // bind and connect, ABI 4
constexpr std::uint64_t kScopeAll = 3;       // abstract unix sockets and signals, ABI 6
constexpr std::uint64_t kFirstAbi = 0x1fff;  // the thirteen rights of ABI 1

struct Ruleset {
  std::uint64_t files, network, scoped;
};

struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent;
};

Ruleset for_abi(long abi) {
  Ruleset handled = {kFirstAbi, 0, 0};
  if (abi >= 2) handled.files |= kRefer;
  if (abi >= 3) handled.files |= kTruncate;
  if (abi >= 4) handled.network = kTcp;
  if (abi >= 5) handled.files |= kIoctlDevice;
  if (abi >= 6) handled.scoped = kScopeAll;
  return handled;
}

/// A path that is not there needs no rule.
bool allow(int ruleset, const char* path, std::uint64_t rights) {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  struct stat info = {};
  constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                     LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;
  if (::fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) rights &= kOfFiles;
  const PathRule rule = {rights, fd};
  const bool added = ::syscall(kAddRule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return added;
}

bool allow_all(int ruleset, const Ruleset& handled, bool has_work) {
  constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  constexpr std::uint64_t kNotInWork =
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |
      LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_EXECUTE | kIoctlDevice;
  for (const char* path : {"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin"})
    if (!allow(ruleset, path, kRead | LANDLOCK_ACCESS_FS_EXECUTE)) return false;
  for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache"})
    if (!allow(ruleset, path, kRead)) return false;
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"})
    if (!allow(ruleset, path,
               handled.files &
                   (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate)))
      return false;
  return !has_work || allow(ruleset, "/work", handled.files & ~kNotInWork);
}

}  // namespace

bool restrict_by_landlock(bool has_work) {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, 1);
  if (abi < 1) return false;
  const Ruleset handled = for_abi(abi);
  const std::size_t size = abi >= 6 ? sizeof handled : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(::syscall(kCreateRuleset, &handled, size, 0));
  if (ruleset < 0) return false;
  const bool restricted =
      allow_all(ruleset, handled, has_work) && ::syscall(kRestrictSelf, ruleset, 0) == 0;
  const int error = errno;
  ::close(ruleset);
  errno = error;
  return restricted;
}

}  // namespace moebius::scorers::sandbox::inside
