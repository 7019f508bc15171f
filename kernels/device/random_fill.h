// Made-up weights, written where they will be read: for measuring speed without a download.
#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

struct RandomFillArgs {
  void* data = nullptr;        // [count]
  Dtype dtype = Dtype::kBF16;  // kF32, kBF16 or kF8E4M3
  std::int64_t count = 0;
  float scale = 1;  // kF8E4M3 takes no notice of it: those values have scales of their own
  bool positive = false;
  std::uint64_t seed = 0;
};

/// Values of either sign (or `positive`) with magnitudes in [s, 2 s), s the power of two at or
/// below `scale` (1 for kF8E4M3): never zero, infinite or NaN. A function of seed and index.
void random_fill_cuda(const RandomFillArgs& args, const Stream& stream);

}  // namespace moebius::kernels
