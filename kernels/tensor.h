// Element types and weight matrices: what every kernel contract is written in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::kernels {

/// Element types of stored weights and caches. Activations are always kF32.
///
/// kI8 and kI4 are weights only, as compressed-tensors packs them: a code c of 8 or 4 bits
/// stands for c - 128 or c - 8, four or eight codes fill a 32-bit word, the first in its lowest
/// bits, and each row begins a word.
enum class Dtype : std::uint8_t { kF32, kF16, kBF16, kF8E4M3, kI8, kI4 };

constexpr std::int64_t dtype_bits(Dtype dtype) {
  constexpr std::int64_t kBits[] = {32, 16, 16, 8, 8, 4};
  return kBits[static_cast<int>(dtype)];
}
/// Not for kI4, whose elements have no bytes of their own: see Matrix::row_bytes().
constexpr std::size_t dtype_bytes(Dtype dtype) {
  return static_cast<std::size_t>(dtype_bits(dtype) / 8);
}
constexpr bool is_packed(Dtype dtype) {
  return dtype == Dtype::kI8 || dtype == Dtype::kI4;
}
constexpr const char* dtype_name(Dtype dtype) {
  constexpr const char* kNames[] = {"f32", "f16", "bf16", "f8_e4m3", "i8", "i4"};
  return kNames[static_cast<int>(dtype)];
}

/// Side of the square blocks that share one float8 scale (DeepSeek-V3
/// README_WEIGHTS.md, "weight_block_size": [128, 128]).
inline constexpr std::int64_t kScaleBlock = 128;

/// Groups of weights that share a scale begin at multiples of this.
inline constexpr std::int64_t kGroupUnit = 32;

/// A weight as checkpoints store it: [rows = outputs, cols = inputs], row-major
/// and contiguous, so y = x W^T. Borrowed; the memory lives where the stream runs.
struct Matrix {
  const void* data = nullptr;
  Dtype dtype = Dtype::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  /// kF8E4M3 only: [ceil(rows/128), ceil(cols/128)] multipliers (the checkpoint
  /// calls them weight_scale_inv); W = value * scale. Null otherwise.
  const float* scale = nullptr;
  /// kI8, kI4, and kF8E4M3 without `scale`: [rows, groups()] bf16; W = bf16(value * scale), to
  /// nearest even, so that a product is bit for bit that of the bf16 matrix W. Null otherwise.
  const std::uint16_t* group_scale = nullptr;
  std::int64_t group = 0;  // columns that share one, a multiple of kGroupUnit

  bool empty() const { return data == nullptr; }
  std::int64_t groups() const { return group_scale ? (cols + group - 1) / group : 0; }
  std::size_t row_bytes() const {
    const std::int64_t bits = cols * dtype_bits(dtype);
    return static_cast<std::size_t>(is_packed(dtype) ? (bits + 31) / 32 * 4 : bits / 8);
  }
  std::size_t bytes() const { return static_cast<std::size_t>(rows) * row_bytes(); }
};

/// How activations enter a matrix product.
///
/// kF32: to full float32 accuracy (each value is split into three bf16 pieces that add
/// up to it exactly). kBF16: rounded to bf16 first (nearest even), as the
/// official implementations run. Products accumulate in float32 either way.
enum class Precision : std::uint8_t { kF32, kBF16 };

}  // namespace moebius::kernels
