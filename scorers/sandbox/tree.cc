// Walking /proc below one process.
#include "scorers/sandbox/tree.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <vector>

#include "scorers/sandbox/fd.h"

namespace moebius::scorers::sandbox {
namespace {

constexpr std::size_t kMaxProcesses = 4096;

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

bool next_number(std::string_view& text, std::int64_t& value) {
  const std::size_t start = text.find_first_not_of(" \n");
  if (start == std::string_view::npos) return false;
  text.remove_prefix(start);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// Each thread has children of its own.
std::vector<pid_t> children(pid_t pid) {
  std::vector<pid_t> found;
  const std::string tasks = proc_path(pid, "task");
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tasks.c_str()), &::closedir);
  if (!directory) return found;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string text;
    if (entry->d_name[0] == '.' ||
        !read_small_file(tasks + "/" + entry->d_name + "/children", text))
      continue;
    std::string_view rest = text;
    std::int64_t child = 0;
    while (next_number(rest, child)) found.push_back(static_cast<pid_t>(child));
  }
  return found;
}

std::int64_t ns_per_tick() {
  static const std::int64_t value = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return value;
}

/// The second field of a schedstat file.
std::int64_t waited_ns_in(const std::string& path) {
  std::string text;
  if (!read_small_file(path, text)) return 0;
  std::string_view rest = text;
  std::int64_t ran = 0, waited = 0;
  return next_number(rest, ran) && next_number(rest, waited) ? waited : 0;
}

}  // namespace

bool parse_stat(std::string_view text, ProcessStat& stat) {
  // The name may hold anything, parentheses too.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > text.size()) return false;
  text.remove_prefix(name_end + 3);       // ") S"
  std::array<std::int64_t, 17> fields{};  // 4 (ppid) .. 20 (num_threads)
  for (std::int64_t& field : fields)
    if (!next_number(text, field)) return false;
  stat.ticks = fields[10] + fields[11] + fields[12] + fields[13];
  stat.threads = fields[16];
  return true;
}

std::int64_t anonymous_bytes(pid_t pid) {
  std::string text;
  if (!read_small_file(proc_path(pid, "statm"), text)) return 0;
  std::string_view rest = text;
  std::int64_t size = 0, resident = 0, shared = 0;
  if (!next_number(rest, size) || !next_number(rest, resident) || !next_number(rest, shared))
    return 0;
  static const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  return std::max<std::int64_t>(0, resident - shared) * page;
}

TreeUsage tree_usage(pid_t first, std::int64_t shared_bytes) {
  TreeUsage usage;
  std::vector<pid_t> open = {first};
  for (std::size_t at = 0; at < open.size() && at < kMaxProcesses; ++at) {
    std::string text;
    ProcessStat stat;
    if (!read_small_file(proc_path(open[at], "stat"), text) || !parse_stat(text, stat)) continue;
    usage.cpu_ns += stat.ticks * ns_per_tick();
    usage.own_bytes += std::max<std::int64_t>(0, anonymous_bytes(open[at]) - shared_bytes);
    if (at > 0) usage.tasks += stat.threads;
    const std::vector<pid_t> below = children(open[at]);
    open.insert(open.end(), below.begin(), below.end());
  }
  return usage;
}

std::int64_t waited_for_cpu_ns(pid_t pid) {
  return waited_ns_in(proc_path(pid, "schedstat"));
}

std::int64_t own_wait_for_cpu_ns() {
  return waited_ns_in("/proc/thread-self/schedstat");
}

pid_t first_child(pid_t pid) {
  const std::vector<pid_t> found = children(pid);
  return found.empty() ? 0 : found.front();
}

}  // namespace moebius::scorers::sandbox
