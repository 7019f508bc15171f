// Grouped-query attention on the device: what a block shares, and the threads that fill it.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/attention/gqa_plan.h"
#include "kernels/device/barrier.cuh"
#include "kernels/device/tma.cuh"

namespace moebius::kernels::gqa {

constexpr int kConsumers = 2;  // warpgroups of 64 rows; one more warpgroup feeds them
constexpr int kThreads = 128 * (1 + kConsumers);
constexpr int kFetchers = 64;  // threads that fetch queries

struct Params {
  const PlanHead* plan;
  const __nv_bfloat16* q;
  __nv_bfloat16* out;
  float* records;
  const std::int32_t* pages;
  std::int64_t max_pages, q_ld, out_ld;
  int group, k_offset, v_offset;
  float scale;  // times log2(e)
};

__device__ inline const Item* items_of(const PlanHead* plan) {
  return reinterpret_cast<const Item*>(plan + 1);
}
__device__ inline const Split* splits_of(const PlanHead* plan) {
  return reinterpret_cast<const Split*>(items_of(plan) + plan->items);
}
__device__ inline const std::int32_t* parts_of(const PlanHead* plan) {
  return reinterpret_cast<const std::int32_t*>(splits_of(plan) + plan->splits);
}

__device__ inline const std::int32_t* tokens_of(const PlanHead* plan) {
  return parts_of(plan) + plan->parts;
}

/// Floats of a record: O, m, l, and two that keep records 16-byte aligned.
template <int D>
constexpr int kRecord = D + 4;

template <int D>
struct alignas(1024) Shared {
  static constexpr int kTile = kTileKeys * D;  // elements, as [D / 64][64 keys][64], swizzled
  static constexpr int kStages = D == 128 ? 4 : 8;
  __nv_bfloat16 k[kStages][kTile], v[kStages][kTile];
  __nv_bfloat16 q[kConsumers][kTile];  // 64 rows each, laid out as keys are
  // Each consumer's chunks merged so far: D / 8 times 16 bytes of each thread.
  float4 total[kConsumers][D / 8][128];
  float2 sums[kConsumers][64];  // their m and l, by row
  Item items[2];
  Barrier k_full[kStages], v_full[kStages], k_empty[kStages], v_empty[kStages];
  Barrier item_full[2], item_empty[2], q_empty;
};

/// Which stage the next tile is in, and which phase of its barriers.
template <int kStages>
struct Ring {
  int stage = 0;
  std::uint32_t phase = 0;
  __device__ void next() {
    if (++stage == kStages) stage = 0, phase ^= 1;
  }
};

/// 16 bytes from device to shared memory, both aligned; done after copy_async_wait().
__device__ __forceinline__ void copy_async_16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from)
               : "memory");
}
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

/// One thread: every tile of the block's items, in the order in which they are used.
template <int D>
__device__ void produce(const Params& params, const CUtensorMap& cache, Shared<D>& shared) {
  Ring<Shared<D>::kStages> ring;
  constexpr std::uint32_t kBytes = Shared<D>::kTile * sizeof(__nv_bfloat16);
  const int end = params.plan->block_begin[blockIdx.x + 1];
  for (int i = params.plan->block_begin[blockIdx.x]; i < end; ++i) {
    const Item item = items_of(params.plan)[i];
    const std::int32_t* pages = params.pages + item.sequence * params.max_pages;
    const int k_column = (params.k_offset + item.kv_head * D) / 64;
    const int v_column = (params.v_offset + item.kv_head * D) / 64;
    for (int tile = item.tile_begin; tile < item.tile_end; ++tile) {
      const int row = pages[tile] * kTileKeys;
      barrier_wait(&shared.k_empty[ring.stage], ring.phase ^ 1);
      barrier_arrive_expect(&shared.k_full[ring.stage], kBytes);
      tma_load_3d(shared.k[ring.stage], &cache, &shared.k_full[ring.stage], 0, row, k_column);
      barrier_wait(&shared.v_empty[ring.stage], ring.phase ^ 1);
      barrier_arrive_expect(&shared.v_full[ring.stage], kBytes);
      tma_load_3d(shared.v[ring.stage], &cache, &shared.v_full[ring.stage], 0, row, v_column);
      ring.next();
    }
  }
}

/// kFetchers threads: the items and their queries, one item ahead of the consumers. Rows that do
/// not exist have zero queries.
template <int D>
__device__ void fetch(const Params& params, Shared<D>& shared) {
  constexpr int kPieces = D / 8;  // of 16 bytes, in a row
  const int begin = params.plan->block_begin[blockIdx.x];
  const int end = params.plan->block_begin[blockIdx.x + 1];
  Ring<2> ring;
  for (int i = begin; i < end; ++i) {
    const Item* item = items_of(params.plan) + i;
    barrier_wait(&shared.item_empty[ring.stage], ring.phase ^ 1);
    const int lane = threadIdx.x % kFetchers;
    if (lane == 0) shared.items[ring.stage] = *item;
    barrier_wait(&shared.q_empty, (i - begin) % 2 ^ 1);
    const int rows = item->rows, row0 = item->row0, tokens = item->tokens;
    const std::int32_t* list = tokens_of(params.plan) + tokens;
    const __nv_bfloat16* q = params.q + item->kv_head * params.group * D;
    for (int row = lane / kPieces; row < kItemRows; row += kFetchers / kPieces) {
      if (row >= 64 && rows <= 64) break;  // nobody's
      const int column = lane % kPieces;
      auto* to = reinterpret_cast<uint4*>(shared.q[row / 64]) + column / 8 * 512 + row % 64 * 8 +
                 (column ^ row) % 8;
      if (row < rows) {
        const int place = (row0 + row) / params.group, head = (row0 + row) % params.group;
        const std::int64_t token = tokens < 0 ? item->first_row + place : list[place];
        copy_async_16(to, q + token * params.q_ld + head * D + column * 8);
      } else {
        *to = uint4{};
      }
    }
    copy_async_wait();
    barrier_arrive(&shared.item_full[ring.stage]);
    ring.next();
  }
}

}  // namespace moebius::kernels::gqa
