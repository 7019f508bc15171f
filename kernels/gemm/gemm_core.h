// What the host paths of the matrix product share: one problem, its packed
// activations, and the block of outputs that a task computes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::kernels {

inline constexpr std::int64_t kStep = 32;       // k per canonical block
inline constexpr std::int64_t kBlockRows = 16;  // rows of x that are packed together
inline constexpr std::int64_t kBlockOuts = 32;  // outputs that are accumulated together

/// y = x w^T for the rows of one expert, head or dense product.
struct GemmProblem {
  const float* x = nullptr;
  std::int64_t ldx = 0;
  const std::int32_t* x_rows = nullptr;  // [rows] or null
  std::int64_t rows = 0;
  Matrix w;                // [n, k]
  Matrix up;               // [n, k] or empty
  std::int64_t w_row = 0;  // row of w.scale's matrix that w starts at
  const float* bias = nullptr;
  float* y = nullptr;
  std::int64_t ldy = 0;
  std::byte* packed = nullptr;  // its activations, once packed
};

/// Activations as a path wants them: each row cut into `pieces` columns.
struct GemmPacking {
  int pieces = 1;           // 3: exact split into bf16; 1: one column
  bool round_bf16 = false;  // pieces == 1: round to bf16 first
};

/// Outputs [n0, n0 + outs) of row blocks [block0, block1) of one problem.
struct GemmBlock {
  const GemmProblem* problem = nullptr;
  const Matrix* w = nullptr;  // the problem's w or up
  GemmPacking packing;
  std::int64_t n0 = 0;
  std::int64_t outs = 0;  // >= 1
  std::int64_t block0 = 0;
  std::int64_t block1 = 0;
  const float* bias = nullptr;  // [outs] or null
  float* out = nullptr;         // [rows of these blocks, outs], rows ldo elements apart
  std::int64_t ldo = 0;
  std::byte* scratch = nullptr;
};

/// One way to compute products. All ways give the same bits.
struct GemmPath {
  const char* name;
  std::size_t (*packed_bytes)(std::int64_t k, std::int64_t rows, GemmPacking packing);
  /// Packs rows [row0, row0 + rows), rows <= kBlockRows, to their place in problem.packed.
  void (*pack)(const GemmProblem& problem, std::int64_t row0, std::int64_t rows,
               GemmPacking packing);
  std::size_t (*scratch_bytes)(std::int64_t row_blocks, std::int64_t outs, GemmPacking packing);
  void (*block)(const GemmBlock& block);
};

/// Null where this processor or build lacks it.
const GemmPath* amx_gemm_path();
const GemmPath* simd_gemm_path();

/// y[i] = silu(gate[i]) * up[i].
void silu_mul_row(const float* gate, const float* up, float* y, std::int64_t count);

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace moebius::kernels
