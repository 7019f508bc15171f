// Attention of few rows (decoding): lanes run along keys for the scores and along
// dimensions for the values, so no lane is idle.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_ATTENTION_FEW_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_ATTENTION_FEW_ROWS_INL_H_
#undef MOEBIUS_KERNELS_ATTENTION_FEW_ROWS_INL_H_
#else
#define MOEBIUS_KERNELS_ATTENTION_FEW_ROWS_INL_H_
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

/// A worker's scratch, as the h-th KV head of a block sees it.
struct FewScratch {
  float* queries;  // [rows, qk_dim]
  float* scores;   // [rows, kAttentionChunk]
  float* keys;     // [qk_dim, kPageTokens]
  float* ones;     // [16]
  float* sums;     // [rows, 16]

  FewScratch(float* base, const AttentionBlock& block, std::int64_t h) {
    const std::int64_t qk_dim = block.args->qk_dim;
    queries = base + h * block.rows * qk_dim;
    scores = base + kAttentionBlockRows * qk_dim + h * block.rows * kAttentionChunk;
    keys = base + kAttentionBlockRows * (qk_dim + kAttentionChunk);
    ones = keys + kPageTokens * qk_dim;
    sums = ones + 16;
  }
};

/// A block's state, as its h-th KV head sees it.
struct FewState {
  float* max;     // [rows]
  float* sum;     // [rows]
  float* values;  // [rows, v_dim]

  FewState(float* base, const AttentionBlock& block, std::int64_t h)
      : max(base + h * block.rows),
        sum(max + kAttentionBlockRows),
        values(base + 2 * kAttentionBlockRows + h * block.rows * block.args->v_dim) {}
  FewState(const float* base, const AttentionBlock& block, std::int64_t h)
      : FewState(const_cast<float*>(base), block, h) {}
};

/// Keys of the chunk that a row sees.
HWY_INLINE std::int64_t seen(const AttentionBlock& block, std::int64_t row, std::int64_t chunk) {
  return std::clamp<std::int64_t>(block.position(row) - chunk * kAttentionChunk + 1, 0,
                                  kAttentionChunk);
}

HWY_INLINE void pack_few(const AttentionBlock& block, float* scratch) {
  const std::int64_t qk_dim = block.args->qk_dim;
  for (std::int64_t h = 0; h < block.kv_heads; ++h) {
    const AttentionBlock head = block.head(h);
    const FewScratch s(scratch, block, h);
    for (std::int64_t row = 0; row < block.rows; ++row) {
      std::copy_n(block.args->q + head.index(row) * qk_dim, qk_dim, s.queries + row * qk_dim);
    }
    std::fill_n(s.ones, 16, 1.0F);
  }
}

/// Scores of page `page` for all rows; `end` keys of its chunk are seen.
template <class T>
HWY_INLINE void score_few(const AttentionBlock& block, std::int64_t page, std::int64_t end,
                          const FewScratch& scratch) {
  const AttentionArgs& args = *block.args;
  const std::int64_t key0 = page * kPageTokens % kAttentionChunk;
  const std::int64_t count = std::min(kPageTokens, end - key0);
  const T* entries = page_part<T>(block, keys_of(block), page);
  const NextPage<T> next(block, true, page, page + (end - key0 - 1) / kPageTokens);
  for (std::int64_t key = 0; key < count; key += 4) {
    const T* rows[4];
    for (std::int64_t r = 0; r < 4; ++r) {
      rows[r] = entries + std::min(key + r, count - 1) * args.kv.width;
    }
    transpose_rows(rows, 0, args.qk_dim, scratch.keys + key, kPageTokens);
    next.prefetch(key, 4);
  }
  product_wide<float>({.a = scratch.queries,
                       .a_i = args.qk_dim,
                       .a_j = 1,
                       .b = scratch.keys,
                       .ldb = kPageTokens,
                       .c = scratch.scores + key0,
                       .ldc = kAttentionChunk,
                       .n_i = block.rows,
                       .n_j = args.qk_dim,
                       .lanes = padded(count, 16),
                       .fresh = true});
}

/// Scores to weights in place, count >= 1; returns the maximum.
HWY_INLINE float soften_few(float* scores, std::int64_t count, float scale) {
  const F32 d;
  const FloatV factor = hn::Set(d, scale);
  // Lanes beyond count may hold anything.
  std::fill(scores + count, scores + padded(count, 16), -std::numeric_limits<float>::infinity());
  FloatV most = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const FloatV v = hn::Mul(hn::LoadU(d, scores + i), factor);
    hn::StoreU(v, d, scores + i);
    most = hn::Max(most, v);
  }
  const FloatV m = hn::MaxOfLanes(d, most);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    hn::StoreU(exp(d, hn::Sub(hn::LoadU(d, scores + i), m)), d, scores + i);
  }
  return hn::GetLane(m);
}

/// c[row] += weights[row] . b, each row over its own first seen(row) - key0 of p.n_j keys.
template <class B>
HWY_INLINE void add_seen(const AttentionBlock& block, std::int64_t chunk, std::int64_t key0,
                         Product<B> p) {
  const std::int64_t count = p.n_j;
  const std::int64_t common = std::clamp<std::int64_t>(seen(block, 0, chunk) - key0, 0, count);
  p.n_i = block.rows;
  p.n_j = common;
  if (common > 0) product_wide<B>(p);
  p.n_i = 1;
  p.a += common;
  p.b += common * p.ldb;
  for (std::int64_t row = 0; row < block.rows; ++row, p.a += p.a_i, p.c += p.ldc) {
    p.n_j = std::clamp<std::int64_t>(seen(block, row, chunk) - key0, 0, count) - common;
    if (p.n_j > 0) product_wide<B>(p);
  }
}

/// A sum of weights is the chain of e * 1: the same bits as a chain of additions.
HWY_INLINE void sum_few(const AttentionBlock& block, std::int64_t chunk, const FewScratch& scratch,
                        float* sum) {
  std::fill_n(scratch.sums, block.rows * 16, 0.0F);
  add_seen<float>(block, chunk, 0,
                  {.a = scratch.scores,
                   .a_i = kAttentionChunk,
                   .a_j = 1,
                   .b = scratch.ones,
                   .ldb = 0,
                   .c = scratch.sums,
                   .ldc = 16,
                   .n_j = kAttentionChunk,
                   .lanes = 16});
  for (std::int64_t row = 0; row < block.rows; ++row) sum[row] = scratch.sums[row * 16];
}

/// What the values of page `page` add.
template <class T>
HWY_INLINE void value_few(const AttentionBlock& block, std::int64_t page, std::int64_t end,
                          const FewScratch& scratch, float* values) {
  constexpr std::int64_t kStep = 16;  // keys between prefetches
  const AttentionArgs& args = *block.args;
  const std::int64_t key0 = page * kPageTokens % kAttentionChunk;
  const std::int64_t count = std::min(kPageTokens, end - key0);
  const T* entries = page_part<T>(block, values_of(block), page);
  const NextPage<T> next(block, false, page, page + (end - key0 - 1) / kPageTokens);
  for (std::int64_t key = 0; key < count; key += kStep) {
    next.prefetch(key, kStep);
    add_seen<T>(block, page * kPageTokens / kAttentionChunk, key0 + key,
                {.a = scratch.scores + key0 + key,
                 .a_i = kAttentionChunk,
                 .a_j = 1,
                 .b = entries + key * args.kv.width,
                 .ldb = args.kv.width,
                 .c = values,
                 .ldc = args.v_dim,
                 .n_j = std::min(kStep, count - key),
                 .lanes = args.v_dim});
  }
}

/// Scores of all keys to weights; the rows' maxima and sums.
HWY_INLINE void soften_head(const AttentionBlock& head, std::int64_t chunk,
                            const FewScratch& scratch, const FewState& state) {
  for (std::int64_t row = 0; row < head.rows; ++row) {
    const std::int64_t count = seen(head, row, chunk);
    if (count == 0) continue;
    state.max[row] = soften_few(scratch.scores + row * kAttentionChunk, count, head.args->scale);
  }
  sum_few(head, chunk, scratch, state.sum);
  std::fill_n(state.values, head.rows * head.args->v_dim, 0.0F);
}

template <class T>
HWY_INLINE void chunk_few(const AttentionBlock& block, std::int64_t chunk, float* scratch,
                          float* state) {
  const std::int64_t end = seen(block, block.rows - 1, chunk);
  const std::int64_t page0 = chunk * (kAttentionChunk / kPageTokens);
  const std::int64_t page1 = page0 + (end + kPageTokens - 1) / kPageTokens;
  // Heads within pages: a page's entries are read from end to end.
  for (std::int64_t page = page0; page < page1; ++page) {
    for (std::int64_t h = 0; h < block.kv_heads; ++h) {
      score_few<T>(block.head(h), page, end, FewScratch(scratch, block, h));
    }
  }
  for (std::int64_t h = 0; h < block.kv_heads; ++h) {
    soften_head(block.head(h), chunk, FewScratch(scratch, block, h), FewState(state, block, h));
  }
  for (std::int64_t page = page0; page < page1; ++page) {
    for (std::int64_t h = 0; h < block.kv_heads; ++h) {
      value_few<T>(block.head(h), page, end, FewScratch(scratch, block, h),
                   FewState(state, block, h).values);
    }
  }
}

/// a, of `v_dim` values, takes in b.
HWY_INLINE void merge_row(const FewState& a, const FewState& b, std::int64_t row,
                          std::int64_t v_dim) {
  const F32 d;
  const float m = std::max(a.max[row], b.max[row]);
  const float e_a = exp_scalar(a.max[row] - m);
  const float e_b = exp_scalar(b.max[row] - m);
  a.max[row] = m;
  a.sum[row] = std::fma(b.sum[row], e_b, a.sum[row] * e_a);
  const FloatV factor_a = hn::Set(d, e_a);
  const FloatV factor_b = hn::Set(d, e_b);
  for (std::int64_t i = row * v_dim; i < (row + 1) * v_dim; i += kLanes) {
    const FloatV old = hn::Mul(hn::LoadU(d, a.values + i), factor_a);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, b.values + i), factor_b, old), d, a.values + i);
  }
}

HWY_INLINE void merge_few(const AttentionBlock& block, std::int64_t chunk, const float* part,
                          float* total) {
  for (std::int64_t h = 0; h < block.kv_heads; ++h) {
    const FewState a(total, block, h);
    const FewState b(part, block, h);
    for (std::int64_t row = 0; row < block.rows; ++row) {
      if (seen(block, row, chunk) > 0) merge_row(a, b, row, block.args->v_dim);
    }
  }
}

HWY_INLINE void finish_row(const float* values, float sum, std::int64_t v_dim, float* out) {
  const F32 d;
  const FloatV divisor = hn::Set(d, sum);
  for (std::int64_t i = 0; i < v_dim; i += kLanes) {
    hn::StoreU(hn::Div(hn::LoadU(d, values + i), divisor), d, out + i);
  }
}

HWY_INLINE void finish_few(const AttentionBlock& block, const float* total) {
  const std::int64_t v_dim = block.args->v_dim;
  for (std::int64_t h = 0; h < block.kv_heads; ++h) {
    const AttentionBlock head = block.head(h);
    const FewState state(total, block, h);
    for (std::int64_t row = 0; row < block.rows; ++row) {
      finish_row(state.values + row * v_dim, state.sum[row], v_dim,
                 block.args->out + head.index(row) * v_dim);
    }
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
