// cgroups version 1: each controller has a tree of its own, and any may be missing.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/cgroup_files.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {
namespace {

/// Where groups can be made; empty if that controller is not ours to use.
struct Bases {
  std::string memory, pids, cpuacct;
};

class GroupV1 : public Group {
 public:
  GroupV1(const Bases& bases, const std::string& name) {
    make(bases.memory, name, memory_);
    make(bases.pids, name, pids_);
    make(bases.cpuacct, name, cpuacct_);
    open_files();
  }
  ~GroupV1() override {
    for (const std::string* path : {&memory_, &pids_, &cpuacct_})
      if (!path->empty()) remove_group(*path);
  }

  bool counts_cpu() const override { return !cpuacct_.empty(); }
  bool counts_memory() const override { return !memory_.empty(); }
  bool counts_processes() const override { return !pids_.empty(); }

  void add(pid_t pid) override {
    for (const std::string* path : {&memory_, &pids_, &cpuacct_})
      if (!path->empty()) ControlFile(*path + "/cgroup.procs", O_WRONLY).write(pid);
  }

  void begin(std::int64_t memory_bytes, std::int64_t processes) override {
    if (counts_memory()) {
      base_bytes_ = memory_usage_.number();
      memory_limit_.write(base_bytes_ + memory_bytes);
      memory_peak_.write(0);
    }
    if (counts_processes()) pids_limit_.write(pids_now_.number() + processes);
    base_ = {};
    base_ = absolute();
  }

  Usage usage() override {
    Usage now = absolute();
    now.cpu_ns -= base_.cpu_ns;
    now.out_of_memory -= base_.out_of_memory;
    now.process_hits -= base_.process_hits;
    if (now.peak_bytes > 0)
      now.peak_bytes = std::max<std::int64_t>(0, now.peak_bytes - base_bytes_);
    return now;
  }

 private:
  static void make(const std::string& base, const std::string& name, std::string& path) {
    if (base.empty()) return;
    path = base + "/" + name;
    // Two controllers may share one tree.
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot make " + path);
  }

  void open_files() {
    if (counts_memory()) {
      memory_usage_ = ControlFile(memory_ + "/memory.usage_in_bytes", O_RDONLY);
      memory_limit_ = ControlFile(memory_ + "/memory.limit_in_bytes", O_WRONLY);
      memory_peak_ = ControlFile(memory_ + "/memory.max_usage_in_bytes", O_RDWR);
      memory_events_ = ControlFile(memory_ + "/memory.oom_control", O_RDONLY);
      (void)ControlFile(memory_ + "/memory.swappiness", O_WRONLY).try_write("0");
    }
    if (counts_processes()) {
      pids_now_ = ControlFile(pids_ + "/pids.current", O_RDONLY);
      pids_limit_ = ControlFile(pids_ + "/pids.max", O_WRONLY);
      pids_events_ = ControlFile(pids_ + "/pids.events", O_RDONLY);
    }
    if (counts_cpu()) cpu_ = ControlFile(cpuacct_ + "/cpuacct.usage", O_RDONLY);
  }

  Usage absolute() const {
    Usage now;
    if (counts_cpu()) now.cpu_ns = cpu_.number();
    if (counts_memory()) {
      now.peak_bytes = memory_peak_.number();
      now.out_of_memory = memory_events_.field("oom_kill");
    }
    if (counts_processes()) now.process_hits = pids_events_.field("max");
    return now;
  }

  std::string memory_, pids_, cpuacct_;
  ControlFile memory_usage_, memory_limit_, memory_peak_, memory_events_;
  ControlFile pids_now_, pids_limit_, pids_events_, cpu_;
  std::int64_t base_bytes_ = 0;
  Usage base_;
};

class GroupsV1 : public Groups {
 public:
  explicit GroupsV1(Bases bases) : bases_(std::move(bases)) {}
  std::unique_ptr<Group> make(int worker) override {
    return std::make_unique<GroupV1>(bases_, group_name(worker));
  }
  std::string name() const override {
    std::string list;
    for (const auto& [base, word] :
         {std::pair{&bases_.memory, "memory"}, std::pair{&bases_.pids, "pids"},
          std::pair{&bases_.cpuacct, "cpuacct"}}) {
      if (base->empty()) continue;
      list += list.empty() ? word : std::string(",") + word;
    }
    return "cgroup-v1(" + list + ")";
  }

 private:
  Bases bases_;
};

/// A base is usable if a group can be made there and has the file that matters.
std::string usable(std::string base, const char* file) {
  if (base.empty()) return "";
  remove_stale_groups(base);
  const std::string path = base + "/" + group_name(0);
  if (::mkdir(path.c_str(), 0755) != 0) return "";
  const bool good = static_cast<bool>(ControlFile(path + "/" + file, O_RDWR));
  remove_group(path);
  return good ? base : "";
}

}  // namespace

std::unique_ptr<Groups> find_groups_v1(const std::string& proc_cgroup,
                                       const std::string& mountinfo) {
  const auto base = [&](const char* controller, const char* file) {
    return usable(own_group(proc_cgroup, mountinfo, controller), file);
  };
  Bases bases{base("memory", "memory.limit_in_bytes"), base("pids", "pids.max"),
              base("cpuacct", "cpuacct.usage")};
  if (bases.memory.empty() && bases.pids.empty() && bases.cpuacct.empty()) return nullptr;
  return std::make_unique<GroupsV1>(std::move(bases));
}

}  // namespace moebius::scorers::sandbox
