// What is wanted of rows of logits, on the device: a cluster of eight blocks takes a row into its
// shared memory once and answers everything from there, in one launch. Log-sum-exp and targets
// alone need no such memory: they are two launches that stream.
//
// A row of 129,280 logits is 64 KiB to a block, so two rows share a cluster's processors. Rows
// too long for shared memory go through the workspace instead.
#include <algorithm>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/lm_head/draw.cuh"
#include "kernels/lm_head/lm_head.h"
#include "kernels/lm_head/lm_head_cuda.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kMaxVocab = std::int64_t{1} << 22;
constexpr std::int64_t kMaxTopK = 1024;
constexpr int kSortThreads = kRowThreads;
constexpr int kChains = 16;  // per tile, as lm_head() has
constexpr std::size_t kMaxShared = 227 * 1024;

/// How a row is cut, and what of it lies in a block's shared memory, in this order: RowShared,
/// the tiles' sums, the logits.
struct RowCut {
  std::int64_t tiles;
  std::int64_t block_tiles;
  bool spilled;  // logits in the workspace: [rows, kRowBlocks * block_tiles * kVocabTile]

  explicit RowCut(std::int64_t vocab)
      : tiles(ceil_div(vocab, kVocabTile)),
        block_tiles(ceil_div(tiles, kRowBlocks)),
        spilled(false) {
    spilled = shared_bytes() > kMaxShared;
  }
  __host__ __device__ std::int64_t block_logits() const { return block_tiles * kVocabTile; }
  std::size_t shared_bytes() const {
    return sizeof(RowShared) + static_cast<std::size_t>(tiles + tiles % 2) * sizeof(float2) +
           (spilled ? 0 : static_cast<std::size_t>(block_logits()) * sizeof(float));
  }
};

/// Sixteen bytes at a time where the row allows it, eight such loads in flight per thread.
__device__ __forceinline__ void take_slice(const float* logits, const Slice& slice) {
  const bool wide = reinterpret_cast<std::uintptr_t>(logits) % 16 == 0;
  const std::int64_t packets = wide ? slice.count / 4 : 0;
#pragma unroll 8
  for (std::int64_t i = threadIdx.x; i < packets; i += kRowThreads) {
    reinterpret_cast<float4*>(slice.x)[i] =
        reinterpret_cast<const float4*>(logits + slice.first)[i];
  }
  for (std::int64_t i = packets * 4 + threadIdx.x; i < slice.count; i += kRowThreads) {
    slice.x[i] = logits[slice.first + i];
  }
  __syncthreads();  // the slice written before other threads read it
}

/// The exponential sum of one tile by a warp, in all its lanes: two lanes to each chain, which
/// take its exponentials in turn and both add up all of them.
__device__ __forceinline__ float2 tile_sum(const float* x, std::int64_t count) {
  constexpr int kEach = static_cast<int>(kVocabTile) / kWarp;
  const float lowest = -std::numeric_limits<float>::infinity();
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float e[kEach];
  float m = lowest;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int at = lane + kWarp * i;
    e[i] = at < count ? x[at] : lowest;
    m = fmaxf(m, e[i]);
  }
  m = warp_max(m);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const float own = exact_exp(e[i] - m);
    const float other = __shfl_xor_sync(kAllLanes, own, kChains);
    sum = (sum + (lane < kChains ? own : other)) + (lane < kChains ? other : own);
  }
  for (int lanes = kChains / 2; lanes > 0; lanes /= 2) {
    sum += __shfl_xor_sync(kAllLanes, sum, lanes);
  }
  return make_float2(m, sum);
}

/// (m, s) of every tile of the slice to the cluster's first block.
__device__ __forceinline__ void sum_tiles(const RowCluster& cluster, const RowCut& cut,
                                          const Slice& slice, float2* sums) {
  const std::int64_t tiles = (slice.count + kVocabTile - 1) / kVocabTile;
  for (std::int64_t t = threadIdx.x / kWarp; t < tiles; t += kRowWarps) {
    const float2 sum = tile_sum(slice.x + t * kVocabTile, slice.count - t * kVocabTile);
    if (threadIdx.x % kWarp == 0) {
      cluster.of_rank(sums, 0)[cluster.rank() * cut.block_tiles + t] = sum;
    }
  }
}

/// Tiles merged in ascending order by one warp: M = max(a, b), s = fma(s_b, exp(m_b - M), s_a *
/// exp(m_a - M)). The maxima before each tile are found in parallel, and with them all factors;
/// only the chain of fma is serial. The first tile meets a sum of 0, those beyond the last add
/// 0 to a sum times 1: no case needs a branch, and none changes a bit.
__device__ __forceinline__ float merged_tiles(const float2* sums, std::int64_t tiles) {
  const float lowest = -std::numeric_limits<float>::infinity();
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float total = 0, most = lowest;
  for (std::int64_t base = 0; base < tiles; base += kWarp) {
    const float2 tile = base + lane < tiles ? sums[base + lane] : make_float2(lowest, 0);
    float after = fmaxf(most, tile.x);
    for (int lanes = 1; lanes < kWarp; lanes *= 2) {
      const float other = __shfl_up_sync(kAllLanes, after, lanes);
      if (lane >= lanes) after = fmaxf(after, other);
    }
    float before = __shfl_up_sync(kAllLanes, after, 1);
    if (lane == 0) before = most;
    const float keep = exact_exp(before - after), take = exact_exp(tile.x - after);
#pragma unroll
    for (int t = 0; t < kWarp; ++t) {
      const float s = __shfl_sync(kAllLanes, tile.y, t);
      const float k = __shfl_sync(kAllLanes, keep, t);
      const float f = __shfl_sync(kAllLanes, take, t);
      total = fmaf(s, f, total * k);
    }
    most = __shfl_sync(kAllLanes, after, kWarp - 1);
  }
  return most + exact_log(total);
}

// Scoring alone keeps nothing of a row but its tiles' sums: a warp to each tile, straight from
// memory, then a warp to each row.
constexpr int kScoreThreads = 128;

__global__ void __launch_bounds__(kScoreThreads)
    score_tiles_kernel(const __grid_constant__ LogitsCudaArgs a, std::int64_t tiles) {
  const std::int64_t warp =
      std::int64_t{blockIdx.x} * (kScoreThreads / kWarp) + threadIdx.x / kWarp;
  const std::int64_t row = warp / tiles, first = warp % tiles * kVocabTile;
  if (row >= a.rows) return;
  const float2 sum = tile_sum(a.logits + row * a.vocab + first, a.vocab - first);
  if (threadIdx.x % kWarp == 0) static_cast<float2*>(a.workspace)[warp] = sum;
}

__global__ void __launch_bounds__(kScoreThreads)
    score_rows_kernel(const __grid_constant__ LogitsCudaArgs a, std::int64_t tiles) {
  const std::int64_t row = std::int64_t{blockIdx.x} * (kScoreThreads / kWarp) + threadIdx.x / kWarp;
  if (row >= a.rows) return;
  const float logsumexp =
      merged_tiles(static_cast<const float2*>(a.workspace) + row * tiles, tiles);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (lane == 0) a.logsumexp[row] = logsumexp;
  if (!a.target_begin) return;
  for (std::int32_t i = a.target_begin[row] + lane; i < a.target_begin[row + 1]; i += kWarp) {
    a.target_logits[i] = a.logits[row * a.vocab + a.targets[i]];
  }
}

/// keys[0, size) in descending order; size a power of two.
__device__ __forceinline__ void sort_keys(std::uint64_t* keys, int size) {
  for (int run = 2; run <= size; run *= 2) {
    for (int step = run / 2; step > 0; step /= 2) {
      for (int i = static_cast<int>(threadIdx.x); i < size / 2; i += kSortThreads) {
        const int a = i / step * 2 * step + i % step;
        const int b = a + step;
        const bool ascending = (a & run) != 0;
        if ((keys[a] < keys[b]) != ascending) {
          const std::uint64_t key = keys[a];
          keys[a] = keys[b];
          keys[b] = key;
        }
      }
      __syncthreads();  // this step's pairs ordered before the next step's are met
    }
  }
}

/// The best top_k of the row, sorted, by the cluster's first block.
__device__ void top_logits(const LogitsCudaArgs& a, std::int64_t row, RowCluster& cluster,
                           RowShared& shared, const Slice& slice) {
  const auto whole = [&](std::int64_t i) {
    return top_key(slice.x[i], static_cast<std::int32_t>(slice.first + i));
  };
  const auto key = [&](std::int64_t i) { return static_cast<std::uint32_t>(whole(i) >> 32); };
  const RunEnd end = cluster.run_end(slice.count, static_cast<std::uint64_t>(a.top_k), key,
                                     [](std::int64_t) { return std::uint64_t{1}; });
  const std::int64_t last_id =
      last_equal_id(cluster, slice, end, 1, key, [](std::int64_t) { return true; });
  // The bins are free until the next search: room for 2048 keys.
  auto* keys = reinterpret_cast<std::uint64_t*>(shared.low);
  auto* list = cluster.of_rank(keys, 0);
  for (std::int64_t i = threadIdx.x; i < slice.count; i += kRowThreads) {
    const std::uint32_t k = key(i);
    if (k < end.key || (k == end.key && slice.first + i > last_id)) continue;
    list[atomicAdd(cluster.of_rank(&shared.list_count, 0), 1U)] = whole(i);
  }
  cluster.sync();  // the list complete before it is sorted
  if (cluster.rank() != 0) return;
  const int count = static_cast<int>(a.top_k);
  int size = 1;
  while (size < count) size *= 2;
  for (int i = count + static_cast<int>(threadIdx.x); i < size; i += kRowThreads) keys[i] = 0;
  __syncthreads();  // padding written before it is sorted
  sort_keys(keys, size);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kRowThreads) {
    a.top_ids[row * a.top_k + i] = top_id(keys[i]);
    a.top_logits[row * a.top_k + i] = top_logit(keys[i]);
  }
  __syncthreads();  // keys read before the bins are cleared again
}

__device__ __forceinline__ void pick_targets(const LogitsCudaArgs& a, std::int64_t row,
                                             const Slice& slice) {
  if (!a.target_begin) return;
  const std::int32_t end = a.target_begin[row + 1];
  for (std::int32_t i = a.target_begin[row] + static_cast<int>(threadIdx.x); i < end;
       i += kRowThreads) {
    const std::int64_t at = a.targets[i] - slice.first;
    if (at >= 0 && at < slice.count) a.target_logits[i] = slice.x[at];
  }
}

__device__ __forceinline__ void ban(const LogitsCudaArgs& a, std::int64_t row, const Slice& slice) {
  if (!a.banned_begin) return;
  __syncthreads();  // logits read before they are banned
  const std::int32_t end = a.banned_begin[row + 1];
  for (std::int32_t i = a.banned_begin[row] + static_cast<int>(threadIdx.x); i < end;
       i += kRowThreads) {
    const std::int64_t at = a.banned[i] - slice.first;
    if (at < 0 || at >= slice.count) continue;
    slice.x[at] = -std::numeric_limits<float>::infinity();
    a.logits[row * a.vocab + slice.first + at] = slice.x[at];
  }
  __syncthreads();  // banned before the draw
}

__device__ void draw_token(const LogitsCudaArgs& a, std::int64_t row, RowCluster& cluster,
                           RowShared& shared, const Slice& slice) {
  const int kind = a.draw_kind[row];
  const bool leader = cluster.rank() == 0 && threadIdx.x == 0;
  RowDraw draw(cluster, shared, slice);
  const std::uint64_t best = kind == 0 ? 0 : draw.best();
  if (best == 0) {
    if (leader) a.tokens[row] = -1;
    if (leader) a.token_logits[row] = -std::numeric_limits<float>::infinity();
    return;
  }
  const std::int32_t token = kind == 2 ? draw.sampled(a.draws[row], top_logit(best), a.vocab)
                             : leader  ? top_id(best)
                                       : -1;
  if (token < 0) return;
  a.tokens[row] = token;
  a.token_logits[row] = a.logits[row * a.vocab + token];
}

__global__ void __cluster_dims__(kRowBlocks) __launch_bounds__(kRowThreads)
    logits_kernel(const __grid_constant__ LogitsCudaArgs a, RowCut cut) {
  extern __shared__ __align__(16) std::byte memory[];
  auto& shared = *reinterpret_cast<RowShared*>(memory);
  auto* sums = reinterpret_cast<float2*>(memory + sizeof(RowShared));
  RowCluster cluster(shared);
  const std::int64_t row = blockIdx.x / kRowBlocks;
  const std::int64_t first = cluster.rank() * cut.block_logits();
  const std::int64_t left = a.vocab - first;
  float* held =
      cut.spilled ? static_cast<float*>(a.workspace) + row * kRowBlocks * cut.block_logits() + first
                  : reinterpret_cast<float*>(sums + cut.tiles + cut.tiles % 2);
  const Slice slice{held, first,
                    left < 0                    ? 0
                    : left < cut.block_logits() ? left
                                                : cut.block_logits()};
  if (threadIdx.x == 0) shared.list_count = 0;
  take_slice(a.logits + row * a.vocab, slice);
  cluster.sync();  // every block runs before its memory is written
  sum_tiles(cluster, cut, slice, sums);
  pick_targets(a, row, slice);
  cluster.sync();  // sums written before they are merged
  if (cluster.rank() == 0 && threadIdx.x < kWarp) {
    const float logsumexp = merged_tiles(sums, cut.tiles);
    if (threadIdx.x == 0) a.logsumexp[row] = logsumexp;
  }
  if (a.top_k > 0) top_logits(a, row, cluster, shared, slice);
  ban(a, row, slice);
  if (a.draw_kind) draw_token(a, row, cluster, shared, slice);
  cluster.sync();  // others' memory read before its block leaves
}

void check(const LogitsCudaArgs& a) {
  require(a.rows >= 0 && a.rows <= INT32_MAX / kRowBlocks, "logits_cuda: rows out of range");
  require(a.vocab >= 1 && a.vocab <= kMaxVocab, "logits_cuda: vocab outside 1..2^22");
  require(a.top_k >= 0 && a.top_k <= std::min(kMaxTopK, a.vocab),
          "logits_cuda: top_k outside 0 .. min(1024, vocab)");
  if (a.rows == 0) return;
  require(a.logits && a.logsumexp, "logits_cuda: logits or logsumexp is null");
  require(!a.target_begin || (a.targets && a.target_logits),
          "logits_cuda: targets or target_logits is null");
  require(a.top_k == 0 || (a.top_ids && a.top_logits),
          "logits_cuda: top_ids or top_logits is null");
  require(!a.banned_begin || a.banned, "logits_cuda: banned is null");
  require(!a.draw_kind || (a.draws && a.tokens && a.token_logits),
          "logits_cuda: draws, tokens or token_logits is null");
  require(a.workspace, "logits_cuda: the workspace is missing");
}

// Nothing is wanted but log-sum-exp and targets. A ban's only effect is on the logits left behind,
// which the general kernel sees to.
bool scores_alone(const LogitsCudaArgs& a) {
  return a.top_k == 0 && !a.draw_kind && !a.banned_begin;
}

void start_scores(const LogitsCudaArgs& a, const RowCut& cut, cudaStream_t stream) {
  constexpr std::int64_t kWarps = kScoreThreads / kWarp;
  const auto tile_blocks = static_cast<unsigned>(ceil_div(a.rows * cut.tiles, kWarps));
  const auto row_blocks = static_cast<unsigned>(ceil_div(a.rows, kWarps));
  score_tiles_kernel<<<tile_blocks, kScoreThreads, 0, stream>>>(a, cut.tiles);
  score_rows_kernel<<<row_blocks, kScoreThreads, 0, stream>>>(a, cut.tiles);
}

void start_rows(const LogitsCudaArgs& a, const RowCut& cut, cudaStream_t stream) {
  allow_shared_bytes(logits_kernel, kMaxShared);
  const auto blocks = static_cast<unsigned>(a.rows * kRowBlocks);
  logits_kernel<<<blocks, kRowThreads, cut.shared_bytes(), stream>>>(a, cut);
}

}  // namespace

std::size_t logits_cuda_workspace_bytes(std::int64_t rows, std::int64_t vocab, std::int64_t) {
  const RowCut cut(vocab);
  const std::int64_t sums = rows * cut.tiles * std::int64_t{sizeof(float2)};
  const std::int64_t held = cut.spilled ? rows * kRowBlocks * cut.block_logits() * 4 : 0;
  return static_cast<std::size_t>(std::max(sums, held));
}

void logits_cuda(const LogitsCudaArgs& args, const Stream& stream) {
  check(args);
  if (args.rows == 0) return;
  const RowCut cut(args.vocab);
  const DeviceLaunch launch(stream, "logits", args.rows * (4 * args.vocab + 12 + 8 * args.top_k),
                            2 * args.rows * args.vocab);
  const auto handle = static_cast<cudaStream_t>(stream.handle());
  if (scores_alone(args)) {
    start_scores(args, cut, handle);
  } else {
    start_rows(args, cut, handle);
  }
  launch.launched();
}

}  // namespace moebius::kernels
