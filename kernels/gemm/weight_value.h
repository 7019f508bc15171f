// Stored weights one at a time, and rows of a matrix as a matrix.
#pragma once

#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::kernels {

/// Weight (row, col) as products take it: exactly what is stored, fp8 without its block's scale,
/// with group scales bf16(value * scale).
float widen_weight(const Matrix& w, std::int64_t row, std::int64_t col);

/// Weight (row, col), all scales applied.
float weight_value(const Matrix& w, std::int64_t row, std::int64_t col);

/// Weights (row, col) .. (row, col + count), all scales applied: the same values, many at once.
void weight_values(const Matrix& w, std::int64_t row, std::int64_t col, std::int64_t count,
                   float* to);

/// Rows [row, row + rows) of w; with block scales row must be a multiple of kScaleBlock, or the
/// caller keeps account of it.
Matrix weight_rows(const Matrix& w, std::int64_t row, std::int64_t rows);

/// The group scale of weight (row, col).
float group_scale(const Matrix& w, std::int64_t row, std::int64_t col);

}  // namespace moebius::kernels
