// Shared by the tests of this folder: a sandbox, scorers for small problems, reference data.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "scorers/sandbox/sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {

/// The sandbox tests run in: full isolation, else the reason why not in `why`.
std::shared_ptr<sandbox::Sandbox> test_sandbox(std::string& why);

/// A problem whose only function is f.
HumanEvalProblem small_problem(const std::string& asserts, const std::string& helpers = "");

/// The verdict on `program` as a whole program for `problem`.
Score judge_humaneval(const HumanEvalProblem& problem, const std::string& program,
                      std::shared_ptr<sandbox::Sandbox> sandbox);

Score judge_livecodebench(const std::string& program, const std::string& fn_name,
                          std::vector<ProgramTest> tests, LiveCodeBenchMode mode,
                          std::shared_ptr<sandbox::Sandbox> sandbox);

}  // namespace moebius::scorers::code
