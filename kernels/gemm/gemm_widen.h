// Scalar pieces of the vector path of gemm: widening weights, splitting
// activations, scales and the sum of pieces.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm_core.h"
#include "kernels/gemm/weight_value.h"

namespace moebius::kernels {

/// The 256 values of float8 e4m3 (S.1111.111 is NaN, there is no infinity).
const float* e4m3_table();

/// Tile [32 k][16 outputs] at (n, k), `depth` <= 32 columns of it, zeros behind them;
/// rows past the matrix repeat its last.
void widen_edge(const Matrix& w, std::int64_t n, std::int64_t k, std::int64_t depth, float* tile);

/// Three bf16 values, by truncation, that add up to x. Infinities and NaN: all in the first.
struct Pieces {
  float value[3];
};
Pieces cut_bf16(float x);

/// Nearest bf16, ties to even; NaN stays NaN.
float round_to_bf16(float x);

/// Scales [16] of outputs from b.n0 + offset at column k; zeros past the outputs.
void block_scales(const GemmBlock& b, std::int64_t offset, std::int64_t k, float* scale);

/// b.out[row][i] = (high + middle) + low (+ bias) of the accumulators [columns, kBlockOuts],
/// columns [pieces][rows] per block; b.outs <= kBlockOuts.
void add_pieces(const GemmBlock& b, std::int64_t rows, const float* acc);

}  // namespace moebius::kernels
