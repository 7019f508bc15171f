// Merges the partial results of pieces in the order of their keys: the fold that a block does by
// itself where it walks all chunks.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/attention/mla_kernel.cuh"
#include "kernels/attention/mla_softmax.cuh"

namespace moebius::kernels::mla {

constexpr int kMergeThreads = 256;
constexpr int kMergeBlocksPerProcessor = 4;
constexpr int kMergeWidth = 2;                 // float4 of a fragment that a lane has
constexpr int kMergeAhead = 4;                 // pieces that are loaded together
constexpr int kMergeUnits = 64 / kMergeWidth;  // warps for a merge

struct MergePiece {
  float2 low, high;  // reference and sum of the lane's two rows
  float4 o[kMergeWidth];
};

struct Merged {
  RowPair reference, sum;
  float4 o[kMergeWidth];
};

__device__ __forceinline__ void load_piece(const MlaKernelArgs& args, std::int64_t fragment,
                                           int first, int lane, MergePiece& piece) {
  piece.low = args.states[fragment * 16 + lane / 4];
  piece.high = args.states[fragment * 16 + lane / 4 + 8];
  const auto* o = reinterpret_cast<const float4*>(args.fragments + fragment * kMlaFragmentFloats);
#pragma unroll
  for (int i = 0; i < kMergeWidth; ++i) piece.o[i] = o[(first + i) * 32 + lane];
}

__device__ __forceinline__ void take_in(const MergePiece& piece, bool first, Merged& total) {
  if (first) {
    total.reference = {piece.low.x, piece.high.x};
    total.sum = {piece.low.y, piece.high.y};
#pragma unroll
    for (int i = 0; i < kMergeWidth; ++i) total.o[i] = piece.o[i];
    return;
  }
  const Fold low = fold_of(total.reference.low, piece.low.x);
  const Fold high = fold_of(total.reference.high, piece.high.x);
  total.reference = {low.reference, high.reference};
  total.sum = {fold(total.sum.low, piece.low.y, low), fold(total.sum.high, piece.high.y, high)};
#pragma unroll
  for (int i = 0; i < kMergeWidth; ++i) {
    total.o[i] = {fold(total.o[i].x, piece.o[i].x, low), fold(total.o[i].y, piece.o[i].y, low),
                  fold(total.o[i].z, piece.o[i].z, high), fold(total.o[i].w, piece.o[i].w, high)};
  }
}

__device__ __forceinline__ Merged merge_pieces(const MlaKernelArgs& args, const MlaMerge& merge,
                                               const std::int32_t* pieces, int partials_at,
                                               int first, int lane) {
  Merged total;
  for (int begin = 0; begin < merge.pieces; begin += kMergeAhead) {
    MergePiece ahead[kMergeAhead];
#pragma unroll
    for (int j = 0; j < kMergeAhead; ++j) {
      if (begin + j < merge.pieces) {
        load_piece(args, partials_at + pieces[merge.piece_begin + begin + j], first, lane,
                   ahead[j]);
      }
    }
#pragma unroll
    for (int j = 0; j < kMergeAhead; ++j) {
      if (begin + j < merge.pieces) take_in(ahead[j], begin + j == 0, total);
    }
  }
  return total;
}

/// `blocks`: of the attention kernel, whose own fragments come before the partial results.
__global__ void __launch_bounds__(kMergeThreads)
    mla_merge_kernel(const __grid_constant__ MlaKernelArgs args, int blocks) {
  follow_previous_kernel();
  const auto* header = reinterpret_cast<const MlaPlanHeader*>(args.plan);
  const auto* merges = reinterpret_cast<const MlaMerge*>(args.plan + header->merges_at);
  const auto* pieces = reinterpret_cast<const std::int32_t*>(args.plan + header->pieces_at);
  const int lane = threadIdx.x % 32;
  const int warps = gridDim.x * (kMergeThreads / 32);
  for (int unit = blockIdx.x * (kMergeThreads / 32) + threadIdx.x / 32;
       unit < header->merges * kMergeUnits; unit += warps) {
    const MlaMerge merge = merges[unit / kMergeUnits];
    const int first = unit % kMergeUnits * kMergeWidth;
    const Merged total = merge_pieces(args, merge, pieces, blocks * 4, first, lane);
    __nv_bfloat16* low = args.out + merge.row * args.out_ld + (merge.head + lane / 4) * kMlaVDim +
                         first * 8 + 2 * (lane % 4);
    __nv_bfloat16* high = low + 8 * kMlaVDim;
#pragma unroll
    for (int i = 0; i < kMergeWidth; ++i) {
      *reinterpret_cast<std::uint32_t*>(low + 8 * i) =
          pack_bf16(finish(total.o[i].x, total.sum.low), finish(total.o[i].y, total.sum.low));
      *reinterpret_cast<std::uint32_t*>(high + 8 * i) =
          pack_bf16(finish(total.o[i].z, total.sum.high), finish(total.o[i].w, total.sum.high));
    }
  }
}

}  // namespace moebius::kernels::mla
