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

/// How a warpgroup keeps the tensor cores busy while it promotes sums. kDouble: the next stage's
/// products are under way in a second set of sums. kTurns: where registers do not allow that, two
/// warpgroups take turns, one multiplying while the other promotes.
enum class Overlap { kNone, kDouble, kSkew, kTurnsEarly };

/// How the sum over k is put together. kChain: one chain of promotions. Others: kSegments chains,
/// added in order; each by its own block of a cluster (kSplit), or all by one block (kFold).
enum class Order { kChain, kSplit, kFold };

/// Segment i of `depths` begins at depths * i / kSegments.
constexpr int kSegments = 4;

template <int rows, int outs, int cluster, int stages, bool pairs, Overlap overlap, Order order>
struct Shape {
  static constexpr int kRows = rows, kOuts = outs, kCluster = cluster, kStages = stages;
  static constexpr bool kPairs = pairs;
  static constexpr Overlap kOverlap = overlap;
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
  static_assert(overlap != Overlap::kDouble || kSubtiles == 1);
  static constexpr bool kTurns = overlap == Overlap::kTurnsEarly;
  static_assert(!kTurns || kWarpgroups == 2);
  static_assert(order != Order::kSplit || (cluster == kSegments && rows == 64 && !pairs));
  static_assert(order != Order::kFold || overlap != Overlap::kDouble);
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
  /// Announces the stage's bytes and fetches the weights.
  __device__ void begin(const TileAt& at, std::int32_t depth, int s) const {
    barrier_arrive_expect(stages.full(s),
                          static_cast<std::uint32_t>(boxes(at) * box_rows * kDepth + S::kWBytes +
                                                     S::kScaleBoxes * S::kScaleRowsOfBox * 4));
    tma_load_3d(stages.w(s), &w, stages.full(s), depth * kDepth, at.out + rank * S::kOuts,
                at.matrix);
  }
  /// Fetches the rows (this block's share, for all of the cluster) and their scales, which lie
  /// `scale_line` further for each matrix of x.
  __device__ void finish(const TileAt& at, std::int32_t x_matrix, std::int32_t scale_line,
                         std::int32_t depth, int s) const {
#pragma unroll
    for (int half = 0; half < S::kScaleBoxes; ++half) {
      tma_load_2d(stages.scales(s, half), &scales, stages.full(s), at.row / 4 * 4 + half * 128,
                  scale_line * x_matrix + depth);
    }
    for (std::int32_t box = rank; box < boxes(at); box += S::kShare) {
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
      copies.begin(at, depth, depth - depths.begin);
    }
    wait_for_previous_kernel();
  }
  for (; more; more = walk.next(at)) {
    const std::int32_t x_matrix = a.groups > 0 ? 0 : at.matrix;
    for (std::int32_t depth = depths.begin; depth < depths.end; ++depth, turn.advance()) {
      const int s = turn.stage;
      // Until consumers (of all blocks, who share x) have read what this stage held.
      barrier_wait(stages.empty(s), turn.parity ^ 1);
      if (leader) {
        if (depth >= early) copies.begin(at, depth, s);
        copies.finish(at, x_matrix, scale_line, depth, s);
      }
      __syncwarp();
    }
    early = 0;
  }
  allow_next_kernel();
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

/// Stores a fragment [64, 2 * size] of sums: row `row` and row + 8 of this thread's, if `low` and
/// `high`; `out` is its first output before pairing.
template <bool pairs, int size>
__device__ void store(const GemmCudaArgs& a, const float (&sum)[size], std::int64_t row, bool low,
                      bool high, std::int32_t out, std::int32_t y_column) {
  constexpr int kRuns = size / (pairs ? 8 : 4);  // of eight columns
  const int quad = static_cast<int>(threadIdx.x) % 4;
  const auto columns = static_cast<std::int32_t>(pairs ? a.n / 2 : a.n);
  const std::int32_t column0 = pairs ? out / 2 : out;
  float v[kRuns * 4];
#pragma unroll
  for (int run = 0; run < kRuns; ++run) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::int32_t column = column0 + run * 8 + quad * 2 + j % 2;
      if constexpr (pairs) {
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
    if (S::kTurns && group_ == 1) pass_turn();
    TileWalk<S> walk(a_);
    TileAt at;
    bool more = walk.next(at);
    if (!more) return;
    WeightScales<S> weight_scales(a_, at, out_of(at), depths_.begin);

    while (more) {
      Sums total[S::kSubtiles] = {};
      if constexpr (S::kOrder == Order::kFold) {
        multiply_folding(at, weight_scales, total);
      } else if constexpr (S::kOverlap == Overlap::kDouble) {
        multiply_double(at, weight_scales, total[0]);
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

  __device__ void await_turn() const {
    named_barrier_sync(1 + group_, 256);
  }
  __device__ void pass_turn() const {
    named_barrier_arrive(2 - group_, 256);
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
      // Turns pass before the last quarter is done, so that no gap opens.
      if (S::kTurns && k == 0) wgmma_commit();
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
      if (S::kOverlap == Overlap::kSkew && group_ == 1 && !skewed_) {
        const long long start = clock64();
        while (clock64() - start < 2 * S::kOuts) {
        }
        skewed_ = true;
      }

#pragma unroll
      for (int sub = 0; sub < S::kSubtiles; ++sub) {
        const float* x_scale = x_scales(at, s, first_row(sub));
        const float low = x_scale[0], high = x_scale[8];
        Sums sum;
        if constexpr (S::kTurns) await_turn();
        start(s, sub, sum);
        if constexpr (S::kTurns) {
          wgmma_wait<1>();
          pass_turn();
        }
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

  /// The same with the products of the next stage under way while sums are promoted.
  __device__ void multiply_double(const TileAt& at, WeightScales<S>& weight_scales, Sums& total) {
    const int boundary = (128 - out_of(at) % 128) / 8;

    Turn<S> ahead = turn_;
    const auto begin = [&](Sums& sum) {
      barrier_wait(stages_.full(ahead.stage), ahead.parity);  // its copies, before their reads
      start(ahead.stage, 0, sum);
      ahead.advance();
    };
    float w_scale[S::kScaleRows];
    float low, high;
    const auto prepare = [&](std::int32_t depth) {  // scales, while products are under way
      weight_scales.at(depth, w_scale);
      const float* x_scale = x_scales(at, turn_.stage, first_row(0));
      low = x_scale[0];
      high = x_scale[8];
    };
    const auto finish = [&](Sums& sum) {
      hand_back_stage(turn_.stage);
      promote<S>(sum, low, high, w_scale, boundary, total);
      turn_.advance();
    };
    Sums even, odd;
    std::int32_t depth = depths_.begin;
    begin(even);
    for (; depth + 2 < depths_.end; depth += 2) {
      prepare(depth);
      begin(odd);
      wgmma_wait<1>();
      wgmma_pin(even);
      finish(even);
      prepare(depth + 1);
      begin(even);
      wgmma_wait<1>();
      wgmma_pin(odd);
      finish(odd);
    }
    prepare(depth);
    if (depth + 1 < depths_.end) {
      begin(odd);
      wgmma_wait<1>();
      wgmma_pin(even);
      finish(even);
      prepare(depth + 1);
      wgmma_wait<0>();
      wgmma_pin(odd);
      finish(odd);
    } else {
      wgmma_wait<0>();
      wgmma_pin(even);
      finish(even);
    }
  }

  const GemmCudaArgs& a_;
  const Stages<S>& stages_;
  int lane_, group_, row_;  // row_: of the thread's first in a fragment
  std::int32_t rank_;
  Depths depths_;
  Turn<S> turn_;
  bool skewed_ = false;
};

template <typename S>
__global__ void __launch_bounds__(S::kThreads, S::kBlocks)
    gemm_fp8_kernel(const __grid_constant__ GemmCudaArgs a, const __grid_constant__ CUtensorMap x,
                    const __grid_constant__ CUtensorMap w,
                    const __grid_constant__ CUtensorMap scales, std::int32_t box_rows) {
  extern __shared__ __align__(1024) std::byte shared[];
  const Stages<S> stages{shared};
  const int warp = __shfl_sync(0xffffffffU, static_cast<int>(threadIdx.x) / 32, 0);
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
