// Elementwise passes over hidden states of DeepSeek-V3, V2-Lite and Qwen3-30B.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/vector/vector.h"

namespace moebius::kernels {
namespace {

void BM_add(benchmark::State& state) {
  const std::int64_t count = state.range(0) * state.range(1);
  std::vector<float> x(count, 1.0F), y(count, 0.0F);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  for (auto _ : state) add(x.data(), y.data(), count, stream);
  state.SetBytesProcessed(state.iterations() * count * 12);
}
BENCHMARK(BM_add)
    ->ArgNames({"rows", "dim"})
    ->Args({1, 7168})
    ->Args({512, 7168})
    ->Args({512, 2048})
    ->UseRealTime();

void BM_copy_rows(benchmark::State& state) {
  const std::int64_t rows = state.range(0), dim = state.range(1);
  std::vector<float> x(rows * dim, 1.0F), y(rows * dim);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const CopyRowsArgs args{
      .x = x.data(), .ldx = dim, .y = y.data(), .ldy = dim, .rows = rows, .width = dim};
  for (auto _ : state) copy_rows(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * dim * 8);
}
BENCHMARK(BM_copy_rows)
    ->ArgNames({"rows", "dim"})
    ->Args({512, 7168})
    ->Args({512, 2048})
    ->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
