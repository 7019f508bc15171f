// Small problems and the sandbox they are judged in.
#include "scorers/code/testing/cases.h"

#include <utility>

namespace moebius::scorers::code {

std::shared_ptr<sandbox::Sandbox> test_sandbox(std::string& why) try {
  static const std::shared_ptr<sandbox::Sandbox> box = sandbox::open({});
  return box;
} catch (const Error& error) {
  why = error.what();
  return nullptr;
}

HumanEvalProblem small_problem(const std::string& asserts, const std::string& helpers) {
  HumanEvalProblem problem;
  problem.id = "own/0";
  problem.prompt = helpers + "def f(*args):\n    \"\"\"What the test says.\"\"\"\n";
  problem.test = "def check(candidate):\n" + asserts;
  problem.entry_point = "f";
  return problem;
}

Score judge_humaneval(const HumanEvalProblem& problem, const std::string& program,
                      std::shared_ptr<sandbox::Sandbox> sandbox) {
  const ScorerPtr scorer =
      make_humaneval_scorer(problem, CodeExtraction::kWholeProgram, false, std::move(sandbox));
  return scorer->score({.text = program});
}

Score judge_livecodebench(const std::string& program, const std::string& fn_name,
                          std::vector<ProgramTest> tests, LiveCodeBenchMode mode,
                          std::shared_ptr<sandbox::Sandbox> sandbox) {
  auto problem = std::make_shared<LiveCodeBenchProblem>();
  problem->id = "own/0";
  problem->fn_name = fn_name;
  problem->tests = std::move(tests);
  const ScorerPtr scorer =
      make_livecodebench_scorer(problem, mode, false, true, false, std::move(sandbox));
  return scorer->score({.text = program});
}

}  // namespace moebius::scorers::code
