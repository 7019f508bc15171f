// Isolated programs per second: a trivial program, as many callers as the sandbox has workers.
#include <benchmark/benchmark.h>

#include <memory>

#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::sandbox {
namespace {

std::shared_ptr<Sandbox> shared_sandbox() {
  static const std::shared_ptr<Sandbox> sandbox = open(Options{});
  return sandbox;
}

void isolated_run(benchmark::State& state) {
  const std::shared_ptr<Sandbox> sandbox = shared_sandbox();
  Program program;
  program.code = "print(sum(map(int, input().split())))";
  program.input = "2 3\n";
  for ([[maybe_unused]] auto _ : state) {
    const Outcome outcome = sandbox->run(program);
    if (outcome.end != End::kExited || outcome.out != "5\n") {
      state.SkipWithError("wrong outcome");
      break;
    }
  }
  state.counters["runs/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(isolated_run)->Threads(1)->Threads(4)->Threads(8)->UseRealTime()->MinTime(3);

}  // namespace
}  // namespace moebius::scorers::sandbox

BENCHMARK_MAIN();
