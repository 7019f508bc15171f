// Control files, the place of our own group, and removal of groups.
#include "scorers/sandbox/cgroup_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "scorers/sandbox/cgroup.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool has_word(std::string_view list, std::string_view word) {
  for (std::string_view part : split(list, ','))
    if (part == word) return true;
  return false;
}

/// Third field of the line "N:controllers:path" that names the controller; version 2 is "0::path".
std::string_view own_path(std::string_view proc_cgroup, std::string_view controller) {
  for (std::string_view line : split(proc_cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty() : has_word(names, controller))
      return line.substr(second + 1);
  }
  return "";
}

struct Mounted {
  std::string_view root, point;
};

/// mountinfo: id parent major:minor root point options [tags] - type source super-options.
Mounted find_mount(std::string_view mountinfo, std::string_view controller) {
  for (std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 6 || after.size() < 3) continue;
    const bool fits = controller.empty() ? after[0] == "cgroup2"
                                         : after[0] == "cgroup" && has_word(after[2], controller);
    if (fits) return {before[3], before[4]};
  }
  return {};
}

bool is_directory(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// SIGKILL to every process listed in the group. Whether there was any.
bool kill_members(const std::string& path) {
  std::string text;
  if (!read_small_file(path + "/cgroup.procs", text)) return false;
  bool any = false;
  for (std::string_view line : split(text, '\n')) {
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid > 1 && pid != ::getpid()) any = ::kill(pid, SIGKILL) == 0 || any;
  }
  return any;
}

}  // namespace

ControlFile::ControlFile(std::string path, int flags)
    : path_(std::move(path)), fd_(::open(path_.c_str(), flags | O_CLOEXEC)) {}

std::string ControlFile::text() const {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::pread(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) throw_errno("cannot read " + path_);
  return {buffer.data(), static_cast<std::size_t>(count)};
}

std::int64_t ControlFile::number() const {
  const std::string now = text();
  std::int64_t value = 0;
  if (std::from_chars(now.data(), now.data() + now.size(), value).ec != std::errc())
    throw Error("sandbox: " + path_ + ": a number expected, found \"" + now.substr(0, 40) + "\"");
  return value;
}

std::int64_t ControlFile::field(std::string_view name) const {
  const std::int64_t value = field_of(text(), name);
  if (value < 0) throw Error("sandbox: " + path_ + ": no \"" + std::string(name) + "\"");
  return value;
}

void ControlFile::write(std::int64_t value) const {
  if (!try_write(std::to_string(value)))
    throw_errno("cannot write " + std::to_string(value) + " to " + path_);
}

bool ControlFile::try_write(std::string_view text) const {
  return ::pwrite(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

std::int64_t field_of(std::string_view text, std::string_view name) {
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') continue;
    const std::string_view digits = line.substr(name.size() + 1);
    std::int64_t value = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return std::max<std::int64_t>(value, -1);
  }
  return -1;
}

std::string own_group(const std::string& proc_cgroup, const std::string& mountinfo,
                      std::string_view version1) {
  const Mounted mounted = find_mount(mountinfo, version1);
  if (mounted.point.empty()) return "";
  std::string_view own = own_path(proc_cgroup, version1);
  // In a container the mount may begin below the real root.
  if (mounted.root != "/" && own.starts_with(mounted.root)) own.remove_prefix(mounted.root.size());
  while (own.ends_with('/')) own.remove_suffix(1);
  const std::string point(mounted.point);
  return is_directory(point + std::string(own)) ? point + std::string(own) : point;
}

std::string group_name(int worker) {
  static std::atomic<unsigned> next{0};
  return "moebius-" + std::to_string(::getpid()) + "-" + std::to_string(worker) + "-" +
         std::to_string(next++);
}

void remove_group(const std::string& path) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
    kill_members(path);
    ::usleep(5000);
  }
}

void remove_stale_groups(const std::string& base) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(base.c_str()), &::closedir);
  if (!directory) return;
  std::vector<std::string> stale;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with("moebius-")) continue;
    pid_t pid = 0;
    std::from_chars(name.data() + 8, name.data() + name.size(), pid);
    if (pid > 1 && ::kill(pid, 0) != 0 && errno == ESRCH)
      stale.push_back(base + "/" + entry->d_name);
  }
  for (const std::string& path : stale) remove_group(path);
}

}  // namespace moebius::scorers::sandbox
