// How a bf16 product is cut into tiles: chosen by shape, never felt in the bits.
#pragma once

#include <vector>

#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

/// A tile is `weights` rows of w (the M side of wgmma) by `tokens` rows of x (its N side).
struct GemmTile {
  int weights = 0;  // 16, 32, 64 (one warpgroup computes), 128 (two) or 192 (three)
  int tokens = 0;   // 8, 16, 32, 64, 128; with 128 weights 64 .. 256 in steps of 32; with 192
                    // weights 64, 128, 176
  int cluster = 1;  // 1, or with 128 weights 2: blocks that share their x tile
};

/// All there are.
std::vector<GemmTile> gemm_tiles();

/// The tile expected to be fastest on `multiprocessors`.
GemmTile choose_tile(const GemmCudaArgs& args, int multiprocessors);

/// Blocks of 64 k that a stage of the ring holds: 1, 2 or 4; more than one only where one copy
/// fetches an operand's part of a stage. `at_once` blocks share a multiprocessor.
int k_blocks_per_stage(const GemmCudaArgs& args, const GemmTile& tile, int at_once);

/// The same product with a tile of the caller's, for tests and tuning.
void gemm_bf16_tiled(const GemmCudaArgs& args, const GemmTile& tile, const Stream& stream);

}  // namespace moebius::kernels
