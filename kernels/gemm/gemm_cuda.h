// Matrix products on the device: dense, one per head, one per expert; float32 by vector
// units, bf16 and fp8 by tensor cores.
#pragma once

#include <cstdint>

#include "kernels/device/rows.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// y = x w^T (+ bias), or with `pairs` y = silu(x gate^T) * (x up^T) of a pair-packed w.
///
/// Dense:    heads == 1, groups == 0.
/// Per head: head h multiplies columns [x_head * h, + w.cols) of x by rows [w_first + w_head * h,
///           + n) of w into columns [y_head * h, + n) of y.
/// Grouped:  rows [offsets[g], offsets[g + 1]) of x meet matrix g of w, which has groups * n
///           rows. The host knows only the sum, `rows`.
struct GemmCudaArgs {
  Rows x;                       // [rows, w.cols], or with one_row [1, w.cols]
  DeviceMatrix w;               // [n, w.cols], or more rows as above
  const float* bias = nullptr;  // [n] or null; dense only
  Rows y;                       // out [rows, n] (pairs: n / 2); kF32 or kBF16
  std::int64_t rows = 0;        // >= 0; 0 does nothing
  std::int64_t n = 0;           // outputs per head or group, before pairing
  bool pairs = false;           // not per head, no bias

  std::int64_t heads = 1;
  std::int64_t x_head = 0, w_first = 0, w_head = 0, y_head = 0;

  std::int64_t groups = 0;
  const std::int32_t* offsets = nullptr;  // [groups + 1], device memory
  /// The last full_groups groups have full_rows rows each, and all groups together `rows`: known
  /// before the offsets are, so that a launch may begin with them. Speed only.
  std::int64_t full_groups = 0, full_rows = 0;
  /// Of a grouped product of bf16: x is one row, which every row multiplies, and no group has more
  /// than one: a single token's experts need no copies of it.
  bool one_row = false;
};

/// Canonical order: one accumulator per output in float32, ascending k, in the steps of the
/// tensor cores (k 16 for bf16, 32 for fp8). The instruction's shape, which operand is which, tile
/// sizes and the other rows do not change bits: kernels/gemm/README.md has the proof by
/// exhaustive test. fp8: a fresh accumulator every 128 k, total = fma(accumulator, x scale *
/// w scale, total); where a dense w has few rows and k is long (n <= 2304, w.cols >= 4096, no
/// pairs) four such totals over quarters of k, added in their order. float32 x: one chain of fmaf
/// over ascending k from +0; fp8 weights as value * scale first. silu(g) = g / (1 + exp(-g)) in
/// float32 before the only rounding, to y's dtype.
///
/// Source   DeepSeek-V3 inference/model.py, linear(); kernel.py, fp8_gemm.
/// Dtypes   x kF32: w any; x kBF16: w kBF16; x kF8E4M3: w kF8E4M3.
/// Limits   w.cols a multiple of 8 (16 for fp8; any for kF32); n a multiple of 8 (any for kF32;
///          16 with pairs). fp8: heads and w_first begin on scale blocks (x_head, w_head, w_first
///          multiples of 128), y_head a multiple of 8. At most 1024 groups.
/// Memory   No allocation. y may not overlap x.
/// Errors   std::invalid_argument on a broken limit; DeviceError.
void gemm_cuda(const GemmCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
