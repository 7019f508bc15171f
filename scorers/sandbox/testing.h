// For this room's tests: one sandbox for a test binary, or the reason why there is none here.
#pragma once

#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::sandbox {

/// Whether the machine has what kFull needs, asked of the kernel and not of the code under test.
inline bool machine_can() {
  static const bool can = [] {
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
      return false;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 ? 0 : 1);
    int status = 1;
    return ::waitpid(child, &status, 0) == child && status == 0 &&
           ::access("/usr/bin/python3", X_OK) == 0;
  }();
  return can;
}

class SandboxTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (machine_can()) sandbox_ = open(Options{});
  }
  static void TearDownTestSuite() { sandbox_.reset(); }
  void SetUp() override {
    if (!sandbox_) GTEST_SKIP() << "no user namespaces, Landlock or /usr/bin/python3 here";
  }

  /// Small limits, so that what must be ended is ended soon.
  static Program program(std::string code, std::string input = "") {
    Program made;
    made.code = std::move(code);
    made.input = std::move(input);
    made.limits.cpu_seconds = 3;
    made.limits.wall_seconds = 20;
    return made;
  }
  static Outcome run(std::string code, std::string input = "") {
    return sandbox_->run(program(std::move(code), std::move(input)));
  }

  inline static std::shared_ptr<Sandbox> sandbox_;
};

inline const char* end_name(End end) {
  constexpr const char* kNames[] = {"exited",       "signalled",    "cpu limit",
                                    "wall limit",   "memory limit", "process limit",
                                    "output limit", "disk limit",   "stopped"};
  return kNames[static_cast<int>(end)];
}

}  // namespace moebius::scorers::sandbox
