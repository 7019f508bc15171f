// Matrix products of a pass, quantising their inputs where the weights are fp8.
#pragma once

#include "engine/device/device_layers.h"
#include "kernels/gemm/gemm_cuda.h"

namespace moebius::engine {

/// Columns from `column` on.
kernels::Rows columns_from(const kernels::Rows& rows, std::int64_t column);

/// The same memory as rows of `cols` columns without gaps.
kernels::Rows packed(const kernels::Rows& rows, std::int64_t cols);

/// `x` as a product with `w` takes it: itself, or quantised into the pass's scratch.
kernels::Rows operand(const DevicePass& pass, const kernels::Rows& x,
                      const kernels::DeviceMatrix& w, std::int64_t rows);

/// y = x w^T (+ bias) over the step's rows.
void product(const DevicePass& pass, const kernels::Rows& x, const kernels::DeviceMatrix& w,
             const float* bias, const kernels::Rows& y);

}  // namespace moebius::engine
