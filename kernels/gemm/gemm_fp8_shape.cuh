// The fp8 product's shapes: tiles, the order they are done in, stages in shared memory.
#pragma once

#include <cstdint>

#include "kernels/device/barrier.cuh"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/gemm/gemm_groups.cuh"

namespace moebius::kernels::fp8 {

constexpr int kDepth = 128;  // k of one stage: one scale of x and of w each, one swizzled line

/// How the sum over k is put together. kChain: one chain of promotions. Others: kSegments chains,
/// added in order; each by its own block of a cluster (kSplit), or all by one block (kFold).
enum class Order { kChain, kSplit, kFold };

/// Segment i of `depths` begins at depths * i / kSegments.
constexpr int kSegments = 4;

template <int rows, int outs, int cluster, int stages, bool pairs, Order order>
struct Shape {
  static constexpr int kRows = rows, kOuts = outs, kCluster = cluster, kStages = stages;
  static constexpr bool kPairs = pairs;

  static constexpr Order kOrder = order;
  static constexpr int kShare = order == Order::kSplit ? 1 : cluster;  // blocks that share x
  static constexpr int kWarpgroups = rows == 64 ? 1 : 2;
  static constexpr int kSubtiles = rows / (64 * kWarpgroups);  // of 64 rows, for a warpgroup
  // Register quotas go to whole warpgroups, so where they are used the producer is one too.
  static constexpr int kThreads = kWarpgroups == 1 ? 128 + 32 : 256 + 128;
  static constexpr int kBlocks = kWarpgroups == 1 ? 2 : 1;  // of a multiprocessor

  // A tile's rows of w meet two rows of scales: gate's and up's, or where it crosses a boundary.
  static constexpr bool kCrosses = !pairs && 128 % outs != 0;
  static constexpr int kScaleRows = pairs || kCrosses ? 2 : 1;
  static constexpr int kXBytes = rows * kDepth, kWBytes = outs * kDepth;
  // Scales of x come in boxes that begin at a multiple of four rows, so up to three rows early.
  static constexpr int kScaleRowsOfBox = (rows == 64 ? 64 : 128) + 4;
  static constexpr int kScaleBoxes = rows == 256 ? 2 : 1;
  static constexpr int kScaleBoxBytes = rows == 64 ? 384 : 640;  // in shared memory, aligned to 128
  static constexpr int kScaleBytes = kScaleBoxes * kScaleBoxBytes;

  // The other blocks' parts of this block's share of a tile, and its own.
  static constexpr int kPartsBytes = order == Order::kSplit ? rows * outs * 4 : 0;
  static constexpr int kBytes = stages * (kXBytes + kWBytes + kScaleBytes + 2 * 8) + kPartsBytes;
  static_assert(!pairs || 256 % outs == 0);
  static_assert(order != Order::kSplit || (cluster == kSegments && rows == 64 && !pairs));
};

/// Where one tile lies. `matrix`: the head or group; rows of x and y from `row` to before
/// `row_end`; the tile may end later.
struct TileAt {
  std::int32_t matrix, row, row_end, out;
};

/// Which tiles this cluster does, in ascending order: bands of rows that fit the L2 cache, in them
/// down the rows first. All lanes of a warp walk together.
template <typename S>
class TileWalk {
 public:
  __device__ explicit TileWalk(const GemmCudaArgs& a)
      : rows_(static_cast<std::int32_t>(a.rows)),
        heads_(static_cast<std::int32_t>(a.heads)),
        grouped_(a.groups > 0),
        across_(
            static_cast<std::int32_t>((a.n + S::kOuts * S::kShare - 1) / (S::kOuts * S::kShare))),
        next_(static_cast<std::int32_t>(blockIdx.x) / S::kCluster),
        groups_(a.offsets, static_cast<std::int32_t>(a.groups), S::kRows) {}

  __device__ bool next(TileAt& at) {
    GroupSpan span{.group = 0, .first = 0, .end = rows_, .before = 0, .tiles = 0};
    std::int32_t index = next_;
    if (grouped_) {
      span = groups_.find(next_ / across_);
      if (span.group < 0) return false;
      index -= span.before * across_;
    } else {
      span.tiles = (rows_ + S::kRows - 1) / S::kRows;
      span.group = next_ / (span.tiles * across_);
      if (span.group >= heads_) return false;
      index -= span.group * span.tiles * across_;
    }
    constexpr int kBand = 2048 / S::kRows;
    const std::int32_t band = index / (kBand * across_);
    const std::int32_t height = min(kBand, span.tiles - band * kBand);
    index -= band * kBand * across_;
    at.matrix = span.group;
    at.row = span.first + (band * kBand + index % height) * S::kRows;
    at.row_end = span.end;
    at.out = index / height * S::kOuts * S::kShare;
    next_ += static_cast<std::int32_t>(gridDim.x) / S::kCluster;
    return true;
  }

 private:
  std::int32_t rows_, heads_;
  bool grouped_;
  std::int32_t across_, next_;
  GroupWalk groups_;
};

/// Depths [begin, end) of k that this block multiplies.
struct Depths {
  std::int32_t begin, end;
};
template <typename S>
__device__ Depths depths_of(const GemmCudaArgs& a) {
  const auto all = static_cast<std::int32_t>((a.w.cols + kDepth - 1) / kDepth);
  if (S::kOrder != Order::kSplit) return {0, all};
  const auto rank = static_cast<std::int32_t>(cluster_rank());
  return {all * rank / kSegments, all * (rank + 1) / kSegments};
}

/// Stages in shared memory: what the copy engine fills and the tensor cores read.
template <typename S>
struct Stages {
  std::byte* base;  // 1024-byte aligned

  __device__ std::byte* x(int s) const { return base + s * S::kXBytes; }
  __device__ std::byte* w(int s) const { return base + S::kStages * S::kXBytes + s * S::kWBytes; }
  /// Of the 128 rows from 128 half on.
  __device__ float* scales(int s, int half) const {
    return reinterpret_cast<float*>(base + S::kStages * (S::kXBytes + S::kWBytes) +
                                    s * S::kScaleBytes + half * S::kScaleBoxBytes);
  }
  __device__ Barrier* full(int s) const {
    return reinterpret_cast<Barrier*>(base +
                                      S::kStages * (S::kXBytes + S::kWBytes + S::kScaleBytes)) +
           s;
  }
  __device__ Barrier* empty(int s) const { return full(S::kStages) + s; }
  __device__ float4* parts() const { return reinterpret_cast<float4*>(empty(S::kStages)); }
};

/// Arrives at block `rank`'s copy of a barrier, saying only that this warp has read a stage: the
/// tensor cores' wait orders that, so no fence over the cluster's memory is paid for.
__device__ __forceinline__ void hand_back(Barrier* barrier, int rank) {
  asm volatile(
      "{\n.reg .b32 remote;\nmapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [remote];\n}\n" ::"r"(shared_address(barrier)),
      "r"(rank)
      : "memory");
}

}  // namespace moebius::kernels::fp8
