// An owned file descriptor, and the few calls that make one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace moebius::scorers::sandbox {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

/// Throws Error "sandbox: WHAT: reason of errno".
[[noreturn]] void throw_errno(std::string_view what);

/// Both ends close on exec, the read end does not block. Throws Error.
Pipe make_pipe();
/// SOCK_SEQPACKET or SOCK_STREAM; close on exec. Throws Error.
std::pair<Fd, Fd> make_socket_pair(int type);
/// Anonymous file with these bytes, at its start, that nobody can change. Throws Error.
Fd make_sealed_file(const char* name, std::string_view bytes);
void set_nonblocking(int fd);

/// The whole of a small file (of /proc or a cgroup). False if it cannot be read.
bool read_small_file(const std::string& path, std::string& text);

}  // namespace moebius::scorers::sandbox
