// TMA descriptors: how the copy engine is to walk a tensor in device memory.
#pragma once

#include <cuda.h>

#include <array>
#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::kernels {

/// How many bytes of a box's innermost dimension share one swizzled row of shared memory. The
/// box's inner width times the element size must be exactly that (at most, for kNone).
enum class Swizzle : std::uint8_t { kNone, k32, k64, k128 };

/// A tensor and the box one copy moves; dimensions innermost (contiguous) first.
struct TensorMapSpec {
  const void* data = nullptr;  // 16-byte aligned
  Dtype dtype = Dtype::kBF16;
  int rank = 2;                        // 1 .. 5
  std::array<std::int64_t, 5> size{};  // elements, >= 1; what lies outside reads as zero
  std::array<std::int64_t, 5> step{};  // elements from one index to the next; [0] is 1; the
                                       // others times the element size a multiple of 16 bytes
  std::array<std::int32_t, 5> box{};   // elements, 1 .. 256 each
  Swizzle swizzle = Swizzle::k128;
};

/// To be passed by value as a `const __grid_constant__` kernel parameter. Throws DeviceError if
/// the driver refuses the description. About a microsecond on the host; no device work.
CUtensorMap make_tensor_map(const TensorMapSpec& spec);

}  // namespace moebius::kernels
