// Cache writes at the entry widths of DeepSeek (576) and Qwen3-30B (1024), bf16.
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "kernels/kv_write/kv_write.h"

namespace moebius::kernels {
namespace {

void BM_kv_write(benchmark::State& state) {
  const std::int64_t rows = state.range(0), width = state.range(1);
  const std::int64_t pages = (rows + kPageTokens - 1) / kPageTokens;
  std::vector<float> x(rows * width, 1.0F);
  std::vector<std::uint16_t> cache(pages * kPageTokens * width);
  std::vector<std::int32_t> page_ids(pages);
  std::iota(page_ids.begin(), page_ids.end(), 0);
  const std::int32_t row_begin[] = {0, static_cast<std::int32_t>(rows)}, position_begin[] = {0};
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const KvWriteArgs args{
      .x = x.data(),
      .ldx = width,
      .width = width,
      .batch = {.sequences = 1,
                .rows = rows,
                .row_begin = row_begin,
                .position_begin = position_begin,
                .pages = page_ids.data(),
                .max_pages = pages},
      .kv = {.data = cache.data(), .dtype = Dtype::kBF16, .pages = pages, .width = width}};
  for (auto _ : state) kv_write(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * width * 6);
}
BENCHMARK(BM_kv_write)
    ->ArgNames({"rows", "width"})
    ->Args({1, 576})
    ->Args({512, 576})
    ->Args({512, 1024})
    ->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
