// Rows of checkpoint matrices, converted and gathered into the form the device reads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::engine {

/// Part of a row of a matrix: elements from `col` on. A null matrix is all zeros.
struct RowFrom {
  const kernels::Matrix* matrix = nullptr;
  std::int64_t row = 0;
  std::int64_t col = 0;
};

/// Writes `cols` elements as `dtype` (kF32, kBF16, or kF8E4M3 from the same in blocks), then zeros
/// up to `ld`. Block-scaled fp8 becomes float by value * scale; bf16 is rounded to nearest, ties
/// to even; what has group scales is bf16 by definition, so exact in either.
void copy_row(const RowFrom& from, std::int64_t cols, kernels::Dtype dtype, std::int64_t ld,
              std::byte* to);

/// Writes scales [row, col ..] of an fp8 matrix, `cols` of them, then zeros up to `ld`.
void copy_scales(const RowFrom& from, std::int64_t cols, std::int64_t ld, std::byte* to);

/// One element, widened.
float element(const kernels::Matrix& matrix, std::int64_t row, std::int64_t col);

}  // namespace moebius::engine
