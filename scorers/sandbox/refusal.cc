// What users read when a layer is missing.
#include <array>
#include <cerrno>
#include <cstring>

#include "scorers/sandbox/zygote.h"

namespace moebius::scorers::sandbox {
namespace {

struct Layer {
  const char* name;  // for doctor and the refusal
  const char* what;  // "cannot WHAT"
  const char* fix;
};

constexpr const char* kNamespaceFix =
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for this "
    "binary, or run in a container whose seccomp profile allows unshare";

constexpr std::array<Layer, static_cast<std::size_t>(Stage::kCount)> kLayers = {{
    {"protocol", "talk to the fork server", "this is a defect, please report it"},
    {"unprivileged user", "become an unprivileged host user", "start as that user yourself"},
    {"user namespace", "create a user namespace", kNamespaceFix},
    {"id map", "map the user of a user namespace", kNamespaceFix},
    {"namespaces", "create mount, network, ipc, uts and cgroup namespaces", kNamespaceFix},
    {"private root", "build a private root",
     "a Linux 5.12 or later with tmpfs, and python below /usr"},
    {"private devices", "bind null, zero, full and urandom", "a /dev with these four"},
    {"private root", "change to the private root", kNamespaceFix},
    {"private /work", "mount a private /work", kNamespaceFix},
    {"processes", "start a process", "raise the limit of processes (ulimit -u)"},
    {"procfs", "open /proc", "mount /proc on the host"},
    {"resource limits", "set resource limits", "this is a defect, please report it"},
    {"capabilities", "drop capabilities", "this is a defect, please report it"},
    {"no new privileges", "forbid new privileges", "a Linux 3.5 or later"},
    {"landlock", "restrict files by Landlock",
     "a Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK and \"landlock\" in lsm="},
    {"seccomp", "load a seccomp filter", "a Linux with CONFIG_SECCOMP_FILTER"},
}};

std::string reason(Stage stage, int error) {
  std::string text = std::strerror(error);
  if (stage == Stage::kIdMap && (error == EPERM || error == EACCES))
    text += " (AppArmor may restrict unprivileged user namespaces)";
  if (stage == Stage::kUserNamespace && error == ENOSPC)
    text += " (user.max_user_namespaces is reached or 0)";
  if (stage == Stage::kUserNamespace && error == EPERM)
    text += " (forbidden by the container's seccomp profile or kernel.unprivileged_userns_clone)";
  return text;
}

}  // namespace

const char* stage_name(Stage stage) {
  return stage < Stage::kCount ? kLayers[static_cast<std::size_t>(stage)].name : "unknown";
}

std::string refusal(Stage stage, int error) {
  const Layer& layer =
      kLayers[static_cast<std::size_t>(stage < Stage::kCount ? stage : Stage::kProtocol)];
  return std::string("sandbox: cannot ") + layer.what + ": " + reason(stage, error) +
         ". Model-written code will NOT be run. Fix: " + layer.fix +
         ". Weaker, explicit: --sandbox=landlock (no process or memory isolation). None: "
         "--unsafe-no-sandbox (marks every result UNSANDBOXED)";
}

}  // namespace moebius::scorers::sandbox
