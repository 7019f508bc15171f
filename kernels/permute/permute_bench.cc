// Permutation and the slot-ordered sum at DeepSeek-V3's, V2-Lite's and Qwen3-30B's sizes.
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "kernels/permute/permute.h"

namespace moebius::kernels {
namespace {

void BM_permute(benchmark::State& state) {
  const std::int64_t rows = state.range(0), top_k = state.range(1), experts = state.range(2);
  std::vector<std::int32_t> ids(rows * top_k), offsets(experts + 1), rows_out(ids.size()),
      slots(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 37 % experts);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const PermuteArgs args{.expert_ids = ids.data(),
                         .rows = rows,
                         .top_k = top_k,
                         .experts = experts,
                         .offsets = offsets.data(),
                         .source_rows = rows_out.data(),
                         .slots = slots.data()};
  for (auto _ : state) permute(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * top_k * 12);
}
BENCHMARK(BM_permute)
    ->ArgNames({"rows", "top_k", "experts"})
    ->Args({1, 8, 256})
    ->Args({512, 8, 256})
    ->Args({512, 6, 64})
    ->Args({512, 8, 128})
    ->UseRealTime();

void BM_combine(benchmark::State& state) {
  const std::int64_t rows = state.range(0), top_k = state.range(1), dim = state.range(2);
  std::vector<float> out(rows * top_k * dim, 1.0F), weights(rows * top_k, 0.125F),
      shared(rows * dim, 1.0F), y(rows * dim);
  std::vector<std::int32_t> slots(rows * top_k);
  std::iota(slots.begin(), slots.end(), 0);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const CombineArgs args{.expert_out = out.data(),
                         .slots = slots.data(),
                         .weights = weights.data(),
                         .shared = shared.data(),
                         .y = y.data(),
                         .rows = rows,
                         .top_k = top_k,
                         .dim = dim};
  for (auto _ : state) combine(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * dim * (top_k + 2) * 4);
}
BENCHMARK(BM_combine)
    ->ArgNames({"rows", "top_k", "dim"})
    ->Args({1, 8, 7168})
    ->Args({256, 8, 7168})
    ->Args({256, 6, 2048})
    ->Args({256, 8, 2048})
    ->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
