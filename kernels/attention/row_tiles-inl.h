// Attention of many rows: lanes are rows, so maxima, sums and masks need no
// step across lanes.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_ATTENTION_ROW_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_ATTENTION_ROW_TILES_INL_H_
#undef MOEBIUS_KERNELS_ATTENTION_ROW_TILES_INL_H_
#else
#define MOEBIUS_KERNELS_ATTENTION_ROW_TILES_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <limits>

#include "hwy/highway.h"
#include "kernels/attention/attention_core.h"
#include "kernels/attention/pages-inl.h"
#include "kernels/attention/product-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

/// Dimensions of the queries that a page's keys meet at a time, to find them in the
/// first-level cache: 192 * 32 lanes are 24 KiB.
constexpr std::int64_t kScoredDims = 192;
/// Dimensions that all lanes are transposed for at a time, for the same reason.
constexpr std::int64_t kTransposed = 64;

/// Up to 32 rows of a block and where their numbers lie.
struct RowTile {
  std::int64_t row0 = 0;
  std::int64_t rows = 0;
  std::int64_t lanes = 0;  // rows rounded up to 16; lanes beyond rows repeat the last row
  std::int64_t index = 0;

  float* max(float* state) const { return state + index * kAttentionTileRows; }
  float* sum(float* state) const {
    return state + kAttentionBlockRows + index * kAttentionTileRows;
  }
  /// [v_dim, lanes]
  float* values(float* state, std::int64_t v_dim) const {
    return state + 2 * kAttentionBlockRows + index * kAttentionTileRows * v_dim;
  }
  const float* max(const float* state) const { return max(const_cast<float*>(state)); }
  const float* sum(const float* state) const { return sum(const_cast<float*>(state)); }
  const float* values(const float* state, std::int64_t v_dim) const {
    return values(const_cast<float*>(state), v_dim);
  }
};

/// A worker's scratch: per tile queries [qk_dim, lanes] and scores [kAttentionChunk, lanes],
/// then one widened page.
struct RowScratch {
  float* base;
  std::int64_t qk_dim;
  float* queries(const RowTile& t) const { return base + t.index * kAttentionTileRows * qk_dim; }
  float* scores(const RowTile& t) const {
    return base + kAttentionBlockRows * qk_dim + t.index * kAttentionTileRows * kAttentionChunk;
  }
  float* page() const { return base + kAttentionBlockRows * (qk_dim + kAttentionChunk); }
};

/// How many keys of a chunk a tile's rows see.
struct Visible {
  std::int32_t last[kAttentionTileRows];  // per lane, from the chunk's first key; < 0: none
  std::int64_t common = 0;                // keys that every row sees
  std::int64_t end = 0;                   // keys that some row sees
};

HWY_INLINE std::int64_t tiles_of(const AttentionBlock& block) {
  return (block.rows + kAttentionTileRows - 1) / kAttentionTileRows;
}

HWY_INLINE RowTile tile_of(const AttentionBlock& block, std::int64_t index) {
  const std::int64_t row0 = index * kAttentionTileRows;
  const std::int64_t rows = std::min(kAttentionTileRows, block.rows - row0);
  return {row0, rows, padded(rows, 16), index};
}

HWY_INLINE Visible visible_of(const AttentionBlock& block, const RowTile& tile,
                              std::int64_t chunk) {
  const std::int64_t key0 = chunk * kAttentionChunk;
  Visible visible;
  for (std::int64_t lane = 0; lane < tile.lanes; ++lane) {
    const std::int64_t row = tile.row0 + std::min(lane, tile.rows - 1);
    visible.last[lane] = static_cast<std::int32_t>(
        std::clamp<std::int64_t>(block.position(row) - key0, -1, kAttentionChunk - 1));
  }
  visible.common = visible.last[0] + 1;
  visible.end = visible.last[tile.lanes - 1] + 1;
  return visible;
}

HWY_INLINE void pack_rows(const AttentionBlock& block, float* scratch) {
  const AttentionArgs& args = *block.args;
  const RowScratch s{scratch, args.qk_dim};
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    const float* rows[kAttentionTileRows];
    for (std::int64_t lane = 0; lane < tile.lanes; ++lane) {
      rows[lane] = args.q + block.index(tile.row0 + std::min(lane, tile.rows - 1)) * args.qk_dim;
    }
    for (std::int64_t d = 0; d < args.qk_dim; d += kTransposed) {
      const std::int64_t count = std::min(kTransposed, args.qk_dim - d);
      for (std::int64_t lane = 0; lane < tile.lanes; lane += 4) {
        transpose_rows(rows + lane, d, count, s.queries(tile) + d * tile.lanes + lane, tile.lanes);
      }
    }
  }
}

/// Scores to weights in place; leaves the maxima and the sums.
HWY_INLINE void soften_rows(const RowTile& tile, const Visible& visible, float scale, float* scores,
                            float* max, float* sum) {
  const F32 d;
  const I32 di;
  const FloatV lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  const FloatV factor = hn::Set(d, scale);
  for (std::int64_t lane = 0; lane < tile.lanes; lane += kLanes) {
    const auto last = hn::LoadU(di, visible.last + lane);
    FloatV m = lowest;
    for (std::int64_t key = 0; key < visible.end; ++key) {
      float* p = scores + key * tile.lanes + lane;
      FloatV v = hn::Mul(hn::LoadU(d, p), factor);
      if (key >= visible.common) {
        const auto on = hn::Gt(last, hn::Set(di, static_cast<std::int32_t>(key - 1)));
        v = hn::IfThenElse(hn::RebindMask(d, on), v, lowest);
      }
      hn::StoreU(v, d, p);
      m = hn::Max(m, v);
    }
    hn::StoreU(m, d, max + lane);
    // A row that sees no key of this chunk: exp(-inf - 0) = 0 instead of a NaN.
    m = hn::IfThenElse(hn::RebindMask(d, hn::Lt(last, hn::Zero(di))), hn::Zero(d), m);
    FloatV l = hn::Zero(d);
    for (std::int64_t key = 0; key < visible.end; ++key) {
      float* p = scores + key * tile.lanes + lane;
      const FloatV e = exp(d, hn::Sub(hn::LoadU(d, p), m));
      hn::StoreU(e, d, p);
      l = hn::Add(l, e);
    }
    hn::StoreU(l, d, sum + lane);
  }
}

/// The part of a tile's values that keys [key0, key0 + count) of the chunk add.
HWY_INLINE void add_values(const RowTile& tile, const Visible& visible, std::int64_t v_dim,
                           Rows page, std::int64_t key0, std::int64_t count, const float* weights,
                           float* values) {
  Product<float> p{.a = page.data,
                   .a_i = 1,
                   .a_j = page.ld,
                   .b = weights + key0 * tile.lanes,
                   .ldb = tile.lanes,
                   .c = values,
                   .ldc = tile.lanes,
                   .n_i = v_dim,
                   .n_j = std::clamp<std::int64_t>(visible.common - key0, 0, count),
                   .lanes = tile.lanes};
  if (p.n_j > 0) product_narrow<true, false>(p);
  const std::int64_t rest = std::clamp<std::int64_t>(visible.end - key0, 0, count) - p.n_j;
  if (rest <= 0) return;
  // Not left to a weight of 0: what a later token holds, NaN included, is not this row's.
  std::int32_t last[kAttentionTileRows];
  for (std::int64_t lane = 0; lane < tile.lanes; ++lane) {
    last[lane] = visible.last[lane] - static_cast<std::int32_t>(key0 + p.n_j);
  }
  p.a += p.n_j * p.a_j;
  p.b += p.n_j * p.ldb;
  p.n_j = rest;
  p.last = last;
  product_narrow<true, true>(p);
}

template <class T>
HWY_INLINE void score_page(const AttentionBlock& block, const Visible* visible, std::int64_t chunk,
                           std::int64_t key0, std::int64_t count, const RowScratch& scratch) {
  const AttentionArgs& args = *block.args;
  const T* entries =
      page_part<T>(block, keys_of(block), (chunk * kAttentionChunk + key0) / kPageTokens);
  const Rows page = widen(entries, args.kv.width, count, args.qk_dim, scratch.page());
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    Product<float> p{.a = page.data,
                     .a_i = page.ld,
                     .a_j = 1,
                     .b = scratch.queries(tile),
                     .ldb = tile.lanes,
                     .c = scratch.scores(tile) + key0 * tile.lanes,
                     .ldc = tile.lanes,
                     .n_i = std::clamp<std::int64_t>(visible[t].end - key0, 0, count),
                     .lanes = tile.lanes,
                     .fresh = true};
    for (std::int64_t d = 0; d < args.qk_dim; d += p.n_j, p.a += p.n_j, p.b += p.n_j * p.ldb) {
      p.n_j = std::min(kScoredDims, args.qk_dim - d);
      product_narrow<false, false>(p);
      p.fresh = false;
    }
  }
}

template <class T>
HWY_INLINE void value_page(const AttentionBlock& block, const Visible* visible, std::int64_t chunk,
                           std::int64_t key0, std::int64_t count, const RowScratch& scratch,
                           float* state) {
  const AttentionArgs& args = *block.args;
  const T* entries =
      page_part<T>(block, values_of(block), (chunk * kAttentionChunk + key0) / kPageTokens);
  const Rows page = widen(entries, args.kv.width, count, args.v_dim, scratch.page());
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    add_values(tile, visible[t], args.v_dim, page, key0, count, scratch.scores(tile),
               tile.values(state, args.v_dim));
  }
}

template <class T>
HWY_INLINE void chunk_rows(const AttentionBlock& block, std::int64_t chunk, float* scratch,
                           float* state) {
  const AttentionArgs& args = *block.args;
  const RowScratch s{scratch, args.qk_dim};
  Visible visible[kAttentionBlockTiles];
  std::int64_t end = 0;
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    visible[t] = visible_of(block, tile_of(block, t), chunk);
    end = std::max(end, visible[t].end);
  }
  for (std::int64_t key0 = 0; key0 < end; key0 += kPageTokens) {
    score_page<T>(block, visible, chunk, key0, std::min(kPageTokens, end - key0), s);
  }
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    soften_rows(tile, visible[t], args.scale, s.scores(tile), tile.max(state), tile.sum(state));
    std::fill_n(tile.values(state, args.v_dim), args.v_dim * tile.lanes, 0.0F);
  }
  for (std::int64_t key0 = 0; key0 < end; key0 += kPageTokens) {
    value_page<T>(block, visible, chunk, key0, std::min(kPageTokens, end - key0), s, state);
  }
}

HWY_INLINE void merge_tile(const RowTile& tile, const Visible& visible, std::int64_t v_dim,
                           const float* part, float* total) {
  const F32 d;
  const I32 di;
  for (std::int64_t lane = 0; lane < tile.lanes; lane += kLanes) {
    const auto on = hn::RebindMask(d, hn::Gt(hn::LoadU(di, visible.last + lane), hn::Set(di, -1)));
    const FloatV m_a = hn::LoadU(d, tile.max(total) + lane);
    const FloatV m_b = hn::LoadU(d, tile.max(part) + lane);
    const FloatV m = hn::Max(m_a, m_b);
    const FloatV e_a = exp(d, hn::Sub(m_a, m));
    const FloatV e_b = exp(d, hn::Sub(m_b, m));
    // A row that sees nothing of the new chunk keeps its bits.
    const auto fold = [&](float* a, const float* b) HWY_ATTR {
      const FloatV old = hn::LoadU(d, a);
      const FloatV merged = hn::MulAdd(hn::LoadU(d, b), e_b, hn::Mul(old, e_a));
      hn::StoreU(hn::IfThenElse(on, merged, old), d, a);
    };
    hn::StoreU(hn::IfThenElse(on, m, m_a), d, tile.max(total) + lane);
    fold(tile.sum(total) + lane, tile.sum(part) + lane);
    float* a = tile.values(total, v_dim) + lane;
    const float* b = tile.values(part, v_dim) + lane;
    for (std::int64_t i = 0; i < v_dim; ++i) fold(a + i * tile.lanes, b + i * tile.lanes);
  }
}

HWY_INLINE void merge_rows(const AttentionBlock& block, std::int64_t chunk, const float* part,
                           float* total) {
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    merge_tile(tile, visible_of(block, tile, chunk), block.args->v_dim, part, total);
  }
}

/// Quotients of four lanes and dimensions [begin, end) to their rows of out.
HWY_INLINE void finish_four(const float* values, std::int64_t lanes, std::int64_t begin,
                            std::int64_t end, const float* sum, float* const* rows,
                            std::int64_t live) {
  const hn::FixedTag<float, 4> d;
  const Four four;
  const auto l = hn::LoadU(d, sum);
  std::int64_t i = begin;
  for (; i + 4 <= end; i += 4) {
    FourV v[4];
    for (std::int64_t r = 0; r < 4; ++r) {
      v[r] = hn::BitCast(four, hn::Div(hn::LoadU(d, values + (i + r) * lanes), l));
    }
    transpose_four(v[0], v[1], v[2], v[3]);
    for (std::int64_t r = 0; r < live; ++r) store_four(v[r], rows[r] + i);
  }
  for (; i < end; ++i) {
    for (std::int64_t r = 0; r < live; ++r) rows[r][i] = values[i * lanes + r] / sum[r];
  }
}

HWY_INLINE void finish_rows(const AttentionBlock& block, const float* total) {
  const AttentionArgs& args = *block.args;
  for (std::int64_t t = 0; t < tiles_of(block); ++t) {
    const RowTile tile = tile_of(block, t);
    float* rows[kAttentionTileRows];
    for (std::int64_t lane = 0; lane < tile.rows; ++lane) {
      rows[lane] = args.out + block.index(tile.row0 + lane) * args.v_dim;
    }
    for (std::int64_t d = 0; d < args.v_dim; d += kTransposed) {
      const std::int64_t end = std::min(d + kTransposed, args.v_dim);
      for (std::int64_t lane = 0; lane < tile.rows; lane += 4) {
        finish_four(tile.values(total, args.v_dim) + lane, tile.lanes, d, end,
                    tile.sum(total) + lane, rows + lane,
                    std::min<std::int64_t>(4, tile.rows - lane));
      }
    }
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
