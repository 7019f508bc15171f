// What the host launcher of attention and its SIMD core share: one block of rows,
// and the softmax state that each chunk of keys leaves behind.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention.h"

namespace moebius::kernels {

/// Lanes of the widest tile of rows: two AVX-512 vectors.
inline constexpr std::int64_t kAttentionTileRows = 32;
/// Tiles that share one widened copy of a page.
inline constexpr std::int64_t kAttentionBlockTiles = 2;
inline constexpr std::int64_t kAttentionBlockRows = kAttentionTileRows * kAttentionBlockTiles;
/// Up to this many rows lanes run along keys and value dimensions instead of rows.
inline constexpr std::int64_t kAttentionFewRows = 8;

constexpr std::int64_t padded(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Query rows of one sequence that share a KV head. Row i of the sequence's
/// tokens * group rows is head kv_head * group + i % group of token i / group.
/// Blocks of few rows may stand for the same rows of several KV heads: their entries lie
/// side by side in a page and are best read together.
struct AttentionBlock {
  const AttentionArgs* args = nullptr;
  std::int64_t sequence = 0;
  std::int64_t kv_head = 0;
  std::int64_t kv_heads = 1;  // more only if few() and kv_heads * rows <= kAttentionBlockRows
  std::int64_t row0 = 0;
  std::int64_t rows = 0;  // 1 .. kAttentionBlockRows, of each KV head

  std::int64_t group() const { return args->heads / args->kv_heads; }
  std::int64_t position(std::int64_t row) const {
    return args->batch.position_begin[sequence] + (row0 + row) / group();
  }
  std::int64_t chunks() const { return position(rows - 1) / kAttentionChunk + 1; }
  /// Index of a row's query in [rows, heads].
  std::int64_t index(std::int64_t row) const {
    const std::int64_t token = args->batch.row_begin[sequence] + (row0 + row) / group();
    return token * args->heads + kv_head * group() + (row0 + row) % group();
  }
  /// The rows of KV head kv_head + h alone.
  AttentionBlock head(std::int64_t h) const {
    AttentionBlock one = *this;
    one.kv_head += h;
    one.kv_heads = 1;
    return one;
  }
};

/// Whether lanes run along keys and value dimensions for so many rows.
inline bool attention_few(const AttentionArgs& args, std::int64_t rows) {
  return rows <= kAttentionFewRows && args.qk_dim % 8 == 0 && args.v_dim % 16 == 0;
}

/// Floats of a block's state: maxima, sums and weighted values of a chunk, or of
/// all chunks merged so far.
constexpr std::int64_t attention_state_floats(const AttentionArgs& args) {
  return kAttentionBlockRows * (2 + args.v_dim);
}

/// Floats from one widened row of n elements to the next.
constexpr std::int64_t widened_ld(std::int64_t n) {
  return padded(n, 16) + 16;
}

/// Floats a worker needs beside states: packed queries, scores, one widened page.
constexpr std::int64_t attention_scratch_floats(const AttentionArgs& args) {
  return kAttentionBlockRows * (args.qk_dim + kAttentionChunk) +
         kPageTokens * widened_ld(std::max(args.qk_dim, args.v_dim));
}

/// The SIMD core, in the order of calls; all targets and both ways to lay out lanes give
/// the same bits. Queries into scratch, once per block:
void attention_pack(const AttentionBlock& block, float* scratch);

/// One chunk of keys on its own; state need not be initialised.
void attention_chunk(const AttentionBlock& block, std::int64_t chunk, float* scratch, float* state);

/// total, which holds all chunks before `chunk` (>= 1), takes in `part`.
void attention_merge(const AttentionBlock& block, std::int64_t chunk, const float* part,
                     float* total);

/// Writes the block's rows of args.out.
void attention_finish(const AttentionBlock& block, const float* total);

/// Throws std::invalid_argument unless the arguments keep their limits.
void check_attention(const AttentionArgs& args);

}  // namespace moebius::kernels
