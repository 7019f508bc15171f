// Every layer tried by itself, then attacks tried on the whole.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/fd.h"
#include "scorers/sandbox/policy.h"
#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::sandbox {
namespace {

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text.substr(0, 300);
}

/// errno of an action tried in a child of its own, which it may change at will; 0: it worked.
int errno_in_child(const std::function<bool()>& action) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(action() ? 0 : errno & 0xff);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

Probe system_call(const char* layer, const std::function<bool()>& action) {
  const int error = errno_in_child(action);
  return {layer, true, error == 0, error == 0 ? "works" : std::strerror(error)};
}

void probe_kernel(std::vector<Probe>& probes) {
  // Root makes namespaces without a user namespace; a plain user needs one around the others.
  const auto unshare = [](int flags) { return [flags] { return ::unshare(flags) == 0; }; };
  probes.push_back(system_call("user namespace", unshare(CLONE_NEWUSER)));
  struct Kind {
    const char* name;
    int flag;
  };
  for (const Kind& kind :
       {Kind{"mount namespace", CLONE_NEWNS}, Kind{"pid namespace", CLONE_NEWPID},
        Kind{"network namespace", CLONE_NEWNET}, Kind{"ipc namespace", CLONE_NEWIPC},
        Kind{"uts namespace", CLONE_NEWUTS}, Kind{"cgroup namespace", CLONE_NEWCGROUP}})
    probes.push_back(system_call(kind.name, unshare(CLONE_NEWUSER | kind.flag)));
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  probes.push_back({"landlock", true, abi >= 1,
                    abi >= 1 ? "ABI " + std::to_string(abi) +
                                   (abi >= 6 ? "" : "; signals and abstract sockets need ABI 6")
                             : std::strerror(errno)});
}

void probe_seccomp(std::vector<Probe>& probes) {
  try {
    const Filter filter = compile_filter();
    probes.push_back(
        {"seccomp", true, true,
         std::to_string(filter.program.size()) + " instructions, hash " + filter.hash});
  } catch (const Error& error) {
    probes.push_back({"seccomp", true, false, error.what()});
  }
}

void probe_groups(std::vector<Probe>& probes) {
  std::array<const char*, 3> names = {"cgroup memory", "cgroup processes", "cgroup processor time"};
  std::array<bool, 3> counted = {};
  std::string detail = "no controller can be written; resource limits and /proc stand in";
  try {
    if (const std::unique_ptr<Groups> groups = find_groups()) {
      const std::unique_ptr<Group> group = groups->make(0);
      group->begin(1 << 28, 16);
      counted = {group->counts_memory(), group->counts_processes(), group->counts_cpu()};
      detail = groups->name();
    }
  } catch (const Error& error) {
    detail = one_line(error.what());
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    probes.push_back({names[i], false, counted[i], detail});
}

/// A program that prints what it managed to do, one word each; nothing is what we want.
struct Attack {
  const char* name;
  const char* code;
  End end = End::kExited;
};

constexpr Attack kAttacks[] = {
    {"read /etc/passwd", "open('/etc/passwd').read()"},
    {"read /proc/1/environ", "open('/proc/1/environ').read()"},
    {"list /home", "import os; os.listdir('/home')"},
    {"write /usr", "open('/usr/x', 'w')"},
    {"connect by TCP", "import socket; socket.create_connection(('127.0.0.1', 22), 1)"},
    {"send by UDP", "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"},
    {"make a namespace", "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0"},
    {"mount", "import ctypes; assert ctypes.CDLL(None).mount(b'a', b'/work', b'tmpfs', 0, 0) == 0"},
    {"trace its parent", "import ctypes; assert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0"},
    {"become root", "import os; os.setuid(0)"},
    {"io_uring", "import ctypes; assert ctypes.CDLL(None).syscall(425, 1, 0) >= 0"},
    {"lock a shared file",
     "import fcntl; fcntl.lockf(open('/usr/bin/env', 'rb'), fcntl.LOCK_SH | fcntl.LOCK_NB)"},
    {"burn the processor", "while True: pass", End::kCpuLimit},
    {"take all memory", "x = []\nwhile True: x.append(bytearray(1 << 20))", End::kMemoryLimit},
    {"fork bomb", "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
     End::kProcessLimit},
    {"fill the disk", "f = open('f', 'wb')\nwhile True: f.write(bytes(1 << 20))", End::kDiskLimit},
    {"flood the output", "while True: print('y' * 999)", End::kOutputLimit},
    {"leave a daemon",
     "import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(60)\n"
     "assert False"},
};

Probe attack(Sandbox& sandbox, const Attack& attack) {
  Program program;
  program.code = attack.code;
  program.limits.cpu_seconds = 0.5;
  program.limits.wall_seconds = 10;
  program.limits.memory_bytes = 128 << 20;
  program.limits.disk_bytes = 8 << 20;
  program.limits.processes = 24;
  Probe probe{std::string("attack: ") + attack.name, true, false, ""};
  try {
    const Outcome outcome = sandbox.run(program);
    // What was denied ended the program by an exception.
    probe.ok = outcome.end == attack.end && (attack.end != End::kExited || outcome.code == 1);
    const std::size_t last = outcome.err.find_last_not_of('\n');
    const std::size_t line = outcome.err.rfind('\n', last);
    probe.detail =
        attack.end != End::kExited
            ? "ended after " + std::to_string(outcome.cpu_seconds) + " s of processor time"
            : one_line(outcome.err.substr(line == std::string::npos ? 0 : line + 1));
    if (!probe.ok) probe.detail = "NOT held: " + probe.detail;
  } catch (const Error& error) {
    probe.detail = one_line(error.what());
  }
  return probe;
}

/// What a run costs here and how fast this machine is, to judge time-outs by.
Probe measure(Sandbox& sandbox) {
  Program program;
  program.code = "x = 0\nfor i in range(500000): x += i\nprint(x)";
  double cpu = 0, wall = 0;
  constexpr int kRuns = 5;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRuns; ++i) {
    const Outcome outcome = sandbox.run(program);
    cpu += outcome.cpu_seconds / kRuns;
    wall += outcome.wall_seconds / kRuns;
  }
  const double all =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kRuns;
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "500000 additions: %.0f ms of processor time, %.0f ms by the clock; %.0f ms with "
                "set-up and clean-up",
                1e3 * cpu, 1e3 * wall, 1e3 * all);
  return {"speed", false, cpu < 0.5, text.data()};
}

}  // namespace

std::vector<Probe> doctor(const Options& options) {
  std::vector<Probe> probes;
  probe_kernel(probes);
  probe_seccomp(probes);
  probe_groups(probes);
  try {
    const std::shared_ptr<Sandbox> sandbox = open(options);
    probes.push_back({"sandbox", true, true, sandbox->stamp()});
    for (const Attack& each : kAttacks) probes.push_back(attack(*sandbox, each));
    probes.push_back(measure(*sandbox));
  } catch (const Error& error) {
    probes.push_back({"sandbox", true, false, one_line(error.what())});
  }
  return probes;
}

}  // namespace moebius::scorers::sandbox
