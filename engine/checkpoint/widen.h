// Stored half-width floats as float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::engine {

/// `size` elements of `dtype` (kF32, kF16 or kBF16) at `data`, of any alignment, as
/// float32. Exact: every value of the three has one. Throws std::invalid_argument for others.
void widen(const std::byte* data, kernels::Dtype dtype, std::int64_t size, float* out);

}  // namespace moebius::engine
