// The outer walls, built once per fork server: user, namespaces, and a private read-only root.
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "scorers/sandbox/inside/inside.h"

namespace moebius::scorers::sandbox::inside {
namespace {

constexpr int kInnerId = 65534;
constexpr const char* kRoot = "/tmp";  // hidden by the new root in our own mount namespace alone

void require(bool holds, Stage stage) {
  if (!holds) fail(kControlFd, stage, errno);
}

void become_user() {
  const uid_t id = state.setup.uid;
  if (id == 0) return;
  require(::setgroups(0, nullptr) == 0, Stage::kUid);
  require(::setresgid(id, id, id) == 0, Stage::kUid);
  require(::setresuid(id, id, id) == 0, Stage::kUid);
  // Changing the user made /proc/self root's; the id maps below must be writable.
  require(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, Stage::kUid);
}

void map_ids(uid_t uid, gid_t gid) {
  char line[64];
  require(write_proc("self/setgroups", "deny"), Stage::kIdMap);
  std::snprintf(line, sizeof line, "%d %u 1", kInnerId, uid);
  require(write_proc("self/uid_map", line), Stage::kIdMap);
  std::snprintf(line, sizeof line, "%d %u 1", kInnerId, gid);
  require(write_proc("self/gid_map", line), Stage::kIdMap);
}

bool make_read_only(const char* path, unsigned long flags, bool recursive) {
  mount_attr attr = {};
  attr.attr_set = flags;
  return ::syscall(SYS_mount_setattr, AT_FDCWD, path, recursive ? AT_RECURSIVE : 0, &attr,
                   sizeof attr) == 0;
}

/// Target below the new root of a path of the host.
struct Below {
  char path[256];
  explicit Below(const char* of) { std::snprintf(path, sizeof path, "%s%s", kRoot, of); }
};

bool bind(const char* from, bool directory) {
  const Below to(from);
  if (directory) {
    if (::mkdir(to.path, 0755) != 0) return false;
  } else {
    const int fd = ::open(to.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    ::close(fd);
  }
  return ::mount(from, to.path, nullptr, MS_BIND | (directory ? MS_REC : 0), nullptr) == 0;
}

bool bind_read_only(const char* from, bool directory) {
  return bind(from, directory) &&
         make_read_only(Below(from).path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                        directory);
}

/// /lib and its like: links into /usr on a merged system, directories elsewhere, or not there.
bool copy_or_bind(const char* path) {
  struct stat info;
  if (::lstat(path, &info) != 0) return true;
  if (S_ISLNK(info.st_mode)) {
    char to[256] = {};
    return ::readlink(path, to, sizeof to - 1) > 0 && ::symlink(to, Below(path).path) == 0;
  }
  return !S_ISDIR(info.st_mode) || bind_read_only(path, true);
}

void fill_root() {
  require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, Stage::kPrivateRoot);
  require(::mount("tmpfs", kRoot, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755") == 0,
          Stage::kPrivateRoot);
  require(bind_read_only("/usr", true), Stage::kPrivateRoot);
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64"})
    require(copy_or_bind(path), Stage::kPrivateRoot);
  require(::mkdir(Below("/etc").path, 0755) == 0, Stage::kPrivateRoot);
  // numpy's libblas is a link through alternatives.
  if (::access("/etc/alternatives", F_OK) == 0)
    require(bind_read_only("/etc/alternatives", true), Stage::kPrivateRoot);
  if (::access("/etc/ld.so.cache", F_OK) == 0)
    require(bind_read_only("/etc/ld.so.cache", false), Stage::kPrivateRoot);
  require(::mkdir(Below("/dev").path, 0755) == 0, Stage::kDevices);
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"}) {
    require(bind(path, false), Stage::kDevices);
  }
  require(::mkdir(Below("/work").path, 0700) == 0, Stage::kPrivateRoot);
  require(::symlink("work", Below("/tmp").path) == 0, Stage::kPrivateRoot);
  require(::symlink("../work", Below("/dev/shm").path) == 0, Stage::kPrivateRoot);
}

void change_root() {
  // Root stays a mount of its own: remounted, not rebound, so that /work can still be mounted on.
  require(make_read_only(kRoot, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false),
          Stage::kPivot);
  require(::chdir(kRoot) == 0, Stage::kPivot);
  require(::syscall(SYS_pivot_root, ".", ".") == 0, Stage::kPivot);
  require(::umount2(".", MNT_DETACH) == 0, Stage::kPivot);
  require(::chdir("/") == 0, Stage::kPivot);
}

/// No further namespaces below ours, whoever asks. A second lock: seccomp holds as well.
void forbid_nested() {
  for (const char* kind : {"user", "net", "ipc", "uts", "cgroup", "time"}) {
    char path[64];
    std::snprintf(path, sizeof path, "sys/user/max_%s_namespaces", kind);
    (void)write_proc(path, "0");
  }
}

/// What no program below can ever hold again, not even by running a file.
void empty_bounding_set() {
  for (unsigned long capability = 0; capability < 64; ++capability)
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
      require(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0, Stage::kCapabilities);
}

}  // namespace

void enter_jail() {
  state.procfs = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  require(state.procfs >= 0, Stage::kProcfs);
  become_user();
  if (!has_namespaces()) return;
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  require(::unshare(CLONE_NEWUSER) == 0, Stage::kUserNamespace);
  map_ids(uid, gid);
  require(
      ::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) == 0,
      Stage::kNamespaces);
  require(::sethostname("sandbox", 7) == 0, Stage::kNamespaces);
  fill_root();
  change_root();
  forbid_nested();
  empty_bounding_set();
}

}  // namespace moebius::scorers::sandbox::inside
