// One living writer per store: a lock on a file beside it that the kernel drops with the process.
#pragma once

#include <string>

namespace moebius::reports {

/// Holds PATH-lock with an open-file-description lock (fcntl(2), F_OFD_SETLK) until it is
/// destroyed or the process ends, however it ends. The file says who: "PID HOST".
class StoreLock {
 public:
  /// Throws Error that names the holder's process and host.
  explicit StoreLock(const std::string& path);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

  /// Whether a living process holds the lock of the store at `path`.
  static bool held(const std::string& path);

 private:
  std::string file_;
  int fd_ = -1;
};

}  // namespace moebius::reports
