// How a bf16 product is cut into tiles: chosen by shape, never felt in the bits.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

/// A tile is `weights` rows of w (the M side of wgmma) by `tokens` rows of x (its N side).
struct GemmTile {
  int weights = 0;  // 16, 32, 64 (one warpgroup computes) or 128 (two)
  int tokens = 0;   // 8, 16, 32, 64, 128, or with 128 weights 64, 128, 192, 256
  int cluster = 1;  // 1, or 2 blocks that share their x tile; then tokens >= 16
};

/// The tile expected to be fastest on `multiprocessors`.
GemmTile choose_tile(const GemmCudaArgs& args, int multiprocessors);

/// The same product with a tile of the caller's, for tests and tuning.
void gemm_bf16_tiled(const GemmCudaArgs& args, const GemmTile& tile, const Stream& stream);

}  // namespace moebius::kernels
