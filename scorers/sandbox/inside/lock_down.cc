// What the solver gives up, in this order, before the first line of a model's code.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "scorers/sandbox/inside/inside.h"

namespace moebius::scorers::sandbox::inside {
namespace {

constexpr int kChannel = 3, kCode = 4, kStatus = 5;

void require(bool holds, int status, Stage stage) {
  if (!holds) fail(status, stage, errno);
}

/// Leaves 0, 1, 2, the channel, code and status; nothing else stays open.
void arrange_descriptors(const Handed& handed) {
  const int status = handed.status;
  require(::dup2(handed.in, 0) == 0 && ::dup2(handed.out, 1) == 1 && ::dup2(handed.err, 2) == 2,
          status, Stage::kProtocol);
  if (handed.channel >= 0)
    require(::dup2(handed.channel, kChannel) == kChannel, status, Stage::kProtocol);
  else
    ::close(kChannel);
  require(::dup2(handed.code, kCode) == kCode && ::dup2(status, kStatus) == kStatus, status,
          Stage::kProtocol);
  require(::syscall(SYS_close_range, kStatus + 1, ~0U, 0) == 0, kStatus, Stage::kProtocol);
}

/// Lowers a limit, never raises it above what the harness itself was given.
bool limit(__rlimit_resource_t resource, std::int64_t value, bool keep_hard = false) {
  rlimit now = {};
  if (::getrlimit(resource, &now) != 0) return false;
  auto wanted = static_cast<rlim_t>(value);
  if (wanted > now.rlim_max) wanted = now.rlim_max;
  now.rlim_cur = wanted;
  if (!keep_hard) now.rlim_max = wanted;
  return ::setrlimit(resource, &now) == 0;
}

void set_limits(const Request& request) {
  const bool held =
      limit(RLIMIT_AS, request.address_space) && limit(RLIMIT_CPU, request.cpu_seconds) &&
      limit(RLIMIT_FSIZE, request.disk_bytes) && limit(RLIMIT_NOFILE, 64) &&
      limit(RLIMIT_NPROC, request.processes) && limit(RLIMIT_CORE, 0) &&
      // Programs that raise their own stack must be able to: the hard limit stays.
      limit(RLIMIT_STACK, 64 << 20, true) && limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_MSGQUEUE, 0);
  require(held, kStatus, Stage::kLimits);
}

void drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  require(::syscall(SYS_capset, &header, none) == 0, kStatus, Stage::kCapabilities);
}

void load_filter() {
  const sock_fprog program = {static_cast<unsigned short>(state.setup.filter_count), state.filter};
  require(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, kStatus,
          Stage::kSeccomp);
}

std::int64_t cpu_so_far_ns() {
  timespec own = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  return std::int64_t{own.tv_sec} * 1'000'000'000 + own.tv_nsec;
}

}  // namespace

int lock_down(const Request& request, const Handed& handed) {
  // The kernel's choice under memory pressure: the solver before its reaper and the fork server.
  (void)write_proc("self/oom_score_adj", "1000");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  arrange_descriptors(handed);
  if (::chdir(has_namespaces() ? "/work" : "/") != 0) fail(kStatus, Stage::kWork, errno);
  set_limits(request);
  drop_capabilities();
  require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, kStatus, Stage::kNoNewPrivileges);
  require(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, kStatus, Stage::kNoNewPrivileges);
  if (has_policy()) {
    require(restrict_by_landlock(has_namespaces()), kStatus, Stage::kLandlock);
    load_filter();
  }
  Reply reply;
  reply.kind = ReplyKind::kReady;
  reply.cpu_ns = cpu_so_far_ns();
  write_reply(kStatus, reply);
  ::close(kStatus);
  return kCode;
}

}  // namespace moebius::scorers::sandbox::inside
