// Starting a fork server and talking to it.
#include "scorers/sandbox/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "scorers/sandbox/embedded.h"

namespace moebius::scorers::sandbox {
namespace {

constexpr int kPatience = 30'000;  // milliseconds until a silent server counts as broken

bool wait_readable(int fd, int milliseconds) {
  pollfd watched = {fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// What posix_spawn() is told: a session of its own, default signals, and three open files more.
class SpawnPlan {
 public:
  SpawnPlan(int library, int control) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files_, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files_, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, control, kControlFd);
    posix_spawn_file_actions_adddup2(&files_, library, kLibraryFd);
    posix_spawn_file_actions_addclosefrom_np(&files_, kLibraryFd + 1);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int run(pid_t& pid, char* const* arguments, char* const* environment) const {
    return ::posix_spawn(&pid, arguments[0], &files_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

// All there is: -E would hide the hash seed from the interpreter, and nothing else is here.
constexpr const char* kEnvironment[] = {
    "PATH=/usr/bin:/bin", "LANG=C.UTF-8",           "PYTHONHASHSEED=0",
    "OMP_NUM_THREADS=1",  "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1",
    "HOME=/work",         "TMPDIR=/work",           nullptr};

}  // namespace

bool valid_reply(const Reply& reply) {
  return reply.magic == kMagic && reply.kind >= ReplyKind::kHello &&
         reply.kind <= ReplyKind::kEnded && reply.stage < Stage::kCount && reply.cpu_ns >= 0 &&
         reply.peak_bytes >= 0 && reply.disk_full <= 1 && reply.text[sizeof reply.text - 1] == 0;
}

LayerError::LayerError(Stage at, int error) : Error(refusal(at, error)), stage(at), code(error) {}

Zygote::Zygote(const Options& options, const Filter& filter, uid_t uid, Group* group) {
  const Fd library = make_sealed_file("inside", inside_library());
  auto [ours, theirs] = make_socket_pair(SOCK_SEQPACKET);
  control_ = std::move(ours);
  spawn(options, library, theirs);
  theirs.reset();
  try {
    if (group != nullptr) group->add(pid_);
    send_setup(options, filter, uid);
    versions_ = expect(ReplyKind::kHello, nullptr).text;
  } catch (...) {
    control_.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw;
  }
}

Zygote::~Zygote() {
  control_.reset();
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Zygote::spawn(const Options& options, const Fd& library, const Fd& theirs) {
  // Above the numbers that the plan gives out, or one would overwrite the other.
  const Fd high_library(::fcntl(library.get(), F_DUPFD_CLOEXEC, 10));
  const Fd high_control(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  if (!high_library || !high_control) throw_errno("fcntl");
  const std::string source(zygote_source());
  std::array<const char*, 8> arguments = {options.python.c_str(), "-s", "-S",   "-B", "-c",
                                          source.c_str(),         "--", nullptr};
  if (options.numpy) arguments[6] = "--numpy";
  const SpawnPlan plan(high_library.get(), high_control.get());
  const int error = plan.run(pid_, const_cast<char* const*>(arguments.data()),
                             const_cast<char* const*>(kEnvironment));
  if (error != 0)
    throw Error("sandbox: cannot start " + options.python + ": " + std::strerror(error) +
                ". Model-written code will NOT be run.");
}

void Zygote::send_setup(const Options& options, const Filter& filter, uid_t uid) {
  Setup setup;
  setup.level = static_cast<std::uint32_t>(options.level);
  setup.uid = uid;
  setup.filter_count = static_cast<std::uint32_t>(filter.program.size());
  std::array<iovec, 2> parts = {iovec{&setup, sizeof setup},
                                iovec{const_cast<sock_filter*>(filter.program.data()),
                                      filter.program.size() * sizeof(sock_filter)}};
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (::sendmsg(control_.get(), &message, MSG_NOSIGNAL) < 0)
    throw_errno("fork server took no set-up");
}

Reply Zygote::expect(ReplyKind kind, Fd* handed) {
  if (!wait_readable(control_.get(), kPatience))
    throw Error("sandbox: fork server: no answer in 30 seconds");
  Reply reply;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec io = {&reply, sizeof reply};
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(control_.get(), &message, MSG_CMSG_CLOEXEC);
  if (count != sizeof reply || !valid_reply(reply))
    throw Error(count == 0
                    ? "sandbox: fork server ended before its answer: python must be a working "
                      "one below /usr. Model-written code will NOT be run."
                    : "sandbox: fork server sent a record that is not one");
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
      header != nullptr && header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    Fd owned(fd);
    if (handed != nullptr) *handed = std::move(owned);
  }
  if (reply.kind == ReplyKind::kFailed) throw LayerError(reply.stage, reply.error);
  if (reply.kind != kind) throw Error("sandbox: fork server sent a record out of turn");
  return reply;
}

bool Zygote::start(const Request& request, const int* fds, Started& started) {
  const std::size_t count = kRequestFds + (request.channel != 0 ? 1U : 0U);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * (kRequestFds + 1))> control{};
  iovec io = {const_cast<Request*>(&request), sizeof request};
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * count);
  std::memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  if (::sendmsg(control_.get(), &message, MSG_NOSIGNAL) < 0) return false;
  char first = 0;
  if (wait_readable(control_.get(), kPatience) &&
      ::recv(control_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
    return false;
  const Reply reply = expect(ReplyKind::kSpawned, &started.process);
  if (!started.process) throw Error("sandbox: fork server handed over no process");
  started.pid = reply.pid;
  started.cpu_ns = reply.cpu_ns;
  return true;
}

bool Zygote::reaped(int milliseconds) {
  if (!wait_readable(control_.get(), milliseconds)) return false;
  Reply reply;
  const ssize_t count = ::recv(control_.get(), &reply, sizeof reply, MSG_DONTWAIT);
  return count == sizeof reply && valid_reply(reply) && reply.kind == ReplyKind::kReaped;
}

}  // namespace moebius::scorers::sandbox
