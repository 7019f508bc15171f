// Programs that try to cheat, hurt or escape, one row each, and how each must end.
// Numbers are those of the published list of 62 cases; fake passes are judged by the graders,
// here only by how their program ends.
#include <csignal>
#include <ostream>
#include <string>

#include "scorers/sandbox/testing.h"

namespace moebius::scorers::sandbox {
namespace {

constexpr int kAny = -1;

struct Abuse {
  const char* name;
  const char* code;
  End end;
  int exit_code = 0;     // kAny: whichever
  const char* out = "";  // standard output, all of it; null: whatever
  double cpu_seconds = 3;
  double wall_seconds = 20;
};
void PrintTo(const Abuse& abuse, std::ostream* os) {
  *os << abuse.name;
}

class AbuseTest : public SandboxTest, public testing::WithParamInterface<Abuse> {};

TEST_P(AbuseTest, EndsAsItMust) {
  const Abuse& abuse = GetParam();
  Program made = program(abuse.code);
  made.limits.cpu_seconds = abuse.cpu_seconds;
  made.limits.wall_seconds = abuse.wall_seconds;
  made.limits.memory_bytes = 128 << 20;
  made.limits.processes = 24;
  made.limits.disk_bytes = 8 << 20;
  made.limits.files = 512;
  const Outcome outcome = sandbox_->run(made);
  EXPECT_STREQ(end_name(outcome.end), end_name(abuse.end)) << outcome.err;
  if (abuse.exit_code != kAny) {
    EXPECT_EQ(outcome.code, abuse.exit_code) << outcome.err;
  }
  if (abuse.out != nullptr) {
    EXPECT_EQ(outcome.out, abuse.out) << outcome.err;
  }
}

std::string row_name(const testing::TestParamInfo<Abuse>& row) {
  return row.param.name;
}

// 1 .. 26: what the graders are told of a program that leaves early or lies.
INSTANTIATE_TEST_SUITE_P(
    FakePass, AbuseTest,
    testing::Values(Abuse{"c01_sys_exit", "import sys; sys.exit(0)", End::kExited, 0},
                    Abuse{"c02_system_exit", "raise SystemExit", End::kExited, 0},
                    Abuse{"c03_os_exit", "import os; print('lost'); os._exit(0)", End::kExited, 0},
                    Abuse{"c03_os_exit_code", "import os; os._exit(7)", End::kExited, 7},
                    Abuse{"c04_os_exit_in_function", "import os\ndef f(): os._exit(0)\nf()",
                          End::kExited, 0},
                    Abuse{"c05_system_exit_text", "raise SystemExit('bye')", End::kExited, 1},
                    Abuse{"c10_frame_walk", R"(
import sys
frame, found = sys._getframe(), []
while frame is not None:
    found += [k for k in list(frame.f_locals) + list(frame.f_globals) if 'expect' in k.lower()]
    frame = frame.f_back
print(found))",
                          End::kExited, 0, "[]\n"},
                    Abuse{"c12_gc_hunt", R"(
import gc
print([o for o in gc.get_objects() if type(o).__name__.endswith('Proxy')
       and type(o).__module__.startswith('multiprocessing')]))",
                          End::kExited, 0, "[]\n"},
                    Abuse{"c15_frames_to_all_fds", R"(
import os
written = []
for fd in range(3, 256):
    try:
        os.write(fd, b'\x05\0\0\0' + b'pass!')
        written.append(fd)
    except OSError:
        pass
print(written))",
                          End::kExited, 0, "[]\n"},
                    Abuse{"c17_atexit", "import atexit, os; atexit.register(os._exit, 0); 1/0",
                          End::kExited, 0},
                    Abuse{"c18_patched_builtins", R"(
import builtins, os, io, sys
os._exit = builtins.print = builtins.exec = io.open = lambda *a, **k: None
sys.stdout.write('x')
raise ValueError)",
                          End::kExited, kAny, nullptr},
                    Abuse{"c21_result_files", R"(
for path in ('result.txt', './report.xml', '../tmp/passed'):
    open(path, 'w').write('PASS')
print('ok'))",
                          End::kExited, 0, "ok\n"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Timing, AbuseTest,
    testing::Values(Abuse{"c27_busy_loop", "while True: pass", End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c28_sleep", "import time; time.sleep(60)", End::kWallLimit, 0, "", 3, 1},
                    Abuse{"c29_huge_power", "10 ** 10 ** 9", End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c30_regex", "import re; re.match('(a+)+$', 'a' * 40 + 'b')",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c31_ignored_signals", R"(
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
time.sleep(60))",
                          End::kWallLimit, 0, "", 3, 1},
                    Abuse{"c31_sigxcpu_ignored", R"(
import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True: pass)",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c32_swallowed_exceptions", R"(
while True:
    try:
        while True: pass
    except BaseException: pass)",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c33_stopped_itself",
                          "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
                          End::kWallLimit, 0, "", 3, 1},
                    Abuse{"c34_patched_clocks", R"(
import time
time.time = time.perf_counter = time.process_time = lambda: 0
while True: pass)",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c35_cpu_in_children", R"(
import os
for _ in range(6):
    if os.fork() == 0:
        while True: pass
for _ in range(6): os.wait())",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c35_cpu_in_threads", R"(
import threading
def burn():
    while True: pass
threads = [threading.Thread(target=burn) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join())",
                          End::kCpuLimit, 0, "", 0.5},
                    Abuse{"c35_short_lived_children", R"(
import os
while True:
    if os.fork() == 0:
        sum(range(100000))
        os._exit(0)
    os.wait())",
                          End::kCpuLimit, 0, "", 0.5}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Resources, AbuseTest,
    testing::Values(
        Abuse{"c37_fork_bomb", R"(
import os
while True:
    try: os.fork()
    except OSError: pass)",
              End::kProcessLimit, 0, "", 0.5},
        Abuse{"c38_thread_bomb", R"(
import threading, time
while True:
    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: pass)",
              End::kProcessLimit, 0, "", 0.5},
        Abuse{"c39_memory_bomb", "x = []\nwhile True: x.append(bytearray(1 << 20))",
              End::kMemoryLimit},
        Abuse{"c40_memory_by_children", R"(
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(40 << 20)
        time.sleep(30)
        os._exit(0)
for _ in range(8): os.wait())",
              End::kMemoryLimit},
        Abuse{"c41_disk_fill", R"(
with open('big', 'wb') as file:
    while True: file.write(bytes(1 << 16)))",
              End::kDiskLimit},
        Abuse{"c41_disk_fill_forgiven", R"(
try:
    with open('big', 'wb', 0) as file:
        while True: file.write(bytes(1 << 16))
except OSError as error: print(error.errno))",
              End::kExited, 0, nullptr},
        Abuse{"c42_inode_bomb", "i = 0\nwhile True: i += 1; open(str(i), 'w').close()",
              End::kDiskLimit},
        Abuse{"c43_nested_directories", "import os\nwhile True: os.mkdir('d'); os.chdir('d')",
              End::kDiskLimit},
        Abuse{"c44_sparse_file", "open('s', 'wb').truncate(1 << 40)", End::kExited, 1},
        Abuse{"c45_descriptors", "f = []\nwhile True: f.append(open('/dev/null'))", End::kExited,
              1},
        Abuse{"c46_output_flood", "while True: print('y' * 1000)", End::kOutputLimit, 0, nullptr},
        Abuse{"c47_error_flood", "import sys\nwhile True: sys.stderr.write('y' * 10000)",
              End::kOutputLimit},
        Abuse{"c47_much_on_error_and_right",
              "import sys; sys.stderr.write('y' * 500000); print(42)", End::kExited, 0, "42\n"},
        Abuse{"c48_zlib_bomb", R"(
import zlib
packer = zlib.compressobj()
packed = b''.join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
zlib.decompress(packed))",
              End::kMemoryLimit, 0, "", 8},
        Abuse{"c49_recursion", R"(
import sys
sys.setrecursionlimit(10 ** 9)
def f(): return f()
f())",
              End::kMemoryLimit},
        Abuse{"c49_c_stack", R"(
import sys
sys.setrecursionlimit(10 ** 9)
class A:
    def __repr__(self): return repr(self)
repr(A()))",
              End::kSignalled, SIGSEGV},
        Abuse{"c50_null", "import ctypes; ctypes.string_at(0)", End::kSignalled, SIGSEGV},
        Abuse{"c50_abort", "import os; os.abort()", End::kSignalled, SIGABRT},
        Abuse{"c51_mlock_nice", R"(
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mlockall(3) != 0)
try: os.nice(-20); print('raised')
except OSError: print('denied'))",
              End::kExited, 0, "True\ndenied\n"},
        Abuse{"c52_zombie_farm", R"(
import os, time
while True:
    try:
        if os.fork() == 0: os._exit(0)
    except OSError: time.sleep(0.05))",
              End::kProcessLimit, 0, "", 3, 1.5}),
    row_name);

TEST_F(SandboxTest, c37_ForkBombThatFails) {
  Program made = program("import os\nwhile True: os.fork()");
  made.limits.processes = 24;
  const Outcome outcome = sandbox_->run(made);
  // Only a cgroup counts refusals; without one the program is seen to fail, no more.
  const bool counted = sandbox_->stamp().find("pids") != std::string::npos;
  EXPECT_TRUE(outcome.end == End::kProcessLimit ||
              (!counted && outcome.end == End::kExited && outcome.code == 1))
      << end_name(outcome.end) << outcome.err;
}

}  // namespace
}  // namespace moebius::scorers::sandbox
