#include "kernels/limits/limits.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/limits/limits.cc"
#include "hwy/foreach_target.h"
// Highway after foreach_target, always.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Eight independent chains keep both units busy; returns FLOPs and keeps the sums alive.
double fused_multiply_adds(long steps, float* sink) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, 0.999F);
  const auto y = hn::Set(d, 1e-3F);
  auto a = hn::Iota(d, 0), b = a, c = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a;
  for (long step = 0; step < steps; ++step) {
    a = hn::MulAdd(a, x, y);
    b = hn::MulAdd(b, x, y);
    c = hn::MulAdd(c, x, y);
    e = hn::MulAdd(e, x, y);
    f = hn::MulAdd(f, x, y);
    g = hn::MulAdd(g, x, y);
    h = hn::MulAdd(h, x, y);
    i = hn::MulAdd(i, x, y);
    j = hn::MulAdd(j, x, y);
    k = hn::MulAdd(k, x, y);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)),
                           hn::Add(hn::Add(f, g), hn::Add(hn::Add(h, i), hn::Add(j, k))));
  *sink = hn::GetLane(hn::SumOfLanes(d, sum));
  return static_cast<double>(steps) * 10 * 2 * static_cast<double>(hn::Lanes(d));
}

float read_all(const float* data, std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (std::size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    a = hn::Add(a, hn::Load(d, data + i));
    b = hn::Add(b, hn::Load(d, data + i + lanes));
    c = hn::Add(c, hn::Load(d, data + i + 2 * lanes));
    e = hn::Add(e, hn::Load(d, data + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

const char* path_name() {
  return HWY_TARGET == HWY_AVX2 ? "avx2_f32" : HWY_TARGET == HWY_NEON ? "neon_f32" : "avx512_f32";
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(fused_multiply_adds);
HWY_EXPORT(read_all);
HWY_EXPORT(path_name);

constexpr int kPasses = 5;

template <class Body>
double seconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The best rate over several passes of work(task), one task per thread.
template <class Work>
double best_rate(const Stream& stream, const Work& work) {
  double best = 0;
  const int threads = stream.pool().threads();
  std::vector<double> done(threads);
  for (int pass = 0; pass < kPasses; ++pass) {
    const double spent = seconds([&] {
      stream.pool().run(threads, [&](std::int64_t task, int) { done[task] = work(task); });
    });
    double total = 0;
    for (double part : done) total += part;
    best = std::max(best, total / spent);
  }
  return best;
}

}  // namespace

double measure_read_bandwidth(const Stream& stream) {
  const std::size_t count = (std::size_t{512} << 20) / sizeof(float);
  const Buffer<float> data(count);
  const auto threads = static_cast<std::size_t>(stream.pool().threads());
  const std::size_t share = count / threads / 64 * 64;
  std::vector<float> sink(threads);
  std::fill_n(data.data(), count, 1.0F);
  return best_rate(stream, [&](std::int64_t task) {
    sink[task] = HWY_DYNAMIC_DISPATCH(read_all)(data.data() + task * share, share);
    return static_cast<double>(share * sizeof(float));
  });
}

MatrixPeak measure_matrix_peak(const Stream& stream) {
  constexpr long kSteps = 2'000'000;
  MatrixPeak peak{best_rate(stream, [](std::int64_t) { return amx_products(kSteps / 4); }),
                  "amx_bf16"};
  if (peak.flops_per_second > 0) return peak;
  std::vector<float> sink(stream.pool().threads());
  peak.path = HWY_DYNAMIC_DISPATCH(path_name)();
  peak.flops_per_second = best_rate(stream, [&](std::int64_t task) {
    return HWY_DYNAMIC_DISPATCH(fused_multiply_adds)(kSteps, &sink[task]);
  });
  return peak;
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
