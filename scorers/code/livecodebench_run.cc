// Runs of LiveCodeBench programs. Expected outputs never leave this side.
#include "scorers/code/livecodebench_run.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "scorers/code/decimal.h"
#include "scorers/code/drivers.h"
#include "scorers/code/wire.h"

namespace moebius::scorers::code {
namespace {

using sandbox::Outcome;
using sandbox::Session;
using Heard = Session::Heard;

constexpr std::int64_t kMinOutput = 1 << 20;

std::string one_exception(const Value& value) {
  std::string text;
  if (value.tag == 'l' && value.items.size() == 2) {
    const Value& names = value.items[0];
    if (names.tag == 'l' && !names.items.empty()) text = names.items[0].bytes;
    if (!value.items[1].bytes.empty()) (text += ": ") += value.items[1].bytes;
  }
  return one_line(text);
}

Judgement violation(const std::string& what) {
  return {Verdict::kProtocolViolation, what};
}

Verdict verdict_of_kind(char kind) {
  return kind == 'T'   ? Verdict::kTimeLimit
         : kind == 'S' ? Verdict::kSyntaxError
                       : Verdict::kRuntimeError;
}

/// One interpreter that is given a program and then tests.
class Conversation {
 public:
  Conversation(const ProgramRun& run, bool official, bool alone)
      : run_(run), official_(official), process_(start(run, official, alone)) {}

  /// Loads the program; nothing if that went well.
  std::optional<Judgement> load() {
    std::string setup = "P";
    put_tuple(setup, 4);
    put_str(setup, run_.source);
    if (run_.problem.fn_name.empty()) {
      put_none(setup);
    } else {
      put_str(setup, run_.problem.fn_name);
    }
    put_float(setup, run_.problem.seconds);
    put_bool(setup, official_);
    process_.session().send(setup);
    std::string frame;
    if (auto silent = hear(frame)) return silent;
    if (frame == "LN") return std::nullopt;
    std::string problem = "a frame before the program was loaded";
    const auto error = frame.starts_with('X') && frame.size() > 2
                           ? parse_value(std::string_view(frame).substr(2), problem)
                           : std::nullopt;
    if (!error) return violation(problem);
    return Judgement{verdict_of_kind(frame[1]), one_exception(*error)};
  }

  Judgement test(std::size_t index) {
    std::string call = "C";
    put_u32(call, static_cast<std::uint32_t>(index));
    put_str(call, run_.problem.tests[index].input);
    process_.session().send(call);
    std::string frame;
    if (auto silent = hear(frame)) return *silent;
    constexpr std::size_t kHeader = 1 + 4 + 8;
    if (frame.size() <= kHeader || get_u32(frame, 1) != index) return violation("not a reply");
    Judgement judgement = read_reply(frame, kHeader, index);
    const double cpu = get_double(frame, 5);  // the solver's word, for information
    judgement.cpu_seconds = std::isfinite(cpu) ? std::clamp(cpu, 0.0, 1e6) : 0;
    return judgement;
  }

  /// After the last test: nothing more may have been written.
  std::optional<Judgement> dismiss() {
    std::string frame;
    if (!process_.session().send("Q")) return std::nullopt;
    const Heard heard = process_.session().receive(frame, 1, kMaxFrame);
    if (heard == Heard::kFrame && frame != "B") return violation("frames beyond its replies");
    if (heard == Heard::kTooLong) return violation("bytes beyond its replies");
    return std::nullopt;
  }

  const Outcome& finish() { return process_.finish(); }

 private:
  static Process start(const ProgramRun& run, bool official, bool alone) {
    sandbox::Program program{.code = livecodebench_driver(), .input = "", .channel = true};
    program.limits = test_limits(run, 0);
    // Of all tests together; each has its own bound in hear().
    const double tests = official ? static_cast<double>(run.problem.tests.size()) : 1;
    program.limits.cpu_seconds = (run.problem.seconds + 1) * tests + 5;
    program.limits.wall_seconds = 2 * program.limits.cpu_seconds;
    return Process(alone ? run.sandbox.start_alone(program) : run.sandbox.start(program));
  }

  std::optional<Judgement> hear(std::string& frame) {
    // In the original a program may swallow the alarm and go on; twice the time is enough to
    // learn whether it then comes to an end.
    const double seconds = official_ ? 2 * run_.problem.seconds + 1 : run_.problem.seconds;
    const Heard heard = process_.session().receive(frame, seconds, kMaxFrame);
    if (heard == Heard::kFrame) return std::nullopt;
    return judge_silence(process_, heard, frame);
  }

  Judgement read_reply(std::string_view frame, std::size_t header, std::size_t index) const {
    std::string problem = "a reply without a value";
    const bool raised = frame[0] == 'E';
    if (!raised && frame[0] != 'R') return violation("not a reply");
    const std::size_t from = header + (raised ? 1 : 0);
    const auto value = parse_value(frame.substr(std::min(from, frame.size())), problem);
    if (!value) return violation(problem);
    if (raised) return {verdict_of_kind(frame[header]), one_exception(*value)};
    return run_.problem.fn_name.empty() ? printed(*value, index) : returned(*value, index);
  }

  Judgement printed(const Value& value, std::size_t index) const {
    std::string why;
    if (value.tag != 's') return violation("output that is no text");
    if (outputs_match(value.bytes, run_.problem.tests[index].output, &why)) {
      return {Verdict::kPass, ""};
    }
    return {Verdict::kWrong, why};
  }

  Judgement returned(const Value& value, std::size_t index) const {
    const Arrays arrays = official_ ? Arrays::kAmbiguous : Arrays::kAsLists;
    if (python_equal(value, run_.expected[index], true, arrays)) return {Verdict::kPass, ""};
    return {Verdict::kWrong, "returned " + show(value) + ", expected " +
                                 one_line(run_.problem.tests[index].output, 100)};
  }

  const ProgramRun& run_;
  bool official_;
  Process process_;
};

/// Judgement of a process that has ended.
Judgement judge_process(const ProgramRun& run, const Outcome& outcome, std::size_t index) {
  if (outcome.end != sandbox::End::kExited || outcome.code != 0) {
    Judgement judgement = judge_death(outcome);
    for (const char* kind : {": SyntaxError", ": IndentationError", ": TabError"}) {
      if (judgement.verdict == Verdict::kRuntimeError &&
          judgement.reason.find(kind) != std::string::npos) {
        judgement.verdict = Verdict::kSyntaxError;
      }
    }
    return judgement;
  }
  std::string why;
  const bool match = outputs_match(outcome.out, run.problem.tests[index].output, &why);
  return {match ? Verdict::kPass : Verdict::kWrong, why, outcome.cpu_seconds};
}

}  // namespace

sandbox::Limits test_limits(const ProgramRun& run, std::size_t expected_bytes) {
  sandbox::Limits limits;
  limits.cpu_seconds = run.problem.seconds;
  limits.wall_seconds = 2 * run.problem.seconds + 2;  // asleep
  limits.memory_bytes = run.problem.memory_bytes;
  limits.output_bytes =
      std::max(kMinOutput, 2 * static_cast<std::int64_t>(expected_bytes) + (64 << 10));
  return limits;
}

std::vector<Judgement> run_official(const ProgramRun& run, bool alone) {
  Conversation conversation(run, true, alone);
  if (auto failed = conversation.load()) return {*failed};
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < run.problem.tests.size(); ++i) {
    judgements.push_back(conversation.test(i));
    if (!judgements.back().passed()) return judgements;
  }
  if (auto failed = conversation.dismiss()) judgements.back() = *failed;
  return judgements;
}

Judgement run_call(const ProgramRun& run, std::size_t index, bool alone) {
  Conversation conversation(run, false, alone);
  if (auto failed = conversation.load()) return *failed;
  Judgement judgement = conversation.test(index);
  if (judgement.passed()) judgement = conversation.dismiss().value_or(judgement);
  const Outcome& outcome = conversation.finish();
  judgement.cpu_seconds = outcome.cpu_seconds;
  fail_if_asleep(judgement, outcome, run.problem.seconds);
  return judgement;
}

Judgement run_process(const ProgramRun& run, std::size_t index, bool alone) {
  const ProgramTest& test = run.problem.tests[index];
  sandbox::Program program{.code = livecodebench_process(run.source), .input = test.input};
  program.limits = test_limits(run, test.output.size());
  const Outcome outcome = alone ? run.sandbox.run_alone(program) : run.sandbox.run(program);
  Judgement judgement = judge_process(run, outcome, index);
  fail_if_asleep(judgement, outcome, run.problem.seconds);
  return judgement;
}

}  // namespace moebius::scorers::code
