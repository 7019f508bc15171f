// One fork server: a warm interpreter in its own jail that becomes each program in turn.
#pragma once

#include <sys/types.h>

#include <string>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/fd.h"
#include "scorers/sandbox/policy.h"
#include "scorers/sandbox/wire.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

/// A failed set-up of a layer: what() is the refusal, with the ways out.
struct LayerError : Error {
  LayerError(Stage at, int error);
  Stage stage;
  int code;  // errno
};

class Zygote {
 public:
  /// Starts the interpreter, puts it into `group` (may be null), builds the jail, waits for its
  /// greeting. `uid`: host user to become, 0: ours. Throws LayerError or Error.
  Zygote(const Options& options, const Filter& filter, uid_t uid, Group* group);
  ~Zygote();  // ends it and all below it
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;

  struct Started {
    Fd process;  // pidfd of the program's first process
    pid_t pid = 0;
    std::int64_t cpu_ns = 0;  // what forking cost the server
  };
  /// `fds` in the order of Request. False if the server is gone and nothing was started.
  /// Throws LayerError, or Error on any surprise.
  bool start(const Request& request, const int* fds, Started& started);

  /// Whether it said that nothing is left; false after `milliseconds` without a word, or if the
  /// server is gone.
  bool reaped(int milliseconds);

  int control() const { return control_.get(); }
  pid_t pid() const { return pid_; }
  const std::string& versions() const { return versions_; }  // "3.11.2 1.24.2", or "3.11.2 -"

 private:
  void spawn(const Options& options, const Fd& library, const Fd& theirs);
  void send_setup(const Options& options, const Filter& filter, uid_t uid);
  Reply expect(ReplyKind kind, Fd* handed);

  Fd control_;
  pid_t pid_ = -1;
  std::string versions_;
};

/// The text for users: what is missing, why, and the ways out.
std::string refusal(Stage stage, int error);

/// Whether `reply`, read from a process, is one of ours: magic, kinds, stages, text ended.
bool valid_reply(const Reply& reply);

}  // namespace moebius::scorers::sandbox
