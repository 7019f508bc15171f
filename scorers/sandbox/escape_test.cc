// Programs that try to reach something outside: cases 53 .. 62. Each prints what it could do.
#include <csignal>
#include <ostream>
#include <string>

#include "scorers/sandbox/testing.h"

namespace moebius::scorers::sandbox {
namespace {

// attempt(NAME, ACTION) prints NAME unless ACTION fails; call(N, ...) is a raw system call.
constexpr const char* kHelpers = R"(
import ctypes, errno, os, signal, socket, sys
_libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def attempt(name, action):
    try:
        action()
    except (OSError, ValueError):
        return
    print(name)
def errno_of(action):
    try:
        action()
        return 'done'
    except OSError as error:
        return errno.errorcode[error.errno]
)";

struct Probe {
  const char* name;
  const char* code;
  const char* out = "";
};
void PrintTo(const Probe& probe, std::ostream* os) {
  *os << probe.name;
}

class EscapeTest : public SandboxTest, public testing::WithParamInterface<Probe> {};

TEST_P(EscapeTest, IsDeniedAndTheProgramGoesOn) {
  const Outcome outcome = run(std::string(kHelpers) + GetParam().code);
  EXPECT_STREQ(end_name(outcome.end), "exited") << outcome.err;
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, GetParam().out) << outcome.err;
}

std::string row_name(const testing::TestParamInfo<Probe>& row) {
  return row.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, EscapeTest,
                         testing::Values(Probe{"c53_files", R"(
for path in ('/etc/passwd', '/etc/shadow', '/etc/hostname', '/home', '/root', '/proc', '/proc/self/environ',
             '/proc/1/mem', '/sys', '/var', '/run', '/boot', '/dev/mem', '/dev/kmsg', '/dev/tty',
             '/dev/ptmx', '/dev/sda', '/dev/vda', '/dev/kvm', '/dev/nvidia0', '/dev/fuse', '/mnt', '/opt'):
    attempt(path, lambda: os.listdir(path))
    attempt(path, lambda: open(path, 'rb').read(1)))"},
                                         // Nothing but Landlock denies these two.
                                         Probe{"c53_root_and_own_binaries", R"(
import shutil
shutil.copy('/usr/bin/true', 'mine')
os.chmod('mine', 0o755)
print(errno_of(lambda: os.listdir('/')), errno_of(lambda: os.execv('./mine', ['mine'])))
)",
                                               "EACCES EACCES\n"},
                                         Probe{"c53_environment", R"(print(sorted(os.environ)))",
                                               "['HOME', 'LANG', 'MKL_NUM_THREADS', "
                                               "'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PATH', "
                                               "'PYTHONHASHSEED', 'TMPDIR']\n"},
                                         Probe{"c53_descriptors", R"(
for fd in range(3, 1024): attempt(fd, lambda: os.fstat(fd)))"},
                                         Probe{"c53_who", R"(
print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups() in ([], [65534]), os.getcwd(), os.uname().nodename))",
                                               "65534 65534 65534 True /work sandbox\n"},
                                         Probe{"c54_sockets", R"(
for family in range(46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        attempt((family, kind), lambda: call(41, family, kind, 0))
        attempt(('high half', family), lambda: call(41, family | 1 << 32, kind, 0)))"},
                                         Probe{"c54_unix_from_a_pair", R"(
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
attempt('abstract', lambda: a.sendto(b'x', '\0name'))
attempt('path', lambda: a.sendto(b'x', '/run/systemd/notify'))
attempt('bind', lambda: a.bind('./s'))
attempt('connect', lambda: a.connect('\0name'))
a.send(b'pairs work')
print(b.recv(20).decode()))",
                                               "pairs work\n"},
                                         Probe{"c54_names", R"(
attempt('dns', lambda: socket.getaddrinfo('example.com', 80)))"},
                                         Probe{"c55_kill", R"(
seen = os.getppid()
attempt('other', lambda: os.kill(4, signal.SIGKILL))
attempt('group', lambda: os.killpg(os.getpgid(0) + 1, 9))
try: os.kill(1, signal.SIGKILL)
except OSError: pass
print(seen, os.getppid()))",
                                               "1 1\n"},
                                         Probe{"c56_other_processes", R"(
import struct
buffer = ctypes.create_string_buffer(64)
io = (ctypes.c_long * 2)(ctypes.addressof(buffer), 64)
for pid in (1, os.getpid()):
    attempt('attach', lambda: call(101, 16, pid, 0, 0))
    attempt('seize', lambda: call(101, 0x4206, pid, 0, 0))
    attempt('readv', lambda: call(310, pid, ctypes.byref(io), 1, ctypes.byref(io), 1, 0))
    attempt('writev', lambda: call(311, pid, ctypes.byref(io), 1, ctypes.byref(io), 1, 0))
    attempt('kcmp', lambda: call(312, pid, 1, 0, 0, 0))
pidfd = call(434, os.getpid(), 0)
attempt('getfd', lambda: call(438, pidfd, 1, 0))
attempt('mem', lambda: open('/proc/1/mem', 'rb')))"},
                                         Probe{"c57_namespaces", R"(
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x80):
    attempt(('unshare', hex(flag)), lambda: call(272, flag))
    if flag != 0x80:
        attempt(('clone', hex(flag)), lambda: call(56, flag | 17, 0, 0, 0, 0) or os._exit(0))
print(errno_of(lambda: call(435, 0, 0)))
attempt('setns', lambda: call(308, 0, 0)))",
                                               "ENOSYS\n"},
                                         Probe{"c57_mounts", R"(
b = ctypes.c_char_p
attempt('mount', lambda: call(165, b(b'tmpfs'), b(b'/work'), b(b'tmpfs'), 0, None))
attempt('remount', lambda: call(165, None, b(b'/usr'), None, 32 | 4096, None))
attempt('umount', lambda: call(166, b(b'/work'), 2))
attempt('pivot', lambda: call(155, b(b'/work'), b(b'/work')))
attempt('chroot', lambda: os.chroot('/work'))
for number in (428, 429, 430, 431, 432, 433, 442):
    print(errno_of(lambda: call(number, 0, b(b'/'), 0, 0, 0))))",
                                               "EPERM\n"
                                               "EPERM\n"
                                               "EPERM\n"
                                               "EPERM\n"
                                               "EPERM\n"
                                               "EPERM\n"
                                               "EPERM\n"},
                                         Probe{"c58_kernel_surface", R"(
print([errno_of(lambda: call(n, 0, 0, 0, 0, 0)) for n in (425, 426, 427)])
print({errno_of(lambda: call(n, 0, 0, 0, 0, 0)) for n in
      (321, 298, 323, 250, 248, 249, 246, 320, 175, 313, 169, 135, 103, 163, 167, 304, 303, 317, 319, 447, 172)}))",
                                               "['ENOSYS', 'ENOSYS', 'ENOSYS']\n{'EPERM'}\n"},
                                         Probe{"c58_terminal", R"(
import fcntl
for request in (0x5412, 0x541C):
    print(errno_of(lambda: call(16, 0, request, 0)), errno_of(lambda: call(16, 0, request | 1 << 32, 0))))",
                                               "EPERM EPERM\nEPERM EPERM\n"},
                                         Probe{"c59_privileges", R"(
attempt('setuid', lambda: os.setuid(0))
attempt('setresuid', lambda: os.setresuid(0, 0, 0))
attempt('setgroups', lambda: os.setgroups([0]))
open('f', 'w').close()
attempt('mknod', lambda: os.mknod('n', 0o600 | 0o020000, os.makedev(1, 1)))
attempt('block', lambda: os.mknod('m', 0o600 | 0o060000, os.makedev(8, 0)))
attempt('link', lambda: os.link('/usr/bin/python3', 'l'))
attempt('write', lambda: open('/usr/x', 'w'))
attempt('root', lambda: open('/x', 'w'))
attempt('etc', lambda: open('/etc/x', 'w'))
attempt('dev', lambda: open('/dev/x', 'w'))
attempt('chmod', lambda: os.chmod('/usr/bin/python3', 0o777))
os.symlink('/etc/passwd', 's')
attempt('symlink', lambda: open('s').read())
import resource
attempt('limits', lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)))
import time
attempt('clock', lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
attempt('hostname', lambda: socket.sethostname('x')))"},
                                         Probe{"c59_setuid_programs", R"(
import subprocess
for command in (['/usr/bin/su', '-c', 'id -u'], ['/usr/bin/passwd', '--help'], ['/usr/bin/mount']):
    try: print(subprocess.run(command, capture_output=True, timeout=5).stdout.decode().count('uid=0'))
    except (OSError, subprocess.TimeoutExpired): print(0))",
                                               "0\n0\n0\n"},
                                         Probe{"c60_daemon", R"(
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pause()
    os._exit(0)
os.wait()
print('left'))",
                                               "left\n"},
                                         Probe{"c61_locks", R"(
import fcntl
file = open('/usr/bin/env', 'rb')
attempt('read lock', lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB))
attempt('flock', lambda: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB))
for command in (6, 7, 37, 38, 1024, 1026):
    attempt(command, lambda: call(72, file.fileno(), command, 1))
    attempt(command, lambda: call(72, file.fileno(), command | 1 << 32, 1)))"},
                                         Probe{"c61_named_objects", R"(
attempt('shm', lambda: call(29, 1234, 4096, 0o1666))
attempt('sem', lambda: call(64, 1234, 1, 0o1666))
attempt('msg', lambda: call(68, 1234, 0o1666))
attempt('mq', lambda: call(240, ctypes.c_char_p(b'q'), 0o102, 0o600, None))
attempt('memfd', lambda: os.memfd_create('m'))
attempt('keyring', lambda: call(250, 0, -3, 1)))"}),
                         row_name);

// Machine code for calls by other doors: int 0x80, and the x32 numbers.
constexpr const char* kMachineCode = R"(
import mmap
code = bytes.fromhex('%s')
page = mmap.mmap(-1, 4096, prot=7)
page.write(code)
ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
print('went on')
)";

std::string with_code(const std::string& hex) {
  std::string text = kMachineCode;
  return kHelpers + text.replace(text.find("%s"), 2, hex);
}

TEST_F(SandboxTest, c62_OtherArchitecturesAreKilled) {
#if defined(__x86_64__)
  // mov eax, 20 (getpid); int 0x80; ret
  const Outcome old = run(with_code("b814000000cd80c3"));
  EXPECT_STREQ(end_name(old.end), "signalled") << old.out;
  EXPECT_EQ(old.code, SIGSYS);
  EXPECT_NE(old.denied, "");
  // mov eax, 0x40000027 (getpid of x32); syscall; ret
  const Outcome x32 = run(with_code("b8270000400f05c3"));
  EXPECT_STREQ(end_name(x32.end), "signalled") << x32.out;
  EXPECT_EQ(x32.code, SIGSYS);
#else
  GTEST_SKIP() << "machine code of this test is x86-64's";
#endif
}

TEST_F(SandboxTest, c55_KillingEverybodyHurtsNobodyElse) {
  const Outcome all = run("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint('alone')");
  EXPECT_STREQ(end_name(all.end), "exited");
  EXPECT_EQ(all.out, "alone\n");
  const Outcome itself = run("import os; os.kill(os.getpid(), 9)");
  EXPECT_STREQ(end_name(itself.end), "signalled");
  EXPECT_EQ(itself.code, SIGKILL);
  EXPECT_EQ(run("print(1)").out, "1\n");
}

TEST_F(SandboxTest, c61_TheNextRunSeesNothing) {
  const std::string leave = R"(
import os, sys, builtins
for path in ('./x', '../tmp/y', '/dev/shm/z', 'sitecustomize.py', 'random.py'):
    open(path, 'w').write('raise SystemExit(9)')
os.environ['LEFT'] = '1'
builtins.LEFT = sys.LEFT = 1
import random; random.seed(5); random.random()
)";
  const std::string look = R"(
import os, sys, builtins
print(sorted(os.listdir('/work')), sorted(os.listdir('/tmp')), os.environ.get('LEFT'),
      hasattr(builtins, 'LEFT'), hasattr(sys, 'LEFT'))
import random; print(random.random())
)";
  std::string first;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(run(leave).code, 0);
    const Outcome outcome = run(look);
    EXPECT_EQ(outcome.out.substr(0, outcome.out.find('\n')), "[] [] None False False");
    if (i == 0) first = outcome.out;
    EXPECT_EQ(outcome.out, first);
  }
}

}  // namespace
}  // namespace moebius::scorers::sandbox
