// How an fp8 product is cut into tiles: chosen by shape, never felt in the bits.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

/// A tile is `rows` rows of x (the M side of wgmma) by `outs` rows of w (its N side); `cluster`
/// blocks beside each other share one tile of x.
struct Fp8Tile {
  int rows = 0, outs = 0, cluster = 1;
  bool operator==(const Fp8Tile&) const = default;
};

/// Whether the sum over k is made of four chains instead of one: by the weight's shape alone,
/// where few outputs and a long k would leave most of the device idle with a few rows.
bool fp8_segments(const GemmCudaArgs& args);

/// Every tile there is for this product.
std::vector<Fp8Tile> fp8_tiles(const GemmCudaArgs& args);

/// The tile expected to be fastest on `multiprocessors`.
Fp8Tile choose_fp8_tile(const GemmCudaArgs& args, int multiprocessors);

/// The product with a tile of the caller's, for tests and tuning.
void gemm_fp8_tiled(const GemmCudaArgs& args, const Fp8Tile& tile, const Stream& stream);

}  // namespace moebius::kernels
