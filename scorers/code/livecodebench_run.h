// Running a LiveCodeBench program on its tests: one session for all of them, or a process each.
#pragma once

#include <string>
#include <vector>

#include "scorers/code/json_value.h"
#include "scorers/code/verdict.h"
#include "scorers/sandbox/sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {

/// What a run needs; the caller keeps all of it alive.
struct ProgramRun {
  const LiveCodeBenchProblem& problem;
  const std::vector<Json>& expected;  // of functional tests, one each; else empty
  const std::string& source;
  sandbox::Sandbox& sandbox;
};

sandbox::Limits test_limits(const ProgramRun& run, std::size_t expected_bytes);

/// All tests in one interpreter, as testing_util.py runs them, up to the first failure.
std::vector<Judgement> run_official(const ProgramRun& run, bool alone);

/// Test `index` of a functional problem in a fresh interpreter.
Judgement run_call(const ProgramRun& run, std::size_t index, bool alone);

/// Test `index` of a standard input problem as a process with real pipes. Passes if it ends by
/// itself, by exit() or with status 0, and its output matches.
Judgement run_process(const ProgramRun& run, std::size_t index, bool alone);

}  // namespace moebius::scorers::code
