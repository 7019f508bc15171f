// The fp8 product's kernel: tiles, its pipeline between copy engine and tensor cores, its stores.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/gemm/gemm_groups.cuh"

namespace moebius::kernels::fp8 {

constexpr int kDepth = 128;  // k of one stage: one scale of x and of w each, one swizzled line

template <int rows, int outs, int cluster, int stages, bool pairs>
struct Shape {
  static constexpr int kRows = rows, kOuts = outs, kCluster = cluster, kStages = stages;
  static constexpr bool kPairs = pairs;
  static constexpr int kWarpgroups = rows == 64 ? 1 : 2;
  static constexpr int kSubtiles = rows / (64 * kWarpgroups);  // of 64 rows, for a warpgroup
  // Register quotas go to whole warpgroups, so where they are used the producer is one too.
  static constexpr int kThreads = kWarpgroups == 1 ? 128 + 32 : 256 + 128;
  static constexpr int kBlocks = kWarpgroups == 1 ? 2 : 1;  // of a multiprocessor
  // Rows of x in one copy. Small tiles are rarely full: what is past the rows is not fetched.
  static constexpr int kBoxRows = rows == 64 ? 16 : rows / cluster;
  // A tile's rows of w meet two rows of scales: gate's and up's, or where it crosses a boundary.
  static constexpr bool kCrosses = !pairs && 128 % outs != 0;
  static constexpr int kScaleRows = pairs || kCrosses ? 2 : 1;
  static constexpr int kXBytes = rows * kDepth, kWBytes = outs * kDepth;
  static constexpr int kScaleBytes = rows * 4;
  static constexpr int kBytes = stages * (kXBytes + kWBytes + kScaleBytes + 2 * 8);
  static_assert(!pairs || 256 % outs == 0);
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
        across_(static_cast<std::int32_t>((a.n + S::kOuts * S::kCluster - 1) /
                                          (S::kOuts * S::kCluster))),
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
    at.out = index / height * S::kOuts * S::kCluster;
    next_ += static_cast<std::int32_t>(gridDim.x) / S::kCluster;
    return true;
  }

 private:
  std::int32_t rows_, heads_;
  bool grouped_;
  std::int32_t across_, next_;
  GroupWalk groups_;
};

/// Stages in shared memory: what the copy engine fills and the tensor cores read.
template <typename S>
struct Stages {
  std::byte* base;  // 1024-byte aligned

  __device__ std::byte* x(int s) const { return base + s * S::kXBytes; }
  __device__ std::byte* w(int s) const { return base + S::kStages * S::kXBytes + s * S::kWBytes; }
  __device__ float* scales(int s) const {
    return reinterpret_cast<float*>(base + S::kStages * (S::kXBytes + S::kWBytes) +
                                    s * S::kScaleBytes);
  }
  __device__ Barrier* full(int s) const {
    return reinterpret_cast<Barrier*>(base +
                                      S::kStages * (S::kXBytes + S::kWBytes + S::kScaleBytes)) +
           s;
  }
  __device__ Barrier* empty(int s) const { return full(S::kStages) + s; }
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

/// A place in the ring of stages and how often it came round.
template <typename S>
struct Turn {
  int stage = 0;
  std::uint32_t parity = 0;
  __device__ void advance() {
    if (++stage == S::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

/// One warp: fills stage after stage for each tile.
template <typename S>
__device__ void produce(const GemmCudaArgs& a, const CUtensorMap& x, const CUtensorMap& w,
                        const CUtensorMap& scales, const Stages<S>& stages) {
  const bool leader = threadIdx.x % 32 == 0;
  const auto rank = S::kCluster > 1 ? static_cast<std::int32_t>(cluster_rank()) : 0;
  const auto depths = static_cast<std::int32_t>((a.w.cols + kDepth - 1) / kDepth);
  const auto scale_head = static_cast<std::int32_t>(a.heads > 1 ? a.x_head / kDepth : 0);
  TileWalk<S> walk(a);
  Turn<S> turn;
  TileAt at;
  while (walk.next(at)) {
    const std::int32_t x_matrix = a.groups > 0 ? 0 : at.matrix;
    const std::int32_t boxes = (min(at.row_end - at.row, S::kRows) + S::kBoxRows - 1) / S::kBoxRows;
    for (std::int32_t depth = 0; depth < depths; ++depth, turn.advance()) {
      const int s = turn.stage;
      // Until consumers (of all blocks, who share x) have read what this stage held.
      barrier_wait(stages.empty(s), turn.parity ^ 1);
      if (leader) {
        barrier_arrive_expect(
            stages.full(s),
            static_cast<std::uint32_t>(boxes * S::kBoxRows * kDepth + S::kWBytes + S::kScaleBytes));
        tma_load_3d(stages.w(s), &w, stages.full(s), depth * kDepth, at.out + rank * S::kOuts,
                    at.matrix);
        tma_load_2d(stages.scales(s), &scales, stages.full(s), at.row,
                    scale_head * x_matrix + depth);
        for (std::int32_t box = rank; box < boxes; box += S::kCluster) {
          std::byte* to = stages.x(s) + box * S::kBoxRows * kDepth;
          const std::int32_t row = at.row + box * S::kBoxRows;
          if constexpr (S::kCluster > 1) {
            tma_load_3d_multicast(to, &x, stages.full(s),
                                  static_cast<std::uint16_t>((1 << S::kCluster) - 1),
                                  depth * kDepth, row, x_matrix);
          } else {
            tma_load_3d(to, &x, stages.full(s), depth * kDepth, row, x_matrix);
          }
        }
      }
      __syncwarp();
    }
  }
}

/// Scales of w that a tile meets: lane i holds those of one depth in 32.
template <typename S>
class WeightScales {
 public:
  __device__ WeightScales(const GemmCudaArgs& a, const TileAt& at, std::int32_t out)
      : depths_(static_cast<std::int32_t>((a.w.cols + kDepth - 1) / kDepth)) {
    const auto n = static_cast<std::int32_t>(a.n);
    const std::int32_t first = min(out, n - 1);
    std::int32_t row;
    if (a.groups > 0) {
      row = at.matrix * weight_scale_rows(n, S::kPairs);
    } else {
      row = static_cast<std::int32_t>((a.w_first + a.w_head * at.matrix) / 128);
    }
    std::int32_t last;
    if (S::kPairs) {
      row += first / 2 / 128;
      last = row + (n / 2 + 127) / 128;
    } else {
      last = row + min(first + S::kOuts - 1, n - 1) / 128;
      row += first / 128;
    }
    line_[0] = a.w.scale + static_cast<std::int64_t>(row) * depths_;
    if (S::kScaleRows > 1)
      line_[S::kScaleRows - 1] = a.w.scale + static_cast<std::int64_t>(last) * depths_;
    load(0);
  }

  /// Of depth `depth`; asked for in ascending order.
  __device__ void at(std::int32_t depth, float (&scale)[S::kScaleRows]) {
    if (depth % 32 == 0) load(depth);
#pragma unroll
    for (int i = 0; i < S::kScaleRows; ++i) {
      scale[i] = __shfl_sync(0xffffffffU, held_[i], depth % 32);
    }
  }

 private:
  __device__ void load(std::int32_t depth) {
    const std::int32_t lane = static_cast<std::int32_t>(threadIdx.x) % 32;
    // The next 32 are fetched long before they are due.
#pragma unroll
    for (int i = 0; i < S::kScaleRows; ++i) {
      held_[i] = depth == 0 ? fetch(i, lane) : next_[i];
      next_[i] = fetch(i, depth + 32 + lane);
    }
  }
  __device__ float fetch(int i, std::int32_t depth) const {
    return depth < depths_ ? __ldg(line_[i] + depth) : 0.0F;
  }

  std::int32_t depths_;
  const float* line_[S::kScaleRows];
  float held_[S::kScaleRows], next_[S::kScaleRows];
};

/// Four lanes hold two neighbours (in one register) of each of four runs of eight values; after,
/// lane i holds all of run i.
__device__ __forceinline__ void transpose_quad(std::uint32_t (&v)[4]) {
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  const std::uint32_t a = __shfl_xor_sync(0xffffffffU, odd ? v[0] : v[1], 1);
  const std::uint32_t b = __shfl_xor_sync(0xffffffffU, odd ? v[2] : v[3], 1);
  (odd ? v[0] : v[1]) = a;
  (odd ? v[2] : v[3]) = b;
  const std::uint32_t c = __shfl_xor_sync(0xffffffffU, high ? v[0] : v[2], 2);
  const std::uint32_t d = __shfl_xor_sync(0xffffffffU, high ? v[1] : v[3], 2);
  (high ? v[0] : v[2]) = c;
  (high ? v[1] : v[3]) = d;
}

/// Stores a fragment [64, outs] of sums: row `row` and row + 8 of this thread's, if `low` and
/// `high`; `out` is the tile's first output before pairing.
template <typename S>
__device__ void store(const GemmCudaArgs& a, const float (&sum)[S::kOuts / 2], std::int64_t row,
                      bool low, bool high, std::int32_t out, std::int32_t y_column) {
  constexpr int kRuns = S::kPairs ? S::kOuts / 16 : S::kOuts / 8;  // of eight columns
  const int quad = static_cast<int>(threadIdx.x) % 4;
  const auto columns = static_cast<std::int32_t>(S::kPairs ? a.n / 2 : a.n);
  const std::int32_t column0 = S::kPairs ? out / 2 : out;
  float v[kRuns * 4];
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::int32_t column = column0 + run * 8 + quad * 2 + j % 2;
      if constexpr (S::kPairs) {
        v[run * 4 + j] = __fmul_rn(silu(sum[run * 8 + j]), sum[run * 8 + 4 + j]);
      } else if (a.bias != nullptr && column < columns) {
        v[run * 4 + j] = __fadd_rn(sum[run * 4 + j], a.bias[column]);
      } else {
        v[run * 4 + j] = sum[run * 4 + j];
      }
    }
  }
  constexpr int kWhole = kRuns / 4 * 4;  // runs that leave in fours, 16 bytes a thread
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const bool wanted = h == 0 ? low : high;
    const std::int64_t line = (row + 8 * h) * a.y.ld + y_column + column0;
    if (a.y.dtype == Dtype::kF32) {
      float* y = static_cast<float*>(a.y.data) + line + quad * 2;
#pragma unroll
      for (int run = 0; run < kRuns; ++run) {
        if (wanted && column0 + run * 8 < columns) {
          *reinterpret_cast<float2*>(y + run * 8) = {v[run * 4 + 2 * h], v[run * 4 + 2 * h + 1]};
        }
      }
      continue;
    }
    auto* y = static_cast<__nv_bfloat16*>(a.y.data) + line;
#pragma unroll
    for (int run = 0; run < kWhole; run += 4) {
      std::uint32_t u[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        u[i] = pack_bf16(v[(run + i) * 4 + 2 * h], v[(run + i) * 4 + 2 * h + 1]);
      }
      transpose_quad(u);
      if (wanted && column0 + (run + quad) * 8 < columns) {
        *reinterpret_cast<uint4*>(y + (run + quad) * 8) = {u[0], u[1], u[2], u[3]};
      }
    }
#pragma unroll
    for (int run = kWhole; run < kRuns; ++run) {
      if (wanted && column0 + run * 8 < columns) {
        *reinterpret_cast<std::uint32_t*>(y + run * 8 + quad * 2) =
            pack_bf16(v[run * 4 + 2 * h], v[run * 4 + 2 * h + 1]);
      }
    }
  }
}

/// Adds one depth's sums, times the scales of its rows and outputs, to the totals.
template <typename S>
__device__ __forceinline__ void promote(const float (&sum)[S::kOuts / 2], float x_low, float x_high,
                                        const float (&w)[S::kScaleRows], int boundary,
                                        float (&total)[S::kOuts / 2]) {
  float low[S::kScaleRows], high[S::kScaleRows];
#pragma unroll
  for (int i = 0; i < S::kScaleRows; ++i) {
    low[i] = __fmul_rn(x_low, w[i]);
    high[i] = __fmul_rn(x_high, w[i]);
  }
#pragma unroll
  for (int run = 0; run < S::kOuts / 8; ++run) {
    constexpr int kLast = S::kScaleRows - 1;
    const bool second = S::kPairs ? run % 2 == 1 : S::kCrosses && run >= boundary;
    const float l = second ? low[kLast] : low[0], h = second ? high[kLast] : high[0];
    const int i = run * 4;
    total[i] = __fmaf_rn(sum[i], l, total[i]);
    total[i + 1] = __fmaf_rn(sum[i + 1], l, total[i + 1]);
    total[i + 2] = __fmaf_rn(sum[i + 2], h, total[i + 2]);
    total[i + 3] = __fmaf_rn(sum[i + 3], h, total[i + 3]);
  }
}

/// One warpgroup: multiplies stage after stage, 64 rows at a time, and stores each tile.
template <typename S>
__device__ void consume(const GemmCudaArgs& a, const Stages<S>& stages) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int group = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 128, 0);
  const int thread_row = static_cast<int>(threadIdx.x) % 128 / 32 * 16 + lane / 4;
  const auto rank = S::kCluster > 1 ? static_cast<std::int32_t>(cluster_rank()) : 0;
  const auto depths = static_cast<std::int32_t>((a.w.cols + kDepth - 1) / kDepth);
  TileWalk<S> walk(a);
  Turn<S> turn;
  TileAt at;
  bool more = walk.next(at);
  if (!more) return;
  WeightScales<S> weight_scales(a, at, at.out + rank * S::kOuts);
  while (more) {
    const std::int32_t out = at.out + rank * S::kOuts;
    const int boundary = (128 - out % 128) / 8;
    float total[S::kSubtiles][S::kOuts / 2] = {};
    for (std::int32_t depth = 0; depth < depths; ++depth, turn.advance()) {
      const int s = turn.stage;
      float w_scale[S::kScaleRows];
      weight_scales.at(depth, w_scale);
      barrier_wait(stages.full(s), turn.parity);  // the copies of this stage, before their reads
#pragma unroll
      for (int sub = 0; sub < S::kSubtiles; ++sub) {
        const int first = (group * S::kSubtiles + sub) * 64;
        const float x_low = stages.scales(s)[first + thread_row];
        const float x_high = stages.scales(s)[first + thread_row + 8];
        const std::uint64_t x = descriptor_k128(stages.x(s) + first * kDepth);
        const std::uint64_t w = descriptor_k128(stages.w(s));
        float sum[S::kOuts / 2];
        wgmma_pin(sum);
        wgmma_arrive();
#pragma unroll
        for (int k = 0; k < kDepth / 32; ++k) {
          wgmma_e4m3<S::kOuts>(sum, x + k * kDescriptorStepK, w + k * kDescriptorStepK, k != 0);
        }
        wgmma_commit();
        wgmma_pin(sum);
        wgmma_wait<0>();
        if (sub == S::kSubtiles - 1) {
          __syncwarp();  // every lane has its scales before the stage may be filled again
          if constexpr (S::kCluster > 1) {
            if (lane < S::kCluster) hand_back(stages.empty(s), lane);
          } else {
            if (lane == 0) barrier_arrive(stages.empty(s));
          }
        }
        promote<S>(sum, x_low, x_high, w_scale, boundary, total[sub]);
      }
    }
    const TileAt done = at;
    more = walk.next(at);  // and its scales are on their way while this tile is stored
    if (more) weight_scales = WeightScales<S>(a, at, at.out + rank * S::kOuts);
    const std::int32_t y_column =
        a.groups > 0 ? 0 : static_cast<std::int32_t>(a.y_head * done.matrix);
#pragma unroll
    for (int sub = 0; sub < S::kSubtiles; ++sub) {
      const std::int32_t row = done.row + (group * S::kSubtiles + sub) * 64 + thread_row;
      store<S>(a, total[sub], row, row < done.row_end, row + 8 < done.row_end, out, y_column);
    }
  }
}

template <typename S>
__global__ void __launch_bounds__(S::kThreads, S::kBlocks)
    gemm_fp8_kernel(const __grid_constant__ GemmCudaArgs a, const __grid_constant__ CUtensorMap x,
                    const __grid_constant__ CUtensorMap w,
                    const __grid_constant__ CUtensorMap scales) {
  extern __shared__ __align__(1024) std::byte shared[];
  const Stages<S> stages{shared};
  const int warp = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 32, 0);
  if (threadIdx.x == 0) {
    tma_prefetch(&x);
    tma_prefetch(&w);
    tma_prefetch(&scales);
    for (int s = 0; s < S::kStages; ++s) {
      barrier_init(stages.full(s), 1);
      barrier_init(stages.empty(s), S::kCluster * S::kWarpgroups * 4);
    }
    fence_barrier_init();
  }
  // The barriers, before anyone (of the cluster) uses them.
  if constexpr (S::kCluster > 1) {
    cluster_sync();
  } else {
    __syncthreads();
  }
  constexpr int kProducer = S::kWarpgroups * 4;
  if constexpr (S::kWarpgroups > 1) {
    if (warp >= kProducer) {
      registers_decrease<40>();
      if (warp == kProducer) produce<S>(a, x, w, scales, stages);
    } else {
      registers_increase<232>();
      consume<S>(a, stages);
    }
  } else if (warp == kProducer) {
    produce<S>(a, x, w, scales, stages);
  } else {
    consume<S>(a, stages);
  }
  // A block stays until no other may still write into its stages or arrive at its barriers.
  if constexpr (S::kCluster > 1) cluster_sync();
}

}  // namespace moebius::kernels::fp8
