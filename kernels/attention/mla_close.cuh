// Where a chunk of the MLA attention kernel ends: its sums are folded into
// those before it, stored as a partial result, or written as rows.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/attention/mla_products.cuh"
#include "kernels/attention/mla_softmax.cuh"
#include "kernels/device/fragment.cuh"

namespace moebius::kernels::mla {

__device__ __forceinline__ float4* fragment_at(const MlaKernelArgs& args, std::int64_t fragment,
                                               int half, const Place& at) {
  return reinterpret_cast<float4*>(args.fragments + fragment * kMlaFragmentFloats) +
         half * 32 * 32 + at.lane;
}

constexpr int kFoldAhead = 8;  // loads on their way; more do not fit into the registers

/// o = fold(total, o), with o scaled already.
__device__ __forceinline__ void fold_in(float (&o)[128], const float4* total, const Fold& low,
                                        const Fold& high) {
#pragma unroll
  for (int i = 0; i < 32; i += kFoldAhead) {
    float4 a[kFoldAhead];
#pragma unroll
    for (int j = 0; j < kFoldAhead; ++j) a[j] = __ldcg(total + (i + j) * 32);
#pragma unroll
    for (int j = 0; j < kFoldAhead; ++j) {
      float* part = o + 4 * (i + j);
      part[0] = fold_scaled(a[j].x, part[0], low);
      part[1] = fold_scaled(a[j].y, part[1], low);
      part[2] = fold_scaled(a[j].z, part[2], high);
      part[3] = fold_scaled(a[j].w, part[3], high);
    }
  }
}

__device__ __forceinline__ void store_fragment(const float (&o)[128], float4* to) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    __stcg(to + i * 32, float4{o[4 * i], o[4 * i + 1], o[4 * i + 2], o[4 * i + 3]});
  }
}

__device__ __forceinline__ void scale_part(float (&o)[128], const Fold& low, const Fold& high) {
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    o[i] = multiply_flushed(o[i], low.of_part);
    o[i + 1] = multiply_flushed(o[i + 1], low.of_part);
    o[i + 2] = multiply_flushed(o[i + 2], high.of_part);
    o[i + 3] = multiply_flushed(o[i + 3], high.of_part);
  }
}

/// total = fold(total, o) in memory, where no total is rescaled and o is scaled
/// already: nothing to wait for.
__device__ __forceinline__ void add_fragment(const float (&o)[128], float4* total) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    add_in_memory(total + i * 32, {o[4 * i], o[4 * i + 1], o[4 * i + 2], o[4 * i + 3]});
  }
}

/// Lane q of four has word q of each of four groups; afterwards all four words
/// of group q.
__device__ __forceinline__ uint4 exchange(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                                          std::uint32_t w3) {
  const bool odd = threadIdx.x % 2, upper = threadIdx.x / 2 % 2;
  // Pairs of lanes swap so that each has words of groups 2 i + its bit, then
  // pairs of pairs.
  const std::uint32_t a = __shfl_xor_sync(0xffffffff, odd ? w0 : w1, 1);
  const std::uint32_t b = __shfl_xor_sync(0xffffffff, odd ? w2 : w3, 1);
  const uint2 low = odd ? uint2{a, w1} : uint2{w0, a};
  const uint2 high = odd ? uint2{b, w3} : uint2{w2, b};
  const std::uint32_t c = __shfl_xor_sync(0xffffffff, upper ? low.x : high.x, 2);
  const std::uint32_t d = __shfl_xor_sync(0xffffffff, upper ? low.y : high.y, 2);
  return upper ? uint4{c, d, high.x, high.y} : uint4{low.x, low.y, c, d};
}

/// 64 bytes of a row by four lanes at a time.
__device__ __forceinline__ void write_rows(const float (&o)[128], RowPair sum, __nv_bfloat16* low,
                                           __nv_bfloat16* high) {
#pragma unroll
  for (int i = 0; i < 128; i += 16) {
    std::uint32_t l[4], h[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      l[j] = pack_bf16(finish(o[i + 4 * j], sum.low), finish(o[i + 4 * j + 1], sum.low));
      h[j] = pack_bf16(finish(o[i + 4 * j + 2], sum.high), finish(o[i + 4 * j + 3], sum.high));
    }
    *reinterpret_cast<uint4*>(low + 2 * i) = exchange(l[0], l[1], l[2], l[3]);
    *reinterpret_cast<uint4*>(high + 2 * i) = exchange(h[0], h[1], h[2], h[3]);
  }
}

template <int kWarpgroup>
__device__ __forceinline__ void write_out(const MlaKernelArgs& args, const Mine& mine,
                                          const Place& at, const float (&o)[128], RowPair sum) {
  const int head = mine.item->head + at.row % args.tile_heads;
  const int row = mine.item->row[16 * at.warp / args.tile_heads];
  __nv_bfloat16* low =
      args.out + row * args.out_ld + head * kMlaVDim + kWarpgroup * 256 + 8 * (at.lane % 4);
  write_rows(o, sum, low, low + 8 * kMlaVDim);
}

/// Where the open total of an item that folds is, or the partial result of this
/// chunk.
__device__ __forceinline__ std::int64_t fragment_of(const Mine& mine, const Place& at, int chunk,
                                                    bool partial) {
  if (!partial) return blockIdx.x * 4 + at.warp;
  const int slots = mine.tile_begin == 0 ? 0 : chunk * mine.fragments;
  return gridDim.x * 4 + mine.item->slot + slots + at.warp;
}

/// The chunk's sums are complete in o: folds them, stores them or writes the
/// rows.
template <int kWarpgroup>
__device__ __forceinline__ void close_chunk(const MlaKernelArgs& args, const Mine& mine,
                                            const Place& at, int chunk, bool last,
                                            std::uint32_t turn, float (&o)[128], const Progress& p,
                                            Shared& shared) {
  write_pair(shared.sums[turn][kWarpgroup], at, {quad_sum(p.sum.low), quad_sum(p.sum.high)});
  named_barrier_sync(kChunkEnd, 256);  // the other warpgroup's part of the sums
  if (!mine.live) return;
  const RowPair even = read_pair(shared.sums[turn][0], at),
                odd = read_pair(shared.sums[turn][1], at);
  RowPair sum{__fadd_rn(even.low, odd.low), __fadd_rn(even.high, odd.high)};
  RowPair reference = p.reference;
  const bool folds = mine.tile_begin == 0;
  float* const total_reference = shared.total_reference[kWarpgroup];
  float* const total_sum = shared.total_sum[kWarpgroup];
  if (folds && chunk > 0) {
    const RowPair before = read_pair(total_reference, at), its = read_pair(total_sum, at);
    const Fold low = fold_of(before.low, reference.low);
    const Fold high = fold_of(before.high, reference.high);
    sum = {fold(its.low, sum.low, low), fold(its.high, sum.high, high)};
    reference = {low.reference, high.reference};
    float4* const total = fragment_at(args, fragment_of(mine, at, chunk, false), kWarpgroup, at);
    scale_part(o, low, high);
    if (!last && !__any_sync(0xffffffff, low.of_total != 1.0f || high.of_total != 1.0f)) {
      add_fragment(o, total);
      write_pair(total_sum, at, sum);
      __syncwarp();
      return;
    }
    fold_in(o, total, low, high);
  }
  if (last && mine.item->slot < 0) {
    write_out<kWarpgroup>(args, mine, at, o, sum);
    return;
  }
  const bool partial = last || !folds;
  const std::int64_t to = fragment_of(mine, at, chunk, partial);
  store_fragment(o, fragment_at(args, to, kWarpgroup, at));
  write_pair(total_reference, at, reference);
  write_pair(total_sum, at, sum);
  __syncwarp();
  if (partial && kWarpgroup == 0 && at.lane % 4 == 0) {
    args.states[to * 16 + at.lane / 4] = {reference.low, sum.low};
    args.states[to * 16 + at.lane / 4 + 8] = {reference.high, sum.high};
  }
}

__device__ __forceinline__ void give_back(Barrier* barrier, const Place& at) {
  if (at.lane == 0) barrier_arrive(barrier);
}

}  // namespace moebius::kernels::mla
