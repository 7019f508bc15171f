// What device kernels read and write: rows of activations, packed weights, ragged batches.
// All pointers are device memory.
#pragma once

#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

/// Activations on the device, row-major, rows `ld` elements apart; data and ld * element size
/// are multiples of 16 bytes.
///
/// kF32 and kBF16 as they are. kF8E4M3: value * scale[column / 128, row], quantised per row
/// and 128 columns (DeepSeek-V3 inference/kernel.py, act_quant); scales lie
/// [ceil(columns / 128), scale_ld], scale_ld >= rows and a multiple of 4.
struct Rows {
  void* data = nullptr;
  Dtype dtype = Dtype::kBF16;
  std::int64_t ld = 0;
  float* scale = nullptr;
  std::int64_t scale_ld = 0;

  bool empty() const { return data == nullptr; }
};

/// A weight on the device, [rows = outputs, cols = inputs], rows `ld` elements apart, aligned
/// as Rows are. kBF16, kF32 or kF8E4M3. Several matrices of one shape (experts, heads) lie one
/// after the other in `rows`.
///
/// Pair-packed (the gate and up halves of an MLP in one matrix of 2 * width rows): rows
/// 16 i .. 16 i + 7 are gate rows 8 i .. 8 i + 7, rows 16 i + 8 .. 16 i + 15 are up rows
/// 8 i .. 8 i + 7, so that one thread's wgmma fragment holds both of a pair. `width` is
/// padded to a multiple of 8 with zero rows.
///
/// kF8E4M3 scales, [scale rows, ceil(cols / 128)]: one scale row for each 128 rows of each
/// matrix of the stack (ceil(rows of it / 128)); pair-packed: the gate's ceil(width / 128)
/// scale rows, then the up's.
struct DeviceMatrix {
  const void* data = nullptr;
  Dtype dtype = Dtype::kBF16;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t ld = 0;
  const float* scale = nullptr;

  bool empty() const { return data == nullptr; }
};

/// A ragged batch on the device, with what the host knows of it.
struct DeviceBatch {
  Ragged ragged;                               // device arrays; see kernels/ragged.h
  const std::int32_t* row_position = nullptr;  // [rows] absolute position of each row
  const std::int32_t* row_sequence = nullptr;  // [rows]
  std::int64_t max_positions = 0;  // >= position + 1 of every row; bounds what a launch may need
};

}  // namespace moebius::kernels
