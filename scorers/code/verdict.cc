// Endings to verdicts.
#include "scorers/code/verdict.h"

#include <fmt/format.h>

#include <csignal>

#include "scorers/code/wire.h"

namespace moebius::scorers::code {
namespace {

using sandbox::End;
using sandbox::Session;

// A header of four printable characters is text on the wrong descriptor, not a length.
bool is_text(std::string_view header) {
  if (header.size() != 4) return false;
  for (const char c : header) {
    if (c < 0x20 && c != '\n' && c != '\t') return false;
  }
  return true;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const std::size_t begin = text.rfind('\n');
  return one_line(begin == std::string_view::npos ? text : text.substr(begin + 1));
}

}  // namespace

Judgement judge_death(const sandbox::Outcome& outcome) {
  const double cpu = outcome.cpu_seconds;
  const std::string said = last_line(outcome.err);
  switch (outcome.end) {
    case End::kExited:
      return {Verdict::kRuntimeError,
              fmt::format("ended with status {}{}{}", outcome.code, said.empty() ? "" : ": ", said),
              cpu};
    case End::kSignalled:
      return {Verdict::kRuntimeError, fmt::format("killed by signal {}", outcome.code), cpu,
              outcome.code == SIGKILL};
    case End::kCpuLimit:
      return {Verdict::kTimeLimit, fmt::format("processor time: {:.2f} s", cpu), cpu};
    case End::kWallLimit:
      return {Verdict::kTimeLimit, fmt::format("clock: {:.2f} s", outcome.wall_seconds), cpu};
    case End::kMemoryLimit:
      return {Verdict::kMemoryLimit,
              fmt::format("memory: peak {} MiB", outcome.peak_bytes / (1 << 20)), cpu};
    case End::kProcessLimit:
      return {Verdict::kProcessLimit, "too many processes", cpu};
    case End::kOutputLimit:
      return {Verdict::kOutputLimit, "too much output", cpu};
    case End::kDiskLimit:
      return {Verdict::kDiskLimit, "too much written to disk", cpu};
    case End::kStopped:
      break;
  }
  return {Verdict::kProtocolViolation, "closed its channel or wrote into it", cpu};
}

const sandbox::Outcome& Process::finish() {
  if (!outcome_) outcome_ = session_->finish();
  return *outcome_;
}

Judgement judge_silence(Process& process, Session::Heard heard, std::string_view received) {
  const sandbox::Outcome& outcome = process.finish();
  const bool of_its_own = outcome.end != End::kStopped;
  if (heard == Session::Heard::kTooLong) {
    if (is_text(received)) {
      return {Verdict::kProtocolViolation, "wrote text into its channel", outcome.cpu_seconds};
    }
    return {Verdict::kOutputLimit, "a reply longer than the limit", outcome.cpu_seconds};
  }
  if (heard == Session::Heard::kTimeLimit && !of_its_own) {
    return {Verdict::kTimeLimit,
            fmt::format("no reply in time: {:.2f} s of processor time, {:.2f} s of the clock",
                        outcome.cpu_seconds, outcome.wall_seconds),
            outcome.cpu_seconds};
  }
  return judge_death(outcome);
}

void fail_if_asleep(Judgement& judgement, const sandbox::Outcome& outcome, double limit) {
  if (!judgement.passed() || outcome.asleep_seconds <= limit) return;
  judgement.verdict = Verdict::kTimeLimit;
  judgement.reason = fmt::format("clock: asleep for {:.2f} s", outcome.asleep_seconds);
}

Score make_score(const Judgement& judgement, std::string_view extracted, std::string sandbox) {
  Score score;
  score.verdict = judgement.verdict;
  score.value = judgement.passed() ? 1 : 0;
  score.extracted = valid_utf8(extracted.substr(0, kMaxExtracted));
  while (score.extracted.size() > kMaxExtracted) {
    // Replacement characters are longer than what they replace.
    score.extracted = valid_utf8(extracted.substr(0, kMaxExtracted / 3));
  }
  score.reason = one_line(judgement.reason);
  score.sandbox = std::move(sandbox);
  return score;
}

std::string stamp(const sandbox::Sandbox& sandbox, const sandbox::Limits& limits,
                  std::string_view mode) {
  return fmt::format("{}; cpu {} s, memory {} MiB, processes {}, output {} KiB, disk {} MiB; {}",
                     sandbox.stamp(), limits.cpu_seconds, limits.memory_bytes >> 20,
                     limits.processes, limits.output_bytes >> 10, limits.disk_bytes >> 20, mode);
}

}  // namespace moebius::scorers::code
