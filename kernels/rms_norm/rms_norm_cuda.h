// Root-mean-square normalisation on the device, with what precedes it (the residual sum, the
// experts' sum) and what follows (rounding, fp8 quantisation) in one pass.
#pragma once

#include <cstdint>

#include "kernels/device/rows.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// What the experts of a row gave, in slot order: the chain of fma(weight, row of slot, sum)
/// over slots from +0. Source: DeepSeek-V3 inference/model.py, class MoE.
struct ExpertSum {
  Rows expert_out;                      // [rows * slots, dim], permuted order; kF32 or kBF16
  const std::int32_t* slots = nullptr;  // [rows, slot_count], permuted row of each
  const float* weights = nullptr;       // [rows, slot_count]
  std::int64_t slot_count = 0;          // 0: none
};

struct RmsNormCudaArgs {
  float* residual = nullptr;  // [rows, dim] float32, or null
  Rows add;                   // [rows, dim], kF32 or kBF16, or empty
  ExpertSum sum;
  /// Which row of residual each row reads; null for itself. Given, nothing is written back,
  /// and neither add nor sum may be.
  const std::int32_t* residual_rows = nullptr;
  const float* weight = nullptr;  // [dim]; null: no y is wanted, the sum alone
  Rows y;                         // out [rows, dim], kF32 or kBF16; or empty
  Rows quantized;                 // out [rows, dim], kF8E4M3, dim a multiple of 4; or empty
  std::int64_t rows = 0;
  std::int64_t dim = 0;  // 1 .. 16384
  float eps = 0;
};

/// v = residual (or 0) + (add or sum), which becomes the residual if there is one; y[r, i] =
/// weight[i] * (v[i] * (1 / sqrt(mean(v^2) + eps))). `quantized` takes the float32 y: s =
/// max(amax, 1e-4) / 448 of its 128 columns, value = e4m3(y / s), to nearest even, saturating.
///
/// Order: one fixed layout per dim, whatever the rows.
/// Source: transformers, LlamaRMSNorm; DeepSeek-V3 inference/kernel.py, act_quant.
void rms_norm_cuda(const RmsNormCudaArgs& args, const Stream& stream);

/// The same quantisation alone: x [rows, dim] kF32 or kBF16 to y kF8E4M3.
struct QuantizeCudaArgs {
  Rows x, y;
  std::int64_t rows = 0;
  std::int64_t dim = 0;
};
void quantize_cuda(const QuantizeCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
