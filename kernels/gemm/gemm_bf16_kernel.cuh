// The bf16 product on tensor cores: a persistent kernel of one loading warp and one to three
// computing warpgroups around a ring of shared-memory stages.
//
// Weights are the M side of wgmma and tokens its N side whatever the sizes, so a few tokens cost a
// narrow instruction instead of a padded one, and the two rows of a gate-up pair meet in one
// thread. Few tokens: memory-bound, tiles of 16 to 64 weights give every multiprocessor a part of
// the stream and some 200 KB in flight. Many: 128 x 256 tiles, two blocks of a cluster sharing the
// tokens, which halves what the L2 cache must deliver for them.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/device/barrier.cuh"
#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels {

constexpr int kBlockK = 64;     // elements; 128 bytes, one swizzled row
constexpr int kRowBytes = 128;  // of a row of a block
constexpr int kMaxStages = 32;
constexpr int kMaxGroups = 1024;
constexpr int kStagingBytes = 8192;  // of one warpgroup: two buffers of 32 tokens x 64 weights
constexpr int kPassTokens = 32;
constexpr int kBand = 8;  // token tiles that run together, for the L2 cache

struct GemmBf16Params {
  const float* bias;            // [n] or null
  void* y;                      // float32 or bf16
  std::int64_t y_ld, y_head;    // elements
  const std::int32_t* offsets;  // [groups + 1] or null
  int y_is_f32, pairs;
  int rows, n, k_blocks;
  int batches;       // heads or groups
  int weights;       // rows of w of a block's tile
  int tokens;        // rows of x of a tile
  int box_tokens;    // rows of x one copy moves
  int weight_tiles;  // ceil(n / (weights * cluster))
  int k_per_stage;   // K blocks
  int stages;
};

/// A group that holds rows.
struct GemmGroup {
  std::int32_t id, first_tile, row, row_end;  // tiles counted in tokens alone
};

/// Dynamic shared memory: barriers; stages from kStagesAt; what the last stage's operand reads
/// beyond its rows; staging; groups.
constexpr int kStagesAt = 1024;
struct GemmBf16Shared {
  int stage_bytes, staging, groups, total;
};
__host__ __device__ inline GemmBf16Shared gemm_bf16_shared(const GemmBf16Params& p) {
  GemmBf16Shared s;
  s.stage_bytes = p.k_per_stage * (p.weights + p.tokens) * kRowBytes;
  const int overhang = p.weights < 64 ? (64 - p.weights) * kRowBytes : 0;
  s.staging = kStagesAt + p.stages * s.stage_bytes + overhang;
  s.groups = s.staging + (p.weights + 63) / 64 * kStagingBytes;
  s.total = s.groups + 8 + (p.offsets ? p.batches : 0) * static_cast<int>(sizeof(GemmGroup));
  return s;
}

/// One tile's place.
struct GemmPlace {
  int batch;   // head or group
  int x_row;   // first row of x
  int rows;    // rows of x that count, 0 .. tokens
  int weight;  // weight tile of the cluster: `weights` outputs for each of its blocks
};

/// The groups that hold rows, in shared memory.
struct GemmGroups {
  std::int32_t count, tiles;

  __device__ const GemmGroup& at(int i) const {
    return reinterpret_cast<const GemmGroup*>(this + 1)[i];
  }
};

/// By one warp.
__device__ inline void list_groups(const GemmBf16Params& p, GemmGroups* groups) {
  auto* list = reinterpret_cast<GemmGroup*>(groups + 1);
  const int lane = threadIdx.x % 32;
  int found = 0, tiles = 0;
  for (int first = 0; first < p.batches; first += 32) {
    const int g = first + lane;
    const int row = g < p.batches ? p.offsets[g] : 0;
    const int row_end = g < p.batches ? p.offsets[g + 1] : 0;
    const int mine = (row_end - row + p.tokens - 1) / p.tokens;
    int sum = mine;
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      const int other = __shfl_up_sync(0xffffffff, sum, d);
      if (lane >= d) sum += other;
    }
    const unsigned holding = __ballot_sync(0xffffffff, mine > 0);
    if (mine > 0) {
      const int at = found + __popc(holding & ((1u << lane) - 1));
      list[at] = {g, tiles + sum - mine, row, row_end};
    }
    found += __popc(holding);
    tiles += __shfl_sync(0xffffffff, sum, 31);
  }
  if (lane == 0) {
    groups->count = found;
    groups->tiles = tiles;
  }
}

/// The tiles of one cluster, in order; every role walks the same.
class GemmWalk {
 public:
  __device__ GemmWalk(const GemmBf16Params& p, const GemmGroups* groups, int first, int step)
      : p_(p), groups_(groups), tile_(first), step_(step) {
    token_tiles_ = p.offsets ? groups->tiles : (p.rows + p.tokens - 1) / p.tokens;
    tiles_ = (p.offsets ? 1 : p.batches) * token_tiles_ * p.weight_tiles;
  }

  __device__ bool next(GemmPlace& place) {
    if (tile_ >= tiles_) return false;
    if (p_.offsets) {
      grouped(place);
    } else {
      const int per_batch = token_tiles_ * p_.weight_tiles;
      const int batch = tile_ / per_batch;
      place.batch = batch;
      inside(place, tile_ - batch * per_batch, token_tiles_, 0, p_.rows);
    }
    tile_ += step_;
    return true;
  }

 private:
  __device__ void grouped(GemmPlace& place) {
    const int count = groups_->count;
    while (at_ + 1 < count && tile_ >= groups_->at(at_ + 1).first_tile * p_.weight_tiles) ++at_;
    const GemmGroup& group = groups_->at(at_);
    const int end = at_ + 1 < count ? groups_->at(at_ + 1).first_tile : token_tiles_;
    place.batch = group.id;
    inside(place, tile_ - group.first_tile * p_.weight_tiles, end - group.first_tile, group.row,
           group.row_end);
  }

  // Bands of kBand token tiles; within a band weights move slowest. The rows are dealt out evenly,
  // in eights.
  __device__ void inside(GemmPlace& place, int tile, int token_tiles, int row, int row_end) {
    const int band_tiles = kBand * p_.weight_tiles;
    const int band = tile / band_tiles;
    const int in_band = tile - band * band_tiles;
    const int width = min(kBand, token_tiles - band * kBand);
    const int across = in_band / width;
    const int each = ((row_end - row + token_tiles - 1) / token_tiles + 7) & ~7;
    place.x_row = row + (band * kBand + in_band - across * width) * each;
    place.rows = max(0, min(each, row_end - place.x_row));
    place.weight = across;
  }

  const GemmBf16Params& p_;
  const GemmGroups* groups_;
  int tile_, step_, token_tiles_, tiles_, at_ = 0;
};

/// Where a ring of stages stands.
struct GemmRing {
  int stage = 0;
  std::uint32_t phase = 0;
  __device__ void advance(int stages) {
    if (++stage == stages) {
      stage = 0;
      phase ^= 1;
    }
  }
};

/// What all roles of a block share.
struct GemmBlock {
  std::uint8_t* shared;
  GemmBf16Shared at;
  int rank;  // in the cluster

  __device__ Barrier* full(int stage) const { return reinterpret_cast<Barrier*>(shared) + stage; }
  __device__ Barrier* empty(int stage) const {
    return reinterpret_cast<Barrier*>(shared) + kMaxStages + stage;
  }
  __device__ std::uint8_t* stage(int i) const { return shared + kStagesAt + i * at.stage_bytes; }
};

/// The copies of one block of a cluster: its own weights, its share of the tokens.
template <int kCluster>
struct GemmLoader {
  const GemmBf16Params& p;
  const GemmBlock& block;
  const CUtensorMap* x_map;
  const CUtensorMap* w_map;
  GemmPlace place{};
  int boxes = 0;  // of this block

  __device__ void set_place(const GemmPlace& next) {
    place = next;
    const int share = p.box_tokens * kCluster;
    boxes = max(1, (place.rows + share - 1) / share);
  }
  __device__ int blocks_at(int k) const { return min(p.k_per_stage, p.k_blocks - k); }

  __device__ void expect(int stage, int k) const {
    const int rows = p.weights + boxes * p.box_tokens * kCluster;
    barrier_arrive_expect(block.full(stage), blocks_at(k) * rows * kRowBytes);
  }
  __device__ void load_weights(int stage, int k) const {
    const int count = blocks_at(k);
    std::uint8_t* to = block.stage(stage) + p.k_per_stage * p.tokens * kRowBytes;
    const int weight = (place.weight * kCluster + block.rank) * p.weights;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      tma_load_3d(to + i * p.weights * kRowBytes, w_map, block.full(stage), (k + i) * kBlockK,
                  weight, place.batch);
    }
  }
  __device__ void load_tokens(int stage, int k) const {
    const int count = blocks_at(k);
    const int batch = p.offsets ? 0 : place.batch;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      std::uint8_t* to = block.stage(stage) + i * p.tokens * kRowBytes;
#pragma unroll 1
      for (int box = 0; box < boxes; ++box) {
        const int token = (box * kCluster + block.rank) * p.box_tokens;
        if constexpr (kCluster == 1) {
          tma_load_3d(to + token * kRowBytes, x_map, block.full(stage), (k + i) * kBlockK,
                      place.x_row + token, batch, CacheHint::kEvictLast);
        } else {
          tma_load_3d_multicast(to + token * kRowBytes, x_map, block.full(stage),
                                (1 << kCluster) - 1, (k + i) * kBlockK, place.x_row + token, batch,
                                CacheHint::kEvictLast);
        }
      }
    }
  }
};

template <int kCluster>
__device__ void load_tiles(const GemmBf16Params& p, const GemmBlock& block, GemmWalk walk,
                           const CUtensorMap* x_map, const CUtensorMap* w_map) {
  GemmRing ring;
  GemmPlace place;
  GemmLoader<kCluster> loader{p, block, x_map, w_map};
  if (!walk.next(place)) return;
  loader.set_place(place);
  // Weights are nobody's output: the first stages take them before the kernel ahead has ended.
  int first = 0;
  for (; ring.phase == 0 && first < p.k_blocks; first += p.k_per_stage) {
    loader.expect(ring.stage, first);
    loader.load_weights(ring.stage, first);
    ring.advance(p.stages);
  }
  wait_for_previous_kernel();
  for (int k = 0, stage = 0; k < first; k += p.k_per_stage) loader.load_tokens(stage++, k);
  do {
    loader.set_place(place);
    for (int k = first; k < p.k_blocks; k += p.k_per_stage) {
      barrier_wait(block.empty(ring.stage), ring.phase ^ 1);
      loader.expect(ring.stage, k);
      loader.load_weights(ring.stage, k);
      loader.load_tokens(ring.stage, k);
      ring.advance(p.stages);
    }
    first = 0;
  } while (walk.next(place));
}

/// The low half of a descriptor_k128, the same value in every lane so that it lives in uniform
/// registers; the high half never changes.
__device__ __forceinline__ std::uint32_t descriptor_low(std::uint32_t address) {
  return __shfl_sync(0xffffffff, (address >> 4) | 1u << 16, 0);
}
__device__ __forceinline__ std::uint64_t descriptor_of(std::uint32_t low) {
  return std::uint64_t{0x40000040} << 32 | low;
}

/// kBlocks blocks of K, one group of products.
template <int N, int kBlocks>
__device__ __forceinline__ void multiply_blocks(float (&sum)[N / 2], std::uint32_t w,
                                                std::uint32_t x, int w_rows, int x_rows) {
  wgmma_arrive();
#pragma unroll
  for (int i = 0; i < kBlocks; ++i) {
#pragma unroll
    for (int step = 0; step < kBlockK / 16; ++step) {
      wgmma_bf16<N>(sum, descriptor_of(w + i * w_rows * (kRowBytes / 16) + kDescriptorStepK * step),
                    descriptor_of(x + i * x_rows * (kRowBytes / 16) + kDescriptorStepK * step),
                    true);
    }
  }
  wgmma_commit();
}

/// Sums of this warpgroup's 64 weights by N tokens over all of K.
template <int N, int kCluster, bool kLongStages>
__device__ __forceinline__ void multiply(float (&sum)[N / 2], const GemmBf16Params& p,
                                         const GemmBlock& block, GemmRing& ring, int group) {
#pragma unroll
  for (int i = 0; i < N / 2; ++i) sum[i] = 0.0f;
  const int lane = threadIdx.x % 32;
  // One arrival of each warp at each block that fills this stage.
  const auto release = [&](int stage) {
    if (lane < kCluster) {
      if constexpr (kCluster == 1) {
        barrier_arrive(block.empty(stage));
      } else {
        barrier_arrive_cluster(block.empty(stage), lane);
      }
    }
  };
  const std::uint32_t x_base = shared_address(block.stage(0));
  const std::uint32_t w_base = x_base + (p.k_per_stage * p.tokens + group * 64) * kRowBytes;
  std::uint32_t x = descriptor_low(x_base + ring.stage * block.at.stage_bytes);
  std::uint32_t w = descriptor_low(w_base + ring.stage * block.at.stage_bytes);
  int before = -1;
  wgmma_pin(sum);
#pragma unroll 1
  for (int k = 0; k < p.k_blocks; k += p.k_per_stage) {
    barrier_wait(block.full(ring.stage), ring.phase);
    const int count = min(p.k_per_stage, p.k_blocks - k);
    if (kLongStages && count == 4) {
      multiply_blocks<N, 4>(sum, w, x, p.weights, p.tokens);
    } else if (kLongStages && count == 2) {
      multiply_blocks<N, 2>(sum, w, x, p.weights, p.tokens);
    } else {
      multiply_blocks<N, 1>(sum, w, x, p.weights, p.tokens);
      if (kLongStages && count == 3) {
        multiply_blocks<N, 2>(sum, w + p.weights * (kRowBytes / 16),
                              x + p.tokens * (kRowBytes / 16), p.weights, p.tokens);
      }
    }
    const int stage = ring.stage;
    ring.advance(p.stages);
    x = descriptor_low(x_base + ring.stage * block.at.stage_bytes);
    w = descriptor_low(w_base + ring.stage * block.at.stage_bytes);
    wgmma_wait<1>();  // the stage before this one has been read
    if (before >= 0) release(before);
    before = stage;
  }
  wgmma_wait<0>();
  wgmma_pin(sum);
  release(before);
}

/// Where this thread's results go: its outputs `weight` and `weight + 8` (or the pair's one) of
/// tokens 8 j + 2 (lane % 4), + 1.
struct GemmOutput {
  const GemmBf16Params& p;
  const GemmPlace& place;
  int group;   // warpgroup
  int weight;  // the block's first output
};

template <int N>
__device__ __forceinline__ void finish(float (&sum)[N / 2], const GemmOutput& out) {
  const GemmBf16Params& p = out.p;
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  if (p.bias) {
    const int row = out.weight + 64 * out.group + 16 * warp + lane / 4;
    const float low = row < p.n ? p.bias[row] : 0.0f;
    const float high = row + 8 < p.n ? p.bias[row + 8] : 0.0f;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) sum[i] = __fadd_rn(sum[i], i % 4 < 2 ? low : high);
  }
  if (p.pairs) {
#pragma unroll
    for (int i = 0; i < N / 2; i += 4) {
      sum[i] = __fmul_rn(silu(sum[i]), sum[i + 2]);
      sum[i + 1] = __fmul_rn(silu(sum[i + 1]), sum[i + 3]);
    }
  }
}

/// Straight from registers: 8 lanes fill one 32-byte sector.
template <int N>
__device__ __forceinline__ void store_f32(const float (&sum)[N / 2], const GemmOutput& out) {
  const GemmBf16Params& p = out.p;
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  const int in_tile = 64 * out.group + 16 * warp;
  const int row = out.weight + in_tile + lane / 4;  // of w; the pair's gate
  if (in_tile >= p.weights) return;
  const bool first = p.pairs ? row - lane / 4 < p.n : row < p.n;
  const bool second = !p.pairs && row + 8 < p.n;
  const int column = p.pairs ? (out.weight + in_tile) / 2 + lane / 4 : row;
  float* y = static_cast<float*>(p.y) + out.place.batch * p.y_head + column;
#pragma unroll
  for (int i = 0; i < N / 2; i += 4) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int token = 2 * i + 2 * (lane % 4) + c;
      if (token >= out.place.rows) continue;
      float* at = y + (out.place.x_row + token) * p.y_ld;
      if (first) at[0] = sum[i + c];
      if (second) at[8] = sum[i + c + 2];
    }
  }
}

/// Through shared memory, 32 tokens a pass in turn through two buffers, so that a row's 64
/// outputs leave as whole 16-byte chunks side by side.
template <int N, bool kPairs>
__device__ __forceinline__ void store_bf16(const float (&sum)[N / 2], const GemmOutput& out,
                                           std::uint8_t* staging) {
  const GemmBf16Params& p = out.p;
  constexpr int kChunks = kPairs ? 4 : 8;  // 16-byte chunks of a token
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  // Byte of a chunk of a token in a buffer, spread over the banks.
  const auto at = [](int token, int chunk) {
    return kPairs ? token * 64 + 16 * (chunk ^ (token / 2 % 4))
                  : token * 128 + 16 * (chunk ^ (token % 8));
  };
  const int limit = min(p.weights - 64 * out.group, p.n - out.weight - 64 * out.group);
  const int chunks = kPairs ? limit / 16 : limit / 8;
  const int column = kPairs ? (out.weight + 64 * out.group) / 2 : out.weight + 64 * out.group;
  auto* y = static_cast<std::uint16_t*>(p.y) + out.place.batch * p.y_head + column;
#pragma unroll
  for (int pass = 0; pass < (N + kPassTokens - 1) / kPassTokens; ++pass) {
    constexpr int kHere = N < kPassTokens ? N : kPassTokens;
    std::uint8_t* buffer = staging + (pass % 2) * (kStagingBytes / 2);
#pragma unroll
    for (int j = 0; j < kHere / 8; ++j) {
      const int i = pass * kPassTokens / 2 + 4 * j;
      const int token = 8 * j + lane % 8;
      if constexpr (kPairs) {
        store_matrix_transposed(buffer + at(token, warp), pack_bf16(sum[i], sum[i + 1]));
      } else {
        store_matrix_pair_transposed(buffer + at(token, 2 * warp + lane / 8 % 2),
                                     pack_bf16(sum[i], sum[i + 1]),
                                     pack_bf16(sum[i + 2], sum[i + 3]));
      }
    }
    // The buffer is whole; and the other one, read in the pass before, is free again.
    named_barrier_sync(1 + out.group, 128);
#pragma unroll
    for (int c = thread; c < kHere * kChunks; c += 128) {
      const int token = c / kChunks, chunk = c % kChunks;
      const int row = pass * kPassTokens + token;
      if (row < out.place.rows && chunk < chunks) {
        *reinterpret_cast<uint4*>(y + (out.place.x_row + row) * p.y_ld + 8 * chunk) =
            *reinterpret_cast<const uint4*>(buffer + at(token, chunk));
      }
    }
  }
  // The next tile starts with the first buffer; with an odd number of passes it was the last read.
  if constexpr ((N + kPassTokens - 1) / kPassTokens % 2 == 1)
    named_barrier_sync(1 + out.group, 128);
}

template <int N, int kConsumers, int kCluster>
__device__ __forceinline__ void compute_tile(const GemmBf16Params& p, const GemmBlock& block,
                                             GemmRing& ring, const GemmPlace& place, int group) {
  float sum[N / 2];
  multiply<N, kCluster, kConsumers == 1>(sum, p, block, ring, group);
  const GemmOutput out{p, place, group, (place.weight * kCluster + block.rank) * p.weights};
  finish<N>(sum, out);
  std::uint8_t* staging = block.shared + block.at.staging + group * kStagingBytes;
  if (p.y_is_f32) {
    store_f32<N>(sum, out);
  } else if (p.pairs) {
    store_bf16<N, true>(sum, out, staging);
  } else {
    store_bf16<N, false>(sum, out, staging);
  }
}

/// A tile's instruction is as wide as its rows need: a width does not change bits. Tries the
/// widths from the narrowest.
template <int kConsumers, int kCluster, int N, int... kWider>
__device__ __forceinline__ void compute_fitting(const GemmBf16Params& p, const GemmBlock& block,
                                                GemmRing& ring, const GemmPlace& place, int group) {
  if constexpr (sizeof...(kWider) > 0) {
    if (place.rows > N) {
      return compute_fitting<kConsumers, kCluster, kWider...>(p, block, ring, place, group);
    }
  }
  compute_tile<N, kConsumers, kCluster>(p, block, ring, place, group);
}

template <int kConsumers, int kCluster>
__device__ void compute_tiles(const GemmBf16Params& p, const GemmBlock& block, GemmWalk walk,
                              int group) {
  GemmRing ring;
  GemmPlace place;
  while (walk.next(place)) {
    if constexpr (kConsumers == 1) {
      compute_fitting<1, kCluster, 8, 16, 32, 64, 128>(p, block, ring, place, group);
    } else if constexpr (kConsumers == 2) {
      compute_fitting<2, kCluster, 64, 96, 128, 160, 192, 224, 256>(p, block, ring, place, group);
    } else {
      compute_fitting<3, kCluster, 64, 128, 176>(p, block, ring, place, group);
    }
  }
}

/// One loading warp beside the computing warpgroups. Two of those need more registers than three
/// warps of a multiprocessor's quarter can all have: there the loading warp has a warpgroup's
/// place, which gives its registers up.
template <int kConsumers>
constexpr int kGemmThreads = kConsumers == 2 ? 384 : 128 * kConsumers + 32;

template <int kConsumers, int kCluster>
__global__ void __launch_bounds__(kGemmThreads<kConsumers>, 1)
    gemm_bf16_kernel(const __grid_constant__ CUtensorMap x_map,
                     const __grid_constant__ CUtensorMap w_map,
                     const __grid_constant__ GemmBf16Params p) {
  extern __shared__ __align__(1024) std::uint8_t shared[];
  const GemmBlock block{shared, gemm_bf16_shared(p),
                        kCluster == 1 ? 0 : static_cast<int>(cluster_rank())};
  auto* groups = reinterpret_cast<GemmGroups*>(shared + block.at.groups);

  allow_next_kernel();
  const int warp = __shfl_sync(0xffffffff, threadIdx.x / 32, 0);
  if (warp == kConsumers * 4 && elect_one()) {
    tma_prefetch(&x_map);
    tma_prefetch(&w_map);
    for (int i = 0; i < p.stages; ++i) {
      barrier_init(block.full(i), 1);
      barrier_init(block.empty(i), kConsumers * 4 * kCluster);
    }
    fence_barrier_init();
  }
  if (p.offsets && warp == 0) {
    wait_for_previous_kernel();  // whose output the offsets are
    list_groups(p, groups);
  }
  // Barriers and the list of groups are there, in both blocks before either is copied into.
  if constexpr (kCluster == 1) {
    __syncthreads();
  } else {
    cluster_sync();
  }

  GemmWalk walk(p, groups, static_cast<int>(blockIdx.x) / kCluster,
                static_cast<int>(gridDim.x) / kCluster);
  if (warp >= kConsumers * 4) {
    if constexpr (kConsumers == 2) registers_decrease<40>();
    if (warp == kConsumers * 4 && elect_one()) {
      load_tiles<kCluster>(p, block, walk, &x_map, &w_map);
    }
  } else {
    if constexpr (kConsumers == 2) registers_increase<232>();
    compute_tiles<kConsumers, kCluster>(p, block, walk, warp / 4);
  }
  // A block's barriers must outlive the other's last arrivals.
  if constexpr (kCluster > 1) {
    __syncwarp();
    cluster_sync();
  }
}

}  // namespace moebius::kernels
