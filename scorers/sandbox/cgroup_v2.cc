// cgroups version 2: one tree, controllers handed down from group to group.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/cgroup_files.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {
namespace {

class GroupV2 : public Group {
 public:
  explicit GroupV2(std::string path) : path_(std::move(path)) {
    cpu_ = ControlFile(path_ + "/cpu.stat", O_RDONLY);
    memory_now_ = ControlFile(path_ + "/memory.current", O_RDONLY);
    memory_limit_ = ControlFile(path_ + "/memory.max", O_WRONLY);
    memory_peak_ = ControlFile(path_ + "/memory.peak", O_RDWR);
    memory_events_ = ControlFile(path_ + "/memory.events", O_RDONLY);
    pids_now_ = ControlFile(path_ + "/pids.current", O_RDONLY);
    pids_limit_ = ControlFile(path_ + "/pids.max", O_WRONLY);
    pids_events_ = ControlFile(path_ + "/pids.events", O_RDONLY);
    (void)ControlFile(path_ + "/memory.swap.max", O_WRONLY).try_write("0");
  }
  ~GroupV2() override {
    (void)ControlFile(path_ + "/cgroup.kill", O_WRONLY).try_write("1");
    remove_group(path_);
  }

  bool counts_cpu() const override { return static_cast<bool>(cpu_); }
  bool counts_memory() const override { return static_cast<bool>(memory_limit_); }
  bool counts_processes() const override { return static_cast<bool>(pids_limit_); }

  void add(pid_t pid) override { ControlFile(path_ + "/cgroup.procs", O_WRONLY).write(pid); }

  void begin(std::int64_t memory_bytes, std::int64_t processes) override {
    if (counts_memory()) {
      base_bytes_ = memory_now_.number();
      memory_limit_.write(base_bytes_ + memory_bytes);
      // Kernels before 6.12 have no reset: then there is no peak to tell.
      peak_is_fresh_ = memory_peak_ && memory_peak_.try_write("reset\n");
    }
    if (counts_processes()) pids_limit_.write(pids_now_.number() + processes);
    base_ = absolute();
  }

  Usage usage() override {
    Usage now = absolute();
    now.cpu_ns -= base_.cpu_ns;
    now.out_of_memory -= base_.out_of_memory;
    now.process_hits -= base_.process_hits;
    return now;
  }

 private:
  Usage absolute() const {
    Usage now;
    if (counts_cpu()) now.cpu_ns = cpu_.field("usage_usec") * 1000;
    if (counts_memory()) {
      now.out_of_memory = memory_events_.field("oom_kill");
      if (peak_is_fresh_)
        now.peak_bytes = std::max<std::int64_t>(0, memory_peak_.number() - base_bytes_);
    }
    if (counts_processes()) now.process_hits = pids_events_.field("max");
    return now;
  }

  std::string path_;
  ControlFile cpu_, memory_now_, memory_limit_, memory_peak_, memory_events_;
  ControlFile pids_now_, pids_limit_, pids_events_;
  bool peak_is_fresh_ = false;
  std::int64_t base_bytes_ = 0;
  Usage base_;
};

}  // namespace

std::unique_ptr<Group> adopt_group_v2(std::string path) {
  return std::make_unique<GroupV2>(std::move(path));
}

namespace {

class GroupsV2 : public Groups {
 public:
  explicit GroupsV2(std::string base) : base_(std::move(base)) {}
  std::unique_ptr<Group> make(int worker) override {
    std::string path = base_ + "/" + group_name(worker);
    if (::mkdir(path.c_str(), 0755) != 0) throw_errno("cannot make " + path);
    return adopt_group_v2(std::move(path));
  }
  std::string name() const override { return "cgroup-v2(memory,pids,cpu)"; }

 private:
  std::string base_;
};

bool offers(const std::string& base, const char* file, std::initializer_list<const char*> words) {
  std::string text;
  if (!read_small_file(base + file, text)) return false;
  for (char& c : text)
    if (c == '\n') c = ' ';
  text = " " + text + " ";
  return std::all_of(words.begin(), words.end(), [&](const char* word) {
    return text.find(" " + std::string(word) + " ") != std::string::npos;
  });
}

/// Controllers can be handed down only by a group without processes of its own: we step into a
/// leaf below. Undone if somebody else lives in the group.
bool hand_down(const std::string& base) {
  const ControlFile control(base + "/cgroup.subtree_control", O_WRONLY);
  if (!control) return false;
  if (offers(base, "/cgroup.subtree_control", {"memory", "pids"})) return true;
  if (control.try_write("+memory +pids")) return true;
  if (errno != EBUSY) return false;
  const std::string leaf = base + "/" + group_name(-1);
  if (::mkdir(leaf.c_str(), 0755) != 0) return false;
  const std::string self = std::to_string(::getpid());
  if (ControlFile(leaf + "/cgroup.procs", O_WRONLY).try_write(self) &&
      control.try_write("+memory +pids"))
    return true;
  (void)ControlFile(base + "/cgroup.procs", O_WRONLY).try_write(self);
  ::rmdir(leaf.c_str());
  return false;
}

}  // namespace

std::unique_ptr<Groups> find_groups_v2(const std::string& proc_cgroup,
                                       const std::string& mountinfo) {
  const std::string base = own_group(proc_cgroup, mountinfo, "");
  if (base.empty() || !offers(base, "/cgroup.controllers", {"memory", "pids"})) return nullptr;
  remove_stale_groups(base);
  if (!hand_down(base)) return nullptr;
  return std::make_unique<GroupsV2>(base);
}

std::unique_ptr<Groups> find_groups() {
  std::string proc_cgroup, mountinfo;
  if (!read_small_file("/proc/self/cgroup", proc_cgroup) ||
      !read_small_file("/proc/self/mountinfo", mountinfo))
    return nullptr;
  if (auto groups = find_groups_v2(proc_cgroup, mountinfo)) return groups;
  return find_groups_v1(proc_cgroup, mountinfo);
}

}  // namespace moebius::scorers::sandbox
