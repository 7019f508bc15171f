// What the two versions of cgroups share: small files, own paths, a folder per worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scorers/sandbox/fd.h"

namespace moebius::scorers::sandbox {

/// A control file kept open; reads and writes start at its beginning.
class ControlFile {
 public:
  ControlFile() = default;
  ControlFile(std::string path, int flags);  // not open if that fails

  explicit operator bool() const { return static_cast<bool>(fd_); }
  std::int64_t number() const;                      // throws Error
  std::int64_t field(std::string_view name) const;  // of lines "name value"; throws Error
  void write(std::int64_t value) const;             // throws Error
  bool try_write(std::string_view text) const;

 private:
  std::string text() const;
  std::string path_;
  Fd fd_;
};

/// Where a controller's tree is mounted, and where this process is in it: a folder that exists.
/// `version1` is a controller's name, or empty for version 2. Empty if there is none.
std::string own_group(const std::string& proc_cgroup, const std::string& mountinfo,
                      std::string_view version1);

/// The value of the line "name value"; -1 if there is none.
std::int64_t field_of(std::string_view text, std::string_view name);

/// "moebius-PID-N", a name that no other harness on this machine uses while it lives.
std::string group_name(int worker);

/// Kills what is in the group and removes its folder; gives up quietly after a second.
void remove_group(const std::string& path);

}  // namespace moebius::scorers::sandbox
