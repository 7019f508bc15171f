// Weights rounded to fewer bits, and how far that moved them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

/// A quantised matrix that owns its codes and scales; `matrix` points to them.
struct QuantizedMatrix {
  std::vector<std::byte> codes;
  std::vector<float> scale;
  std::vector<std::uint16_t> group_scale;
  Matrix matrix;
};

/// Rounds each value to the nearest code (ties to even), symmetrically: no zero points.
///
/// `group` 0: kF8E4M3 in blocks of 128 x 128 under float32 scales max|w| / 448. Otherwise
/// `group` columns of a row (a multiple of kGroupUnit) share bf16(max|w| / limit), with 448
/// for kF8E4M3, 127.5 for kI8 and 7.5 for kI4, as compressed-tensors does: the largest
/// value of a group may end half a step short, all others get finer steps. Where all are
/// zero, or the scale would be subnormal, codes stand for zero.
///
/// Source   vllm-project/compressed-tensors, quantization/utils/helpers.py (calculate_qparams);
///          DeepSeek-V3 inference/kernel.py for blocks.
/// Dtypes   w: any without group scales; `dtype` kF8E4M3, kI8 or kI4.
/// Errors   std::invalid_argument; std::domain_error if a value is not finite or beyond 2^100.
QuantizedMatrix quantize(const Matrix& w, Dtype dtype, std::int64_t group, ThreadPool& pool);

/// Of a rounded matrix against the exact one, as products take both.
struct QuantizationError {
  double max = 0;      // largest difference / largest magnitude
  double rms = 0;      // root of sum of squared differences / sum of squares
  double squares = 0;  // of the exact matrix, for totals over several
};

/// Both [rows, cols]. 0 where the exact matrix is all zeros and the other, too.
QuantizationError quantization_error(const Matrix& exact, const Matrix& rounded, ThreadPool& pool);

}  // namespace moebius::kernels
