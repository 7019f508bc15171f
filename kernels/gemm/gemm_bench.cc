// Products at model shapes: TFLOP/s of useful work, GB/s of weights.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "kernels/gemm/gemm.h"

namespace moebius::kernels {
namespace {

void bench_gemm(benchmark::State& state, Dtype dtype, Precision precision) {
  const std::int64_t rows = state.range(0), n = state.range(1), k = state.range(2);
  std::mt19937 random(1);
  // Several copies of the weights, so that none stays in the caches.
  const std::int64_t copies = std::max<std::int64_t>(1, (512 << 20) / (n * k * 2));
  std::vector<std::uint16_t> weights(copies * n * k);
  for (auto& value : weights) value = static_cast<std::uint16_t>(0x3c00 + random() % 0x300);
  std::vector<float> x(rows * k, 1.25F), y(rows * n);
  std::vector<float> scale((n / 128 + 1) * (k / 128 + 1), 0.5F);
  for (auto& value : x) value += static_cast<float>(random() % 1000) * 1e-3F;
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  std::int64_t copy = 0;
  for (auto _ : state) {
    const Matrix w{weights.data() + copy * n * k, dtype, n, k, scale.data()};
    gemm({.x = x.data(),
          .ldx = k,
          .w = w,
          .y = y.data(),
          .ldy = n,
          .rows = rows,
          .precision = precision},
         stream);
    copy = (copy + 1) % copies;
  }
  const double flops = 2.0 * static_cast<double>(rows * n * k);
  state.counters["TFLOPs"] =
      benchmark::Counter(flops * 1e-12, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["GBs"] = benchmark::Counter(
      static_cast<double>(n * k) * static_cast<double>(dtype_bytes(dtype)) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "n", "k"})->UseRealTime();
  for (int rows : {1, 4, 16, 32, 128, 512}) b->Args({rows, 2048, 2048});
}

BENCHMARK_CAPTURE(bench_gemm, bf16_weights_f32, Dtype::kBF16, Precision::kF32)->Apply(shapes);
BENCHMARK_CAPTURE(bench_gemm, bf16_weights_bf16, Dtype::kBF16, Precision::kBF16)->Apply(shapes);
BENCHMARK_CAPTURE(bench_gemm, fp8_weights_f32, Dtype::kF8E4M3, Precision::kF32)->Apply(shapes);

}  // namespace
}  // namespace moebius::kernels
