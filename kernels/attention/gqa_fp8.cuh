// Grouped-query attention on the device over the fp8 cache: a warpgroup of its own widens keys and
// values to bf16, in place of the copy engine. All that multiplies is the bf16 kernel's, and so are
// the bits of a result, over the values that the cache gives back.
//
// A key and a value of 128 columns are 260 bytes instead of 512, and their widening 1,500 warp
// instructions for 64 keys: 370 issue slots of each scheduler, where memory at 4.2 TB/s takes 880
// cycles. Shared memory carries 32 KB of stores and as much of reads for them, 512 cycles.
#pragma once

#include <cstdint>

#include "kernels/attention/gqa_feed.cuh"
#include "kernels/device/fp8_widen.cuh"

namespace moebius::kernels::gqa {

constexpr int kFp8Threads = kThreads + 128;

/// Where the blocks of a page lie (kernels/kv_write/fp8_cache.h).
struct Fp8Blocks {
  const std::uint8_t* data;
  std::int64_t page_bytes, scales_at;
  int k_block, v_block;  // of KV head 0
};

/// The tiles of the block's items, in the order in which they are used. By whole warps.
struct TileWalk {
  static constexpr int kWindow = 16;

  const Params& params;
  int item, items_end;  // the next item
  int tile = -1, tile_end = 0, place = 0, kv_head = 0;
  const std::int32_t* pages = nullptr;
  int ahead = 0;  // 32 pages at once, one a lane: one at a time would cost a trip to memory each

  __device__ explicit TileWalk(const Params& p)
      : params(p),
        item(p.plan->block_begin[blockIdx.x]),
        items_end(p.plan->block_begin[blockIdx.x + 1]) {}

  __device__ const std::int32_t* pages_of(const Item& its) const {
    return params.pages + its.sequence * params.max_pages;
  }
  /// False behind the last.
  __device__ bool next() {
    place = (place + 1) % kWindow;
    if (++tile >= tile_end) {
      if (item == items_end) return false;
      const Item& its = items_of(params.plan)[item++];
      pages = pages_of(its);
      tile = its.tile_begin;
      tile_end = its.tile_end;
      kv_head = its.kv_head;
      place = 0;
    }
    const int own = tile + static_cast<int>(threadIdx.x % 32);
    if (place == 0) ahead = own < tile_end ? pages[own] : 0;
    return true;
  }
  /// Of the tile that is `further` on, at most kWindow and of the same item.
  __device__ int page(int further) const {
    return __shfl_sync(0xffffffffU, ahead, place + further);
  }
};

template <int D>
struct Widener {
  static constexpr int kAnnounced = 512 / D;  // tiles ahead: 64 KB on their way from memory

  const Fp8Blocks& cache;

  __device__ const std::uint8_t* values(const std::uint8_t* page, int block) const {
    return page + block * (kTileKeys * D);
  }
  __device__ const std::uint16_t* scales(const std::uint8_t* page, int block) const {
    return reinterpret_cast<const std::uint16_t*>(page + cache.scales_at) + block * kTileKeys;
  }

  __device__ void fetch(Fp8Tile<D>& tile, const TileWalk& walk, int first_block) const {
    const std::uint8_t* page = cache.data + walk.page(0) * cache.page_bytes;
    const int block = first_block + walk.kv_head;
    tile.load(threadIdx.x % 128, values(page, block), scales(page, block));
  }
  /// By one thread: a tile's way to the L2 cache begins.
  __device__ void announce(int page_index, int kv_head) const {
    const std::uint8_t* page = cache.data + page_index * cache.page_bytes;
    prefetch_l2(values(page, cache.k_block + kv_head), kTileKeys * D);
    prefetch_l2(scales(page, cache.k_block + kv_head), kTileKeys * sizeof(std::uint16_t));
    prefetch_l2(values(page, cache.v_block + kv_head), kTileKeys * D);
    prefetch_l2(scales(page, cache.v_block + kv_head), kTileKeys * sizeof(std::uint16_t));
  }
  /// The first tiles of the next item.
  __device__ void announce_item(const TileWalk& walk) const {
    if (walk.item == walk.items_end) return;
    const Item& its = items_of(walk.params.plan)[walk.item];
    const int tile = its.tile_begin + static_cast<int>(threadIdx.x % 32);
    if (tile < min(its.tile_begin + kAnnounced, its.tile_end)) {
      announce(walk.pages_of(its)[tile], its.kv_head);
    }
  }
  /// What comes kAnnounced tiles after the walk's. By a warp.
  __device__ void announce_ahead(const TileWalk& walk) const {
    const int left = walk.tile_end - walk.tile;
    const int page = walk.page(kAnnounced);
    if (left > kAnnounced) {
      if (threadIdx.x % 32 == 0) announce(page, walk.kv_head);
    } else if (left == kAnnounced || walk.place == 0) {  // or the item is shorter
      announce_item(walk);
    }
  }

  /// By a warpgroup: every tile into its stage, when that is free.
  __device__ void run(const Params& params, Shared<D>& shared) const {
    const bool announces = threadIdx.x % 128 < 32;
    TileWalk walk(params);
    if (announces) announce_item(walk);
    if (!walk.next()) return;
    Fp8Tile<D> k, v;
    fetch(k, walk, cache.k_block);
    fetch(v, walk, cache.v_block);
    Ring<Shared<D>::kStages> ring;
    for (bool more = true; more; ring.next()) {
      if (announces) announce_ahead(walk);
      hand_over(k, shared.k[ring.stage], &shared.k_empty[ring.stage], &shared.k_full[ring.stage],
                ring.phase);
      more = walk.next();
      if (more) fetch(k, walk, cache.k_block);
      hand_over(v, shared.v[ring.stage], &shared.v_empty[ring.stage], &shared.v_full[ring.stage],
                ring.phase);
      if (more) fetch(v, walk, cache.v_block);
    }
  }

  __device__ static void hand_over(const Fp8Tile<D>& tile, void* to, Barrier* empty, Barrier* full,
                                   std::uint32_t phase) {
    barrier_wait(empty, phase ^ 1);
    tile.store(threadIdx.x % 128, to);
    fence_proxy_async();  // before the tensor cores read what was written
    __syncwarp();
    if (threadIdx.x % 32 == 0) barrier_arrive(full);
  }
};

}  // namespace moebius::kernels::gqa
