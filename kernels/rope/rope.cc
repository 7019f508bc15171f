// Rotary embedding on the host.
#include "kernels/rope/rope.h"

#include <cmath>

#include "kernels/ragged_rows.h"
#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rope/rope.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// (a, b) -> (a cos - b sin, b cos + a sin)
template <class V>
HWY_INLINE void rotate(V& a, V& b, V cos, V sin) {
  const V turned = hn::MulSub(a, cos, hn::Mul(b, sin));
  b = hn::MulAdd(b, cos, hn::Mul(a, sin));
  a = turned;
}
HWY_INLINE void rotate(float& a, float& b, float cos, float sin) {
  const float turned = std::fma(a, cos, -(b * sin));
  b = std::fma(b, cos, a * sin);
  a = turned;
}

HWY_INLINE void rotate_halves(float* x, const float* cos, const float* sin, std::int64_t half) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + half + i);
    rotate(a, b, hn::LoadU(d, cos + i), hn::LoadU(d, sin + i));
    hn::StoreU(a, d, x + i);
    hn::StoreU(b, d, x + half + i);
  }
  for (; i < half; ++i) rotate(x[i], x[half + i], cos[i], sin[i]);
}

HWY_INLINE void rotate_interleaved(float* x, const float* cos, const float* sin,
                                   std::int64_t half) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    hn::VFromD<decltype(d)> a, b;
    hn::LoadInterleaved2(d, x + 2 * i, a, b);
    rotate(a, b, hn::LoadU(d, cos + i), hn::LoadU(d, sin + i));
    hn::StoreInterleaved2(a, b, d, x + 2 * i);
  }
  for (; i < half; ++i) rotate(x[2 * i], x[2 * i + 1], cos[i], sin[i]);
}

void rope_rows(const RopeArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = begin; r < end; ++r) {
    const float* cos = a.cos + r * a.half;
    const float* sin = a.sin + r * a.half;
    for (std::int64_t h = 0; h < a.heads; ++h) {
      float* x = a.x + r * a.ldx + h * a.head_stride;
      if (a.pairs == RopePairs::kHalves) {
        rotate_halves(x, cos, sin, a.half);
      } else {
        rotate_interleaved(x, cos, sin, a.half);
      }
    }
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(rope_rows);

// Double precision throughout: the float32 result is then nearly always the nearest.
void table_row(const RopeTableArgs& a, std::int64_t row, std::int64_t position) {
  for (std::int64_t i = 0; i < a.half; ++i) {
    const float angle = static_cast<float>(position) * a.inv_freq[i];
    const double exact = angle;
    a.cos[row * a.half + i] = static_cast<float>(std::cos(exact)) * a.scale;
    a.sin[row * a.half + i] = static_cast<float>(std::sin(exact)) * a.scale;
  }
}

}  // namespace

void rope_table(const RopeTableArgs& args, const Stream& stream) {
  require(args.half >= 1, "rope_table: half < 1");
  require_ragged(args.batch, "rope_table: malformed batch");
  if (args.batch.rows == 0) return;
  require(args.inv_freq && args.cos && args.sin, "rope_table: inv_freq, cos or sin is null");
  const std::int64_t elements = args.batch.rows * args.half;
  const LaunchScope scope(stream.log(), "rope_table",
                          (2 * elements + args.half) * std::int64_t{sizeof(float)}, 3 * elements);
  // A sine costs as much as some twenty elements of other work.
  for_row_blocks(stream, args.batch.rows, 20 * args.half,
                 [&](std::int64_t begin, std::int64_t end) {
                   for_ragged_rows(args.batch, begin, end,
                                   [&](std::int64_t row, std::int64_t, std::int64_t position) {
                                     table_row(args, row, position);
                                   });
                 });
}

void rope(const RopeArgs& args, const Stream& stream) {
  require(args.rows >= 0, "rope: rows < 0");
  require(args.heads >= 0, "rope: heads < 0");
  require(args.half >= 1, "rope: half < 1");
  require(args.rows <= 1 || args.ldx >= 2 * args.half, "rope: ldx < 2 * half");
  require(args.heads <= 1 || args.head_stride >= 2 * args.half, "rope: head_stride < 2 * half");
  if (args.rows == 0 || args.heads == 0) return;
  require(args.x && args.cos && args.sin, "rope: x, cos or sin is null");
  const std::int64_t pairs = args.rows * args.heads * args.half;
  const LaunchScope scope(stream.log(), "rope",
                          (4 * pairs + 2 * args.rows * args.half) * std::int64_t{sizeof(float)},
                          6 * pairs);
  for_row_blocks(stream, args.rows, 2 * args.heads * args.half,
                 [&](std::int64_t begin, std::int64_t end) {
                   HWY_DYNAMIC_DISPATCH(rope_rows)(args, begin, end);
                 });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
