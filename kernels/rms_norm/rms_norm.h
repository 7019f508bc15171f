// Root-mean-square normalisation, with the residual sum that precedes it.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

struct RmsNormArgs {
  const float* x = nullptr;  // [rows, dim], rows ldx elements apart
  std::int64_t ldx = 0;
  float* residual =
      nullptr;  // [rows, dim] contiguous, or null; becomes residual + x, which is then normalised
  const float* weight = nullptr;  // [dim]
  float* y = nullptr;             // out [rows, dim], rows ldy elements apart; may be x
  std::int64_t ldy = 0;
  std::int64_t rows = 0;
  std::int64_t dim = 0;  // >= 1
  float eps = 0;
};

/// y[r, i] = weight[i] * (v[i] * (1 / sqrt(mean(v^2) + eps))), v = x[r] (+ residual[r]).
///
/// Canonical order: 16 chains of fused multiply-adds, chain c over i = c, c + 16,
/// ...; then ((c0+c8)+(c4+c12)) + ... as a binary tree that halves 16 lanes to 8, 4,
/// 2, 1. Source: transformers, LlamaRMSNorm. Rows may be heads: Qwen3's q/k norm
/// calls it with rows = tokens * heads.
/// Errors: std::invalid_argument on a broken limit.
void rms_norm(const RmsNormArgs& args, const Stream& stream);

}  // namespace moebius::kernels
