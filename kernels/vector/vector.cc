// Elementwise passes on the host.
#include "kernels/vector/vector.h"

#include <algorithm>
#include <cstring>

#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vector/vector.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void add_some(float* x, const float* y, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i);
  }
  for (; i < end; ++i) x[i] += y[i];
}

void clip_some(float* x, float limit, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto high = hn::Set(d, limit), low = hn::Set(d, -limit);
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    auto v = hn::LoadU(d, x + i);
    v = hn::IfThenElse(hn::Lt(v, low), low, v);  // by comparisons, so that a NaN stays
    v = hn::IfThenElse(hn::Gt(v, high), high, v);
    hn::StoreU(v, d, x + i);
  }
  for (; i < end; ++i) x[i] = x[i] < -limit ? -limit : x[i] > limit ? limit : x[i];
}

void silu_mul_some(const float* gate, const float* up, float* y, std::int64_t begin,
                   std::int64_t end) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    hn::StoreU(hn::Mul(silu(d, hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, y + i);
  }
  for (; i < end; ++i) y[i] = silu_scalar(gate[i]) * up[i];
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(add_some);
HWY_EXPORT(clip_some);
HWY_EXPORT(silu_mul_some);

constexpr std::int64_t kFloatBytes = sizeof(float);

}  // namespace

void add(float* x, const float* y, std::int64_t count, const Stream& stream) {
  require(count >= 0, "add: count < 0");
  if (count == 0) return;
  require(x && y, "add: x or y is null");
  const LaunchScope scope(stream.log(), "add", 3 * count * kFloatBytes, count);
  for_row_blocks(stream, count, 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(add_some)(x, y, begin, end);
  });
}

void clip(float* x, std::int64_t count, float limit, const Stream& stream) {
  require(count >= 0, "clip: count < 0");
  require(limit >= 0, "clip: limit is negative or NaN");
  if (count == 0) return;
  require(x, "clip: x is null");
  const LaunchScope scope(stream.log(), "clip", 2 * count * kFloatBytes, 0);
  for_row_blocks(stream, count, 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(clip_some)(x, limit, begin, end);
  });
}

void silu_mul(const float* gate, const float* up, float* y, std::int64_t count,
              const Stream& stream) {
  require(count >= 0, "silu_mul: count < 0");
  if (count == 0) return;
  require(gate && up && y, "silu_mul: gate, up or y is null");
  const LaunchScope scope(stream.log(), "silu_mul", 3 * count * kFloatBytes, 4 * count);
  for_row_blocks(stream, count, 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(silu_mul_some)(gate, up, y, begin, end);
  });
}

void copy_rows(const CopyRowsArgs& args, const Stream& stream) {
  require(args.rows >= 0 && args.width >= 0, "copy_rows: rows or width < 0");
  if (args.rows == 0 || args.width == 0) return;
  require(args.x && args.y, "copy_rows: x or y is null");
  require(args.rows == 1 || args.ldy >= args.width, "copy_rows: ldy < width");
  require(args.ldx >= args.width || (args.rows == 1 && !args.x_rows), "copy_rows: ldx < width");
  require(!args.x_rows || std::all_of(args.x_rows, args.x_rows + args.rows,
                                      [](std::int32_t row) { return row >= 0; }),
          "copy_rows: a negative row of x");
  const LaunchScope scope(stream.log(), "copy_rows", 2 * args.rows * args.width * kFloatBytes, 0);
  for_row_blocks(stream, args.rows, args.width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const float* x = args.x + (args.x_rows ? args.x_rows[r] : r) * args.ldx;
      std::memcpy(args.y + r * args.ldy, x, static_cast<std::size_t>(args.width * kFloatBytes));
    }
  });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
