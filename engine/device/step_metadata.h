// What the device is told of a step: token ids, places, pages and the attention plan, packed
// into one block.
#pragma once

#include <cstdint>
#include <span>

#include "engine/device/arena.h"
#include "engine/forward/stepper.h"
#include "kernels/attention/attention_cuda.h"
#include "kernels/device/rows.h"

namespace moebius::engine {

/// A step as the layers see it; all pointers are device memory.
struct DeviceStep {
  std::int64_t rows = 0;
  const std::int32_t* ids = nullptr;  // [rows]
  kernels::DeviceBatch batch;
  const void* plan = nullptr;
};

/// How far a step is filled up, so that the same launches serve many: sequences of one row,
/// token 0 at position 0 of `spare_page`, and page tables of at least `pages` columns.
struct StepPadding {
  std::int64_t rows = 0;
  std::int64_t pages = 0;
  std::int32_t spare_page = 0;
};

/// Pages of the longest sequence.
std::int64_t pages_needed(std::span<const StepSequence> sequences);

/// Pages whose first position is among the rows.
std::int64_t pages_begun(std::span<const StepSequence> sequences);

/// Packs `sequences` into `block`, which is reset first. With padding, equal padding gives equal
/// device pointers and sizes. std::logic_error if the block
/// is too small.
DeviceStep pack_step(std::span<const StepSequence> sequences, const StepPadding& padding,
                     const kernels::AttentionShape& shape, TwinBlock& block);

}  // namespace moebius::engine
