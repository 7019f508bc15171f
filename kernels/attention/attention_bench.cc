// Speed of host attention on shapes of DeepSeek-V2-Lite, Qwen3-30B-A3B, DeepSeek-V3 and OLMoE.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/attention/attention_case.h"

namespace moebius::kernels {
namespace {

constexpr CaseShape kV2Lite{16, 1, 576, 512, true, Dtype::kBF16};
constexpr CaseShape kV3{128, 1, 576, 512, true, Dtype::kBF16};
constexpr CaseShape kQwen3{32, 4, 128, 128, false, Dtype::kBF16};
constexpr CaseShape kOlmoe{16, 16, 128, 128, false, Dtype::kBF16};
constexpr CaseShape kQwen3Wide{32, 4, 128, 128, false, Dtype::kF32};

void run(benchmark::State& state, const CaseShape& shape, std::vector<std::int64_t> lengths,
         const std::vector<Span>& spans) {
  AttentionCase c(shape, std::move(lengths));
  ThreadPool pool(static_cast<int>(state.range(1)));
  Stream stream = Stream::host(pool);
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  LaunchLog log;
  stream.set_log(&log);
  batch.run(stream);
  const Launch launch = log.take().at(0);
  stream.set_log(nullptr);
  for (auto _ : state) {
    attention(batch.args, stream);
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto rate = [](std::int64_t n) {
    return Counter(static_cast<double>(n) * 1e-9, Counter::kIsIterationInvariantRate);
  };
  state.counters["GFLOP/s"] = rate(launch.flops);
  state.counters["GB/s"] = rate(launch.bytes);
}

/// range(0) tokens of one prompt.
void prefill(benchmark::State& state, const CaseShape& shape) {
  run(state, shape, {state.range(0)}, {{0, 0, state.range(0)}});
}

/// One token of one sequence of range(0) tokens.
void decode(benchmark::State& state, const CaseShape& shape) {
  run(state, shape, {state.range(0)}, {{0, state.range(0) - 1, 1}});
}

/// One token each of 16 sequences of range(0) tokens.
void decode_16(benchmark::State& state, const CaseShape& shape) {
  std::vector<Span> spans;
  for (std::int64_t s = 0; s < 16; ++s) spans.push_back({s, state.range(0) - 1, 1});
  run(state, shape, std::vector<std::int64_t>(16, state.range(0)), spans);
}

void threads(benchmark::internal::Benchmark* b) {
  b->ArgNames({"tokens", "threads"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  b->MinTime(0.2)->MeasureProcessCPUTime();
}
void prompts(benchmark::internal::Benchmark* b) {
  threads(b);
  for (const int n : {1, 2}) b->Args({128, n})->Args({512, n});
}
void contexts(benchmark::internal::Benchmark* b) {
  threads(b);
  for (const int n : {1, 2}) b->Args({500, n})->Args({4000, n});
}

BENCHMARK_CAPTURE(prefill, v2_lite, kV2Lite)->Apply(prompts);
BENCHMARK_CAPTURE(prefill, v3, kV3)->Apply(prompts);
BENCHMARK_CAPTURE(prefill, qwen3, kQwen3)->Apply(prompts);
BENCHMARK_CAPTURE(prefill, qwen3_f32, kQwen3Wide)->Apply(prompts);
BENCHMARK_CAPTURE(prefill, olmoe, kOlmoe)->Apply(prompts);
BENCHMARK_CAPTURE(decode, v2_lite, kV2Lite)->Apply(contexts);
BENCHMARK_CAPTURE(decode, v3, kV3)->Apply(contexts);
BENCHMARK_CAPTURE(decode, qwen3, kQwen3)->Apply(contexts);
BENCHMARK_CAPTURE(decode, olmoe, kOlmoe)->Apply(contexts);
BENCHMARK_CAPTURE(decode_16, v2_lite, kV2Lite)->Apply(contexts);
BENCHMARK_CAPTURE(decode_16, qwen3, kQwen3)->Apply(contexts);

}  // namespace
}  // namespace moebius::kernels
