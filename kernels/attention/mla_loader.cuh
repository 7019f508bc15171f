// The loading warps of the MLA attention kernel: queries and items, and tiles
// of keys by halves.
#pragma once

#include <cstdint>

#include "kernels/attention/mla_shared.cuh"
#include "kernels/device/tma.cuh"

namespace moebius::kernels::mla {

/// Of whole warps: what the others see of the item once the queries are there.
__device__ __forceinline__ void hand_over(const MlaItem& item, MlaItem& to, int lane) {
  constexpr int kWords = sizeof(MlaItem) / 4;
  if (lane < kWords) {
    reinterpret_cast<std::int32_t*>(&to)[lane] = reinterpret_cast<const std::int32_t*>(&item)[lane];
  }
}

__device__ __forceinline__ void load_queries(const CUtensorMap* map, const MlaItem& item,
                                             int tile_heads, Shared& shared) {
  for (int token = 0; token < item.tokens; ++token) {
    for (int box = 0; box < kBoxes; ++box) {
      tma_load_3d(shared.q + box * kBoxBytes + token * tile_heads * 128, map, &shared.q_full,
                  box * 64, item.head, item.row[token]);
    }
  }
}

/// By a whole warp: the `index`th item of the block and its queries, once the last one's are used.
__device__ __forceinline__ void hand_over_queries(const CUtensorMap* map, const MlaItem& item,
                                                  int tile_heads, int index, std::uint32_t phase,
                                                  Shared& shared) {
  const int lane = threadIdx.x % 32;
  barrier_wait(&shared.q_free, phase ^ 1);
  hand_over(item, shared.items[index % 2], lane);
  if (lane == 0) {
    barrier_arrive_expect(&shared.q_full, item.tokens * tile_heads * kBoxes * 128);
    load_queries(map, item, tile_heads, shared);
  } else {
    barrier_arrive(&shared.q_full);
  }
}

template <int kHalf>
__device__ __forceinline__ void load_keys(const CUtensorMap* map, int page, int parity,
                                          std::uint32_t phase, CacheHint hint, Shared& shared) {
  barrier_wait(&shared.free[parity][kHalf], phase ^ 1);
#pragma unroll
  for (int box = 0; box < kBoxes; ++box) {
    if (half_of(box, parity) != kHalf) continue;
    barrier_arrive_expect(&shared.full[parity][box], kBoxBytes);
    tma_load_2d(shared.keys[parity] + box * kBoxBytes, map, &shared.full[parity][box], box * 64,
                page * kTileKeys, hint);
  }
}

/// Brings the block's first item and the pages it begins with to the L2 cache: the weights of a
/// layer drive them out of it, and to find them one after the other takes two trips to memory. No
/// kernel writes a plan or a page table: both are there before the first kernel of a step begins.
__device__ __forceinline__ void fetch_ahead(const MlaKernelArgs& args, const Items& items,
                                            int lane) {
  if (items.begin == items.end) return;
  const MlaItem* item = items.items + items.begin;
  const std::int64_t sequence = __ldcg(&item->sequence);
  const std::int64_t tile = __ldcg(&item->tile_begin) + lane;
  if (tile < __ldcg(&item->tile_end)) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(args.pages + sequence * args.max_pages + tile));
  }
}

/// The first of the two loading warps has the queries, too, and hands the item
/// to the others.
template <int kHalf>
__device__ __forceinline__ void run_loader(const MlaKernelArgs& args, const CUtensorMap* q_map,
                                           const CUtensorMap* key_map, Shared& shared) {
  const int lane = threadIdx.x % 32;
  const Items items = items_of_block(args.plan);
  fetch_ahead(args, items, lane);
  wait_for_previous_kernel();
  std::uint32_t phases = 0, q_phase = 0;  // bit p: of the tiles of parity p
  for (int i = items.begin; i < items.end; ++i, q_phase ^= 1) {
    const MlaItem& item = items.items[i];
    const std::int32_t* pages = args.pages + item.sequence * args.max_pages;
    const int begin = item.tile_begin, end = item.tile_end;
    // Keys that nobody else reads should not push the folded sums out of the
    // cache.
    const CacheHint hint =
        item.tokens * args.tile_heads < kMlaTileRows ? CacheHint::kEvictFirst : CacheHint::kNormal;
    if (kHalf == 0) {
      hand_over_queries(q_map, item, args.tile_heads, i - items.begin, q_phase, shared);
    }
    int ahead = 0;  // 32 pages at once: one at a time would cost a trip to
                    // memory per tile
    for (int t = begin; t < end; ++t) {
      if ((t - begin) % 32 == 0) ahead = t + lane < end ? pages[t + lane] : 0;
      const int page = __shfl_sync(0xffffffff, ahead, (t - begin) % 32);
      const int parity = (t - begin) % 2;
      if (lane == 0) load_keys<kHalf>(key_map, page, parity, phases >> parity & 1, hint, shared);
      phases ^= 1 << parity;
      __syncwarp();
    }
  }
}

}  // namespace moebius::kernels::mla
