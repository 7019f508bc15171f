// From how a program ended to what that means for its answer, and the Score made of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "scorers/sandbox/sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {

/// A verdict with its reason, one line.
struct Judgement {
  Verdict verdict = Verdict::kWrong;
  std::string reason;
  double cpu_seconds = 0;
  bool killed = false;  // by SIGKILL, and not by us
  /// May be this machine's doing, its load or its want of memory: counts only once it has happened
  /// again, alone.
  bool doubtful() const { return verdict == Verdict::kTimeLimit || killed; }
  bool passed() const { return verdict == Verdict::kPass; }
};

/// For a program that ended where it should have answered. kExited and kSignalled are runtime
/// errors, kStopped (alive, yet no longer talking) is a protocol violation.
Judgement judge_death(const sandbox::Outcome& outcome);

/// A session and, once it has been ended, how it went.
class Process {
 public:
  explicit Process(std::unique_ptr<sandbox::Session> session) : session_(std::move(session)) {}
  sandbox::Session& session() { return *session_; }
  const sandbox::Outcome& finish();  // ends it the first time

 private:
  std::unique_ptr<sandbox::Session> session_;
  std::optional<sandbox::Outcome> outcome_;
};

/// A process that said something else than a frame: why, from its Heard and its Outcome.
/// `received` is what receive() left behind. Ends the process.
Judgement judge_silence(Process& process, sandbox::Session::Heard heard, std::string_view received);

/// The official graders' limit is one of the clock: a judgement that passed becomes a time-out if
/// the program slept for longer than `limit` seconds. A busy machine makes programs slow, but
/// does not make them sleep.
void fail_if_asleep(Judgement& judgement, const sandbox::Outcome& outcome, double limit);

/// A Score with its text fields filled and bounded.
Score make_score(const Judgement& judgement, std::string_view extracted, std::string sandbox);

/// "<stamp>; <limits>; <mode>".
std::string stamp(const sandbox::Sandbox& sandbox, const sandbox::Limits& limits,
                  std::string_view mode);

}  // namespace moebius::scorers::code
