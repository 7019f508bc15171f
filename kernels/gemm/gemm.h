// Matrix products with weights: dense, one per head, and one per expert.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

/// Dense product.
struct GemmArgs {
  const float* x = nullptr;  // [rows, w.cols], rows ldx elements apart
  std::int64_t ldx = 0;
  Matrix w;                     // [n, k]
  const float* bias = nullptr;  // [n] or null
  float* y = nullptr;           // out [rows, n], rows ldy elements apart; may not overlap x
  std::int64_t ldy = 0;
  std::int64_t rows = 0;  // >= 0; 0 does nothing
  Precision precision = Precision::kF32;
};

/// The same product for each of `heads` heads: x and y advance by a column
/// offset, w by a number of rows.
struct HeadGemmArgs {
  const float* x = nullptr;  // head h reads [rows, w.cols] at x + h * x_head
  std::int64_t ldx = 0;
  std::int64_t x_head = 0;
  Matrix w;            // head h uses rows [w_first + h * w_head, ... + n)
  std::int64_t n = 0;  // outputs per head
  std::int64_t w_first = 0;
  std::int64_t w_head = 0;
  std::int64_t heads = 0;
  float* y = nullptr;  // out, head h writes [rows, n] at y + h * y_head
  std::int64_t ldy = 0;
  std::int64_t y_head = 0;
  std::int64_t rows = 0;
  Precision precision = Precision::kF32;
};

/// One product per expert over the rows routed to it.
///
/// With `up` empty: y = x w^T. With `up` given: y = silu(x w^T) * (x up^T), the
/// gate-up half of an MLP in one pass over x.
struct GroupedGemmArgs {
  const float* x = nullptr;  // [*, k], rows ldx elements apart
  std::int64_t ldx = 0;
  const std::int32_t* x_rows = nullptr;  // [rows] which row of x each row reads, or null for itself
  std::span<const Matrix> w;             // [groups], each [n, k]
  std::span<const Matrix> up;            // [groups], each [n, k], or empty
  const std::int32_t* offsets =
      nullptr;         // [groups + 1], rows of group g; lives where the stream runs
  float* y = nullptr;  // out [rows, n], rows ldy elements apart
  std::int64_t ldy = 0;
  std::int64_t rows = 0;  // == offsets[groups]
  Precision precision = Precision::kF32;
};

/// y[r, i] = sum_k x[r, k] * w[i, k] (+ bias[i]), in the canonical order.
///
/// Canonical order (engine/README.md, "The canonical order"): K is walked in
/// blocks of 32, zero-padded at the end. A block makes two chains of 16 fused
/// multiply-adds from +0, one over its even and one over its odd k; their sum is
/// added to the accumulator. Subnormal inputs and results count as zero. This is
/// what TDPBF16PS computes for one tile (Intel SDM), and what the other paths
/// repeat, so bits depend on the row of x and on w alone: not on the other rows,
/// the threads or the processor.
/// With f16 and f32 weights x enters whole; with all others each piece of x has an
/// accumulator of its own, added as (high + middle) + low at the end. Weights with
/// group scales enter as bf16(value * scale). Block scales (fp8): a fresh accumulator
/// every 128 k, times the block's scale, added to the total by one fused multiply-add.
///
/// Source   DeepSeek-V3 inference/model.py, linear(); fp8 as in kernel.py, fp8_gemm.
/// Dtypes   x, bias, y float32; w any Dtype.
/// Memory   All pointers live where `stream` runs. No allocation beyond the
///          stream's own scratch, kept between launches.
/// Cost     2 * rows * n * k FLOPs; w is read once from memory.
/// Errors   std::invalid_argument if a size is negative, a pointer missing or a
///          stride too short.
void gemm(const GemmArgs& args, const Stream& stream);
void head_gemm(const HeadGemmArgs& args, const Stream& stream);
void grouped_gemm(const GroupedGemmArgs& args, const Stream& stream);

/// The definition of correct for gemm: serial, one std::fma at a time.
void gemm_reference(const GemmArgs& args);

/// Names the path that host products take here: "amx", "avx512", "avx2" or "neon".
const char* gemm_path();

/// Restricts host products to one path, for tests and benchmarks: "amx", "simd"
/// or "auto". Throws std::invalid_argument if this processor lacks it.
void set_gemm_path(const char* path);

}  // namespace moebius::kernels
