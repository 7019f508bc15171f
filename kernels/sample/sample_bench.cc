// Sampling over the vocabularies of DeepSeek-V3, V2-Lite and Qwen3-30B.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "kernels/sample/sample.h"

namespace moebius::kernels {
namespace {

void run(benchmark::State& state, const Draw& draw) {
  const std::int64_t rows = state.range(0), vocab = state.range(1);
  std::vector<float> logits(rows * vocab);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = 8 * std::sin(static_cast<float>(i * 7 % 100'003));
  }
  std::vector<Draw> draws(rows, draw);
  for (std::int64_t r = 0; r < rows; ++r) draws[r].sample = static_cast<std::uint64_t>(r);
  std::vector<std::int32_t> ids(rows);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  SampleArgs args{.logits = logits.data(),
                  .rows = rows,
                  .vocab = vocab,
                  .draws = draws.data(),
                  .ids = ids.data()};
  std::vector<char> workspace(sample_workspace_bytes(args, stream));
  args.workspace = workspace.data();
  for (auto _ : state) sample(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * vocab * 4);
}

void BM_sample_plain(benchmark::State& state) {
  run(state, {});
}
void BM_sample_top_p(benchmark::State& state) {
  run(state, {.temperature = 0.6F, .top_p = 0.95F});
}
void BM_sample_top_k_top_p(benchmark::State& state) {
  run(state, {.temperature = 0.6F, .top_p = 0.95F, .top_k = 20});
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "vocab"})->UseRealTime();
  b->Args({1, 129280})->Args({16, 129280})->Args({1, 102400})->Args({1, 151936});
}
BENCHMARK(BM_sample_plain)->Apply(sizes);
BENCHMARK(BM_sample_top_p)->Apply(sizes);
BENCHMARK(BM_sample_top_k_top_p)->Apply(sizes);

}  // namespace
}  // namespace moebius::kernels
