// The seccomp filter by libseccomp, and resource limits.
#include "scorers/sandbox/policy.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

#include "scorers/sandbox/fd.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {
namespace {

constexpr std::uint64_t kLow = 0xffffffff;  // the kernel looks at the low half only: CVE-2019-10063

// By name, as the C library's headers may be older than the kernel.
constexpr const char* kDenied[] = {
    // namespaces, mounts
    "unshare",
    "setns",
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "mknod",
    "mknodat",
    "name_to_handle_at",
    "open_by_handle_at",
    "quotactl",
    "quotactl_fd",
    "fanotify_init",
    "fanotify_mark",
    "swapon",
    "swapoff",
    // other processes
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "process_mrelease",
    "migrate_pages",
    "move_pages",
    // kernel surface
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "reboot",
    "acct",
    "syslog",
    "personality",
    "seccomp",
    "memfd_create",
    "memfd_secret",
    "vhangup",
    "lookup_dcookie",
    "nfsservctl",
    "uselib",
    "ustat",
    "sysfs",
    "_sysctl",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "set_mempolicy",
    "mbind",
    // clocks, names
    "clock_settime",
    "clock_adjtime",
    "settimeofday",
    "adjtimex",
    "stime",
    "sethostname",
    "setdomainname",
    // talking to anyone: no sockets but pairs, no shared objects with names, no locks on shared
    // files
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "accept4",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semctl",
    "semtimedop",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
    "mq_timedsend",
    "mq_timedreceive",
    "mq_notify",
    "mq_getsetattr",
    "flock",
};

constexpr const char* kAbsent[] = {"io_uring_setup", "io_uring_enter", "io_uring_register",
                                   "clone3"};

constexpr std::uint64_t kNamespaceFlags[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                             CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                             CLONE_NEWCGROUP};

constexpr int kFcntlLocks[] = {
    F_SETLK, F_SETLKW, 37 /* F_OFD_SETLK */, 38 /* F_OFD_SETLKW */, 1024 /* F_SETLEASE */,
    1026 /* F_NOTIFY */};

constexpr unsigned long kTerminalRequests[] = {TIOCSTI, TIOCLINUX};

class Builder {
 public:
  Builder() : context_(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release) {
    if (!context_) throw Error("sandbox: libseccomp: cannot start a filter");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
          "foreign architectures");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimisation");
  }

  void name(const char* call, std::uint32_t action) {
    const int number = seccomp_syscall_resolve_name(call);
    // Calls of other architectures and of newer kernels have no number here.
    if (number < 0) return;
    check(seccomp_rule_add(context_.get(), action, number, 0), call);
  }

  void argument(const char* call, scmp_arg_cmp compare) {
    check(seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(EPERM),
                                 seccomp_syscall_resolve_name(call), 1, &compare),
          call);
  }

  std::vector<sock_filter> compile() {
    const Fd file(::memfd_create("filter", MFD_CLOEXEC));
    if (!file) throw_errno("memfd_create");
    check(seccomp_export_bpf(context_.get(), file.get()), "export");
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    const auto count = static_cast<std::size_t>(size) / sizeof(sock_filter);
    if (size <= 0 || count > kMaxFilter) throw Error("sandbox: seccomp filter of a wrong size");
    std::vector<sock_filter> program(count);
    if (::pread(file.get(), program.data(), static_cast<std::size_t>(size), 0) != size)
      throw_errno("seccomp filter");
    return program;
  }

 private:
  static void check(int result, const char* what) {
    if (result < 0)
      throw Error(std::string("sandbox: libseccomp: ") + what + ": " + std::strerror(-result));
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

std::string short_hash(const std::vector<sock_filter>& program) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(program.data()),
         program.size() * sizeof(sock_filter), digest.data());
  std::string hex;
  for (std::size_t i = 0; i < 6; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::int64_t tasks_of_the_machine() {
  std::string text;
  if (!read_small_file("/proc/loadavg", text)) return 4096;
  const std::size_t slash = text.find('/');
  return slash == std::string::npos ? 4096 : std::strtol(text.c_str() + slash + 1, nullptr, 10);
}

}  // namespace

Filter compile_filter() {
  Builder builder;
  for (const char* call : kDenied) builder.name(call, SCMP_ACT_ERRNO(EPERM));
  for (const char* call : kAbsent) builder.name(call, SCMP_ACT_ERRNO(ENOSYS));
  for (std::uint64_t flag : kNamespaceFlags)
    builder.argument("clone", {0, SCMP_CMP_MASKED_EQ, flag, flag});
  for (int command : kFcntlLocks)
    builder.argument("fcntl", {1, SCMP_CMP_MASKED_EQ, kLow, static_cast<std::uint64_t>(command)});
  for (unsigned long request : kTerminalRequests)
    builder.argument("ioctl", {1, SCMP_CMP_MASKED_EQ, kLow, request});
  builder.argument("socketpair", {0, SCMP_CMP_NE, AF_UNIX, 0});
  builder.argument("sendto", {4, SCMP_CMP_NE, 0, 0});
  Filter filter{builder.compile(), ""};
  filter.hash = short_hash(filter.program);
  return filter;
}

Request make_request(const Program& program, const Counted& counted) {
  const Limits& limits = program.limits;
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  Request request;
  request.channel = program.channel ? 1 : 0;
  // Address space is no measure of memory (thread stacks, arenas, BLAS), so it is loose: memory
  // is held by the cgroup or by the watch on what is resident.
  request.address_space =
      counted.memory ? std::max(4 * kGiB, 8 * limits.memory_bytes) : limits.memory_bytes + 4 * kGiB;
  request.cpu_seconds = static_cast<std::int64_t>(std::ceil(limits.cpu_seconds)) + 1;
  constexpr std::int64_t kServerAndReaper = 2;
  request.processes = limits.processes + kServerAndReaper;
  if (counted.processes) request.processes += 64;
  if (!counted.own_user) request.processes += tasks_of_the_machine();
  // tmpfs takes 0 for no limit at all.
  request.disk_bytes = std::max<std::int64_t>(limits.disk_bytes, 4096);
  request.files = std::max(limits.files, 2);
  return request;
}

double wall_limit(const Limits& limits) {
  return limits.wall_seconds > 0 ? limits.wall_seconds : 3 * limits.cpu_seconds + 2;
}

}  // namespace moebius::scorers::sandbox
