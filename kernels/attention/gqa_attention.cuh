// The device side of gqa_attention.cu: producer and consumers of one block, and the merge.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "kernels/attention/gqa_plan.h"
#include "kernels/device/barrier.cuh"
#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels::gqa {

constexpr int kConsumers = 2;  // warpgroups of 64 rows; one more warpgroup feeds them
constexpr int kThreads = 128 * (1 + kConsumers);

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

/// Floats of a record: O, m, l, and two that keep records 16-byte aligned.
template <int D>
constexpr int kRecord = D + 4;

template <int D>
struct alignas(1024) Shared {
  static constexpr int kTile = kTileKeys * D;  // elements, as [D / 64][64 keys][64], swizzled
  static constexpr int kStages = D == 128 ? 5 : 8;
  __nv_bfloat16 k[kStages][kTile], v[kStages][kTile];
  // Each consumer's chunks merged so far: D / 8 times 16 bytes of each thread.
  float4 total[kConsumers][D / 8][128];
  Barrier k_full[kStages], v_full[kStages], k_empty[kStages], v_empty[kStages];
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

/// exp of a difference of two unscaled scores; 1 for equal ones.
__device__ inline float exp_of(float difference, float scale) {
  return exp2_fast(__fmul_rn(difference, scale));
}

/// a becomes the merge of a, whose chunks come first, and b; returns what to multiply both with.
/// Every row has seen position 0, so a.m is finite; a chunk that b did not see has m = -inf, l = 0.
struct Weights {
  float a, b;
};
__device__ inline Weights merge_sums(float& m_a, float& l_a, float m_b, float l_b, float scale) {
  const float m = fmaxf(m_a, m_b);
  const Weights w{exp_of(m_a - m, scale), exp_of(m_b - m, scale)};
  m_a = m;
  l_a = fmaf(l_b, w.b, l_a * w.a);
  return w;
}

/// One warpgroup's 64 rows of an item. Of each array of two, [0] belongs to row 16 warp + lane / 4
/// and [1] to that + 8.
template <int D>
struct Consumer {
  const Params& params;
  Shared<D>& shared;
  Item item;
  int index;                      // 0 .. kConsumers - 1
  Ring<Shared<D>::kStages> ring;  // of the tile whose values are next

  float o[D / 2], s[kTileKeys / 2];
  std::uint32_t q[D / 16][4], p[kTileKeys / 16][4];
  float m[2], l[2];          // of the chunk at hand
  float m_all[2], l_all[2];  // of the chunks before
  int position[2];

  __device__ int lane() const { return threadIdx.x % 32; }
  __device__ int row(int i) const {
    return index * 64 + threadIdx.x / 32 % 4 * 16 + lane() / 4 + 8 * i;
  }
  __device__ std::int64_t token(int i) const {
    return item.first_row + (item.row0 + row(i)) / params.group;
  }
  __device__ int column(int i) const {
    return (item.kv_head * params.group + (item.row0 + row(i)) % params.group) * D;
  }

  // Rows that do not exist have zero queries and see what the last one sees.
  __device__ void load_queries() {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      position[i] = item.first_position + (item.row0 + min(row(i), item.rows - 1)) / params.group;
      const bool real = row(i) < item.rows;
      const __nv_bfloat16* at = params.q + token(i) * params.q_ld + column(i) + lane() % 4 * 2;
#pragma unroll
      for (int k = 0; k < D / 16; ++k) {
        q[k][i] = real ? *reinterpret_cast<const std::uint32_t*>(at + 16 * k) : 0;
        q[k][2 + i] = real ? *reinterpret_cast<const std::uint32_t*>(at + 16 * k + 8) : 0;
      }
    }
  }

  __device__ void release(Barrier* empty) {
    if (lane() == 0) barrier_arrive(empty);  // its reads are over: wgmma_wait came before
  }

  __device__ void start_scores(int stage) {
    const std::uint64_t k = descriptor_k128(shared.k[stage]);
#pragma unroll
    for (int i = 0; i < D / 16; ++i) {
      constexpr std::uint64_t kHalf = kTileKeys * 128 / 16;  // 64 dimensions of all keys
      wgmma_bf16<kTileKeys>(s, q[i], k + i / 4 * kHalf + i % 4 * kDescriptorStepK, i > 0);
    }
    wgmma_commit();
  }

  __device__ void start_values(int stage, bool accumulate) {
    const std::uint64_t v = descriptor_128(shared.v[stage], kTileKeys * 128, 1024);
#pragma unroll
    for (int i = 0; i < kTileKeys / 16; ++i) {
      wgmma_bf16<D, true>(o, p[i], v + i * (2048 / 16), accumulate || i > 0);
    }
    wgmma_commit();
  }

  __device__ void mask(int tile) {
    const int first = tile * kTileKeys + lane() % 4 * 2;
#pragma unroll
    for (int j = 0; j < kTileKeys / 8; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (first + 8 * j + e % 2 > position[e / 2]) s[4 * j + e] = -INFINITY;
      }
    }
  }

  /// Scores to weights. alpha: what weights so far are to be multiplied with; exactly 1 where the
  /// maximum stays, so that a tile that is masked as a whole changes nothing.
  __device__ void weigh(float (&alpha)[2]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float most[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) most[j] = fmaxf(s[4 * j + 2 * i], s[4 * j + 2 * i + 1]);
#pragma unroll
      for (int j = 4; j < kTileKeys / 8; ++j) {
        most[j % 4] = fmaxf(most[j % 4], fmaxf(s[4 * j + 2 * i], s[4 * j + 2 * i + 1]));
      }
      float top = fmaxf(fmaxf(most[0], most[1]), fmaxf(most[2], most[3]));
      top = fmaxf(top, __shfl_xor_sync(0xffffffffU, top, 1));
      top = fmaxf(top, __shfl_xor_sync(0xffffffffU, top, 2));
      top = fmaxf(top, m[i]);
      const float base = top == -INFINITY ? 0.0F : top;
      alpha[i] = exp_of(m[i] - base, params.scale);
      m[i] = top;
      const float shift = -(base * params.scale);
      float sum[4] = {};
#pragma unroll
      for (int j = 0; j < kTileKeys / 8; ++j) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          float& x = s[4 * j + 2 * i + e];
          x = exp2_fast(fmaf(x, params.scale, shift));
          sum[j % 2 * 2 + e] += x;
        }
      }
      l[i] = fmaf(l[i], alpha[i], (sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
  }

  __device__ void pack() {
#pragma unroll
    for (int i = 0; i < kTileKeys / 16; ++i) {
#pragma unroll
      for (int r = 0; r < 4; ++r) p[i][r] = pack_bf16(s[8 * i + 2 * r], s[8 * i + 2 * r + 1]);
    }
  }

  /// o times alpha, unless that is 1 for the whole warp.
  __device__ void rescale(const float (&alpha)[2]) {
    if (!__any_sync(0xffffffffU, alpha[0] != 1.0F || alpha[1] != 1.0F)) return;
#pragma unroll
    for (int j = 0; j < D / 2; ++j) o[j] *= alpha[j % 4 / 2];
  }

  /// What lies behind the last position is not the sequence's: zero, lest 0 * NaN reach a sum.
  __device__ void clear_tail(int stage) {
    const int last = item.first_position + (item.row0 + item.rows - 1) / params.group;
    const int valid = last + 1 - (item.tile_end - 1) * kTileKeys;
    if (valid >= kTileKeys) return;
#pragma unroll
    for (int half = 0; half < D / 64; ++half) {
      auto* rows = reinterpret_cast<uint4*>(shared.v[stage] + half * kTileKeys * 64);
      for (int i = valid * 8 + threadIdx.x % 128; i < kTileKeys * 8; i += 128) rows[i] = uint4{};
    }
    fence_proxy_async();
    named_barrier_sync(1 + index, 128);  // all zeros are written before any value is multiplied
  }

  __device__ void sum_over_lanes(float (&sum)[2]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      sum[i] += __shfl_xor_sync(0xffffffffU, sum[i], 1);
      sum[i] += __shfl_xor_sync(0xffffffffU, sum[i], 2);
    }
  }

  /// Chunk `chunk` of the item is over; its state is in o and the arguments.
  __device__ void close_chunk(int chunk, bool last, float (&m_b)[2], float (&l_b)[2]) {
    sum_over_lanes(l_b);
    if (item.result == Result::kChunks) {
      write_record(item.record + chunk * item.rows, m_b, l_b);
      return;
    }
    if (chunk == 0) {
#pragma unroll
      for (int i = 0; i < 2; ++i) m_all[i] = m_b[i], l_all[i] = l_b[i];
    } else {
      fold(m_b, l_b);
    }
    if (!last) {
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        total(j) = make_float4(o[4 * j], o[4 * j + 1], o[4 * j + 2], o[4 * j + 3]);
      }
    } else if (item.result == Result::kMerged) {
      write_record(item.record, m_all, l_all);
    } else {
      write_out();
    }
  }

  __device__ float4& total(int j) {
    return shared.total[index][j][threadIdx.x % 128];
  }

  /// o = merge of the total and o.
  __device__ void fold(const float (&m_b)[2], const float (&l_b)[2]) {
    Weights w[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      w[i] = merge_sums(m_all[i], l_all[i], m_b[i], l_b[i], params.scale);
    }
#pragma unroll
    for (int j = 0; j < D / 8; ++j) {
      const float4 a = total(j);
      o[4 * j] = fmaf(o[4 * j], w[0].b, a.x * w[0].a);
      o[4 * j + 1] = fmaf(o[4 * j + 1], w[0].b, a.y * w[0].a);
      o[4 * j + 2] = fmaf(o[4 * j + 2], w[1].b, a.z * w[1].a);
      o[4 * j + 3] = fmaf(o[4 * j + 3], w[1].b, a.w * w[1].a);
    }
  }

  __device__ void write_record(std::int64_t record, const float (&m_r)[2], const float (&l_r)[2]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (row(i) >= item.rows) continue;
      float* at = params.records + (record + row(i)) * kRecord<D>;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        *reinterpret_cast<float2*>(at + 8 * j + lane() % 4 * 2) =
            make_float2(o[4 * j + 2 * i], o[4 * j + 2 * i + 1]);
      }
      if (lane() % 4 == 0) *reinterpret_cast<float2*>(at + D) = make_float2(m_r[i], l_r[i]);
    }
  }

  __device__ void write_out() {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (row(i) >= item.rows) continue;
      const float one_over = __frcp_rn(l_all[i]);
      __nv_bfloat16* at = params.out + token(i) * params.out_ld + column(i) + lane() % 4 * 2;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        *reinterpret_cast<std::uint32_t*>(at + 8 * j) =
            pack_bf16(o[4 * j + 2 * i] * one_over, o[4 * j + 2 * i + 1] * one_over);
      }
    }
  }

  /// The scores of `tile` are in s: everything up to where its values can be multiplied. Meanwhile
  /// the values of the tile before are.
  __device__ bool soften(int tile, int stage_before) {
    const bool opens = tile % kChunkTiles == 0;
    float m_b[2], l_b[2], alpha[2];
    if (opens) {
#pragma unroll
      for (int i = 0; i < 2; ++i) m_b[i] = m[i], l_b[i] = l[i], m[i] = -INFINITY, l[i] = 0;
    }
    if ((tile + 1) * kTileKeys - 1 > position_least) mask(tile);
    weigh(alpha);
    wgmma_wait<0>();
    wgmma_pin(o);
    if (tile > item.tile_begin) {
      release(&shared.v_empty[stage_before]);
      if (opens) {
        close_chunk((tile - item.tile_begin) / kChunkTiles - 1, false, m_b, l_b);
      } else {
        rescale(alpha);
      }
    }
    pack();
    return !opens;
  }
  int position_least;  // of the warpgroup's rows

  __device__ void run() {
    load_queries();
    position_least =
        item.first_position + (item.row0 + min(index * 64, item.rows - 1)) / params.group;
    barrier_wait(&shared.k_full[ring.stage], ring.phase);
    wgmma_pin(s);
    wgmma_arrive();
    start_scores(ring.stage);
    wgmma_wait<0>();
    wgmma_pin(s);
    release(&shared.k_empty[ring.stage]);
    int stage_before = 0;
    for (int tile = item.tile_begin; tile + 1 < item.tile_end; ++tile) {
      const bool accumulate = soften(tile, stage_before);
      Ring<Shared<D>::kStages> ahead = ring;
      ahead.next();
      barrier_wait(&shared.k_full[ahead.stage], ahead.phase);
      wgmma_pin(s);
      wgmma_pin(o);
      wgmma_arrive();
      start_scores(ahead.stage);
      barrier_wait(&shared.v_full[ring.stage], ring.phase);
      wgmma_arrive();
      start_values(ring.stage, accumulate);
      wgmma_wait<1>();
      wgmma_pin(s);
      release(&shared.k_empty[ahead.stage]);
      stage_before = ring.stage;
      ring = ahead;
    }
    const bool accumulate = soften(item.tile_end - 1, stage_before);
    barrier_wait(&shared.v_full[ring.stage], ring.phase);
    clear_tail(ring.stage);
    wgmma_pin(o);
    wgmma_arrive();
    start_values(ring.stage, accumulate);
    wgmma_wait<0>();
    wgmma_pin(o);
    release(&shared.v_empty[ring.stage]);
    ring.next();
    close_chunk((item.tile_end - 1 - item.tile_begin) / kChunkTiles, true, m, l);
  }

  /// An item without rows for this warpgroup.
  __device__ void pass() {
    for (int tile = item.tile_begin; tile < item.tile_end; ++tile) {
      barrier_wait(&shared.k_full[ring.stage], ring.phase);
      release(&shared.k_empty[ring.stage]);
      barrier_wait(&shared.v_full[ring.stage], ring.phase);
      release(&shared.v_empty[ring.stage]);
      ring.next();
    }
  }
};

template <int D>
__device__ void consume(const Params& params, Shared<D>& shared) {
  Consumer<D> consumer{params, shared};
  consumer.index = threadIdx.x / 128 - 1;
  const int end = params.plan->block_begin[blockIdx.x + 1];
  for (int i = params.plan->block_begin[blockIdx.x]; i < end; ++i) {
    consumer.item = items_of(params.plan)[i];
    if (consumer.index * 64 < consumer.item.rows) {
      consumer.run();
    } else {
      consumer.pass();
    }
  }
}

template <int D>
__global__ void __launch_bounds__(kThreads, 1)
    attend(const __grid_constant__ CUtensorMap cache, const Params params) {
  extern __shared__ std::uint8_t memory[];
  auto& shared =
      *reinterpret_cast<Shared<D>*>(memory + (1024 - shared_address(memory) % 1024) % 1024);
  if (threadIdx.x == 0) {
    for (int i = 0; i < Shared<D>::kStages; ++i) {
      barrier_init(&shared.k_full[i], 1);
      barrier_init(&shared.v_full[i], 1);
      barrier_init(&shared.k_empty[i], 4 * kConsumers);
      barrier_init(&shared.v_empty[i], 4 * kConsumers);
    }
    fence_barrier_init();
  }
  __syncthreads();  // barriers are ready before anyone waits on them
  if (threadIdx.x < 128) {
    registers_decrease<24>();
    if (threadIdx.x == 0) produce(params, cache, shared);
  } else {
    registers_increase<240>();
    consume(params, shared);
  }
}

/// Rows of items that were split: their records merged in order of chunks, divided, written. A
/// warp takes a row.
template <int D>
__global__ void __launch_bounds__(256) merge(const Params params) {
  constexpr int kColumns = D / 32;
  const int lane = threadIdx.x % 32;
  for (int i = blockIdx.x; i < params.plan->splits; i += gridDim.x) {
    const Split split = splits_of(params.plan)[i];
    const std::int32_t* parts = parts_of(params.plan) + split.part_begin;
    for (int row = threadIdx.x / 32; row < split.rows; row += blockDim.x / 32) {
      float o[kColumns], m = 0, l = 0;
      for (int part = 0; part < split.parts; ++part) {
        const float* at = params.records + (std::int64_t{parts[part]} + row) * kRecord<D>;
        const float2 sums = *reinterpret_cast<const float2*>(at + D);
        float b[kColumns];
#pragma unroll
        for (int c = 0; c < kColumns; ++c) b[c] = at[lane + 32 * c];
        if (part == 0) {
          m = sums.x, l = sums.y;
#pragma unroll
          for (int c = 0; c < kColumns; ++c) o[c] = b[c];
          continue;
        }
        const Weights w = merge_sums(m, l, sums.x, sums.y, params.scale);
#pragma unroll
        for (int c = 0; c < kColumns; ++c) o[c] = fmaf(b[c], w.b, o[c] * w.a);
      }
      const float one_over = __frcp_rn(l);
      const int place = split.row0 + row;
      __nv_bfloat16* out = params.out + (split.first_row + place / params.group) * params.out_ld +
                           (split.kv_head * params.group + place % params.group) * D;
#pragma unroll
      for (int c = 0; c < kColumns; ++c) out[lane + 32 * c] = __float2bfloat16_rn(o[c] * one_over);
    }
  }
}

}  // namespace moebius::kernels::gqa
