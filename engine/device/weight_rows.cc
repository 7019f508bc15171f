#include "engine/device/weight_rows.h"

#include <cstring>
#include <vector>

#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;
using kernels::kScaleBlock;
using kernels::Matrix;

std::int64_t scale_cols(const Matrix& m) {
  return (m.cols + kScaleBlock - 1) / kScaleBlock;
}

template <typename T>
T load(const Matrix& m, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(m.data) + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

float element(const Matrix& m, std::int64_t row, std::int64_t col) {
  if (m.group_scale) return kernels::weight_value(m, row, col);
  const std::int64_t index = row * m.cols + col;
  switch (m.dtype) {
    case Dtype::kF32:
      return load<float>(m, index);
    case Dtype::kF16:
      return kernels::f16_to_f32(load<std::uint16_t>(m, index));
    case Dtype::kBF16:
      return kernels::bf16_to_f32(load<std::uint16_t>(m, index));
    default:
      return kernels::e4m3_to_f32(load<std::uint8_t>(m, index)) *
             m.scale[row / kScaleBlock * scale_cols(m) + col / kScaleBlock];
  }
}

void copy_row(const RowFrom& from, std::int64_t cols, Dtype dtype, std::int64_t ld, std::byte* to) {
  const std::size_t size = kernels::dtype_bytes(dtype);
  const auto used = static_cast<std::size_t>(from.matrix ? cols : 0) * size;
  std::memset(to + used, 0, static_cast<std::size_t>(ld) * size - used);
  if (from.matrix == nullptr) return;
  const Matrix& m = *from.matrix;
  if (m.dtype == dtype && !m.group_scale) {
    const auto* data = static_cast<const std::byte*>(m.data);
    std::memcpy(to, data + (from.row * m.cols + from.col) * static_cast<std::int64_t>(size), used);
    return;
  }
  std::vector<float> grouped(m.group_scale ? static_cast<std::size_t>(cols) : 0);
  if (m.group_scale) kernels::weight_values(m, from.row, from.col, cols, grouped.data());
  for (std::int64_t i = 0; i < cols; ++i) {
    const float value = m.group_scale ? grouped[i] : element(m, from.row, from.col + i);
    if (dtype == Dtype::kF32) {
      std::memcpy(to + i * 4, &value, 4);
    } else {
      const std::uint16_t bits = kernels::f32_to_bf16(value);
      std::memcpy(to + i * 2, &bits, 2);
    }
  }
}

void copy_scales(const RowFrom& from, std::int64_t cols, std::int64_t ld, std::byte* to) {
  std::memset(to, 0, static_cast<std::size_t>(ld) * sizeof(float));
  if (from.matrix == nullptr) return;
  const float* scales = from.matrix->scale + from.row * scale_cols(*from.matrix) + from.col;
  std::memcpy(to, scales, static_cast<std::size_t>(cols) * sizeof(float));
}

}  // namespace moebius::engine
