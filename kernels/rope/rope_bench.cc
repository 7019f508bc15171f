// Rotary embedding at DeepSeek-V3's, V2-Lite's and Qwen3-30B's heads.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/rope/rope.h"

namespace moebius::kernels {
namespace {

void BM_rope(benchmark::State& state) {
  const std::int64_t rows = state.range(0), heads = state.range(1), half = state.range(2);
  const std::int64_t head_stride = state.range(3), ldx = heads * head_stride;
  std::vector<float> x(rows * ldx, 1.0F), cos(rows * half, 0.8F), sin(rows * half, 0.6F);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const RopeArgs args{.x = x.data(),
                      .ldx = ldx,
                      .heads = heads,
                      .head_stride = head_stride,
                      .cos = cos.data(),
                      .sin = sin.data(),
                      .half = half,
                      .rows = rows,
                      .pairs = state.range(4) != 0 ? RopePairs::kInterleaved : RopePairs::kHalves};
  for (auto _ : state) rope(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * (heads * 4 + 2) * half * 4);
}
BENCHMARK(BM_rope)
    ->ArgNames({"rows", "heads", "half", "stride", "interleaved"})
    ->Args({1, 128, 32, 192, 1})
    ->Args({512, 128, 32, 192, 1})
    ->Args({512, 16, 32, 192, 1})
    ->Args({512, 32, 64, 128, 0})
    ->UseRealTime();

void BM_rope_table(benchmark::State& state) {
  const std::int64_t rows = state.range(0), half = state.range(1);
  std::vector<float> inv_freq(half, 0.01F), cos(rows * half), sin(rows * half);
  const std::int32_t row_begin[] = {0, static_cast<std::int32_t>(rows)}, position_begin[] = {0};
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const RopeTableArgs args{.inv_freq = inv_freq.data(),
                           .half = half,
                           .batch = {.sequences = 1,
                                     .rows = rows,
                                     .row_begin = row_begin,
                                     .position_begin = position_begin},
                           .cos = cos.data(),
                           .sin = sin.data()};
  for (auto _ : state) rope_table(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * half * 8);
}
BENCHMARK(BM_rope_table)->ArgNames({"rows", "half"})->Args({1, 32})->Args({512, 64})->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
