// One living writer per store. Open-file-description locks, because the classic ones are dropped
// when any descriptor of the file is closed and do not conflict within a process.
#include "reports/store/store_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "reports/store.h"

namespace moebius::reports {
namespace {

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string read_holder(int fd) {
  std::array<char, 320> buffer{};
  const ssize_t count = ::pread(fd, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || space == 0) return "another process";
  const std::size_t end = text.find(' ', space + 1);
  return "process " + text.substr(0, space) + " on " + text.substr(space + 1, end - space - 1);
}

void write_holder(int fd) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  const std::string text = std::to_string(::getpid()) + " " + host.data() + "\n";
  // Only for people: a failure to say who holds the lock does not weaken it.
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return;
  }
}

bool same_file(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

StoreLock::StoreLock(const std::string& path) : file_(path + "-lock") {
  for (;;) {
    fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw Error(path + ": cannot create " + file_ + ": " + std::strerror(errno));
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
      const int reason = errno;
      const std::string holder = read_holder(fd_);
      ::close(fd_);
      if (reason != EAGAIN && reason != EACCES) {
        throw Error(path + ": cannot lock " + file_ + ": " + std::strerror(reason));
      }
      throw Error(path + ": locked by a living run (" + holder +
                  "): wait for it, or write to another store");
    }
    // The holder before us may have removed the file between our open and our lock.
    if (same_file(fd_, file_)) break;
    ::close(fd_);
  }
  write_holder(fd_);
}

StoreLock::~StoreLock() {
  ::unlink(file_.c_str());
  ::close(fd_);
}

bool StoreLock::held(const std::string& path) {
  const int fd = ::open((path + "-lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = whole_file(F_RDLCK);
  const bool asked = ::fcntl(fd, F_OFD_GETLK, &lock) == 0;
  ::close(fd);
  return asked && lock.l_type != F_UNLCK;
}

}  // namespace moebius::reports
