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
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/gemm/gemm_bf16_store.cuh"
#include "kernels/gemm/gemm_bf16_tiles.cuh"

namespace moebius::kernels {

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
  // A stage is one copy of each operand: a copy costs its warp some hundred cycles whatever its
  // size.
  __device__ void expect(int stage) const {
    const int rows = p.weights + boxes * p.box_tokens * kCluster;
    barrier_arrive_expect(block.full(stage), p.k_per_stage * rows * kRowBytes);
  }
  __device__ void load_weights(int stage, int k) const {
    const int weight = (place.weight * kCluster + block.rank) * p.weights;
    tma_load_4d(block.stage(stage) + p.k_per_stage * p.tokens * kRowBytes, w_map, block.full(stage),
                p.k_whole ? 0 : k * kBlockK, weight, p.k_whole ? k : 0, place.batch);
  }
  __device__ void load_tokens(int stage, int k) const {
    const int batch = p.offsets ? 0 : place.batch;
    const int x_row = p.one_row ? 0 : place.x_row;
#pragma unroll 1
    for (int box = 0; box < boxes; ++box) {
      const int token = (box * kCluster + block.rank) * p.box_tokens;
      std::uint8_t* to = block.stage(stage) + token * kRowBytes;
      const int column = p.k_whole ? 0 : k * kBlockK, k_block = p.k_whole ? k : 0;
      if constexpr (kCluster == 1) {
        tma_load_4d(to, x_map, block.full(stage), column, x_row + token, k_block, batch,
                    CacheHint::kEvictLast);
      } else {
        tma_load_4d_multicast(to, x_map, block.full(stage), (1 << kCluster) - 1, column,
                              x_row + token, k_block, batch, CacheHint::kEvictLast);
      }
    }
  }
};

/// Weights are nobody's output: the first stages take them before the kernel ahead has ended.
/// Returns the first block of K that is still to be loaded.
template <int kCluster>
__device__ int load_ahead(const GemmLoader<kCluster>& loader, GemmRing& ring) {
  const GemmBf16Params& p = loader.p;
  int k = 0;
  for (; ring.phase == 0 && k < p.k_blocks; k += p.k_per_stage) {
    loader.expect(ring.stage);
    loader.load_weights(ring.stage, k);
    ring.advance(p.stages);
  }
  return k;
}

/// `first`, `ring`: what load_ahead() left if it was called for the first tile, or 0 and new.
template <int kCluster>
__device__ void load_tiles(GemmLoader<kCluster> loader, GemmWalk walk, GemmRing ring, int first) {
  const GemmBf16Params& p = loader.p;
  const GemmBlock& block = loader.block;
  GemmPlace place;
  if (!walk.next(place)) return;
  loader.set_place(place);
  if (first == 0) first = load_ahead(loader, ring);
  wait_for_previous_kernel();
  for (int k = 0, stage = 0; k < first; k += p.k_per_stage) loader.load_tokens(stage++, k);
  do {
    loader.set_place(place);
    for (int k = first; k < p.k_blocks; k += p.k_per_stage) {
      barrier_wait(block.empty(ring.stage), ring.phase ^ 1);
      loader.expect(ring.stage);
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
#pragma unroll 1
      for (int i = 0; i < count; ++i) {
        multiply_blocks<N, 1>(sum, w + i * p.weights * (kRowBytes / 16),
                              x + i * p.tokens * (kRowBytes / 16), p.weights, p.tokens);
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
  GemmLoader<kCluster> loader{p, block, &x_map, &w_map};
  GemmRing ring;
  int first = 0;  // see load_tiles()
  if (warp == kConsumers * 4 && elect_one()) {
    tma_prefetch(&x_map);
    tma_prefetch(&w_map);
    for (int i = 0; i < p.stages; ++i) {
      barrier_init(block.full(i), 1);
      barrier_init(block.empty(i), kConsumers * 4 * kCluster);
    }
    fence_barrier_init();
    // Full groups come first: their weights need not wait for the offsets. (Of two blocks, both
    // must have their barriers before either is copied into.)
    GemmPlace place;
    if (kCluster == 1 && GemmWalk::full_place(p, static_cast<int>(blockIdx.x), place)) {
      fence_proxy_async();  // the barriers are there for the copies, too
      loader.set_place(place);
      first = load_ahead(loader, ring);
    }
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
      load_tiles(loader, walk, ring, first);  // by the same thread as above
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
