#include "kernels/quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"

namespace moebius::kernels {
namespace {

constexpr float kLargest = 0x1p100F;  // of a weight
constexpr float kSmallestScale = 0x1p-126F;
constexpr float kGreatestE4m3 = 448;
// Rows of a task: blocks of scales are never shared by two, nor are bytes of codes.
constexpr std::int64_t kTaskRows = kScaleBlock;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// What the greatest magnitude of a group is mapped to.
float code_limit(Dtype dtype) {
  return dtype == Dtype::kI4 ? 7.5F : dtype == Dtype::kI8 ? 127.5F : kGreatestE4m3;
}

float greatest(const float* values, std::int64_t count) {
  float most = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!(std::abs(values[i]) <= kLargest)) {
      throw std::domain_error("expected finite values up to 2^100, found another");
    }
    most = std::max(most, std::abs(values[i]));
  }
  return most;
}

/// Writes the code of value / scale, 0 / 0 being 0, to column `col` of a row.
void put_code(float value, float scale, Dtype dtype, std::int64_t col, std::uint8_t* row) {
  const float ratio = scale == 0 ? 0 : value / scale;
  if (dtype == Dtype::kF8E4M3) {
    row[col] = f32_to_e4m3(ratio);
    return;
  }
  const float half = dtype == Dtype::kI4 ? 8 : 128;
  const float nearest = std::clamp(std::nearbyint(ratio), -half, half - 1);
  const auto code = static_cast<unsigned>(nearest + half);
  if (dtype == Dtype::kI8) {
    row[col] = static_cast<std::uint8_t>(code);
  } else {
    row[col / 2] = static_cast<std::uint8_t>(row[col / 2] | code << (col % 2 * 4));
  }
}

std::vector<float> widened(const Matrix& w, std::int64_t row, std::int64_t rows) {
  std::vector<float> values(static_cast<std::size_t>(rows * w.cols));
  for (std::int64_t r = 0; r < rows; ++r) {
    weight_values(w, row + r, 0, w.cols, values.data() + r * w.cols);
  }
  return values;
}

std::uint8_t* codes_of(QuantizedMatrix& out, std::int64_t row) {
  return reinterpret_cast<std::uint8_t*>(out.codes.data()) + row * out.matrix.row_bytes();
}

void quantize_groups(const float* values, std::int64_t row, QuantizedMatrix& out) {
  const Matrix& m = out.matrix;
  for (std::int64_t begin = 0; begin < m.cols; begin += m.group) {
    const std::int64_t end = std::min(m.cols, begin + m.group);
    const float most = greatest(values + begin, end - begin);
    std::uint16_t scale = f32_to_bf16(most / code_limit(m.dtype));
    if (bf16_to_f32(scale) < kSmallestScale) scale = 0;
    out.group_scale[row * m.groups() + begin / m.group] = scale;
    for (std::int64_t col = begin; col < end; ++col) {
      put_code(values[col], bf16_to_f32(scale), m.dtype, col, codes_of(out, row));
    }
  }
}

void quantize_blocks(const float* values, std::int64_t row0, std::int64_t rows,
                     QuantizedMatrix& out) {
  const std::int64_t cols = out.matrix.cols;
  float* scales = out.scale.data() + row0 / kScaleBlock * ceil_div(cols, kScaleBlock);
  for (std::int64_t begin = 0; begin < cols; begin += kScaleBlock) {
    const std::int64_t count = std::min(kScaleBlock, cols - begin);
    float most = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      most = std::max(most, greatest(values + r * cols + begin, count));
    }
    float scale = most / kGreatestE4m3;
    if (scale < kSmallestScale) scale = 0;
    scales[begin / kScaleBlock] = scale;
    for (std::int64_t i = 0; i < rows * count; ++i) {
      const std::int64_t col = begin + i % count;
      put_code(values[i / count * cols + col], scale, Dtype::kF8E4M3, col,
               codes_of(out, row0 + i / count));
    }
  }
}

QuantizedMatrix prepare(const Matrix& w, Dtype dtype, std::int64_t group) {
  QuantizedMatrix out;
  out.matrix = {.dtype = dtype, .rows = w.rows, .cols = w.cols, .group = group};
  out.codes.resize(out.matrix.bytes());
  out.matrix.data = out.codes.data();
  if (group > 0) {
    out.group_scale.resize(w.rows * ceil_div(w.cols, group));
    out.matrix.group_scale = out.group_scale.data();
  } else {
    out.scale.resize(ceil_div(w.rows, kScaleBlock) * ceil_div(w.cols, kScaleBlock));
    out.matrix.scale = out.scale.data();
  }
  return out;
}

struct Sums {
  double difference = 0, magnitude = 0;  // largest
  double squared_difference = 0, squares = 0;
};

Sums compare(const Matrix& exact, const Matrix& rounded, std::int64_t row, std::int64_t rows) {
  const std::vector<float> want = widened(exact, row, rows);
  const std::vector<float> got = widened(rounded, row, rows);
  Sums sums;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double difference = std::abs(double{got[i]} - want[i]);
    sums.difference = std::max(sums.difference, difference);
    sums.magnitude = std::max(sums.magnitude, std::abs(double{want[i]}));
    sums.squared_difference += difference * difference;
    sums.squares += double{want[i]} * want[i];
  }
  return sums;
}

}  // namespace

QuantizedMatrix quantize(const Matrix& w, Dtype dtype, std::int64_t group, ThreadPool& pool) {
  require(w.data && w.rows >= 1 && w.cols >= 1, "quantize: an empty matrix");
  require(!w.group_scale, "quantize: the matrix has group scales already");
  require(dtype == Dtype::kF8E4M3 || is_packed(dtype), "quantize: expected f8_e4m3, i8 or i4");
  require(group > 0 ? group % kGroupUnit == 0 : group == 0 && dtype == Dtype::kF8E4M3,
          "quantize: expected groups of a multiple of 32, or fp8 blocks");
  QuantizedMatrix out = prepare(w, dtype, group);
  pool.run(ceil_div(w.rows, kTaskRows), [&](std::int64_t task, int) {
    const std::int64_t row0 = task * kTaskRows;
    const std::int64_t rows = std::min(kTaskRows, w.rows - row0);
    const std::vector<float> values = widened(w, row0, rows);
    if (group == 0) return quantize_blocks(values.data(), row0, rows, out);
    for (std::int64_t r = 0; r < rows; ++r) {
      quantize_groups(values.data() + r * w.cols, row0 + r, out);
    }
  });
  return out;
}

QuantizationError quantization_error(const Matrix& exact, const Matrix& rounded, ThreadPool& pool) {
  require(exact.rows == rounded.rows && exact.cols == rounded.cols,
          "quantization_error: the matrices differ in shape");
  std::vector<Sums> parts(static_cast<std::size_t>(ceil_div(exact.rows, kTaskRows)));
  pool.run(std::ssize(parts), [&](std::int64_t task, int) {
    const std::int64_t row = task * kTaskRows;
    parts[task] = compare(exact, rounded, row, std::min(kTaskRows, exact.rows - row));
  });
  Sums all;  // in the order of rows, whatever the threads
  for (const Sums& part : parts) {
    all.difference = std::max(all.difference, part.difference);
    all.magnitude = std::max(all.magnitude, part.magnitude);
    all.squared_difference += part.squared_difference;
    all.squares += part.squares;
  }
  if (all.difference == 0) return {.squares = all.squares};
  return {all.difference / all.magnitude, std::sqrt(all.squared_difference / all.squares),
          all.squares};
}

}  // namespace moebius::kernels
