// Element types and weight matrices: what every kernel contract is written in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::kernels {

/// Element types of stored weights and caches. Activations are always kF32.
enum class Dtype : std::uint8_t { kF32, kF16, kBF16, kF8E4M3 };

constexpr std::size_t dtype_bytes(Dtype dtype) {
  return dtype == Dtype::kF32 ? 4 : dtype == Dtype::kF8E4M3 ? 1 : 2;
}
constexpr const char* dtype_name(Dtype dtype) {
  constexpr const char* kNames[] = {"f32", "f16", "bf16", "f8_e4m3"};
  return kNames[static_cast<int>(dtype)];
}

/// Side of the square blocks that share one float8 scale (DeepSeek-V3
/// README_WEIGHTS.md, "weight_block_size": [128, 128]).
inline constexpr std::int64_t kScaleBlock = 128;

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

  bool empty() const { return data == nullptr; }
  std::size_t bytes() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * dtype_bytes(dtype);
  }
};

/// How activations enter a matrix product.
///
/// kF32: to full float32 accuracy (each value is split into three bf16 pieces that add
/// up to it exactly). kBF16: rounded to bf16 first (nearest even), as the
/// official implementations run. Products accumulate in float32 either way.
enum class Precision : std::uint8_t { kF32, kBF16 };

}  // namespace moebius::kernels
