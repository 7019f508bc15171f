// RMSNorm at the widths of DeepSeek-V3, V2-Lite and Qwen3-30B: hidden states with the
// residual sum, and Qwen3's heads.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/rms_norm/rms_norm.h"

namespace moebius::kernels {
namespace {

void BM_rms_norm(benchmark::State& state) {
  const std::int64_t rows = state.range(0), dim = state.range(1);
  const bool with_residual = state.range(2) != 0;
  std::vector<float> x(rows * dim, 1.0F), residual(rows * dim, 0.5F), weight(dim, 1.0F),
      y(rows * dim);
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  const RmsNormArgs args{.x = x.data(),
                         .ldx = dim,
                         .residual = with_residual ? residual.data() : nullptr,
                         .weight = weight.data(),
                         .y = y.data(),
                         .ldy = dim,
                         .rows = rows,
                         .dim = dim,
                         .eps = 1e-6F};
  for (auto _ : state) rms_norm(args, stream);
  state.SetBytesProcessed(state.iterations() * rows * dim * (with_residual ? 16 : 8));
}
BENCHMARK(BM_rms_norm)
    ->ArgNames({"rows", "dim", "residual"})
    ->Args({1, 7168, 1})
    ->Args({512, 7168, 1})
    ->Args({1, 2048, 1})
    ->Args({512, 2048, 1})
    ->Args({512 * 32, 128, 0})
    ->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
