// The kernel of MLA attention: 64 query rows against tiles of 64 keys, two
// warpgroups that take turns at scores and share the sums of values, two warps
// that load.
//
// A tile of keys is 64 x 576 in nine boxes of 64 columns; two tiles (even and
// odd) and the queries fill shared memory. Warpgroup 0 makes the scores and
// weights of even tiles, warpgroup 1 of odd ones; both add every tile to the
// sums, warpgroup 0 columns 0 .. 255, warpgroup 1 the rest, since 64 x 512 sums
// are all the registers there are. A tile's weights reach the other warpgroup
// through the tile's ninth box, whose keys (the rotated part) no value needs:
//
//   warpgroup 0   scores e | weights e -> box | sums e, columns 0 .. 255 | sums
//   o | scores e + 2 warpgroup 1   scores o | sums e, columns 256 .. | weights
//   o -> box   | sums o | scores o + 2
//
// so that one computes weights while the other keeps the tensor cores busy.
// Groups of boxes are given back to the loading warps as soon as they are used
// up.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/attention/mla_close.cuh"
#include "kernels/attention/mla_fp8.cuh"
#include "kernels/attention/mla_loader.cuh"
#include "kernels/attention/mla_products.cuh"
#include "kernels/attention/mla_shared.cuh"

namespace moebius::kernels::mla {

struct Step {
  int tile;    // the even one, absolute
  bool first;  // of a chunk
  bool odd;    // there is an odd one
  bool next, next_odd;
  bool closes;
  int chunk;  // of the item
};

__device__ __forceinline__ Step step_of(const Mine& mine, int tile, int chunk_tiles) {
  const int end = mine.tile_end, in_chunk = (tile - mine.tile_begin) % chunk_tiles;
  return {.tile = tile,
          .first = in_chunk == 0,
          .odd = tile + 1 < end,
          .next = tile + 2 < end,
          .next_odd = tile + 3 < end,
          .closes = tile + 2 >= end || in_chunk + 2 == chunk_tiles,
          .chunk = (tile - mine.tile_begin) / chunk_tiles};
}

struct Phases {
  std::uint32_t even = 0, odd = 0;
};

/// Warpgroup 0 and two tiles; scores of the even one are on their way.
__device__ __forceinline__ void step_even(const MlaKernelArgs& args, const Mine& mine,
                                          const Place& at, const Step& step, Phases& phase,
                                          float (&s)[32], float (&o)[128], Progress& p,
                                          Shared& shared) {
  std::byte* even = shared.keys[0];
  std::byte* odd = shared.keys[1];
  wgmma_wait<0>();
  wgmma_pin(s);
  if (!step.next) give_back(&shared.q_free, at);
  std::uint32_t weights[4][4] = {};
  RowPair factor{1.0f, 1.0f};
  if (mine.live) {
    factor =
        soften(s, args.score_scale, mine.position - step.tile * kTileKeys, step.first, p, weights);
  }
  named_barrier_sync(kGroup, 128);  // all four warps are done with box 8's keys
  clear_tail(even, mine.last - step.tile * kTileKeys + 1, kGroup);
  publish(place(), weights, p.reference, even + 8 * kBoxBytes, shared.reference[0]);
  give_back(&shared.even_weights, at);
  rescale(o, factor);
  add_values(o, weights, even, step.first);
  phase.even ^= 1;
  wgmma_wait<0>();
  wgmma_pin(o);
  give_back(&shared.free[0][0], at);
  if (!step.odd) return;

  named_barrier_sync(kOddWeights, 256);
  factor = {1.0f, 1.0f};
  if (mine.live) factor = move_to(read_pair(shared.reference[1], at), false, p);
  rescale(o, factor);
  wait_values(shared.full[1], 0, phase.odd);
  add_values(o, odd + 8 * kBoxBytes, odd, false);
  phase.odd ^= 1;
  wgmma_wait<0>();
  wgmma_pin(o);
  give_back(&shared.free[1][0], at);
  if (step.next) add_scores(s, shared.q, even, shared.full[0], phase.even);
}

/// Whether warpgroup 1 is to take the odd tile's scores before the even tile's
/// values: if their keys are there first. Where memory sets the pace they come
/// late, and the even tile's boxes are not to wait for them. Changes no bits.
__device__ __forceinline__ bool scores_first(const Mine& mine, const Place& at, const Phases& phase,
                                             Shared& shared) {
  const int probe = mine.fragments < 4 ? kBoxes - 1 : 0;
  if (at.warp == 0) {
    bool scores = false;
    while (!(scores = barrier_test(&shared.full[1][probe], phase.odd)) &&
           !barrier_test(&shared.even_weights, phase.even)) {
    }
    if (at.lane == 0) shared.scores_first = scores;
  }
  named_barrier_sync(kGroup + 1, 128);  // the four warps of a product must agree
  return shared.scores_first;
}

/// Warpgroup 1 and two tiles.
__device__ __forceinline__ void step_odd(const MlaKernelArgs& args, const Mine& mine,
                                         const Place& at, const Step& step, Phases& phase,
                                         float (&s)[32], float (&o)[128], Progress& p,
                                         Shared& shared) {
  std::byte* even = shared.keys[0];
  std::byte* odd = shared.keys[1];
  const bool early = step.odd && scores_first(mine, at, phase, shared);
  if (early) add_scores(s, shared.q, odd, shared.full[1], phase.odd);
  wgmma_wait<0>();
  wgmma_pin(s);

  barrier_wait(&shared.even_weights, phase.even);
  RowPair factor{1.0f, 1.0f};
  if (mine.live) factor = move_to(read_pair(shared.reference[0], at), step.first, p);
  rescale(o, factor);
  wait_values(shared.full[0], 1, phase.even);
  add_values(o, even + 8 * kBoxBytes, even + 4 * kBoxBytes, step.first);
  phase.even ^= 1;
  wgmma_wait<0>();  // nearly there: to issue products takes about as long as
                    // they do
  wgmma_pin(o);
  give_back(&shared.free[0][1], at);
  if (!step.odd) return;

  if (!early) add_scores(s, shared.q, odd, shared.full[1], phase.odd);
  wgmma_wait<0>();
  wgmma_pin(s);
  if (!step.next_odd) give_back(&shared.q_free, at);
  const int tile = step.tile + 1;
  std::uint32_t weights[4][4] = {};
  factor = {1.0f, 1.0f};
  if (mine.live) {
    factor = soften(s, args.score_scale, mine.position - tile * kTileKeys, false, p, weights);
  }
  named_barrier_sync(kGroup + 1,
                     128);  // all four warps are done with box 8's keys
  clear_tail(odd, mine.last - tile * kTileKeys + 1, kGroup + 1);
  publish(place(), weights, p.reference, odd + 8 * kBoxBytes, shared.reference[1]);
  named_barrier_arrive(kOddWeights, 256);
  rescale(o, factor);
  add_values(o, weights, odd + 4 * kBoxBytes, false);
  phase.odd ^= 1;
  wgmma_wait<0>();
  wgmma_pin(o);
  give_back(&shared.free[1][1], at);
}

template <int kWarpgroup>
__device__ __forceinline__ void run_warpgroup(const MlaKernelArgs& args, Shared& shared) {
  const Items items = items_of_block(args.plan);
  Phases phase;
  std::uint32_t q_phase = 0, turn = 0;
  float s[32], o[128];
  for (int i = items.begin; i < items.end; ++i, q_phase ^= 1) {
    barrier_wait(&shared.q_full, q_phase);
    const Mine mine = mine_of(shared.items[(i - items.begin) % 2], place().warp, args.tile_heads);
    Progress p;
    if (kWarpgroup == 0) add_scores(s, shared.q, shared.keys[0], shared.full[0], phase.even);
    if (kWarpgroup == 1 && mine.tile_begin + 1 == mine.tile_end) give_back(&shared.q_free, place());
    for (int t = mine.tile_begin; t < mine.tile_end; t += 2) {
      const Step step = step_of(mine, t, args.chunk_tiles);
      const Place at = place();
      if (kWarpgroup == 0) {
        step_even(args, mine, at, step, phase, s, o, p, shared);
      } else {
        step_odd(args, mine, at, step, phase, s, o, p, shared);
      }
      if (step.closes) {
        close_chunk<kWarpgroup>(args, mine, place(), step.chunk, !step.next, turn, o, p, shared);
        turn ^= 1;
        p.reference = {};
        p.sum = {};
      }
    }
    wgmma_wait<0>();  // nothing is on its way; the compiler cannot know
    wgmma_pin(s);
  }
}

/// Barriers, before anyone waits on them; `fillers` arrive when one of boxes 0 .. 7 is there.
__device__ __forceinline__ void set_up(Shared& shared, int fillers) {
  if (threadIdx.x == 0) {
    barrier_init(&shared.q_full, 32);  // lanes that hand over the item
    barrier_init(&shared.q_free, 8);   // warps that read it
    barrier_init(&shared.even_weights, 4);
    for (int parity = 0; parity < 2; ++parity) {
      for (int box = 0; box < kBoxes; ++box) {
        barrier_init(&shared.full[parity][box], box < 8 ? fillers : 1);
      }
      for (int half = 0; half < 2; ++half) barrier_init(&shared.free[parity][half], 4);
    }
    fence_barrier_init();
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kThreads, 1)
    mla_attention_kernel(const __grid_constant__ MlaKernelArgs args,
                         const __grid_constant__ CUtensorMap q_map,
                         const __grid_constant__ CUtensorMap key_map) {
  extern __shared__ __align__(1024) std::byte dynamic[];
  Shared& shared = *reinterpret_cast<Shared*>(dynamic);
  if (threadIdx.x == 0) {
    tma_prefetch(&q_map);
    tma_prefetch(&key_map);
  }
  set_up(shared, 1);
  allow_next_kernel();
  // Blocks of this launch wait for nobody of another block, so it does not matter in which order
  // they find a place among those of the kernels around.
  if (threadIdx.x < 256) wait_for_previous_kernel();  // loaders later
  if (threadIdx.x < 128) {
    registers_increase<kWorkerRegisters>();
    run_warpgroup<0>(args, shared);
  } else if (threadIdx.x < 256) {
    registers_increase<kWorkerRegisters>();
    run_warpgroup<1>(args, shared);
  } else {
    registers_decrease<kLoaderRegisters>();
    if (threadIdx.x < 256 + 32) {
      run_loader<0>(args, &q_map, &key_map, shared);
    } else if (threadIdx.x < 256 + 64) {
      run_loader<1>(args, &q_map, &key_map, shared);
    }
  }
}

/// The same over the fp8 cache.
__global__ void __launch_bounds__(kThreads, 1)
    mla_attention_fp8_kernel(const __grid_constant__ MlaKernelArgs args,
                             const __grid_constant__ CUtensorMap q_map,
                             const __grid_constant__ CUtensorMap rotated_map,
                             const __grid_constant__ Fp8Latents cache) {
  extern __shared__ __align__(1024) std::byte dynamic[];
  Shared& shared = *reinterpret_cast<Shared*>(dynamic);
  set_up(shared, 4);  // the loading warps
  follow_previous_kernel();
  if (threadIdx.x < 128) {
    registers_increase<kWorkerRegisters>();
    run_warpgroup<0>(args, shared);
  } else if (threadIdx.x < 256) {
    registers_increase<kWorkerRegisters>();
    run_warpgroup<1>(args, shared);
  } else {
    registers_decrease<kWidenerRegisters>();
    run_widener(args, cache, &q_map, &rotated_map, shared);
  }
}

}  // namespace moebius::kernels::mla
