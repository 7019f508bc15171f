// The fp8 product's kernel: a pipeline between copy engine and tensor cores.
#pragma once

#include <cstdint>

#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/gemm/gemm_fp8_shape.cuh"
#include "kernels/gemm/gemm_fp8_store.cuh"

namespace moebius::kernels::fp8 {

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

/// The copies into one stage.
template <typename S>
struct Copies {
  const CUtensorMap& x;
  const CUtensorMap& w;
  const CUtensorMap& scales;
  const Stages<S>& stages;
  std::int32_t rank;
  std::int32_t box_rows;  // rows of x in one copy; what is past the tile's rows is not fetched

  __device__ std::int32_t boxes(const TileAt& at) const {
    return (min(at.row_end - at.row, S::kRows) + box_rows - 1) / box_rows;
  }
  /// Announces the stage's bytes, `count` boxes of x among them, and fetches the weights.
  __device__ void begin(const TileAt& at, std::int32_t count, std::int32_t depth, int s) const {
    constexpr std::uint32_t kFixed = S::kWBytes + S::kScaleBoxes * S::kScaleRowsOfBox * 4;
    barrier_arrive_expect(stages.full(s),
                          static_cast<std::uint32_t>(count * box_rows * kDepth) + kFixed);
    tma_load_3d(stages.w(s), &w, stages.full(s), depth * kDepth, at.out + rank * S::kOuts,
                at.matrix);
  }
  /// Fetches the rows (this block's share, for all of the cluster) and their scales, which lie
  /// `scale_line` further for each matrix of x.
  __device__ void finish(const TileAt& at, std::int32_t count, std::int32_t x_matrix,
                         std::int32_t scale_line, std::int32_t depth, int s) const {
#pragma unroll
    for (int half = 0; half < S::kScaleBoxes; ++half) {
      tma_load_2d(stages.scales(s, half), &scales, stages.full(s), at.row / 4 * 4 + half * 128,
                  scale_line * x_matrix + depth);
    }
    for (std::int32_t box = rank; box < count; box += S::kShare) {
      std::byte* to = stages.x(s) + box * box_rows * kDepth;
      const std::int32_t row = at.row + box * box_rows;
      if constexpr (S::kShare > 1) {
        constexpr auto kAll = static_cast<std::uint16_t>((1 << S::kShare) - 1);
        tma_load_3d_multicast(to, &x, stages.full(s), kAll, depth * kDepth, row, x_matrix);
      } else {
        tma_load_3d(to, &x, stages.full(s), depth * kDepth, row, x_matrix);
      }
    }
  }
};

/// One warp: fills stage after stage for each tile.
template <typename S>
__device__ void produce(const GemmCudaArgs& a, const Copies<S>& copies) {
  const bool leader = threadIdx.x % 32 == 0;
  const Stages<S>& stages = copies.stages;
  const Depths depths = depths_of<S>(a);
  const auto scale_line = static_cast<std::int32_t>(a.heads > 1 ? a.x_head / kDepth : 0);
  // Weights do not come from the kernel before: those of the first stages need not wait for it.
  // With groups even the tile depends on it.
  std::int32_t early = 0;
  if (a.groups > 0) wait_for_previous_kernel();
  TileWalk<S> walk(a);
  Turn<S> turn;
  TileAt at;
  bool more = walk.next(at);
  if (more && a.groups == 0) {
    early = min(depths.end, depths.begin + S::kStages);
    for (std::int32_t depth = depths.begin; leader && depth < early; ++depth) {
      copies.begin(at, copies.boxes(at), depth, depth - depths.begin);
    }
    wait_for_previous_kernel();
  }
  for (; more; more = walk.next(at)) {
    const std::int32_t x_matrix = a.groups > 0 ? 0 : at.matrix, boxes = copies.boxes(at);
    for (std::int32_t depth = depths.begin; depth < depths.end; ++depth, turn.advance()) {
      const int s = turn.stage;
      // Until consumers (of all blocks, who share x) have read what this stage held.
      barrier_wait(stages.empty(s), turn.parity ^ 1);
      if (leader) {
        if (depth >= early) copies.begin(at, boxes, depth, s);
        copies.finish(at, boxes, x_matrix, scale_line, depth, s);
      }
      __syncwarp();
    }
    early = 0;
  }
}

/// Scales of w that a tile meets: lane i holds those of one depth in 32.
template <typename S>
class WeightScales {
 public:
  /// From depth `first` on.
  __device__ WeightScales(const GemmCudaArgs& a, const TileAt& at, std::int32_t out,
                          std::int32_t first_depth)
      : depths_(static_cast<std::int32_t>((a.w.cols + kDepth - 1) / kDepth)),
        due_(first_depth / 32 * 32 + 32) {
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
    const std::int32_t lane = static_cast<std::int32_t>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < S::kScaleRows; ++i) {
      held_[i] = fetch(i, due_ - 32 + lane);
      next_[i] = fetch(i, due_ + lane);
    }
  }

  /// Of depth `depth`; asked for in ascending order, one by one.
  __device__ void at(std::int32_t depth, float (&scale)[S::kScaleRows]) {
    if (depth == due_) {  // the next 32 are fetched long before they are due
      due_ += 32;
#pragma unroll
      for (int i = 0; i < S::kScaleRows; ++i) {
        held_[i] = next_[i];
        next_[i] = fetch(i, due_ + static_cast<std::int32_t>(threadIdx.x) % 32);
      }
    }
#pragma unroll
    for (int i = 0; i < S::kScaleRows; ++i) {
      scale[i] = __shfl_sync(0xffffffffU, held_[i], depth % 32);
    }
  }

 private:
  __device__ float fetch(int i, std::int32_t depth) const {
    return depth < depths_ ? __ldg(line_[i] + depth) : 0.0F;
  }

  std::int32_t depths_, due_;
  const float* line_[S::kScaleRows];
  float held_[S::kScaleRows], next_[S::kScaleRows];
};

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
class Consumer {
 public:
  using Sums = float[S::kOuts / 2];

  __device__ Consumer(const GemmCudaArgs& a, const Stages<S>& stages)
      : a_(a),
        stages_(stages),
        lane_(static_cast<int>(threadIdx.x) % 32),
        group_(__shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 128, 0)),
        row_(static_cast<int>(threadIdx.x) % 128 / 32 * 16 + lane_ / 4),
        rank_(S::kShare > 1 ? static_cast<std::int32_t>(cluster_rank()) : 0),
        depths_(depths_of<S>(a)) {}

  __device__ void run() {
    TileWalk<S> walk(a_);
    TileAt at;
    bool more = walk.next(at);
    if (!more) return;
    if (group_ == 1) fall_behind();
    WeightScales<S> weight_scales(a_, at, out_of(at), depths_.begin);

    while (more) {
      Sums total[S::kSubtiles] = {};
      if constexpr (S::kOrder == Order::kFold) {
        multiply_folding(at, weight_scales, total);
      } else {
        multiply(at, depths_, weight_scales, total);
      }
      if constexpr (S::kOrder == Order::kSplit) {
        share(at, total[0]);
        return;
      }
      const TileAt done = at;
      more = walk.next(at);  // and its scales are on their way while this tile is stored
      if (more) weight_scales = WeightScales<S>(a_, at, out_of(at), depths_.begin);
      const std::int32_t y_column =
          a_.groups > 0 ? 0 : static_cast<std::int32_t>(a_.y_head * done.matrix);
#pragma unroll
      for (int sub = 0; sub < S::kSubtiles; ++sub) {
        const std::int32_t row = done.row + first_row(sub) + row_;
        store<S::kPairs>(a_, total[sub], row, row < done.row_end, row + 8 < done.row_end,
                         out_of(done), y_column);
      }
    }
  }

 private:
  __device__ std::int32_t out_of(const TileAt& at) const {
    return at.out + rank_ * S::kOuts;
  }
  __device__ int first_row(int sub) const {
    return (group_ * S::kSubtiles + sub) * 64;
  }

  /// Lets the second warpgroup start half a round late: from then on one multiplies while the other
  /// promotes.
  __device__ void fall_behind() const {
    barrier_wait(stages_.full(0), 0);
    const long long start = clock64();
    while (clock64() - start < 2 * S::kOuts) {
    }
  }

  /// Scales of this thread's rows of those from `first` of the tile on, 8 apart.
  __device__ const float* x_scales(const TileAt& at, int s, int first) const {
    return stages_.scales(s, first / 128) + at.row % 4 + first % 128 + row_;
  }

  /// Starts the products of 64 rows with one stage.
  __device__ void start(int s, int sub, Sums& sum) const {
    const std::uint64_t x = descriptor_k128(stages_.x(s) + first_row(sub) * kDepth);
    const std::uint64_t w = descriptor_k128(stages_.w(s));
    wgmma_pin(sum);
    wgmma_arrive();
#pragma unroll
    for (int k = 0; k < kDepth / 32; ++k) {
      wgmma_e4m3<S::kOuts>(sum, x + k * kDescriptorStepK, w + k * kDescriptorStepK, k != 0);
    }
    wgmma_commit();
    wgmma_pin(sum);
  }

  __device__ void hand_back_stage(int s) const {
    __syncwarp();  // every lane has its scales before the stage may be filled again
    if constexpr (S::kShare > 1) {
      if (lane_ < S::kShare) hand_back(stages_.empty(s), lane_);
    } else {
      if (lane_ == 0) barrier_arrive(stages_.empty(s));
    }
  }

  __device__ void multiply(const TileAt& at, Depths depths, WeightScales<S>& weight_scales,
                           Sums (&total)[S::kSubtiles]) {
    const int boundary = (128 - out_of(at) % 128) / 8;
    for (std::int32_t depth = depths.begin; depth < depths.end; ++depth, turn_.advance()) {
      const int s = turn_.stage;
      float w_scale[S::kScaleRows];
      weight_scales.at(depth, w_scale);
      barrier_wait(stages_.full(s), turn_.parity);  // the copies of this stage, before their reads
#pragma unroll
      for (int sub = 0; sub < S::kSubtiles; ++sub) {
        const float* x_scale = x_scales(at, s, first_row(sub));
        const float low = x_scale[0], high = x_scale[8];
        Sums sum;

        start(s, sub, sum);
        wgmma_wait<0>();
        if (sub == S::kSubtiles - 1) hand_back_stage(s);
        promote<S>(sum, low, high, w_scale, boundary, total[sub]);
      }
    }
  }

  /// Segment after segment, each a chain of its own.
  __device__ void multiply_folding(const TileAt& at, WeightScales<S>& weight_scales,
                                   Sums (&total)[S::kSubtiles]) {
    for (int segment = 0; segment < kSegments; ++segment) {
      Sums part[S::kSubtiles] = {};
      multiply(at, {depths_.end * segment / kSegments, depths_.end * (segment + 1) / kSegments},
               weight_scales, part);
#pragma unroll
      for (int sub = 0; sub < S::kSubtiles; ++sub) {
#pragma unroll
        for (int i = 0; i < S::kOuts / 2; ++i) {
          total[sub][i] = segment == 0 ? part[sub][i] : __fadd_rn(total[sub][i], part[sub][i]);
        }
      }
    }
  }

  /// Block i of the cluster gets every block's part of runs [i kShare, (i + 1) kShare) of eight
  /// outputs, adds them in order and stores them.
  __device__ void share(const TileAt& at, const Sums& part) const {
    constexpr int kShareSize = S::kOuts / 2 / kSegments, kFours = kShareSize / 4;
    const int thread = static_cast<int>(threadIdx.x), me = static_cast<int>(cluster_rank());
#pragma unroll
    for (int to = 0; to < kSegments; ++to) {
#pragma unroll
      for (int i = 0; i < kFours; ++i) {
        const float* v = part + to * kShareSize + i * 4;
        const float4* there = stages_.parts() + (me * kFours + i) * 128 + thread;
        asm volatile(
            "{\n.reg .b32 remote;\nmapa.shared::cluster.u32 remote, %0, %1;\n"
            "st.shared::cluster.v4.f32 [remote], {%2, %3, %4, %5};\n}\n" ::"r"(
                shared_address(there)),
            "r"(to), "f"(v[0]), "f"(v[1]), "f"(v[2]), "f"(v[3])
            : "memory");
      }
    }
    cluster_sync();  // every part, before its sum; the producers wait in the kernel's end
    float sum[kShareSize];
#pragma unroll
    for (int from = 0; from < kSegments; ++from) {
#pragma unroll
      for (int i = 0; i < kFours; ++i) {
        const float4 v = stages_.parts()[(from * kFours + i) * 128 + thread];
        const float four[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          float& s = sum[i * 4 + j];
          s = from == 0 ? four[j] : __fadd_rn(s, four[j]);
        }
      }
    }
    const std::int32_t row = at.row + row_;
    store<false>(a_, sum, row, row < at.row_end, row + 8 < at.row_end, at.out + me * kShareSize * 2,
                 0);
  }

  const GemmCudaArgs& a_;
  const Stages<S>& stages_;
  int lane_, group_, row_;  // row_: of the thread's first in a fragment
  std::int32_t rank_;
  Depths depths_;
  Turn<S> turn_;
};

template <typename S>
__global__ void __launch_bounds__(S::kThreads, S::kBlocks)
    gemm_fp8_kernel(const __grid_constant__ GemmCudaArgs a, const __grid_constant__ CUtensorMap x,
                    const __grid_constant__ CUtensorMap w,
                    const __grid_constant__ CUtensorMap scales, std::int32_t box_rows) {
  extern __shared__ __align__(1024) std::byte shared[];
  const Stages<S> stages{shared};
  const int warp = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 32, 0);
  allow_next_kernel();
  if (threadIdx.x == 0) {
    tma_prefetch(&x);
    tma_prefetch(&w);
    tma_prefetch(&scales);
    for (int s = 0; s < S::kStages; ++s) {
      barrier_init(stages.full(s), 1);
      barrier_init(stages.empty(s), S::kShare * S::kWarpgroups * 4);
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
  const Copies<S> copies{
      x,       w, scales, stages, S::kShare > 1 ? static_cast<std::int32_t>(cluster_rank()) : 0,
      box_rows};
  if constexpr (S::kWarpgroups > 1) {
    if (warp >= kProducer) {
      registers_decrease<40>();
      if (warp == kProducer) produce<S>(a, copies);
    } else {
      registers_increase<232>();
      wait_for_previous_kernel();  // whose output the offsets may be, and who may still read y
      Consumer<S>(a, stages).run();
    }
  } else if (warp == kProducer) {
    produce<S>(a, copies);
  } else {
    wait_for_previous_kernel();
    Consumer<S>(a, stages).run();
  }
  // A block stays until no other may still write into its stages or arrive at its barriers. (Where
  // segments are split, consumers came here to exchange their parts.)
  if constexpr (S::kOrder == Order::kSplit) {
    if (warp == kProducer) cluster_sync();
  } else if constexpr (S::kCluster > 1) {
    cluster_sync();
  }
}

}  // namespace moebius::kernels::fp8
