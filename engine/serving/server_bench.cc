// What the serving core costs per step besides the Stepper: decode at several batch sizes.
#include <benchmark/benchmark.h>

#include <ctime>

#include "engine/serving/server.h"
#include "engine/serving/test_tokenizer.h"

namespace moebius::engine {
namespace {

double thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

/// Answers at once, and counts what its thread computes outside of step().
class InstantStepper : public Stepper {
 public:
  std::int32_t vocab() const override { return 256; }
  std::int32_t pages() const override { return 1 << 16; }
  std::int32_t max_rows() const override { return 512; }
  std::int32_t max_heads() const override { return 512; }
  std::int32_t max_context() const override { return 1 << 14; }
  void copy_page(std::int32_t, std::int32_t, std::int32_t) override {}

  std::vector<StepResult> step(const StepBatch& batch) override {
    if (steps > 0) outside_us += thread_cpu_us() - left_us;
    ++steps;
    std::vector<StepResult> results(batch.heads.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      results[i].token = 'a' + static_cast<std::int32_t>(i % 20);
      results[i].target_logits.resize(batch.heads[i].targets.size());
      if (batch.heads[i].top > 0) results[i].top_ids = {0}, results[i].top_logits = {0};
    }
    left_us = thread_cpu_us();
    return results;
  }

  double left_us = 0;
  double outside_us = 0;
  std::int64_t steps = 0;
};

void serve(benchmark::State& state, const std::vector<Request>& requests) {
  const auto tokenizer = test_tokenizer(TestBos::kNone);
  std::int64_t steps = 0;
  double outside_us = 0;
  for (auto _ : state) {
    InstantStepper stepper;
    Server server(stepper, tokenizer.get(), {.eos_ids = {0}});
    server.submit(requests, [](const Completion&) {});
    server.wait();
    steps += stepper.steps;
    outside_us += stepper.outside_us;
  }
  state.counters["us_per_step"] = outside_us / static_cast<double>(steps);
  state.counters["steps"] = static_cast<double>(steps) / static_cast<double>(state.iterations());
}

/// range(0) sequences decode 1,000 tokens each, with stop strings to look for.
void decode(benchmark::State& state) {
  Request request{.prompt = {.text = "question"},
                  .generate = Generate{.max_new_tokens = 1000, .stop = {"\n\nQuestion:", "<end>"}}};
  serve(state, std::vector<Request>(state.range(0), request));
}
BENCHMARK(decode)->Arg(1)->Arg(64)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

/// 2,000 questions of 100 tokens behind one instruction of 1,000, four choices each.
void score(benchmark::State& state) {
  std::vector<Request> requests(2000);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].prompt.ids.assign(1100, 1);
    for (std::size_t t = 1000; t < 1100; ++t) {
      requests[i].prompt.ids[t] = static_cast<std::int32_t>((i >> (t % 11)) % 256);
    }
    requests[i].score = Score{{{.ids = {1}}, {.ids = {2}}, {.ids = {3}}, {.ids = {4}}}};
  }
  serve(state, requests);
}
BENCHMARK(score)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moebius::engine

BENCHMARK_MAIN();
