// Speed of the host LM head at the vocabularies of DeepSeek-V2-Lite, Qwen3-30B-A3B and DeepSeek-V3.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/lm_head/lm_head.h"

namespace moebius::kernels {
namespace {

/// Arguments: rows, top_k, threads.
void head(benchmark::State& state, std::int64_t vocab, std::int64_t dim) {
  const std::int64_t rows = state.range(0), top_k = state.range(1);
  std::vector<std::uint16_t> w(vocab * dim);
  std::uint32_t random = 1;
  for (std::uint16_t& value : w) {
    random = random * 1664525U + 1013904223U;
    value = static_cast<std::uint16_t>(0x3C00U | (random >> 16 & 0x80FFU));
  }
  std::vector<float> x(rows * dim), logsumexp(rows), top_logits(rows * top_k);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 31) * 0.1F - 1.5F;
  std::vector<std::int32_t> top_ids(rows * top_k);
  ThreadPool pool(static_cast<int>(state.range(2)));
  const Stream stream = Stream::host(pool);
  LmHeadArgs args{.x = x.data(),
                  .rows = rows,
                  .w = {.data = w.data(), .dtype = Dtype::kBF16, .rows = vocab, .cols = dim},
                  .logsumexp = logsumexp.data(),
                  .top_k = top_k,
                  .top_ids = top_ids.data(),
                  .top_logits = top_logits.data()};
  std::vector<std::byte> workspace(lm_head_workspace_bytes(args, stream));
  args.workspace = workspace.data();
  for (auto _ : state) lm_head(args, stream);
  using benchmark::Counter;
  const auto rate = [](std::int64_t n) {
    return Counter(static_cast<double>(n) * 1e-9, Counter::kIsIterationInvariantRate);
  };
  state.counters["GFLOP/s"] = rate(2 * rows * vocab * dim);
  state.counters["GB/s"] = rate(2 * vocab * dim + 4 * rows * dim);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "top_k", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->MinTime(0.2)->MeasureProcessCPUTime();
  b->Args({1, 1, 2})->Args({1, 1024, 2})->Args({16, 20, 2})->Args({256, 0, 2});
}

BENCHMARK_CAPTURE(head, v2_lite, 102400, 2048)->Apply(sizes);
BENCHMARK_CAPTURE(head, qwen3, 151936, 2048)->Apply(sizes);
BENCHMARK_CAPTURE(head, v3, 129280, 7168)->Args({1, 1, 2})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moebius::kernels
