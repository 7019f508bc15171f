#include "kernels/gemm/gemm_widen.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace moebius::kernels {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t exponent = (bits >> 10) & 31U;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

float from_e4m3(unsigned bits) {
  const unsigned exponent = (bits >> 3) & 15;
  const unsigned mantissa = bits & 7;
  float magnitude = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9F
                                  : std::ldexp(1.0F + static_cast<float>(mantissa) / 8,
                                               static_cast<int>(exponent) - 7);
  if (exponent == 15 && mantissa == 7) magnitude = std::numeric_limits<float>::quiet_NaN();
  return bits & 128 ? -magnitude : magnitude;
}

template <class T>
T read(const Matrix& w, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(w.data) + index * sizeof(T), sizeof(T));
  return value;
}

float code_value(std::uint8_t byte, std::int64_t col) {
  return static_cast<float>((byte >> (col % 2 * 4) & 15) - 8);
}

float stored_value(const Matrix& w, std::int64_t row, std::int64_t col) {
  const std::int64_t index = row * w.cols + col;
  const auto* bytes = static_cast<const std::uint8_t*>(w.data) + row * w.row_bytes();
  switch (w.dtype) {
    case Dtype::kF32:
      return read<float>(w, index);
    case Dtype::kF16:
      return from_f16(read<std::uint16_t>(w, index));
    case Dtype::kBF16:
      return from_bf16(read<std::uint16_t>(w, index));
    case Dtype::kF8E4M3:
      return e4m3_table()[bytes[col]];
    case Dtype::kI8:
      return static_cast<float>(bytes[col] - 128);
    case Dtype::kI4:
      return code_value(bytes[col / 2], col);
  }
  return 0;
}

float block_scale(const Matrix& w, std::int64_t row, std::int64_t col) {
  const std::int64_t scale_cols = round_up(w.cols, kScaleBlock) / kScaleBlock;
  return w.scale[row / kScaleBlock * scale_cols + col / kScaleBlock];
}

}  // namespace

const float* e4m3_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (unsigned bits = 0; bits < 256; ++bits) values[bits] = from_e4m3(bits);
    return values;
  }();
  return table.data();
}

float widen_weight(const Matrix& w, std::int64_t row, std::int64_t col) {
  const float value = stored_value(w, row, col);
  if (!w.group_scale) return value;
  return round_to_bf16(value * group_scale(w, row, col));
}

float group_scale(const Matrix& w, std::int64_t row, std::int64_t col) {
  return from_bf16(w.group_scale[row * w.groups() + col / w.group]);
}

float weight_value(const Matrix& w, std::int64_t row, std::int64_t col) {
  const float value = widen_weight(w, row, col);
  return w.scale ? value * block_scale(w, row, col) : value;
}

void weight_values(const Matrix& w, std::int64_t row, std::int64_t col, std::int64_t count,
                   float* to) {
  if (!is_packed(w.dtype) && w.dtype != Dtype::kF8E4M3) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = stored_value(w, row, col + i);
    return;
  }
  const auto* bytes = static_cast<const std::uint8_t*>(w.data) + row * w.row_bytes();
  const std::int64_t unit = w.group_scale ? w.group : kScaleBlock;
  for (std::int64_t begin = 0; begin < count;) {
    const std::int64_t first = col + begin;
    const std::int64_t end = std::min(count, begin + unit - first % unit);
    // One scale, so one switch, for all of these.
    if (w.dtype == Dtype::kI4) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = code_value(bytes[(col + i) / 2], col + i);
    } else if (w.dtype == Dtype::kI8) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<float>(bytes[col + i] - 128);
    } else {
      for (std::int64_t i = begin; i < end; ++i) to[i] = e4m3_table()[bytes[col + i]];
    }
    if (w.group_scale) {
      const float scale = group_scale(w, row, first);
      for (std::int64_t i = begin; i < end; ++i) to[i] = round_to_bf16(to[i] * scale);
    } else if (w.scale) {
      const float scale = block_scale(w, row, first);
      for (std::int64_t i = begin; i < end; ++i) to[i] *= scale;
    }
    begin = end;
  }
}

Matrix weight_rows(const Matrix& w, std::int64_t row, std::int64_t rows) {
  Matrix slice = w;
  slice.data = static_cast<const std::byte*>(w.data) + row * w.row_bytes();
  if (w.group_scale) slice.group_scale += row * w.groups();
  slice.rows = rows;
  return slice;
}

void widen_edge(const Matrix& w, std::int64_t n, std::int64_t k, std::int64_t depth, float* tile) {
  std::fill_n(tile, kStep * 16, 0.0F);
  for (std::int64_t i = 0; i < depth; ++i) {
    for (std::int64_t lane = 0; lane < 16; ++lane) {
      tile[i * 16 + lane] = widen_weight(w, std::min(n + lane, w.rows - 1), k + i);
    }
  }
}

Pieces cut_bf16(float x) {
  Pieces out{};
  for (float& piece : out.value) {
    std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
    if (std::isnan(x)) bits |= 0x00400000U;
    piece = std::bit_cast<float>(bits & 0xffff0000U);
    if (!std::isfinite(piece)) break;
    x -= piece;
  }
  return out;
}

float round_to_bf16(float x) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  bits = std::isnan(x) ? bits | 0x00400000U : bits + 0x7fffU + ((bits >> 16) & 1U);
  return std::bit_cast<float>(bits & 0xffff0000U);
}

void block_scales(const GemmBlock& b, std::int64_t offset, std::int64_t k, float* scale) {
  const std::int64_t scale_cols = round_up(b.w->cols, kScaleBlock) / kScaleBlock;
  for (std::int64_t lane = 0; lane < 16; ++lane) {
    const std::int64_t row = (b.problem->w_row + b.n0 + offset + lane) / kScaleBlock;
    scale[lane] = offset + lane < b.outs ? b.w->scale[row * scale_cols + k / kScaleBlock] : 0.0F;
  }
}

void add_pieces(const GemmBlock& b, std::int64_t rows, const float* acc) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t row0 = row / kBlockRows * kBlockRows;
    const std::int64_t count = std::min(kBlockRows, rows - row0);
    const float* from = acc + (row0 * b.packing.pieces + row - row0) * kBlockOuts;
    float* to = b.out + row * b.ldo;
    for (std::int64_t i = 0; i < b.outs; ++i) {
      float sum = from[i];
      for (int piece = 1; piece < b.packing.pieces; ++piece) {
        sum += from[piece * count * kBlockOuts + i];
      }
      to[i] = b.bias ? sum + b.bias[i] : sum;
    }
  }
}

}  // namespace moebius::kernels
