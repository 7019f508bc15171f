// Grouped-query attention on the device: the warpgroups that multiply.
#pragma once

#include <cuda_bf16.h>

#include <cmath>
#include <cstdint>

#include "kernels/attention/gqa_feed.cuh"
#include "kernels/attention/gqa_merge.cuh"
#include "kernels/device/barrier.cuh"
#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels::gqa {

/// The same value in all lanes of a warp, known to the compiler to be: addresses that follow from
/// it are computed once for the warp, beside the vector units.
__device__ __forceinline__ int uniform(int value) {
  return __shfl_sync(0xffffffffU, value, 0);
}

/// A descriptor further on: only its low half, the address, changes.
__device__ __forceinline__ std::uint64_t stepped(std::uint64_t descriptor, std::uint32_t step) {
  std::uint32_t low, high;
  asm("mov.b64 {%0, %1}, %2;" : "=r"(low), "=r"(high) : "l"(descriptor));
  asm("mov.b64 %0, {%1, %2};" : "=l"(descriptor) : "r"(low + step), "r"(high));
  return descriptor;
}

/// One warpgroup's 64 rows of an item: fragments of wgmma. Of each array of two, [0] belongs to row
/// 16 warp + lane / 4 and [1] to that + 8.
template <int D>
struct Consumer {
  const Params& params;
  Shared<D>& shared;
  const Item* item;
  int index;                      // 0 .. kConsumers - 1
  Ring<Shared<D>::kStages> ring;  // of the tile whose values are next

  float o[D / 2];
  using Scores = float[kTileKeys / 2];
  std::uint32_t q[D / 16][4], p[kTileKeys / 16][4];
  float m[2], l[2];    // of the chunk at hand
  int position_least;  // of the warpgroup's rows

  __device__ int lane() const { return threadIdx.x % 32; }
  /// Row [i] of this thread, in the item.
  __device__ int row(int i) const {
    return index * 64 + threadIdx.x / 32 % 4 * 16 + lane() / 4 + 8 * i;
  }
  /// Its row and first column in the batch.
  __device__ std::int64_t token(int i) const {
    const int place = (item->row0 + row(i)) / params.group;
    if (item->tokens < 0) return item->first_row + place;
    return tokens_of(params.plan)[item->tokens + place];
  }
  __device__ int column(int i) const {
    return (item->kv_head * params.group + (item->row0 + row(i)) % params.group) * D;
  }

  /// Of a row of the warpgroup; of the item's last row where there is none.
  __device__ int position(int place) const {
    return item->first_position +
           (item->row0 + min(index * 64 + place, item->rows - 1)) / params.group;
  }

  /// The warp's reads are over: a wgmma_wait or __syncwarp came before.
  __device__ void release(Barrier* empty) {
    if (lane() == 0) barrier_arrive(empty);
  }

  __device__ void load_queries() {
    const int row = threadIdx.x / 32 % 4 * 16 + lane() % 16;
    const auto* rows = reinterpret_cast<const uint4*>(shared.q[index]) + row * 8;
#pragma unroll
    for (int i = 0; i < D / 16; ++i) {
      load_matrices(q[i], rows + i / 4 * 512 + ((i % 4 * 2 + lane() / 16) ^ row % 8));
    }
    __syncwarp();  // all lanes have read
    release(&shared.q_empty);
  }

  __device__ void start_scores(Scores& s, int stage) {
    const std::uint64_t k = descriptor_k128(shared.k[stage]);
#pragma unroll
    for (int i = 0; i < D / 16; ++i) {
      constexpr std::uint32_t kHalf = kTileKeys * 128 / 16;  // 64 dimensions of all keys
      const auto step = static_cast<std::uint32_t>(i / 4 * kHalf + i % 4 * kDescriptorStepK);
      wgmma_bf16<kTileKeys>(s, q[i], stepped(k, step), i > 0);
    }
    wgmma_commit();
  }

  __device__ void start_values(int stage, bool accumulate) {
    const std::uint64_t v = descriptor_128(shared.v[stage], kTileKeys * 128, 1024);
#pragma unroll
    for (int i = 0; i < kTileKeys / 16; ++i) {
      wgmma_bf16<D, true>(o, p[i], stepped(v, i * (2048 / 16)), accumulate || i > 0);
    }
    wgmma_commit();
  }

  __device__ void mask(Scores& s, int tile) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int seen = position(row(i) - index * 64) - tile * kTileKeys - lane() % 4 * 2;
#pragma unroll
      for (int j = 0; j < kTileKeys / 8; ++j) {
        if (8 * j > seen) s[4 * j + 2 * i] = -INFINITY;
        if (8 * j + 1 > seen) s[4 * j + 2 * i + 1] = -INFINITY;
      }
    }
  }

  /// Scores to weights. alpha: what weights so far are to be multiplied with; exactly 1 where the
  /// maximum stays, so that a tile that is masked as a whole changes nothing.
  __device__ void weigh(Scores& s, float (&alpha)[2]) {
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

  __device__ void pack(const Scores& s) {
#pragma unroll
    for (int i = 0; i < kTileKeys / 16; ++i) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        p[i][r] = pack_bf16(s[8 * i + 2 * r], s[8 * i + 2 * r + 1]);
      }
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
    const int last = item->first_position + (item->row0 + item->rows - 1) / params.group;
    const int valid = last + 1 - (item->tile_end - 1) * kTileKeys;
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

  /// The chunk before tile `end` is over; its state is in o and the arguments.
  __device__ void close_chunk(int end, bool last, float (&m_b)[2], float (&l_b)[2]) {
    sum_over_lanes(l_b);
    const int chunk = (end - 1 - item->tile_begin) / kChunkTiles;
    if (item->result == Result::kChunks) {
      write_record(item->record + chunk * item->rows, m_b, l_b);
      return;
    }
    if (chunk > 0) fold(m_b, l_b);
    if (!last) {
      keep(m_b, l_b);
    } else if (item->result == Result::kMerged) {
      write_record(item->record, m_b, l_b);
    } else {
      write_out(l_b);
    }
  }

  __device__ float4& total(int j) {
    return shared.total[index][j][threadIdx.x % 128];
  }
  __device__ float2& sums(int i) {
    return shared.sums[index][row(i) - index * 64];
  }

  /// Makes the state the total.
  __device__ void keep(const float (&m_a)[2], const float (&l_a)[2]) {
#pragma unroll
    for (int j = 0; j < D / 8; ++j) {
      total(j) = make_float4(o[4 * j], o[4 * j + 1], o[4 * j + 2], o[4 * j + 3]);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (lane() % 4 == 0) sums(i) = make_float2(m_a[i], l_a[i]);
    }
    __syncwarp();  // the row's other lanes read the sums next
  }

  /// Makes the state the merge of the total and itself.
  __device__ void fold(float (&m_b)[2], float (&l_b)[2]) {
    Weights w[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float2 a = sums(i);
      w[i] = merge_sums(a.x, a.y, m_b[i], l_b[i], params.scale);
      m_b[i] = a.x, l_b[i] = a.y;
    }
    __syncwarp();  // all lanes have read the sums before the first writes them
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
      if (row(i) >= item->rows) continue;
      float* at = params.records + (record + row(i)) * kRecord<D>;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        *reinterpret_cast<float2*>(at + 8 * j + lane() % 4 * 2) =
            make_float2(o[4 * j + 2 * i], o[4 * j + 2 * i + 1]);
      }
      if (lane() % 4 == 0) *reinterpret_cast<float2*>(at + D) = make_float2(m_r[i], l_r[i]);
    }
  }

  __device__ void write_out(const float (&l_r)[2]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (row(i) >= item->rows) continue;
      const float one_over = __frcp_rn(l_r[i]);
      __nv_bfloat16* at = params.out + token(i) * params.out_ld + column(i) + lane() % 4 * 2;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        *reinterpret_cast<std::uint32_t*>(at + 8 * j) =
            pack_bf16(o[4 * j + 2 * i] * one_over, o[4 * j + 2 * i + 1] * one_over);
      }
    }
  }

  /// The scores of `tile` are in s: everything up to where its values can be multiplied, while the
  /// tensor cores finish the values of the tile before, if there is one (stage_before >= 0).
  /// Returns whether the products are to be added to o: not where a chunk begins.
  __device__ bool soften(Scores& s, int tile, int stage_before) {
    const bool opens = tile % kChunkTiles == 0;
    float m_b[2], l_b[2], alpha[2];
    if (opens) {
#pragma unroll
      for (int i = 0; i < 2; ++i) m_b[i] = m[i], l_b[i] = l[i], m[i] = -INFINITY, l[i] = 0;
    }
    if ((tile + 1) * kTileKeys - 1 > position_least) mask(s, tile);
    weigh(s, alpha);
    wgmma_wait<0>();
    wgmma_pin(o);
    pack(s);
    if (stage_before >= 0) {
      release(&shared.v_empty[stage_before]);
      if (opens) {
        close_chunk(tile, false, m_b, l_b);
      } else {
        rescale(alpha);
      }
    }
    return !opens;
  }
  __device__ void run() {
    load_queries();
    position_least = uniform(position(0));
    const int first_tile = uniform(item->tile_begin);
    ring.stage = uniform(ring.stage);
    ring.phase = uniform(ring.phase);
    const int end = uniform(item->tile_end);
    Scores s;
    barrier_wait(&shared.k_full[ring.stage], ring.phase);
    wgmma_pin(s);
    wgmma_arrive();
    start_scores(s, ring.stage);
    wgmma_wait<0>();
    wgmma_pin(s);
    release(&shared.k_empty[ring.stage]);
    int stage_before = -1;
    for (int tile = first_tile; tile + 1 < end; ++tile) {
      const bool accumulate = soften(s, tile, stage_before);
      Ring<Shared<D>::kStages> ahead = ring;
      ahead.next();
      barrier_wait(&shared.k_full[ahead.stage], ahead.phase);
      wgmma_pin(s);
      wgmma_pin(o);
      wgmma_arrive();
      start_scores(s, ahead.stage);
      barrier_wait(&shared.v_full[ring.stage], ring.phase);
      wgmma_arrive();
      start_values(ring.stage, accumulate);
      wgmma_wait<1>();
      wgmma_pin(s);
      release(&shared.k_empty[ahead.stage]);
      stage_before = ring.stage;
      ring = ahead;
    }
    const bool accumulate = soften(s, end - 1, stage_before);
    barrier_wait(&shared.v_full[ring.stage], ring.phase);
    clear_tail(ring.stage);
    wgmma_pin(o);
    wgmma_arrive();
    start_values(ring.stage, accumulate);
    wgmma_wait<0>();
    wgmma_pin(o);
    release(&shared.v_empty[ring.stage]);
    ring.next();
    close_chunk(end, true, m, l);
  }

  /// An item without rows for this warpgroup.
  __device__ void pass() {
    release(&shared.q_empty);
    for (int tile = item->tile_begin; tile < item->tile_end; ++tile) {
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
  consumer.index = uniform(threadIdx.x / 128 - 1);
  const int begin = params.plan->block_begin[blockIdx.x];
  const int items = uniform(params.plan->block_begin[blockIdx.x + 1] - begin);
  Ring<2> ring;
  for (int i = 0; i < items; ++i) {
    consumer.item = &shared.items[ring.stage];
    barrier_wait(&shared.item_full[ring.stage], ring.phase);
    if (consumer.index * 64 < uniform(consumer.item->rows)) {
      consumer.run();
    } else {
      consumer.pass();
    }
    __syncwarp();  // all lanes have read the item
    consumer.release(&shared.item_empty[ring.stage]);
    ring.next();
  }
}

}  // namespace moebius::kernels::gqa
