// The fork server's loop: one request, one program, one report; and the entry points that
// zygote.py calls.
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "scorers/sandbox/inside/inside.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace moebius::scorers::sandbox::inside {

State state;

bool has_namespaces() {
  return state.setup.level == 0;
}
bool has_policy() {
  return state.setup.level <= 1;
}

void write_reply(int fd, const Reply& reply) {
  // A reader that is gone is no reason to go on.
  if (::write(fd, &reply, sizeof reply) != static_cast<ssize_t>(sizeof reply)) ::_exit(1);
}

void fail(int fd, Stage stage, int error) {
  Reply reply;
  reply.kind = ReplyKind::kFailed;
  reply.stage = stage;
  reply.error = error;
  write_reply(fd, reply);
  ::_exit(1);
}

bool write_proc(const char* path, const char* text) {
  const int fd = ::openat(state.procfs, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const auto size = static_cast<ssize_t>(std::strlen(text));
  const bool written = ::write(fd, text, static_cast<std::size_t>(size)) == size;
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

namespace {

constexpr int kAboveStandard = 10;

/// One message with its descriptors. False at the end of the stream.
bool receive_request(Request& request, Handed& handed) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (kRequestFds + 1))];
  iovec io = {&request, sizeof request};
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  do {
    count = ::recvmsg(kControlFd, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  const std::size_t want = kRequestFds + (request.channel != 0 ? 1U : 0U);
  if (count != sizeof request || request.magic != kMagic || header == nullptr ||
      header->cmsg_len != CMSG_LEN(sizeof(int) * want))
    fail(kControlFd, Stage::kProtocol, EBADMSG);
  int fds[kRequestFds + 1] = {-1, -1, -1, -1, -1, -1};
  std::memcpy(fds, CMSG_DATA(header), sizeof(int) * want);
  for (int& fd : fds) {
    if (fd < 0) continue;
    const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, kAboveStandard);
    if (high < 0) fail(kControlFd, Stage::kProtocol, errno);
    ::close(fd);
    fd = high;
  }
  handed = {fds[0], fds[1], fds[2], fds[3], fds[4], fds[5]};
  return true;
}

void close_all(const Handed& handed) {
  for (int fd : {handed.code, handed.in, handed.out, handed.err, handed.status, handed.channel})
    if (fd >= 0) ::close(fd);
}

std::int64_t own_cpu_ns() {
  timespec now = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void send_spawned(int pid, int pidfd, std::int64_t cpu_ns) {
  Reply reply;
  reply.kind = ReplyKind::kSpawned;
  reply.pid = pid;
  reply.cpu_ns = cpu_ns;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec io = {&reply, sizeof reply};
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
  (void)::sendmsg(kControlFd, &message, MSG_NOSIGNAL);
}

/// Waits for the program's first process. If the harness goes away, so does everything.
void wait_for_end(int pidfd) {
  pollfd watched[2] = {{pidfd, POLLIN, 0}, {kControlFd, 0, 0}};
  bool ending = false;
  while (::poll(watched, ending ? 1 : 2, -1) < 0 || watched[0].revents == 0) {
    if (ending || (watched[1].revents & (POLLHUP | POLLERR)) == 0) continue;
    (void)::syscall(SYS_pidfd_send_signal, pidfd, has_namespaces() ? SIGKILL : SIGTERM, nullptr, 0);
    ending = true;
  }
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
}

/// -1 in the fork server; in the solver the descriptor of its code.
int serve_one(const Request& request, const Handed& handed, int own_pidfd) {
  const std::int64_t before = own_cpu_ns();
  int pidfd = -1;
  const unsigned long flags = CLONE_PIDFD | (has_namespaces() ? CLONE_NEWPID | CLONE_NEWNS : 0UL);
  const long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, &pidfd, nullptr, 0);
  if (pid == 0) return run_program(request, handed, own_pidfd);
  const int error = errno;
  close_all(handed);
  if (pid < 0) fail(kControlFd, Stage::kFork, error);
  send_spawned(static_cast<int>(pid), pidfd, own_cpu_ns() - before);
  wait_for_end(pidfd);
  ::close(pidfd);
  Reply reply;
  reply.kind = ReplyKind::kReaped;
  write_reply(kControlFd, reply);
  return -1;
}

}  // namespace
}  // namespace moebius::scorers::sandbox::inside

using namespace moebius::scorers::sandbox;  // NOLINT(google-build-using-namespace)

extern "C" {

/// Reads the set-up and builds the jail. Returns the level.
__attribute__((visibility("default"))) int moebius_enter() {
  inside::State& state = inside::state;
  iovec parts[2] = {{&state.setup, sizeof state.setup}, {state.filter, sizeof state.filter}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  const ssize_t count = ::recvmsg(kControlFd, &message, 0);
  if (count <= 0) ::_exit(0);
  const auto size = static_cast<std::size_t>(count);
  if (size < sizeof state.setup || state.setup.magic != kMagic ||
      size != sizeof state.setup + state.setup.filter_count * sizeof(sock_filter))
    inside::fail(kControlFd, Stage::kProtocol, EBADMSG);
  ::close(kLibraryFd);
  inside::enter_jail();
  return static_cast<int>(state.setup.level);
}

/// Tells the harness that programs can be taken, and which versions there are.
__attribute__((visibility("default"))) void moebius_hello(const char* versions) {
  Reply reply;
  reply.kind = ReplyKind::kHello;
  std::strncpy(reply.text, versions, sizeof reply.text - 1);
  inside::write_reply(kControlFd, reply);
}

/// Returns in solvers only: the descriptor of the code, plus 1024 if there is a channel.
__attribute__((visibility("default"))) int moebius_serve() {
  const int own = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (own < 0) inside::fail(kControlFd, Stage::kFork, errno);
  Request request;
  inside::Handed handed;
  while (inside::receive_request(request, handed)) {
    const int code = inside::serve_one(request, handed, own);
    if (code >= 0) return code + (request.channel != 0 ? 1024 : 0);
  }
  ::_exit(0);
}
}
