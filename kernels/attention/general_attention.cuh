// The device side of general_attention.cu: a block's way through one tile of rows.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "kernels/attention/attention.h"
#include "kernels/simd/math.h"

namespace moebius::kernels::general {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kChunk = static_cast<int>(kAttentionChunk);
constexpr int kPage = static_cast<int>(kPageTokens);
constexpr int kMostRows = 32;       // of a tile: 4 per warp
constexpr int kFewRows = kWarps;    // a tile of so many gives each warp one
constexpr int kKeys = 128;          // scored at a time: 4 per lane
constexpr int kSlice = 16;          // dimensions staged at a time
constexpr int kPitch = kSlice + 4;  // 16-byte reads of neighbouring keys hit different banks
constexpr int kValueKeys = 32;      // values staged at a time
constexpr int kMostColumns = 128;   // value columns at a time: 4 per lane
constexpr int kStage = kValueKeys * kMostColumns;
static_assert((kKeys + kMostRows) * kPitch <= kStage);
constexpr std::int64_t kMostDim = 1024;

/// Rows row0 .. row0 + rows - 1 of a sequence's tokens * group rows under one KV head.
struct Tile {
  std::int32_t sequence, kv_head, row0, rows;
  std::int32_t first_row, first_position;  // of the sequence's first token in the batch
  std::int32_t unused[2];
};
struct PlanHead {
  std::int64_t tiles;
  std::int64_t unused[3];
};

struct Params {
  const PlanHead* plan;  // Tile[tiles] follow
  const void *q, *cache;
  void* out;
  const std::int32_t* pages;
  std::int64_t max_pages, q_ld, out_ld, width, k_offset, v_offset;
  int group, qk_dim, v_dim;
  float scale;
};

struct Shared {
  float *scores, *total, *stage;  // [32, 512], [32, v_dim], staged operands
  std::int64_t* entries;          // [8] where the chunk's pages start in the cache
  std::int64_t* queries;          // [32] where each row's query starts
  int* positions;                 // [32] of each row; of the last row where there is none
};

__device__ inline float widened(float x) {
  return x;
}
__device__ inline float widened(__nv_bfloat16 x) {
  return __bfloat162float(x);
}
__device__ inline void put(float* to, float x) {
  *to = x;
}
__device__ inline void put(__nv_bfloat16* to, float x) {
  *to = __float2bfloat16_rn(x);
}

// exp_scalar of kernels/simd/math.h for x <= 0.
__device__ inline float exp_at_most_1(float x) {
  using namespace exp_constants;
  if (!(x >= kLowest)) return x < kLowest ? 0.0F : x;
  const float shifted = fmaf(x, kLog2E, kRound);
  const float n = shifted - kRound;
  const float r = fmaf(-n, kLn2Low, fmaf(-n, kLn2High, x));
  float p = fmaf(kC6, r, kC5);
  p = fmaf(p, r, kC4);
  p = fmaf(p, r, kC3);
  p = fmaf(p, r, kC2);
  p = fmaf(p, r, 1.0F);
  p = fmaf(p, r, 1.0F);
  return __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
}

/// What a block knows of its tile; NR rows for each warp.
template <typename T, int NR>
struct Work {
  const Params& params;
  const Tile& tile;
  Shared shared;
  int chunk_begin = 0, keys = 0;  // of the chunk at hand, as the tile's last row sees it

  __device__ int token(int row) const { return (tile.row0 + row) / params.group; }
  __device__ int position(int row) const { return shared.positions[row]; }
  /// Where a row starts in [rows, heads, dim].
  __device__ std::int64_t row_head(int row, std::int64_t ld, int dim) const {
    const int head = tile.kv_head * params.group + (tile.row0 + row) % params.group;
    return (tile.first_row + token(row)) * ld + std::int64_t{head} * dim;
  }
  __device__ std::int64_t entry(int key) const {
    return shared.entries[key / kPage] + key % kPage * params.width;
  }
};

/// Queries and keys [key0, key0 + kKeys) of the chunk, dimensions [d0, d0 + kSlice), on their way
/// from device to shared memory. What does not exist is zero.
template <typename T, int NR>
struct ScoreStage {
  static constexpr int kLoads = kKeys * kSlice / kThreads;
  static constexpr int kQueryLoads = (NR * kWarps * kSlice + kThreads - 1) / kThreads;
  float k[kLoads], q[kQueryLoads];

  __device__ void load(const Work<T, NR>& work, int key0, int d0) {
    const int d = threadIdx.x % kSlice, first = threadIdx.x / kSlice;
    const bool inside = d0 + d < work.params.qk_dim;
    const T* keys = static_cast<const T*>(work.params.cache) + work.params.k_offset +
                    std::int64_t{work.tile.kv_head} * work.params.qk_dim + d0 + d;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int key = key0 + first + i * (kThreads / kSlice);
      k[i] = inside && key < work.keys ? widened(keys[work.entry(key)]) : 0.0F;
    }
    const T* queries = static_cast<const T*>(work.params.q) + d0 + d;
#pragma unroll
    for (int i = 0; i < kQueryLoads; ++i) {
      const int row = first + i * (kThreads / kSlice);
      const bool real = inside && row < work.tile.rows;
      q[i] = real ? widened(queries[work.shared.queries[row]]) : 0;
    }
  }

  __device__ void store(float* stage) const {
    float* at = stage + threadIdx.x / kSlice * kPitch + threadIdx.x % kSlice;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) at[i * (kThreads / kSlice) * kPitch] = k[i];
#pragma unroll
    for (int i = 0; i < kQueryLoads; ++i) {
      if (threadIdx.x / kSlice + i * (kThreads / kSlice) < NR * kWarps) {
        at[(kKeys + i * (kThreads / kSlice)) * kPitch] = q[i];
      }
    }
  }
};

template <int NR>
__device__ void multiply_slice(const float* stage, int row0, float (&acc)[NR][4]) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int d = 0; d < kSlice; d += 4) {
    float4 q[NR];
#pragma unroll
    for (int r = 0; r < NR; ++r) {
      q[r] = *reinterpret_cast<const float4*>(stage + (kKeys + row0 + r) * kPitch + d);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float4 k = *reinterpret_cast<const float4*>(stage + (lane + 32 * j) * kPitch + d);
#pragma unroll
      for (int r = 0; r < NR; ++r) {
        acc[r][j] = fmaf(q[r].x, k.x, acc[r][j]);
        acc[r][j] = fmaf(q[r].y, k.y, acc[r][j]);
        acc[r][j] = fmaf(q[r].z, k.z, acc[r][j]);
        acc[r][j] = fmaf(q[r].w, k.w, acc[r][j]);
      }
    }
  }
}

/// Scores of the chunk into shared memory, -inf where masked; then weights exp(s - m) in their
/// place. m: the chunk's maxima of the warp's rows.
template <typename T, int NR>
__device__ void weigh(const Work<T, NR>& work, float (&m)[NR]) {
  const int lane = threadIdx.x % 32, row0 = threadIdx.x / 32 * NR;
#pragma unroll
  for (int r = 0; r < NR; ++r) m[r] = -INFINITY;
  ScoreStage<T, NR> next;
  next.load(work, 0, 0);
  for (int key0 = 0; key0 < work.keys; key0 += kKeys) {
    float acc[NR][4] = {};
    for (int d0 = 0; d0 < work.params.qk_dim; d0 += kSlice) {
      __syncthreads();  // every reader of the stage is done
      next.store(work.shared.stage);
      __syncthreads();  // the stage is written before it is read
      const bool last = d0 + kSlice >= work.params.qk_dim;
      next.load(work, last ? key0 + kKeys : key0, last ? 0 : d0 + kSlice);
      multiply_slice<NR>(work.shared.stage, row0, acc);
    }
#pragma unroll
    for (int r = 0; r < NR; ++r) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int key = key0 + lane + 32 * j;
        const bool seen = work.chunk_begin + key <= work.position(row0 + r);
        const float score = seen ? acc[r][j] * work.params.scale : -INFINITY;
        work.shared.scores[(row0 + r) * kChunk + key] = score;
        m[r] = fmaxf(m[r], score);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < NR; ++r) {
    for (int step = 16; step > 0; step /= 2) {
      m[r] = fmaxf(m[r], __shfl_xor_sync(0xffffffffU, m[r], step));
    }
    float* scores = work.shared.scores + (row0 + r) * kChunk;
    for (int key = lane; key < work.keys; key += 32) {
      scores[key] = exp_at_most_1(scores[key] - m[r]);  // each lane reads back its own
    }
  }
  __syncwarp();  // all weights of the warp's rows are written before any lane reads them
}

template <typename T, int NR, int NC>
struct ValueStage {
  static constexpr int kColumns = 32 * NC;
  static constexpr int kLoads = kValueKeys * kColumns / kThreads;
  float v[kLoads];

  __device__ void load(const Work<T, NR>& work, int key0, int column0) {
    const int column = column0 + threadIdx.x % kColumns;
    const T* values = static_cast<const T*>(work.params.cache) + work.params.v_offset +
                      std::int64_t{work.tile.kv_head} * work.params.v_dim + column;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int key = key0 + threadIdx.x / kColumns + i * (kThreads / kColumns);
      const bool inside = column < work.params.v_dim && key < work.keys;
      v[i] = inside ? widened(values[work.entry(key)]) : 0.0F;
    }
  }
  __device__ void store(float* stage) const {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) stage[threadIdx.x + i * kThreads] = v[i];
  }
};

/// acc += weights * values over the staged keys; l the sums of the weights. Masked keys are
/// passed over, whatever their values.
template <int NR, int NC>
__device__ void add_values(const float* weights, const float* stage, const int (&seen)[NR],
                           float (&acc)[NR][NC], float (&l)[NR]) {
  const float* values = stage + threadIdx.x % 32 * NC;
  const bool whole = seen[0] >= kValueKeys;  // rows are in order of position
#pragma unroll 1
  for (int key = 0; key < kValueKeys; key += 4) {
    float4 e[NR];
#pragma unroll
    for (int r = 0; r < NR; ++r) {
      e[r] = *reinterpret_cast<const float4*>(weights + r * kChunk + key);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int r = 0; r < NR; ++r) {
        const float weight = i == 0 ? e[r].x : i == 1 ? e[r].y : i == 2 ? e[r].z : e[r].w;
        if (!whole && key + i >= seen[r]) continue;
        l[r] += weight;
#pragma unroll
        for (int c = 0; c < NC; ++c) {
          acc[r][c] = fmaf(weight, values[(key + i) * 32 * NC + c], acc[r][c]);
        }
      }
    }
  }
}

/// Softmax state of a warp's rows: of the chunks before, or of all.
template <int NR>
struct State {
  float m[NR], l[NR];
};

/// Columns [column0, column0 + 32 * NC): the chunk's weighted values, merged into the total.
/// Returns the chunk's sums of weights in l.
template <typename T, int NR, int NC>
__device__ void take_values(const Work<T, NR>& work, int column0, const State<NR>& before,
                            const float (&m)[NR], float (&l)[NR]) {
  const int row0 = threadIdx.x / 32 * NR;
  float acc[NR][NC] = {};
#pragma unroll
  for (int r = 0; r < NR; ++r) l[r] = 0;
  ValueStage<T, NR, NC> next;
  next.load(work, 0, column0);
  for (int key0 = 0; key0 < work.keys; key0 += kValueKeys) {
    __syncthreads();  // every reader of the stage is done
    next.store(work.shared.stage);
    __syncthreads();  // the stage is written before it is read
    next.load(work, key0 + kValueKeys, column0);
    int seen[NR];
#pragma unroll
    for (int r = 0; r < NR; ++r) {
      seen[r] = work.position(row0 + r) + 1 - work.chunk_begin - key0;
    }
    add_values<NR, NC>(work.shared.scores + row0 * kChunk + key0, work.shared.stage, seen, acc, l);
  }
#pragma unroll
  for (int r = 0; r < NR; ++r) {
    if (work.position(row0 + r) < work.chunk_begin) continue;
    const float top = fmaxf(before.m[r], m[r]);
    const float e_a = exp_at_most_1(before.m[r] - top), e_b = exp_at_most_1(m[r] - top);
#pragma unroll
    for (int c = 0; c < NC; ++c) {
      const int column = column0 + threadIdx.x % 32 * NC + c;
      if (column >= work.params.v_dim) continue;
      float& total = work.shared.total[(row0 + r) * work.params.v_dim + column];
      total = work.chunk_begin == 0 ? acc[r][c] : fmaf(acc[r][c], e_b, total * e_a);
    }
  }
}

template <typename T, int NR>
__device__ void run_chunk(const Work<T, NR>& work, State<NR>& state) {
  float m[NR], l[NR];
  weigh(work, m);
  for (int column = 0; column < work.params.v_dim;) {
    if (work.params.v_dim - column <= kMostColumns / 2) {
      take_values<T, NR, 2>(work, column, state, m, l);
      column += kMostColumns / 2;
    } else {
      take_values<T, NR, 4>(work, column, state, m, l);
      column += kMostColumns;
    }
  }
#pragma unroll
  for (int r = 0; r < NR; ++r) {
    if (work.position(threadIdx.x / 32 * NR + r) < work.chunk_begin) continue;
    const float top = fmaxf(state.m[r], m[r]);
    const float e_a = exp_at_most_1(state.m[r] - top), e_b = exp_at_most_1(m[r] - top);
    state.l[r] = work.chunk_begin == 0 ? l[r] : fmaf(l[r], e_b, state.l[r] * e_a);
    state.m[r] = top;
  }
}

template <typename T, int NR>
__device__ void finish(const Work<T, NR>& work, const State<NR>& state) {
  __syncwarp();  // columns were merged by other lanes
#pragma unroll
  for (int r = 0; r < NR; ++r) {
    const int row = threadIdx.x / 32 * NR + r;
    if (row >= work.tile.rows) continue;
    T* out = static_cast<T*>(work.params.out) +
             work.row_head(row, work.params.out_ld, work.params.v_dim);
    for (int column = threadIdx.x % 32; column < work.params.v_dim; column += 32) {
      put(out + column, work.shared.total[row * work.params.v_dim + column] / state.l[r]);
    }
  }
}

template <typename T, int NR>
__device__ void run_tile(const Params& params, const Tile& tile, const Shared& shared) {
  Work<T, NR> work{params, tile, shared};
  __syncthreads();  // every reader of the last tile's rows is done
  if (threadIdx.x < NR * kWarps) {
    const int row = min(static_cast<int>(threadIdx.x), tile.rows - 1);
    shared.queries[threadIdx.x] = work.row_head(row, params.q_ld, params.qk_dim);
    shared.positions[threadIdx.x] = tile.first_position + work.token(row);
  }
  __syncthreads();  // rows are known before they are read
  State<NR> state;
  for (int r = 0; r < NR; ++r) state.m[r] = -INFINITY, state.l[r] = 0;
  const int end = work.position(tile.rows - 1) + 1;
  for (work.chunk_begin = 0; work.chunk_begin < end; work.chunk_begin += kChunk) {
    work.keys = min(end - work.chunk_begin, kChunk);
    __syncthreads();  // every reader of the last chunk's pages is done
    if (threadIdx.x < (work.keys + kPage - 1) / kPage) {
      const std::int64_t page =
          params.pages[tile.sequence * params.max_pages + work.chunk_begin / kPage + threadIdx.x];
      shared.entries[threadIdx.x] = page * kPage * params.width;
    }
    __syncthreads();  // pages are known before entries are read
    run_chunk(work, state);
  }
  finish(work, state);
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) attention_tiles(const Params params) {
  extern __shared__ float4 memory[];
  Shared shared;
  shared.scores = reinterpret_cast<float*>(memory);
  shared.stage = shared.scores + kMostRows * kChunk;
  shared.entries = reinterpret_cast<std::int64_t*>(shared.stage + kStage);
  shared.queries = shared.entries + kChunk / kPage;
  shared.positions = reinterpret_cast<int*>(shared.queries + kMostRows);
  shared.total = reinterpret_cast<float*>(shared.positions + kMostRows);
  const Tile* tiles = reinterpret_cast<const Tile*>(params.plan + 1);
  for (std::int64_t i = blockIdx.x; i < params.plan->tiles; i += gridDim.x) {
    const Tile tile = tiles[i];
    tile.rows <= kFewRows ? run_tile<T, 1>(params, tile, shared)
                          : run_tile<T, kMostRows / kWarps>(params, tile, shared);
  }
}

}  // namespace moebius::kernels::general
