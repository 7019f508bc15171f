// HumanEval: a checker process and a solver process, and the relay between them.
//
// Source  openai/human-eval execution.py: prompt + completion + test + check(entry_point), 3 s.
// Deltas  The candidate lives in another process: it cannot see the test, and what it returns is
//         judged by its base type. Time is processor time. Arguments are copies.
#include <openssl/rand.h>

#include <memory>
#include <string>
#include <utility>

#include "scorers/code/drivers.h"
#include "scorers/code/extraction.h"
#include "scorers/code/relay.h"
#include "scorers/code/unicode.h"
#include "scorers/code/verdict.h"
#include "scorers/sandbox/sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

using code::Judgement;
using code::Process;

// The checker runs the data set's code and a comparison a call: seconds here are a fault.
constexpr double kCheckerSeconds = 10;

std::string random_nonce() {
  std::string nonce(16, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), static_cast<int>(nonce.size())) !=
      1) {
    throw Error("humaneval: no random bytes for the nonce");
  }
  return nonce;
}

class HumanEvalScorer final : public Scorer {
 public:
  HumanEvalScorer(HumanEvalProblem problem, CodeExtraction extraction, bool think_opened,
                  std::shared_ptr<sandbox::Sandbox> box)
      : problem_(std::move(problem)),
        extraction_(extraction),
        think_opened_(think_opened),
        sandbox_(std::move(box)) {}

  std::string_view name() const override { return "code.humaneval"; }
  int version() const override { return 1; }

  Score score(const Answer& answer) const override {
    const Spoken spoken = spoken_part(answer.text, think_opened_);
    if (spoken.think_unclosed) {
      return code::make_score({Verdict::kThinkUnclosed, "<think> was never closed"}, "", "");
    }
    const code::HumanEvalProgram program =
        code::humaneval_program(problem_, extraction_, spoken.text);
    if (code::strip(spoken.text).empty()) {
      return code::make_score({Verdict::kNoAnswer, "nothing was written"}, "", "");
    }
    Judgement judgement = attempt(program.source, false);
    if (judgement.doubtful()) judgement = attempt(program.source, true);
    Score score = code::make_score(judgement, program.shown,
                                   code::stamp(*sandbox_, solver_limits(), "two processes"));
    score.tests.push_back({judgement.verdict, judgement.cpu_seconds, score.reason});
    return score;
  }

 private:
  sandbox::Limits solver_limits() const {
    sandbox::Limits limits;
    limits.cpu_seconds = problem_.seconds;
    // Each answer has a limit of its own; this is for all of them and the checker's turns.
    limits.wall_seconds = 3 * (problem_.seconds + kCheckerSeconds) + 2;
    limits.memory_bytes = problem_.memory_bytes;
    return limits;
  }

  sandbox::Limits checker_limits() const {
    sandbox::Limits limits;
    limits.cpu_seconds = kCheckerSeconds;
    // Most of the time it waits for the solver.
    limits.wall_seconds = 3 * (problem_.seconds + kCheckerSeconds) + 2;
    return limits;
  }

  Process start(const std::string& driver, const sandbox::Limits& limits, bool alone) const {
    const sandbox::Program program{.code = driver, .input = "", .channel = true, .limits = limits};
    return Process(alone ? sandbox_->start_alone(program) : sandbox_->start(program));
  }

  Judgement attempt(const std::string& source, bool alone) const {
    // The sandbox lets a thread that is inside enter again, alone or not: two programs of one
    // thread never wait for those of another that holds one place, too.
    Process solver = start(code::humaneval_solver(), solver_limits(), alone);
    Process checker = start(code::humaneval_checker(), checker_limits(), false);
    code::Relay relay{problem_, source, random_nonce(), problem_.seconds};
    Judgement judgement = relay.run(solver, checker);
    checker.finish();
    const sandbox::Outcome& theirs = solver.finish();
    judgement.cpu_seconds = theirs.cpu_seconds;
    code::fail_if_asleep(judgement, theirs, problem_.seconds);
    return judgement;
  }

  HumanEvalProblem problem_;
  CodeExtraction extraction_;
  bool think_opened_;
  std::shared_ptr<sandbox::Sandbox> sandbox_;
};

}  // namespace

ScorerPtr make_humaneval_scorer(HumanEvalProblem problem, CodeExtraction extraction,
                                bool think_opened, std::shared_ptr<sandbox::Sandbox> box) {
  return std::make_shared<HumanEvalScorer>(std::move(problem), extraction, think_opened,
                                           std::move(box));
}

}  // namespace moebius::scorers
