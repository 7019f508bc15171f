// The relay: a loop over the checker's frames, every frame of the solver checked.
#include "scorers/code/relay.h"

#include <optional>

#include "scorers/code/json_value.h"
#include "scorers/code/wire.h"

namespace moebius::scorers::code {
namespace {

using sandbox::Outcome;
using sandbox::Session;
using Heard = Session::Heard;

constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kMaxNames = 1 << 20;  // bytes of the names frame that are passed on

/// An exception as describe() of wire.py writes it.
bool is_exception(const Value& value) {
  if (value.tag != 'l' || value.items.size() != 2) return false;
  const Value& names = value.items[0];
  if (names.tag != 'l' || names.items.empty() || value.items[1].tag != 's') return false;
  for (const Value& name : names.items) {
    if (name.tag != 's') return false;
  }
  return true;
}

std::string show_exception(const Value& value) {
  std::string text(value.items[0].items[0].bytes);
  if (!value.items[1].bytes.empty()) (text += ": ") += value.items[1].bytes;
  return one_line(text);
}

Judgement violation(const std::string& what) {
  return {Verdict::kProtocolViolation, what};
}

class Exchange {
 public:
  Exchange(const Relay& relay, Process& solver, Process& checker)
      : relay_(relay), solver_(solver), checker_(checker) {}

  Judgement run() {
    if (!load() || !set_up_checker()) return judgement_;
    for (;;) {
      std::string frame;
      if (!hear_checker(frame)) return judgement_;
      if (frame.starts_with('V')) return conclude(frame);
      if (frame.starts_with('D')) dataset_fails(frame);
      if (!frame.starts_with('C') || frame.size() < 6) fails("an unknown frame");
      if (!pass_on(frame)) return judgement_;
    }
  }

 private:
  bool settle(Judgement judgement) {
    judgement_ = std::move(judgement);
    return false;
  }
  [[noreturn]] void fails(const std::string& what) const {
    throw Error("humaneval: " + relay_.problem.id + ": checker: " + what);
  }
  [[noreturn]] void dataset_fails(const std::string& frame) const {
    std::string problem;
    const std::optional<Value> text = parse_value(std::string_view(frame).substr(1), problem);
    throw Error("humaneval: " + relay_.problem.id +
                ": prompt or test does not run: " + (text ? one_line(text->bytes) : problem));
  }

  bool hear_solver(std::string& frame) {
    const Heard heard = solver_.session().receive(frame, relay_.seconds, kMaxFrame);
    return heard == Heard::kFrame || settle(judge_silence(solver_, heard, frame));
  }

  /// Sends the program, waits until it is loaded.
  bool load() {
    std::string setup = "P";
    put_tuple(setup, 2);
    put_str(setup, relay_.source);
    put_str(setup, relay_.problem.entry_point);
    solver_.session().send(setup);  // if it has died, receive() says so
    std::string frame;
    if (!hear_solver(frame)) return false;
    return frame.starts_with('X') ? load_failed(frame) : loaded(frame);
  }

  bool load_failed(std::string_view frame) {
    std::string problem = "it is no exception";
    const auto error = frame.size() < 2 ? std::nullopt : parse_value(frame.substr(2), problem);
    if (!error || !is_exception(*error)) return settle(violation("load failure: " + problem));
    return settle(
        {frame[1] == 'S' ? Verdict::kSyntaxError : Verdict::kRuntimeError, show_exception(*error)});
  }

  bool loaded(std::string_view frame) {
    std::string problem = "a list of names was expected";
    if (!frame.starts_with('L')) return settle(violation("a frame before the program was loaded"));
    const auto names = parse_value(frame.substr(1), problem);
    if (!names || names->tag != 'l' || frame.size() > kMaxNames) {
      return settle(violation("names: " + problem));
    }
    for (const Value& name : names->items) {
      if (name.tag != 's') return settle(violation("names: " + problem));
    }
    names_ = frame.substr(1);
    return true;
  }

  bool set_up_checker() {
    std::string setup = "P";
    put_tuple(setup, 5);
    put_bytes(setup, relay_.nonce);
    put_str(setup, relay_.problem.prompt);
    put_str(setup, relay_.problem.test);
    put_str(setup, relay_.problem.entry_point);
    setup += names_;
    checker_.session().send(setup);
    return true;
  }

  /// The checker's death is ours, but for what a solver's values made it spend.
  bool hear_checker(std::string& frame) {
    const Heard heard = checker_.session().receive(frame, relay_.seconds, 2 * kMaxFrame);
    if (heard == Heard::kFrame) return true;
    const Outcome& outcome = checker_.finish();
    Judgement judgement = judge_death(outcome);
    if (heard == Heard::kTimeLimit) judgement = {Verdict::kTimeLimit, "comparing what it returned"};
    if (replies_ > 0 &&
        (judgement.verdict == Verdict::kTimeLimit || judgement.verdict == Verdict::kMemoryLimit)) {
      judgement.reason = "in the test, with a returned value: " + judgement.reason;
      return settle(judgement);
    }
    fails(judgement.reason + (outcome.err.empty() ? "" : ": " + one_line(outcome.err)));
  }

  bool pass_on(std::string_view call) {
    ++calls_;
    const std::string_view id = call.substr(1, 4);
    check_arguments(call.substr(5));
    solver_.session().send(call);
    std::string reply;
    if (!hear_solver(reply)) return false;
    const bool raised = reply.starts_with('E');
    if (reply.size() < 6 || (!raised && !reply.starts_with('R')) ||
        std::string_view(reply).substr(1, 4) != id) {
      return settle(violation("a reply to no call"));
    }
    std::string problem = "it is no exception";
    const auto value = parse_value(std::string_view(reply).substr(5), problem);
    if (!value || (raised && !is_exception(*value))) return settle(violation("reply: " + problem));
    if (raised) exception_ = show_exception(*value);
    returned_ = raised ? "" : show(*value);
    ++replies_;
    checker_.session().send(reply);
    return true;
  }

  /// The checker refuses to pass on what a solver returned without representation; what is opaque
  /// here was so in the data set.
  void check_arguments(std::string_view bytes) const {
    std::string problem;
    const auto value = parse_value(bytes, problem);
    if (!value) fails("arguments of a call: " + problem);
    if (holds_opaque(*value)) fails("an argument of a call has no representation");
  }

  static bool holds_opaque(const Value& value) {
    if (value.tag == 'O' || value.tag == 'o') return true;
    for (const Value& item : value.items) {
      if (holds_opaque(item)) return true;
    }
    return false;
  }

  Judgement conclude(std::string_view frame) {
    std::string problem;
    if (frame.size() < kNonceBytes + 3 || frame.substr(1, kNonceBytes) != relay_.nonce) {
      fails("a verdict without the nonce");
    }
    const auto text = parse_value(frame.substr(kNonceBytes + 2), problem);
    if (!text || text->tag != 's') fails("a verdict without a text: " + problem);
    const char kind = frame[kNonceBytes + 1];
    if (calls_ == 0 && kind != 'M') {
      throw Error("humaneval: " + relay_.problem.id + ": the test never called " +
                  relay_.problem.entry_point + ": " + one_line(text->bytes));
    }
    if (!dismiss()) return judgement_;
    switch (kind) {
      case 'P':
        return {Verdict::kPass, ""};
      case 'E':
        return {Verdict::kRuntimeError, exception_};
      default:
        return {Verdict::kWrong, one_line(text->bytes) + " (call " + std::to_string(calls_) +
                                     (returned_.empty() ? "" : " returned " + returned_) + ")"};
    }
  }

  /// Whatever else the solver has written comes out now. That it dies here changes nothing: its
  /// answers were in.
  bool dismiss() {
    std::string frame;
    if (!solver_.session().send("Q")) return true;
    const Heard heard = solver_.session().receive(frame, relay_.seconds, kMaxFrame);
    if (heard == Heard::kFrame && frame == "B") return true;
    if (heard == Heard::kFrame) return settle(violation("frames beyond its replies"));
    return heard != Heard::kTooLong || settle(violation("bytes beyond its replies"));
  }

  const Relay& relay_;
  Process& solver_;
  Process& checker_;
  std::string names_;
  Judgement judgement_;
  int calls_ = 0;
  int replies_ = 0;
  std::string exception_;  // of the last call that raised
  std::string returned_;   // of the last call, if it returned
};

}  // namespace

Judgement Relay::run(Process& solver, Process& checker) {
  return Exchange(*this, solver, checker).run();
}

}  // namespace moebius::scorers::code
