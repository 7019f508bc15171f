// The kernel of MLA attention: 64 query rows against tiles of 64 keys, two warpgroups that take
// turns at scores and share the sums of values, two warps that load.
//
// A tile of keys is 64 x 576 in nine boxes of 64 columns; two tiles (even and odd) and the queries
// fill shared memory. Warpgroup 0 makes the scores and weights of even tiles, warpgroup 1 of odd
// ones; both add every tile to the sums, warpgroup 0 columns 0 .. 255, warpgroup 1 the rest, since
// 64 x 512 sums are all the registers there are. A tile's weights reach the other warpgroup
// through the tile's ninth box, whose keys (the rotated part) no value needs:
//
//   warpgroup 0   scores e | weights e -> box | sums e, columns 0 .. 255 | sums o | scores e + 2
//   warpgroup 1   scores o | sums e, columns 256 .. | weights o -> box   | sums o | scores o + 2
//
// so that one computes weights while the other keeps the tensor cores busy. Groups of boxes are
// given back to the loading warps as soon as they are used up.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/attention/mla_plan.h"
#include "kernels/attention/mla_softmax.cuh"
#include "kernels/device/barrier.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels {

struct MlaKernelArgs {
  const std::byte* plan;
  const std::int32_t* pages;  // [sequences, max_pages]
  std::int64_t max_pages;
  __nv_bfloat16* out;  // [rows, heads, 512], rows out_ld apart
  std::int64_t out_ld;
  float* fragments;  // [blocks * 4 + kMlaPartialFragments, kMlaFragmentFloats]
  float2* states;    // [the same, 16]: reference and sum of each row
  int tile_heads;
  int chunk_tiles;
  float score_scale;  // scale * log2(e)
};

namespace mla {

constexpr int kTileKeys = static_cast<int>(kMlaTileKeys);
constexpr int kBoxes = 9;
constexpr int kBoxBytes = 64 * 128;
constexpr int kTileBytes = kBoxes * kBoxBytes;
// The loading warps have a warpgroup to themselves: registers are dealt out by warpgroups.
constexpr int kThreads = 3 * 128;
constexpr int kLoaderRegisters = 40, kWorkerRegisters = 232;

// Named barriers.
constexpr int kOddWeights = 2;  // warpgroup 1 wrote the odd tile's weights
constexpr int kChunkEnd = 3;
constexpr int kGroup = 4;  // + warpgroup: its own 128 threads

struct Shared {
  alignas(1024) std::byte q[kTileBytes];
  alignas(1024) std::byte keys[2][kTileBytes];  // even, odd
  MlaItem items[2];                             // of the block, in turn
  float reference[2][64];                       // after the even, after the odd tile
  float total_reference[2][64];                 // by warpgroup: of the chunks folded so far
  float total_sum[2][64];
  float sums[2][2][64];  // by parity of the chunk count, by warpgroup
  Barrier q_full, q_free;
  Barrier even_scores;   // warpgroup 0 has the even tile's scores
  Barrier even_weights;  // and wrote its weights
  Barrier full[2][kBoxes];
  Barrier free[2][2];  // [even, odd][boxes 0 .. 3, 4 .. 7]; box 8 goes with the half of the reader
                       // of the weights in it
  bool scores_first;   // warpgroup 1's next step
};
constexpr int kSharedBytes = sizeof(Shared);

/// Which half of a tile's boxes box 8 comes back with: the weights of even tiles are read by
/// warpgroup 1, of odd ones by warpgroup 0.
__device__ constexpr int half_of(int box, int parity) {
  return box == 8 ? 1 - parity : box / 4;
}

struct Items {
  const MlaItem* items;
  int begin, end;
};
__device__ __forceinline__ Items items_of_block(const std::byte* plan) {
  const auto* header = reinterpret_cast<const MlaPlanHeader*>(plan);
  return {reinterpret_cast<const MlaItem*>(plan + header->items_at),
          header->block_begin[blockIdx.x], header->block_begin[blockIdx.x + 1]};
}

// ---- the loading warps ----

/// Of whole warps: what the others see of the item once the queries are there.
__device__ __forceinline__ void hand_over(const MlaItem& item, MlaItem& to, int lane) {
  constexpr int kWords = sizeof(MlaItem) / 4;
  if (lane < kWords) {
    reinterpret_cast<std::int32_t*>(&to)[lane] = reinterpret_cast<const std::int32_t*>(&item)[lane];
  }
  __syncwarp();
}

__device__ __forceinline__ void load_queries(const CUtensorMap* map, const MlaItem& item,
                                             int tile_heads, Shared& shared) {
  barrier_arrive_expect(&shared.q_full, item.tokens * tile_heads * kBoxes * 128);
  for (int token = 0; token < item.tokens; ++token) {
    for (int box = 0; box < kBoxes; ++box) {
      tma_load_3d(shared.q + box * kBoxBytes + token * tile_heads * 128, map, &shared.q_full,
                  box * 64, item.head, item.row[token]);
    }
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

/// The first of the two loading warps has the queries, too, and hands the item to the others.
template <int kHalf>
__device__ __forceinline__ void run_loader(const MlaKernelArgs& args, const CUtensorMap* q_map,
                                           const CUtensorMap* key_map, Shared& shared) {
  const int lane = threadIdx.x % 32;
  const Items items = items_of_block(args.plan);
  std::uint32_t phases = 0, q_phase = 0;  // bit p: of the tiles of parity p
  for (int i = items.begin; i < items.end; ++i, q_phase ^= 1) {
    const MlaItem& item = items.items[i];
    const std::int32_t* pages = args.pages + item.sequence * args.max_pages;
    const int begin = item.tile_begin, end = item.tile_end;
    // Keys that nobody else reads should not push the folded sums out of the cache.
    const CacheHint hint =
        item.tokens * args.tile_heads < kMlaTileRows ? CacheHint::kEvictFirst : CacheHint::kNormal;
    if (kHalf == 0) {
      barrier_wait(&shared.q_free, q_phase ^ 1);
      hand_over(item, shared.items[(i - items.begin) % 2], lane);
      if (lane == 0) load_queries(q_map, item, args.tile_heads, shared);
    }
    int ahead = 0;  // 32 pages at once: one at a time would cost a trip to memory per tile
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

// ---- what both warpgroups do ----

/// Whether the phase of this parity has completed, without waiting.
__device__ __forceinline__ bool barrier_test(Barrier* barrier, std::uint32_t parity) {
  std::uint32_t done;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n"
      "}\n"
      : "=r"(done)
      : "r"(shared_address(barrier)), "r"(parity)
      : "memory");
  return done != 0;
}

/// Where a thread stands; warp w of a warpgroup has 16 heads of token 16 w / tile_heads.
struct Place {
  int warp, lane, row;  // row: the lower of the thread's two
};
/// Volatile, so that what follows from it is computed where it is used, not kept in registers that
/// the loop does not have.
__device__ __forceinline__ Place place() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  const int warp = thread / 32 % 4, lane = thread % 32;
  return {warp, lane, 16 * warp + lane / 4};
}

/// A pair of values per row in shared memory; all four lanes of a row have the same.
__device__ __forceinline__ RowPair read_pair(const float* values, const Place& at) {
  return {values[at.row], values[at.row + 8]};
}
__device__ __forceinline__ void write_pair(float* values, const Place& at, RowPair pair) {
  if (at.lane % 4 != 0) return;
  values[at.row] = pair.low;
  values[at.row + 8] = pair.high;
}

/// An item as one warp sees it.
struct Mine {
  const MlaItem* item;
  int tile_begin, tile_end, last;  // the item's
  int fragments;                   // of the item, a chunk
  bool live;                       // the warp's rows are some token's
  int position;                    // that token's
};
__device__ __forceinline__ Mine mine_of(const MlaItem& item, int warp, int tile_heads) {
  const int token = 16 * warp / tile_heads;
  const bool live = token < item.tokens;
  return {.item = &item,
          .tile_begin = item.tile_begin,
          .tile_end = item.tile_end,
          .last = item.last,
          .fragments = item.tokens * tile_heads / static_cast<int>(kMlaFragmentRows),
          .live = live,
          .position = live ? item.position[token] : 0};
}

/// Of the open chunk; sum: this thread's part.
struct Progress {
  RowPair reference, sum;
};

__device__ __forceinline__ void add_scores(float (&s)[32], const std::byte* q,
                                           const std::byte* keys, Barrier* full,
                                           std::uint32_t phase) {
#pragma unroll
  for (int box = 0; box < kBoxes; ++box) {
    barrier_wait(&full[box], phase);
    const std::uint64_t a = descriptor_k128(q + box * kBoxBytes);
    const std::uint64_t b = descriptor_k128(keys + box * kBoxBytes);
    wgmma_arrive();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      wgmma_bf16<64>(s, a + k * kDescriptorStepK, b + k * kDescriptorStepK, box + k > 0);
    }
  }
  wgmma_commit();
}

/// Values: 64 keys by 256 columns in four boxes, columns contiguous.
__device__ __forceinline__ std::uint64_t value_descriptor(const std::byte* boxes) {
  return descriptor_128(boxes, kBoxBytes, 1024);
}
constexpr std::uint64_t kValueStep = 16 * 128 / 16;  // 16 keys on

__device__ __forceinline__ void add_values(float (&o)[128], const std::uint32_t (&weights)[4][4],
                                           const std::byte* boxes, bool fresh) {
  const std::uint64_t b = value_descriptor(boxes);
  wgmma_arrive();
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    wgmma_bf16<256, true>(o, weights[k], b + k * kValueStep, k > 0 || !fresh);
  }
  wgmma_commit();
}

__device__ __forceinline__ void add_values(float (&o)[128], const std::byte* weights,
                                           const std::byte* boxes, bool fresh) {
  const std::uint64_t a = descriptor_k128(weights);
  const std::uint64_t b = value_descriptor(boxes);
  wgmma_arrive();
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    wgmma_bf16<256, false, true>(o, a + k * kDescriptorStepK, b + k * kValueStep, k > 0 || !fresh);
  }
  wgmma_commit();
}

__device__ __forceinline__ void wait_values(Barrier* full, int group, std::uint32_t phase) {
#pragma unroll
  for (int box = 0; box < 4; ++box) barrier_wait(&full[4 * group + box], phase);
}

/// A factor of 1 changes nothing, so whether a warp multiplies does not change bits.
__device__ __forceinline__ void rescale(float (&o)[128], RowPair factor) {
  if (!__any_sync(0xffffffff, factor.low != 1.0f || factor.high != 1.0f)) return;
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    o[i] = __fmul_rn(o[i], factor.low);
    o[i + 1] = __fmul_rn(o[i + 1], factor.low);
    o[i + 2] = __fmul_rn(o[i + 2], factor.high);
    o[i + 3] = __fmul_rn(o[i + 3], factor.high);
  }
}

/// Moves the references to where another tile left them.
__device__ __forceinline__ RowPair move_to(RowPair to, bool first, Progress& p) {
  const RowPair factor{first ? 1.0f : rescale_factor(p.reference.low, to.low),
                       first ? 1.0f : rescale_factor(p.reference.high, to.high)};
  p.sum.low = __fmul_rn(p.sum.low, factor.low);
  p.sum.high = __fmul_rn(p.sum.high, factor.high);
  p.reference = to;
  return factor;
}

/// Scores of a tile to weights; returns the factor for the sums.
__device__ __forceinline__ RowPair soften(float (&s)[32], float c, int last, bool first,
                                          Progress& p, std::uint32_t (&weights)[4][4]) {
  if (last < kTileKeys - 1) mask_scores(s, last);
  const RowPair m = tile_maximum(s, c);
  const RowPair factor = move_to({next_reference(p.reference.low, m.low, first),
                                  next_reference(p.reference.high, m.high, first)},
                                 first, p);
  weigh(s, c, p.reference, p.sum, weights);
  return factor;
}

/// Weights and references for the other warpgroup, which is to be told next.
__device__ __forceinline__ void publish(const Place& at, const std::uint32_t (&weights)[4][4],
                                        RowPair reference, std::byte* box, float* references) {
  const int row = 16 * at.warp + at.lane % 16;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const int chunk = (2 * k + at.lane / 16) ^ (row % 8);
    store_matrices(box + row * 128 + chunk * 16, weights[k][0], weights[k][1], weights[k][2],
                   weights[k][3]);
  }
  write_pair(references, at, reference);
  fence_proxy_async();  // before the other warpgroup's tensor cores read the weights
  __syncwarp();
}

/// Values behind the last key of a sequence become zeros: what lies there may be NaN, which a
/// weight of 0 would not silence. By a whole warpgroup, whose named barrier `id` is.
__device__ __forceinline__ void clear_tail(std::byte* keys, int live_keys, int id) {
  if (live_keys >= kTileKeys) return;
  for (int i = live_keys * 8 + threadIdx.x % 128; i < kTileKeys * 8; i += 128) {
#pragma unroll
    for (int box = 0; box < 8; ++box) {
      *reinterpret_cast<uint4*>(keys + box * kBoxBytes + i * 16) = uint4{0, 0, 0, 0};
    }
  }
  fence_proxy_async();  // before the tensor cores read the zeros
  named_barrier_sync(id, 128);
}

// ---- closing a chunk ----

__device__ __forceinline__ float4* fragment_at(const MlaKernelArgs& args, std::int64_t fragment,
                                               int half, const Place& at) {
  return reinterpret_cast<float4*>(args.fragments + fragment * kMlaFragmentFloats) +
         half * 32 * 32 + at.lane;
}

constexpr int kFoldAhead = 8;  // loads on their way; more do not fit into the registers

/// o = fold(total, o), with o scaled already.
__device__ __forceinline__ void fold_in(float (&o)[128], const float4* total, const Fold& low,
                                        const Fold& high) {
#pragma unroll
  for (int i = 0; i < 32; i += kFoldAhead) {
    float4 a[kFoldAhead];
#pragma unroll
    for (int j = 0; j < kFoldAhead; ++j) a[j] = __ldcg(total + (i + j) * 32);
#pragma unroll
    for (int j = 0; j < kFoldAhead; ++j) {
      float* part = o + 4 * (i + j);
      part[0] = fold_scaled(a[j].x, part[0], low);
      part[1] = fold_scaled(a[j].y, part[1], low);
      part[2] = fold_scaled(a[j].z, part[2], high);
      part[3] = fold_scaled(a[j].w, part[3], high);
    }
  }
}

__device__ __forceinline__ void store_fragment(const float (&o)[128], float4* to) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    __stcg(to + i * 32, float4{o[4 * i], o[4 * i + 1], o[4 * i + 2], o[4 * i + 3]});
  }
}

__device__ __forceinline__ void scale_part(float (&o)[128], const Fold& low, const Fold& high) {
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    o[i] = multiply_flushed(o[i], low.of_part);
    o[i + 1] = multiply_flushed(o[i + 1], low.of_part);
    o[i + 2] = multiply_flushed(o[i + 2], high.of_part);
    o[i + 3] = multiply_flushed(o[i + 3], high.of_part);
  }
}

/// total = fold(total, o) in memory, where no total is rescaled and o is scaled already: nothing
/// to wait for.
__device__ __forceinline__ void add_fragment(const float (&o)[128], float4* total) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    add_in_memory(total + i * 32, {o[4 * i], o[4 * i + 1], o[4 * i + 2], o[4 * i + 3]});
  }
}

/// Lane q of four has word q of each of four groups; afterwards all four words of group q.
__device__ __forceinline__ uint4 exchange(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                                          std::uint32_t w3) {
  const bool odd = threadIdx.x % 2, upper = threadIdx.x / 2 % 2;
  // Pairs of lanes swap so that each has words of groups 2 i + its bit, then pairs of pairs.
  const std::uint32_t a = __shfl_xor_sync(0xffffffff, odd ? w0 : w1, 1);
  const std::uint32_t b = __shfl_xor_sync(0xffffffff, odd ? w2 : w3, 1);
  const uint2 low = odd ? uint2{a, w1} : uint2{w0, a};
  const uint2 high = odd ? uint2{b, w3} : uint2{w2, b};
  const std::uint32_t c = __shfl_xor_sync(0xffffffff, upper ? low.x : high.x, 2);
  const std::uint32_t d = __shfl_xor_sync(0xffffffff, upper ? low.y : high.y, 2);
  return upper ? uint4{c, d, high.x, high.y} : uint4{low.x, low.y, c, d};
}

/// 64 bytes of a row by four lanes at a time.
__device__ __forceinline__ void write_rows(const float (&o)[128], RowPair sum, __nv_bfloat16* low,
                                           __nv_bfloat16* high) {
#pragma unroll
  for (int i = 0; i < 128; i += 16) {
    std::uint32_t l[4], h[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      l[j] = pack_bf16(finish(o[i + 4 * j], sum.low), finish(o[i + 4 * j + 1], sum.low));
      h[j] = pack_bf16(finish(o[i + 4 * j + 2], sum.high), finish(o[i + 4 * j + 3], sum.high));
    }
    *reinterpret_cast<uint4*>(low + 2 * i) = exchange(l[0], l[1], l[2], l[3]);
    *reinterpret_cast<uint4*>(high + 2 * i) = exchange(h[0], h[1], h[2], h[3]);
  }
}

template <int kWarpgroup>
__device__ __forceinline__ void write_out(const MlaKernelArgs& args, const Mine& mine,
                                          const Place& at, const float (&o)[128], RowPair sum) {
  const int head = mine.item->head + at.row % args.tile_heads;
  const int row = mine.item->row[16 * at.warp / args.tile_heads];
  __nv_bfloat16* low =
      args.out + row * args.out_ld + head * kMlaVDim + kWarpgroup * 256 + 8 * (at.lane % 4);
  write_rows(o, sum, low, low + 8 * kMlaVDim);
}

/// Where the open total of an item that folds is, or the partial result of this chunk.
__device__ __forceinline__ std::int64_t fragment_of(const Mine& mine, const Place& at, int chunk,
                                                    bool partial) {
  if (!partial) return blockIdx.x * 4 + at.warp;
  const int slots = mine.tile_begin == 0 ? 0 : chunk * mine.fragments;
  return gridDim.x * 4 + mine.item->slot + slots + at.warp;
}

/// The chunk's sums are complete in o: folds them, stores them or writes the rows.
template <int kWarpgroup>
__device__ __forceinline__ void close_chunk(const MlaKernelArgs& args, const Mine& mine,
                                            const Place& at, int chunk, bool last,
                                            std::uint32_t turn, float (&o)[128], const Progress& p,
                                            Shared& shared) {
  write_pair(shared.sums[turn][kWarpgroup], at, {quad_sum(p.sum.low), quad_sum(p.sum.high)});
  named_barrier_sync(kChunkEnd, 256);  // the other warpgroup's part of the sums
  if (!mine.live) return;
  const RowPair even = read_pair(shared.sums[turn][0], at),
                odd = read_pair(shared.sums[turn][1], at);
  RowPair sum{__fadd_rn(even.low, odd.low), __fadd_rn(even.high, odd.high)};
  RowPair reference = p.reference;
  const bool folds = mine.tile_begin == 0;
  float* const total_reference = shared.total_reference[kWarpgroup];
  float* const total_sum = shared.total_sum[kWarpgroup];
  if (folds && chunk > 0) {
    const RowPair before = read_pair(total_reference, at), its = read_pair(total_sum, at);
    const Fold low = fold_of(before.low, reference.low);
    const Fold high = fold_of(before.high, reference.high);
    sum = {fold(its.low, sum.low, low), fold(its.high, sum.high, high)};
    reference = {low.reference, high.reference};
    float4* const total = fragment_at(args, fragment_of(mine, at, chunk, false), kWarpgroup, at);
    scale_part(o, low, high);
    if (!last && !__any_sync(0xffffffff, low.of_total != 1.0f || high.of_total != 1.0f)) {
      add_fragment(o, total);
      write_pair(total_sum, at, sum);
      __syncwarp();
      return;
    }
    fold_in(o, total, low, high);
  }
  if (last && mine.item->slot < 0) {
    write_out<kWarpgroup>(args, mine, at, o, sum);
    return;
  }
  const bool partial = last || !folds;
  const std::int64_t to = fragment_of(mine, at, chunk, partial);
  store_fragment(o, fragment_at(args, to, kWarpgroup, at));
  write_pair(total_reference, at, reference);
  write_pair(total_sum, at, sum);
  __syncwarp();
  if (partial && kWarpgroup == 0 && at.lane % 4 == 0) {
    args.states[to * 16 + at.lane / 4] = {reference.low, sum.low};
    args.states[to * 16 + at.lane / 4 + 8] = {reference.high, sum.high};
  }
}

__device__ __forceinline__ void give_back(Barrier* barrier, const Place& at) {
  if (at.lane == 0) barrier_arrive(barrier);
}

// ---- the two warpgroups ----

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
  give_back(&shared.even_scores, at);
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

/// Whether warpgroup 1 is to take the odd tile's scores before the even tile's values: if their
/// keys are there first. Where memory sets the pace they come late, and the even tile's boxes are
/// not to wait for them. Not before the even tile's scores are done: the two would only slow each
/// other down, and leave the tensor cores idle while both become weights. None of it changes bits.
__device__ __forceinline__ bool scores_first(const Mine& mine, const Place& at, const Phases& phase,
                                             Shared& shared) {
  const int probe = mine.fragments < 4 ? kBoxes - 1 : 0;
  if (at.warp == 0) {
    bool scores = false;
    while (!(scores = barrier_test(&shared.even_scores, phase.even) &&
                      barrier_test(&shared.full[1][probe], phase.odd)) &&
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
  wgmma_wait<0>();  // nearly there: to issue products takes about as long as they do
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
  named_barrier_sync(kGroup + 1, 128);  // all four warps are done with box 8's keys
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

__global__ void __launch_bounds__(kThreads, 1)
    mla_attention_kernel(const __grid_constant__ MlaKernelArgs args,
                         const __grid_constant__ CUtensorMap q_map,
                         const __grid_constant__ CUtensorMap key_map) {
  extern __shared__ __align__(1024) std::byte dynamic[];
  Shared& shared = *reinterpret_cast<Shared*>(dynamic);
  if (threadIdx.x == 0) {
    barrier_init(&shared.q_full, 1);
    barrier_init(&shared.q_free, 8);  // warps that read it
    barrier_init(&shared.even_scores, 4);
    barrier_init(&shared.even_weights, 4);
    for (int parity = 0; parity < 2; ++parity) {
      for (int box = 0; box < kBoxes; ++box) barrier_init(&shared.full[parity][box], 1);
      for (int half = 0; half < 2; ++half) barrier_init(&shared.free[parity][half], 4);
    }
    fence_barrier_init();
    tma_prefetch(&q_map);
    tma_prefetch(&key_map);
  }
  __syncthreads();
  allow_next_kernel();
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

}  // namespace mla
}  // namespace moebius::kernels
