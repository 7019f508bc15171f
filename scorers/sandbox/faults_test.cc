// Our own failures must never look like a program's: servers killed from outside, groups that
// refuse, a harness that is killed; and nothing may be left behind.
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/running.h"
#include "scorers/sandbox/testing.h"

namespace moebius::scorers::sandbox {
namespace {

using Faults = SandboxTest;
using std::chrono::milliseconds;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  DIR* open = ::opendir(directory.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = ::readdir(open))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(open);
  return names;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  for (const std::string& task : names_in(tasks)) {
    std::istringstream list(text_of(tasks + task + "/children"));
    for (pid_t child = 0; list >> child;) found.push_back(child);
  }
  return found;
}

std::vector<pid_t> below(pid_t pid) {
  std::vector<pid_t> all = children_of(pid);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (pid_t child : children_of(all[i])) all.push_back(child);
  return all;
}

bool alive(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

/// Folders of groups that a harness with this process id has made.
std::vector<std::string> groups_of(pid_t pid) {
  std::vector<std::string> found;
  std::istringstream mounts(text_of("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup") == std::string::npos) continue;
    std::istringstream words(line);
    std::string point;
    for (int i = 0; i < 5; ++i) words >> point;
    for (const std::string& name : names_in(point))
      if (name.starts_with("moebius-" + std::to_string(pid) + "-"))
        found.push_back(point + "/" + name);
  }
  return found;
}

TEST_F(Faults, AServerKilledBetweenProgramsIsReplaced) {
  EXPECT_EQ(run("print(1)").out, "1\n");
  for (pid_t server : children_of(::getpid())) ::kill(server, SIGKILL);
  EXPECT_EQ(run("print(2)").out, "2\n");
}

TEST_F(Faults, AServerKilledUnderAProgramIsOurFailure) {
  for (int depth : {1, 2}) {  // the server, and the program's first process
    std::string what;
    std::thread caller([&] {
      try {
        (void)run("import time; time.sleep(15)");
        what = "a verdict";
      } catch (const Error& error) {
        what = error.what();
      }
    });
    std::vector<pid_t> victims;
    EXPECT_TRUE(eventually([&] {
      const std::vector<pid_t> all = below(::getpid());
      for (pid_t server : children_of(::getpid())) {
        if (below(server).size() < 2) continue;
        std::this_thread::sleep_for(milliseconds(100));  // until it is ready
        victims = depth == 1 ? std::vector<pid_t>{server} : children_of(server);
        return true;
      }
      return false;
    }));
    for (pid_t victim : victims) ::kill(victim, SIGKILL);
    caller.join();
    EXPECT_EQ(what.find("sandbox: "), 0U) << what;
    EXPECT_EQ(run("print(3)").out, "3\n");
  }
}

TEST_F(Faults, NothingIsLeftBehind) {
  const std::string mounts = text_of("/proc/self/mountinfo");
  const std::size_t files = names_in("/proc/self/fd").size();
  const std::vector<std::string> temporary = names_in("/dev/shm");
  const std::size_t children = children_of(::getpid()).size();
  const std::size_t groups = groups_of(::getpid()).size();
  {
    const std::shared_ptr<Sandbox> own = open(Options{});
    for (const char* code : {"import os, time\nif os.fork() == 0:\n os.setsid(); time.sleep(99)",
                             "open('x','w').write('y' * 100000)", "while True: pass",
                             "import os\nfor _ in range(9):\n  os.fork()\nwhile True: pass"}) {
      Program made = program(code);
      made.limits.cpu_seconds = 0.3;
      (void)own->run(made);
    }
    const auto forgotten = own->start(program("import time; time.sleep(99)"));
    EXPECT_GT(children_of(::getpid()).size(), children);
  }
  EXPECT_EQ(children_of(::getpid()).size(), children);
  EXPECT_EQ(names_in("/proc/self/fd").size(), files);
  EXPECT_EQ(text_of("/proc/self/mountinfo"), mounts);
  EXPECT_EQ(names_in("/dev/shm"), temporary);
  EXPECT_EQ(groups_of(::getpid()).size(), groups);
}

TEST_F(Faults, AKilledHarnessTakesEverythingAlong) {
  sandbox_.reset();  // before fork(): the child must not own our servers
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t harness = ::fork();
  ASSERT_GE(harness, 0);
  if (harness == 0) {
    const std::shared_ptr<Sandbox> own = open(Options{});
    const auto session = own->start(
        program("import os, signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
                "if os.fork() == 0:\n os.setsid()\n os.fork()\nos.write(3, b'\\1\\0\\0\\0x')\n"
                "time.sleep(99)"));
    std::string frame;
    if (session->receive(frame, 3, 9) == Session::Heard::kFrame) (void)!::write(pipe[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
  const std::vector<pid_t> all = below(harness);
  EXPECT_GE(all.size(), 4U);
  ::kill(harness, SIGKILL);
  ::waitpid(harness, nullptr, 0);
  for (pid_t pid : all) EXPECT_TRUE(eventually([&] { return !alive(pid); })) << pid;
  ::close(pipe[0]);
  ::close(pipe[1]);
  sandbox_ = open(Options{});  // clears what the dead one left of groups
  EXPECT_EQ(groups_of(harness), std::vector<std::string>());
}

// ---- groups that refuse, and none at all ------------------------------------------------

class RefusingGroup : public Group {
 public:
  bool counts_cpu() const override { return true; }
  bool counts_memory() const override { return true; }
  bool counts_processes() const override { return true; }
  void add(pid_t) override {}
  void begin(std::int64_t, std::int64_t) override {
    throw Error("sandbox: cannot write 1 to memory.max: Device or resource busy");
  }
  Usage usage() override { return {}; }
};

class RefusingGroups : public Groups {
 public:
  std::unique_ptr<Group> make(int) override { return std::make_unique<RefusingGroup>(); }
  std::string name() const override { return "refusing"; }
};

Outcome run_with(const Setting& setting, const Program& program) {
  Worker worker(setting, 0);
  Running running(worker, program);
  while (!running.over()) running.step(0, Running::Clock::now() + std::chrono::seconds(9));
  return running.outcome(Killed::kFinished);
}

TEST_F(Faults, AGroupThatRefusesIsOurFailure) {
  const Setting setting{Options{}, compile_filter(), std::make_unique<RefusingGroups>()};
  EXPECT_THROW((void)run_with(setting, program("print(1)")), Error);
}

TEST_F(Faults, WithoutGroupsLimitsHoldAllTheSame) {
  const Setting setting{Options{}, compile_filter(), nullptr};
  struct Case {
    const char* code;
    End end;
  };
  for (const Case& each : {
           Case{"print('x')", End::kExited},
           Case{"while True: pass", End::kCpuLimit},
           Case{"import os\nfor _ in range(5): os.fork()\nwhile True: pass", End::kCpuLimit},
           Case{"import os\nwhile True:\n  if os.fork() == 0:\n    sum(range(10**5)); "
                "os._exit(0)\n  os.wait()",
                End::kCpuLimit},
           Case{"x=[]\nwhile True: x.append(bytearray(1 << 20))", End::kMemoryLimit},
           Case{"import os, time\nfor _ in range(9):\n  if os.fork() == 0:\n    x = bytearray(30 "
                "<< 20)\n"
                "    time.sleep(20)\nos.wait()",
                End::kMemoryLimit},
           Case{"import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
                End::kProcessLimit},
           Case{"import threading,time\nwhile True:\n  try: "
                "threading.Thread(target=time.sleep,args=(60,)).start()\n"
                "  except RuntimeError: pass",
                End::kProcessLimit},
           Case{"import time; time.sleep(60)", End::kWallLimit},
       }) {
    Program made = program(each.code);
    made.limits.cpu_seconds = 1;
    // Children that wait for a processor are time of a parent that waits for them: a busy machine
    // must not turn the limit of the processor into one of the clock.
    made.limits.wall_seconds = each.end == End::kCpuLimit ? 60 : 3;
    made.limits.memory_bytes = 128 << 20;
    made.limits.processes = 40;
    EXPECT_STREQ(end_name(run_with(setting, made).end), end_name(each.end)) << each.code;
  }
}

// ---- the weaker levels -------------------------------------------------------------------

TEST_F(Faults, LandlockAloneDeniesAndCleansUp) {
  Options options;
  options.level = Level::kLandlock;
  const std::shared_ptr<Sandbox> weaker = open(options);
  EXPECT_EQ(weaker->stamp().find("sandbox=landlock "), 0U) << weaker->stamp();
  EXPECT_EQ(weaker->run(program("print(input())", "7")).out, "7\n");
  for (const char* code :
       {"open('/etc/passwd').read()", "open('/tmp/moebius-left', 'w')",
        "open('/proc/1/environ').read()", "import socket; socket.socket()",
        "import os; os.kill(os.getppid(), 15); assert False", "import os; os.listdir('/')"}) {
    const Outcome outcome = weaker->run(program(code));
    EXPECT_STREQ(end_name(outcome.end), "exited") << code;
    EXPECT_EQ(outcome.code, 1) << code << outcome.out;
  }
  const std::size_t before = below(::getpid()).size();
  Program spread = program(
      "import os, time\nif os.fork() == 0:\n os.setsid()\n os.fork()\n "
      "time.sleep(99)\nprint('left')");
  EXPECT_EQ(weaker->run(spread).out, "left\n");
  spread.code += "\nwhile True: pass";
  spread.limits.cpu_seconds = 0.3;
  EXPECT_STREQ(end_name(weaker->run(spread).end), "cpu limit");
  EXPECT_EQ(below(::getpid()).size(), before);
}

TEST_F(Faults, NoSandboxIsStamped) {
  Options options;
  options.level = Level::kNone;
  const std::shared_ptr<Sandbox> none = open(options);
  EXPECT_EQ(none->stamp().find("UNSANDBOXED sandbox=none "), 0U) << none->stamp();
  EXPECT_EQ(none->run(program("print(5)")).out, "5\n");
}

TEST_F(Faults, AMissingInterpreterIsRefused) {
  Options options;
  options.python = "/usr/bin/no-such-python";
  try {
    (void)open(options);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Model-written code will NOT be run."),
              std::string::npos)
        << error.what();
  }
}

TEST_F(Faults, DoctorFindsEveryLayer) {
  bool attacked = false;
  for (const Probe& probe : doctor(Options{})) {
    if (probe.required) {
      EXPECT_TRUE(probe.ok) << probe.layer << ": " << probe.detail;
    }
    EXPECT_FALSE(probe.detail.empty()) << probe.layer;
    EXPECT_EQ(probe.detail.find('\n'), std::string::npos);
    attacked = attacked || probe.layer == "attack: fork bomb";
  }
  EXPECT_TRUE(attacked);
}

TEST_F(Faults, DoctorTellsOfAMissingInterpreter) {
  Options options;
  options.python = "/usr/bin/no-such-python";
  const std::vector<Probe> probes = doctor(options);
  EXPECT_FALSE(probes.back().ok);
  EXPECT_EQ(probes.back().layer, "sandbox");
}

}  // namespace
}  // namespace moebius::scorers::sandbox
