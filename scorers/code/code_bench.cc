// Verdicts a second: HumanEval as two processes, LiveCodeBench in both modes.
#include <benchmark/benchmark.h>

#include <string>

#include "scorers/code/testing/cases.h"

namespace moebius::scorers::code {
namespace {

std::shared_ptr<sandbox::Sandbox> opened(benchmark::State& state) {
  std::string why;
  std::shared_ptr<sandbox::Sandbox> box = test_sandbox(why);
  if (!box) state.SkipWithError(why.c_str());
  return box;
}

void humaneval(benchmark::State& state) {
  const auto box = opened(state);
  const HumanEvalProblem problem = small_problem(
      "    for n in range(7):\n        assert candidate(list(range(n))) == list(range(n))\n");
  for (auto _ : state) {
    if (!box) break;
    benchmark::DoNotOptimize(judge_humaneval(problem, "def f(x): return sorted(x)", box));
  }
}

void livecodebench(benchmark::State& state) {
  const auto box = opened(state);
  const auto mode = static_cast<LiveCodeBenchMode>(state.range(0));
  for (auto _ : state) {
    if (!box) break;
    benchmark::DoNotOptimize(
        judge_livecodebench("print(int(input()) * 2)", "", {{"3", "6"}}, mode, box));
  }
}

BENCHMARK(humaneval)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(humaneval)->Threads(4)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(livecodebench)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moebius::scorers::code
