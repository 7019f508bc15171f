// Plain processes with a socket on descriptor 3.
#include "scorers/code/testing/fake_sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>

namespace moebius::scorers::code {
namespace {

using Clock = std::chrono::steady_clock;
using sandbox::End;
using sandbox::Outcome;
using sandbox::Program;
using sandbox::Session;

constexpr int kPython = 40;  // descriptor of the program's text in the child

int memory_file(const std::string& bytes) {
  const int fd = memfd_create("program", 0);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t wrote = write(fd, bytes.data() + at, bytes.size() - at);
    if (wrote <= 0) throw Error("fake sandbox: memfd write failed");
    at += static_cast<std::size_t>(wrote);
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

/// One child: standard streams are memory files, descriptor 3 a socket.
class Child final : public Session {
 public:
  explicit Child(const Program& program) : limits_(program.limits), begun_(Clock::now()) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw Error("socketpair");
    const int code = memory_file(program.code);
    const int in = memory_file(program.input);
    out_ = memory_file("");
    err_ = memory_file("");
    pid_ = fork();
    if (pid_ == 0) become(code, in, pair[1]);
    close(code);
    close(in);
    close(pair[1]);
    socket_ = pair[0];
  }
  ~Child() override {
    finish();
    for (const int fd : {socket_, out_, err_}) close(fd);
  }

  bool send(std::string_view frame) override {
    const auto size = static_cast<std::uint32_t>(frame.size());
    std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += frame;
    std::size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<std::size_t>(sent);
    }
    return true;
  }

  Heard receive(std::string& frame, double cpu_seconds, std::size_t max_bytes) override {
    const auto until = Clock::now() + std::chrono::duration<double>(3 * cpu_seconds + 2);
    for (;;) {
      if (buffer_.size() >= 4) {
        std::uint32_t size = 0;
        std::memcpy(&size, buffer_.data(), sizeof size);
        if (size > max_bytes) return Heard::kTooLong;
        if (buffer_.size() - 4 >= size) {
          frame = buffer_.substr(4, size);
          buffer_.erase(0, std::size_t{4} + size);
          return Heard::kFrame;
        }
      }
      pollfd wait{socket_, POLLIN, 0};
      if (poll(&wait, 1, 50) == 0) {
        if (Clock::now() > until) return Heard::kTimeLimit;
        continue;
      }
      char bytes[1 << 16];
      const ssize_t got = read(socket_, bytes, sizeof bytes);
      if (got <= 0) return Heard::kEnded;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  Outcome finish() override {
    if (pid_ < 0) return outcome_;
    shutdown(socket_, SHUT_RDWR);
    wait_until(Clock::now() + std::chrono::milliseconds(300));
    return outcome_;
  }

  /// Waits for its end until `until`, then kills it.
  void wait_until(Clock::time_point until) {
    int status = 0;
    rusage usage{};
    bool killed = false;
    while (wait4(pid_, &status, WNOHANG, &usage) == 0) {
      if (Clock::now() > until && !killed) {
        kill(pid_, SIGKILL);
        killed = true;
      }
      usleep(1000);
    }
    pid_ = -1;
    outcome_.wall_seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    outcome_.cpu_seconds =
        static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    outcome_.out = contents(out_);
    outcome_.err = contents(err_);
    if (WIFEXITED(status)) {
      outcome_.code = WEXITSTATUS(status);
    } else {
      outcome_.code = WTERMSIG(status);
      outcome_.end = killed ? End::kStopped
                     : outcome_.code == SIGXCPU || outcome_.cpu_seconds >= limits_.cpu_seconds
                         ? End::kCpuLimit
                         : End::kSignalled;
    }
  }

 private:
  [[noreturn]] void become(int code, int in, int channel) const {
    dup2(in, 0);
    dup2(out_, 1);
    dup2(err_, 2);
    dup2(code, kPython);
    dup2(channel, 3);
    const auto seconds = static_cast<rlim_t>(limits_.cpu_seconds + 1);
    const rlimit cpu{seconds, seconds};
    setrlimit(RLIMIT_CPU, &cpu);
    execl("/usr/bin/python3", "python3", "-I", "-S", "/dev/fd/40", nullptr);
    _exit(127);
  }
  static std::string contents(int fd) {
    std::string text;
    char bytes[4096];
    off_t at = 0;
    ssize_t got = 0;
    while ((got = pread(fd, bytes, sizeof bytes, at)) > 0) {
      text.append(bytes, static_cast<std::size_t>(got));
      at += got;
    }
    return text;
  }

  sandbox::Limits limits_;
  Clock::time_point begun_;
  pid_t pid_ = -1;
  int socket_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string buffer_;
  Outcome outcome_;
};

class FakeSandbox final : public sandbox::Sandbox {
 public:
  Outcome run(const Program& program) override {
    Child child(program);
    const Limits& limits = program.limits;
    const double wall = limits.wall_seconds > 0 ? limits.wall_seconds : 3 * limits.cpu_seconds + 2;
    child.wait_until(Clock::now() + std::chrono::microseconds(static_cast<long>(1e6 * wall)));
    Outcome outcome = child.finish();
    if (outcome.end == End::kStopped) outcome.end = End::kWallLimit;
    return outcome;
  }
  std::unique_ptr<Session> start(const Program& program) override {
    return std::make_unique<Child>(program);
  }
  Outcome run_alone(const Program& program) override { return run(program); }
  std::unique_ptr<Session> start_alone(const Program& program) override { return start(program); }
  int workers() const override { return 4; }
  const std::string& stamp() const override { return stamp_; }

 private:
  using Limits = sandbox::Limits;
  std::string stamp_ = "fake";
};

}  // namespace

std::shared_ptr<sandbox::Sandbox> make_fake_sandbox() {
  return std::make_shared<FakeSandbox>();
}

}  // namespace moebius::scorers::code
