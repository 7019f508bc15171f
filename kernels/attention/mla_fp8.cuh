// MLA attention over the fp8 cache: the loading warpgroup widens the latents to bf16 where the copy
// engine would have put them; the rotated part, which stays bf16, comes by it still. The workers
// are the bf16 kernel's, and so are the bits of a result, over the values that the cache gives
// back.
//
// A key is 648 bytes instead of 1152. 64 keys take 2,200 cycles of memory at 4.2 TB/s, 750 issue
// slots of each scheduler to widen, and of shared memory 2,600 cycles (64 KB of stores; scores and
// values read 210 KB, as in bf16): that is the bound for few heads.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/attention/mla_close.cuh"
#include "kernels/attention/mla_loader.cuh"
#include "kernels/device/fp8_widen.cuh"

namespace moebius::kernels::mla {

// 128 * 40 + 256 * 232 registers are those of 384 threads with 168: for more, it would wait
// forever.
constexpr int kWidenerRegisters = 40;
constexpr int kFp8Columns = 128;  // under one scale: two boxes

/// Where things lie in the cache (kernels/kv_write/fp8_cache.h).
struct Fp8Latents {
  const std::uint8_t* data;
  std::int64_t page_bytes, scales_at;

  __device__ const std::uint8_t* values(int page, int block) const {
    return data + page * page_bytes + block * (kTileKeys * kFp8Columns);
  }
  __device__ const std::uint16_t* scales(int page, int block) const {
    return reinterpret_cast<const std::uint16_t*>(data + page * page_bytes + scales_at) +
           block * kTileKeys;
  }
};

/// A block of a tile into its two boxes; as each piece leaves the registers, the same piece of
/// the block that comes next is asked for, so that four stay on their way.
__device__ __forceinline__ void widen_block(Fp8Tile<kFp8Columns>& block, std::byte* boxes,
                                            Barrier* full, bool more, const std::uint8_t* values,
                                            const std::uint16_t* scales) {
  const Place at = place();  // addresses take no registers between blocks
  const int thread = at.warp * 32 + at.lane;
#pragma unroll
  for (int i = 0; i < Fp8Tile<kFp8Columns>::kPieces; ++i) {
    block.store_piece(i, thread, boxes);
    if (more) block.load_piece(i, thread, values, scales);
  }
  fence_proxy_async();  // before the tensor cores read what was written
  __syncwarp();
  if (threadIdx.x % 32 == 0) {
    barrier_arrive(&full[0]);
    barrier_arrive(&full[1]);
  }
}

/// The four warps of the loading warpgroup. Blocks in the order in which the workers use tiles up,
/// so that whatever a box is waited for depends on boxes before it alone.
__device__ __forceinline__ void run_widener(const MlaKernelArgs& args, const Fp8Latents& cache,
                                            const CUtensorMap* q_map,
                                            const CUtensorMap* rotated_map, Shared& shared) {
  constexpr int kAnnounced = 2;  // tiles ahead, that are on their way from memory
  constexpr int kWindow = 16;
  constexpr int kBlocks = static_cast<int>(kMlaVDim) / kFp8Columns;
  const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const Items items = items_of_block(args.plan);
  std::uint32_t phases = 0, q_phase = 0;  // bit p: of the tiles of parity p
  for (int i = items.begin; i < items.end; ++i, q_phase ^= 1) {
    const MlaItem& item = items.items[i];
    const auto page_of = [&](int tile) {
      return args.pages[item.sequence * args.max_pages + tile];
    };
    const int begin = item.tile_begin, end = item.tile_end;
    // As load_keys() is asked to.
    const bool once = item.tokens * args.tile_heads < kMlaTileRows;
    const auto hint = [&] { return once ? CacheHint::kEvictFirst : CacheHint::kNormal; };
    const auto announce = [&](int page) {
      prefetch_l2(cache.values(page, 0), static_cast<std::uint32_t>(cache.page_bytes), hint());
    };
    if (warp == 3 && begin + lane < min(begin + kAnnounced, end)) announce(page_of(begin + lane));
    if (warp == 0) {
      hand_over_queries(q_map, item, args.tile_heads, i - items.begin, q_phase, shared);
    }
    int ahead = 0;  // 32 pages at once: one at a time would cost a trip to memory per tile
    Fp8Tile<kFp8Columns> block;
    for (int t = begin; t < end; ++t) {
      const int place = (t - begin) % kWindow, parity = (t - begin) % 2;
      if (place == 0) ahead = t + lane < end ? page_of(t + lane) : 0;
      const auto page = [&](int further) {
        return __shfl_sync(0xffffffff, ahead, place + further);
      };
      const int early = page(kAnnounced);
      if (warp == 3 && lane == 0 && t + kAnnounced < end) announce(early);
      if (t == begin) {
        block.load(threadIdx.x % 128, cache.values(page(0), 0), cache.scales(page(0), 0));
      }
#pragma unroll 1
      for (int b = 0; b < kBlocks; ++b) {
        if (b % 2 == 0) {
          const int its = page(0);
          barrier_wait(&shared.free[parity][b / 2], (phases >> parity & 1) ^ 1);
          if (b / 2 == half_of(8, parity) && threadIdx.x % 128 == 0) {
            barrier_arrive_expect(&shared.full[parity][8], kBoxBytes);
            tma_load_3d(shared.keys[parity] + 8 * kBoxBytes, rotated_map, &shared.full[parity][8],
                        0, 0, its, hint());
          }
        }
        const int next = (b + 1) % kBlocks, of_tile = (b + 1) / kBlocks;
        const int from = page(of_tile);
        widen_block(block, shared.keys[parity] + 2 * b * kBoxBytes, &shared.full[parity][2 * b],
                    t + of_tile < end, cache.values(from, next), cache.scales(from, next));
      }
      phases ^= 1 << parity;
    }
  }
}

}  // namespace moebius::kernels::mla
