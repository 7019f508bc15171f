// Elementwise passes between the products: small, memory-bound, named for what they do.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

/// x[i] += y[i] for i in [0, count).
void add(float* x, const float* y, std::int64_t count, const Stream& stream);

/// x[i] = min(max(x[i], -limit), limit); OLMoE's clip_qkv.
void clip(float* x, std::int64_t count, float limit, const Stream& stream);

/// y[i] = silu(gate[i]) * up[i] for i in [0, count); y may be gate.
void silu_mul(const float* gate, const float* up, float* y, std::int64_t count,
              const Stream& stream);

/// Copies [rows, width] between row strides.
struct CopyRowsArgs {
  const float* x = nullptr;
  std::int64_t ldx = 0;
  float* y = nullptr;
  std::int64_t ldy = 0;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  const std::int32_t* x_rows = nullptr;  // [rows] which row of x, or null for itself
};
void copy_rows(const CopyRowsArgs& args, const Stream& stream);

}  // namespace moebius::kernels
