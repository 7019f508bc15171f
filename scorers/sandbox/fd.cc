// Pipes, sockets and sealed files.
#include "scorers/sandbox/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

void throw_errno(std::string_view what) {
  const int error = errno;
  throw Error("sandbox: " + std::string(what) + ": " + std::strerror(error));
}

void set_nonblocking(int fd) {
  if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) throw_errno("fcntl O_NONBLOCK");
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  set_nonblocking(pipe.read.get());
  return pipe;
}

std::pair<Fd, Fd> make_socket_pair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_errno("socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd make_sealed_file(const char* name, std::string_view bytes) {
  Fd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throw_errno("memfd_create");
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t count =
        ::pwrite(file.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno != EINTR) throw_errno("memory file");
    if (count > 0) at += static_cast<std::size_t>(count);
  }
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
      0)
    throw_errno("memory file seals");
  return file;
}

bool read_small_file(const std::string& path, std::string& text) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  text.clear();
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > (1 << 20)) return false;
  }
}

}  // namespace moebius::scorers::sandbox
