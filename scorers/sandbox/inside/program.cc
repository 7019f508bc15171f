// A program's first process: parent, reaper and reporter of everything that the solver starts.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "scorers/sandbox/inside/inside.h"

namespace moebius::scorers::sandbox::inside {
namespace {

/// The interpreter's own bookkeeping around fork(): PyOS_BeforeFork and its like.
void call_interpreter(const char* name) {
  using Hook = void (*)();
  if (void* hook = ::dlsym(RTLD_DEFAULT, name)) reinterpret_cast<Hook>(hook)();
}

/// Dies with the fork server. Asked after the fact, in case it died in between.
void follow(int server_pidfd) {
  ::prctl(PR_SET_PDEATHSIG, has_namespaces() ? SIGKILL : SIGTERM, 0, 0, 0);
  pollfd server = {server_pidfd, POLLIN, 0};
  if (::poll(&server, 1, 0) != 0) ::_exit(1);
}

void make_work(const Request& request, int status) {
  char options[128];
  std::snprintf(options, sizeof options, "size=%lld,nr_inodes=%lld,mode=700",
                static_cast<long long>(request.disk_bytes), static_cast<long long>(request.files));
  if (::mount("tmpfs", "/work", "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
    fail(status, Stage::kWork, errno);
}

/// Asks the kernel for this process's children and kills them; orphans come to it in turn.
void kill_children() {
  char path[64];
  std::snprintf(path, sizeof path, "self/task/%d/children", ::getpid());
  const int fd = ::openat(state.procfs, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[4096];
  const ssize_t count = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (count <= 0) return;
  text[count] = 0;
  char* at = text;
  for (;;) {
    char* end = at;
    const long pid = std::strtol(at, &end, 10);
    // A number that the buffer cut off would be another process.
    if (end == at || *end != ' ') return;
    if (pid > 1) ::kill(static_cast<pid_t>(pid), SIGKILL);
    at = end;
  }
}

void end_all() {
  do {
    if (has_namespaces())
      ::kill(-1, SIGKILL);
    else
      kill_children();
    while (::waitpid(-1, nullptr, has_namespaces() ? 0 : WNOHANG) > 0) {
    }
    if (errno != ECHILD && !has_namespaces()) ::usleep(500);
  } while (errno != ECHILD);
}

volatile sig_atomic_t told_to_end = 0;
void on_terminate(int) {
  told_to_end = 1;
}

/// Reaps until `solver` ends or the harness asks for the end; then the whole tree is gone.
int wait_for(pid_t solver) {
  int result = SIGKILL;
  while (told_to_end == 0) {
    int wait_status = 0;
    const pid_t ended = ::waitpid(-1, &wait_status, 0);
    if (ended == solver) {
      result = wait_status;
      break;
    }
  }
  return result;
}

std::uint32_t work_is_full() {
  struct statfs work = {};
  if (!has_namespaces() || ::statfs("/work", &work) != 0) return 0;
  return work.f_bavail == 0 || work.f_ffree == 0 ? 1 : 0;
}

std::int64_t nanoseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1000;
}

[[noreturn]] void attend(pid_t solver, int status) {
  Reply reply;
  reply.kind = ReplyKind::kEnded;
  reply.wait_status = wait_for(solver);
  reply.disk_full = work_is_full();
  end_all();
  rusage usage = {};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  reply.cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
  reply.peak_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  write_reply(status, reply);
  ::_exit(0);
}

void listen_for_end() {
  struct sigaction action = {};
  action.sa_handler = on_terminate;  // without SA_RESTART: waitpid() must come back
  ::sigaction(SIGTERM, &action, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

}  // namespace

int run_program(const Request& request, const Handed& handed, int server_pidfd) {
  follow(server_pidfd);
  ::close(kControlFd);
  ::setsid();
  if (has_namespaces())
    make_work(request, handed.status);
  else
    listen_for_end();
  call_interpreter("PyOS_BeforeFork");
  const pid_t solver = ::fork();
  if (solver < 0) fail(handed.status, Stage::kFork, errno);
  if (solver == 0) {
    call_interpreter("PyOS_AfterFork_Child");
    return lock_down(request, handed);
  }
  for (int fd : {handed.code, handed.in, handed.out, handed.err, handed.channel})
    if (fd >= 0) ::close(fd);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  attend(solver, handed.status);
}

}  // namespace moebius::scorers::sandbox::inside
