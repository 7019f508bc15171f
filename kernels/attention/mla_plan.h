// What one step's MLA launches walk: query tiles, the key tiles each block takes, where partial
// results lie, and how they merge. Made by the host, read by the device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_cuda.h"

namespace moebius::kernels {

inline constexpr std::int64_t kMlaQkDim = 576;
inline constexpr std::int64_t kMlaVDim = 512;
inline constexpr std::int64_t kMlaTileRows = 64;   // of a query tile: (token, head) pairs
inline constexpr std::int64_t kMlaTileKeys = 64;   // a page
inline constexpr std::int64_t kMlaTileTokens = 4;  // the most that share a query tile
/// Partial results go by fragments: 16 heads of one row.
inline constexpr std::int64_t kMlaFragmentRows = 16;
inline constexpr std::int64_t kMlaFragmentFloats = kMlaFragmentRows * kMlaVDim;

/// Heads of a query tile; its 64 rows are (64 / this) tokens.
std::int64_t mla_tile_heads(std::int64_t heads);
/// Positions of a chunk of the canonical order: a multiple of kAttentionChunk that the number of
/// heads alone decides. Folding a chunk costs memory traffic that grows with the heads of a tile.
std::int64_t mla_chunk_positions(std::int64_t heads);

/// A query tile against consecutive key tiles, by one block. Starts at a chunk's begin.
///
/// slot < 0: all keys its tokens see; the block writes their rows of out.
/// Else partial results: from fragment `slot` on, `tokens * tile heads / 16` fragments a chunk.
/// A piece that starts at key 0 folds its chunks into one, others leave each.
struct MlaItem {
  std::int32_t sequence = 0;    // whose pages
  std::int32_t head = 0;        // first head of the tile
  std::int32_t tile_begin = 0;  // key tiles, absolute
  std::int32_t tile_end = 0;
  std::int32_t slot = -1;
  std::int32_t tokens = 0;  // 1 .. kMlaTileTokens
  std::int32_t last = 0;    // greatest position of its tokens
  std::int32_t reserved = 0;
  std::int32_t row[kMlaTileTokens] = {};
  std::int32_t position[kMlaTileTokens] = {};
};
static_assert(sizeof(MlaItem) == 64);

/// The partial results of 16 heads of one row, in ascending order of chunks.
struct MlaMerge {
  std::int32_t row = 0;
  std::int32_t head = 0;
  std::int32_t piece_begin = 0;  // into the pieces, each the index of a fragment
  std::int32_t pieces = 0;
};

inline constexpr std::int32_t kMlaMaxBlocks = 256;

/// First in a plan; the arrays follow at byte offsets from the plan's begin.
struct MlaPlanHeader {
  std::int32_t blocks = 0;
  std::int32_t merges = 0;
  std::int32_t items_at = 0, merges_at = 0, pieces_at = 0;
  std::int32_t reserved[3] = {};
  std::int32_t block_begin[kMlaMaxBlocks + 8] = {};  // items of block b: [b] .. [b + 1]
};

/// Fragments of partial results that a plan may use, beyond those that blocks fold in: 128 MiB.
inline constexpr std::int64_t kMlaPartialFragments = 4096;

/// Whether a plan may have merges where no sequence has more than `max_pages` pages: cuts are
/// between chunks. Each row has at most heads / 16 merges.
bool mla_may_merge(std::int64_t heads, std::int64_t max_pages);

std::size_t mla_plan_bytes(const AttentionShape& shape, const AttentionLimits& limits);

/// `blocks`: how many the launch has, 1 .. kMlaMaxBlocks. Returns the bytes written.
/// Errors   std::invalid_argument if the plan does not fit into `bytes`.
std::size_t mla_plan(const AttentionShape& shape, const Ragged& batch, std::int64_t blocks,
                     void* plan, std::size_t bytes);

}  // namespace moebius::kernels
