// Writing a token's entry of the fp8 cache: where it lies, and a block by a warp.
#pragma once

#include <cstdint>

#include "kernels/device/vectors.cuh"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {

/// Stands for the element type of an fp8 cache.
struct Fp8 {};

struct Fp8Entry {
  std::uint8_t* page;
  std::int64_t token;  // in the page

  __device__ std::uint8_t* values(std::int64_t block, std::int64_t block_size) const {
    return page + (block * kPageTokens + token) * block_size;
  }
  __device__ std::uint16_t* scale(const Fp8Page& layout, std::int64_t block) const {
    return reinterpret_cast<std::uint16_t*>(page + layout.scales_at) + block * kPageTokens + token;
  }
  __device__ Bf16* plain(const Fp8Page& layout, std::int64_t columns) const {
    return reinterpret_cast<Bf16*>(page + layout.plain_at) + token * columns;
  }
};

__device__ __forceinline__ Fp8Entry fp8_entry_of(const KvLayer& kv, const Fp8Page& layout,
                                                 const DeviceBatch& batch, std::int64_t row) {
  const std::int64_t position = batch.row_position[row];
  const std::int64_t page =
      batch.ragged.pages[batch.row_sequence[row] * batch.ragged.max_pages + position / kPageTokens];
  return {static_cast<std::uint8_t*>(kv.data) + page * layout.bytes, position % kPageTokens};
}

/// A block of 32 * kWidth values (64 or 128) by a warp: lane l has values kWidth l and on, and
/// `codes` is the block's begin. As quantize_block() on the host.
template <int kWidth>
__device__ __forceinline__ void store_block(const Floats<kWidth>& x, std::uint8_t* codes,
                                            std::uint16_t* scale) {
  static_assert(kWidth == 2 || kWidth == 4);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  std::uint32_t greatest = 0;
#pragma unroll
  for (int i = 0; i < kWidth; ++i) {
    greatest = max(greatest, __float_as_uint(x[i]) & 0x7FFFFFFFU);
  }
  const std::uint16_t bits = fp8_scale_bits(__reduce_max_sync(kAllLanes, greatest));
  const float inverse = __uint_as_float(fp8_inverse_bits(bits));
  const auto two = [&](float a, float b) {
    return static_cast<std::uint32_t>(
        __nv_cvt_float2_to_fp8x2(make_float2(a * inverse, b * inverse), __NV_SATFINITE, __NV_E4M3));
  };
  if constexpr (kWidth == 4) {
    reinterpret_cast<std::uint32_t*>(codes)[lane] = two(x[0], x[1]) | two(x[2], x[3]) << 16;
  } else {
    reinterpret_cast<std::uint16_t*>(codes)[lane] = static_cast<std::uint16_t>(two(x[0], x[1]));
  }
  if (lane == 0) *scale = bits;
}

}  // namespace moebius::kernels
