// Tiles of the fp8 cache to bf16 in shared memory, laid out as the copy engine would have laid out
// a bf16 tile: what reads them need not know.
//
// From global memory through registers: to stage codes in shared memory would cost more of its
// bandwidth than the products leave. Four codes take ten instructions (two permutes, shifts, masks,
// merges and multiplications each), a fetch and two stores serve sixteen.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/device/barrier.cuh"
#include "kernels/device/tma.cuh"

namespace moebius::kernels {

/// Sixteen bytes that are read once, asked for where the program says so.
__device__ __forceinline__ uint4 load_once(const void* from) {
  uint4 x;
  asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
               : "l"(from)
               : "memory");
  return x;
}
__device__ __forceinline__ std::uint16_t load_once_16(const void* from) {
  std::uint16_t x;
  asm volatile("ld.global.u16 %0, [%1];" : "=h"(x) : "l"(from) : "memory");
  return x;
}
/// `bytes` (a multiple of 16) on their way to the L2 cache.
__device__ __forceinline__ void prefetch_l2(const void* from, std::uint32_t bytes,
                                            CacheHint hint = CacheHint::kNormal) {
  asm volatile("cp.async.bulk.prefetch.L2.global.L2::cache_hint [%0], %1, %2;" ::"l"(from),
               "r"(bytes), "l"(static_cast<std::uint64_t>(hint))
               : "memory");
}

/// What widen_codes() multiplies with: the scale, and 2^120, by which the exponents of bf16 and
/// e4m3 differ. Exact, since scales are at most 2^7.
__device__ __forceinline__ __nv_bfloat162 widening_factor(std::uint16_t scale) {
  const __nv_bfloat16 factor = __hmul(__ushort_as_bfloat16(scale), __ushort_as_bfloat16(247U << 7));
  return {factor, factor};
}

/// The two codes in the upper halves of each 16 bits, exactly. e4m3's exponent and mantissa, put
/// where bf16 has the last bits of its exponent and the first of its mantissa, are the value times
/// 2^-120; subnormal codes become subnormal numbers.
__device__ __forceinline__ std::uint32_t widen_pair(std::uint32_t codes, __nv_bfloat162 factor) {
  const std::uint32_t bits = (codes & 0x80008000U) | (codes >> 4 & 0x07F007F0U);
  const __nv_bfloat162 value = __hmul2(reinterpret_cast<const __nv_bfloat162&>(bits), factor);
  return reinterpret_cast<const std::uint32_t&>(value);
}
__device__ __forceinline__ uint4 widen_codes(std::uint32_t low, std::uint32_t high,
                                             __nv_bfloat162 factor) {
  return {widen_pair(__byte_perm(low, 0, 0x1404), factor),
          widen_pair(__byte_perm(low, 0, 0x3424), factor),
          widen_pair(__byte_perm(high, 0, 0x1404), factor),
          widen_pair(__byte_perm(high, 0, 0x3424), factor)};
}

/// A tile of 64 keys by kColumns (64 or 128) codes, as 128 threads hold it: contiguous in global
/// memory, keys kColumns bytes apart, and a bf16 scale for each key.
template <int kColumns>
struct Fp8Tile {
  static constexpr int kPieces = kColumns / 32;     // of 16 codes, a thread
  static constexpr int kRowPieces = kColumns / 16;  // of 16 codes, a key

  uint4 codes[kPieces];
  std::uint16_t scales[kPieces];

  /// Where piece i of a thread, 0 .. 127, lies. Of 128 columns the two halves of eight lanes take
  /// different keys, so that eight lanes' stores below meet in no bank: neighbouring keys are
  /// swizzled to different parities.
  struct Place {
    int key, column;  // column in pieces
  };
  __device__ static Place place(int i, int thread) {
    const int column = thread % kRowPieces;
    return {(i * 128 + thread) / kRowPieces ^ column / 4, column};
  }

  __device__ void load_piece(int i, int thread, const std::uint8_t* values,
                             const std::uint16_t* scale) {
    const Place at = place(i, thread);
    codes[i] = load_once(values + at.key * kColumns + at.column * 16);
    scales[i] = load_once_16(scale + at.key);
  }
  __device__ void load(int thread, const std::uint8_t* values, const std::uint16_t* scale) {
#pragma unroll
    for (int i = 0; i < kPieces; ++i) load_piece(i, thread, values, scale);
  }

  /// As [kColumns / 64][64 keys][64], 128-byte swizzle. Afterwards fence_proxy_async().
  __device__ void store_piece(int i, int thread, void* tile) const {
    const Place at = place(i, thread);
    const __nv_bfloat162 factor = widening_factor(scales[i]);
    auto* row = static_cast<uint4*>(tile) + at.column / 4 * 512 + at.key * 8;
    const int first = at.column % 4 * 2, swizzle = at.key % 8;
    row[first ^ swizzle] = widen_codes(codes[i].x, codes[i].y, factor);
    row[(first + 1) ^ swizzle] = widen_codes(codes[i].z, codes[i].w, factor);
  }
  __device__ void store(int thread, void* tile) const {
#pragma unroll
    for (int i = 0; i < kPieces; ++i) store_piece(i, thread, tile);
  }
};

}  // namespace moebius::kernels
