// RMSNorm on the host: two passes over a row, the second from the first-level cache.
#include "kernels/rms_norm/rms_norm.h"

#include <cmath>
#include <cstring>

#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rms_norm/rms_norm.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/lanes16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

// Up to 16 values, the rest zero: a zero adds nothing to its chain, so the tail
// needs no code of its own.
HWY_INLINE Lanes16 load_some(const float* x, std::int64_t count) {
  float buffer[16] = {};
  std::memcpy(buffer, x, static_cast<std::size_t>(count) * sizeof(float));
  return Lanes16::load(buffer);
}
HWY_INLINE void store_some(const Lanes16& v, float* y, std::int64_t count) {
  float buffer[16];
  v.store(buffer);
  std::memcpy(y, buffer, static_cast<std::size_t>(count) * sizeof(float));
}

// residual += x
HWY_INLINE void add_row(const float* x, float* residual, std::int64_t dim) {
  std::int64_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    (Lanes16::load(residual + i) + Lanes16::load(x + i)).store(residual + i);
  }
  for (; i < dim; ++i) residual[i] += x[i];
}

HWY_INLINE float sum_of_squares(const float* v, std::int64_t dim) {
  Lanes16 sum = Lanes16::zero();
  std::int64_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    const Lanes16 x = Lanes16::load(v + i);
    sum.add_product(x, x);
  }
  if (i < dim) {
    const Lanes16 x = load_some(v + i, dim - i);
    sum.add_product(x, x);
  }
  return sum.tree_sum();
}

HWY_INLINE void scale_row(const float* v, const float* weight, float factor, float* y,
                          std::int64_t dim) {
  std::int64_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    (Lanes16::load(weight + i) * (Lanes16::load(v + i) * factor)).store(y + i);
  }
  if (i < dim) {
    const Lanes16 w = load_some(weight + i, dim - i);
    store_some(w * (load_some(v + i, dim - i) * factor), y + i, dim - i);
  }
}

void rms_norm_rows(const RmsNormArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = begin; r < end; ++r) {
    const float* v = a.x + r * a.ldx;
    if (a.residual) {
      float* residual = a.residual + r * a.dim;
      add_row(v, residual, a.dim);
      v = residual;
    }
    const float mean = sum_of_squares(v, a.dim) / static_cast<float>(a.dim);
    scale_row(v, a.weight, 1.0F / std::sqrt(mean + a.eps), a.y + r * a.ldy, a.dim);
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(rms_norm_rows);

LaunchScope launch_scope(const RmsNormArgs& a, const Stream& stream) {
  const std::int64_t elements = a.rows * a.dim;
  const std::int64_t passes = a.residual ? 4 : 2;  // x, y; the residual read and written
  return {stream.log(), "rms_norm", (passes * elements + a.dim) * std::int64_t{sizeof(float)},
          (a.residual ? 5 : 4) * elements};
}

}  // namespace

void rms_norm(const RmsNormArgs& args, const Stream& stream) {
  require(args.rows >= 0, "rms_norm: rows < 0");
  require(args.dim >= 1, "rms_norm: dim < 1");
  require(args.eps >= 0, "rms_norm: eps is negative or NaN");
  require(args.ldx >= args.dim, "rms_norm: ldx < dim");
  require(args.ldy >= args.dim, "rms_norm: ldy < dim");
  if (args.rows == 0) return;
  require(args.x && args.weight && args.y, "rms_norm: x, weight or y is null");
  const LaunchScope scope = launch_scope(args, stream);
  for_row_blocks(stream, args.rows, args.dim, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(rms_norm_rows)(args, begin, end);
  });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
