// Embedding lookup at DeepSeek-V3's, V2-Lite's and Qwen3-30B's widths, bf16 tables.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/embedding/embedding.h"

namespace moebius::kernels {
namespace {

void BM_embedding(benchmark::State& state) {
  const std::int64_t rows = state.range(0), dim = state.range(1), vocab = 4096;
  std::vector<std::uint16_t> table(vocab * dim, 0x3F80);
  std::vector<std::int32_t> ids(rows);
  for (std::int64_t r = 0; r < rows; ++r) ids[r] = static_cast<std::int32_t>(r * 977 % vocab);
  std::vector<float> y(rows * dim);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const EmbeddingArgs args{
      .ids = ids.data(),
      .rows = rows,
      .table = {.data = table.data(), .dtype = Dtype::kBF16, .rows = vocab, .cols = dim},
      .y = y.data()};
  for (auto _ : state) embedding(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * dim * 6);
}
BENCHMARK(BM_embedding)
    ->ArgNames({"rows", "dim"})
    ->Args({1, 7168})
    ->Args({512, 7168})
    ->Args({512, 2048})
    ->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
