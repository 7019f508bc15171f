// How a step's grouped-query attention is dealt out to the blocks of the device: host planning,
// and the plan that gqa_attention.cu reads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_cuda.h"

namespace moebius::kernels::gqa {

/// Blocks a plan is made for: the multiprocessors of an H200. A device with fewer runs some of
/// them one after the other.
inline constexpr int kBlocks = 132;
inline constexpr int kTileKeys = 64;   // one page
inline constexpr int kItemRows = 128;  // two warpgroups of 64
inline constexpr int kChunkTiles = static_cast<int>(kAttentionChunk) / kTileKeys;
/// Most records of partial results; what would need more is not cut.
inline constexpr std::int64_t kMostRecords = 512 * 1024;

/// What an item leaves behind. A record is one row's O [head_dim], m, l, two unused floats.
enum class Result : std::int32_t {
  kOut,     // all chunks, merged and divided: rows of `out`
  kMerged,  // chunks from 0, merged: one record per row
  kChunks,  // one record per row and chunk: chunk c of the item starts at record + c * rows
};

/// The first position of an item whose rows all see all its tiles.
inline constexpr std::int32_t kSeesAll = 1 << 30;

/// Rows row0 .. row0 + rows - 1 of some tokens * group rows under one KV head, against tiles
/// [tile_begin, tile_end) of the keys of `sequence`; tile_begin is a multiple of kChunkTiles.
/// The tokens are those of the sequence in the batch; or, where several sequences share these
/// tiles, the plan's tokens from `tokens` on, and first_position is kSeesAll.
struct Item {
  std::int32_t sequence, kv_head, row0, rows;
  std::int32_t first_row, first_position;  // of the sequence's first token in the batch
  std::int32_t tile_begin, tile_end;
  Result result;
  std::int32_t record;
  std::int32_t tokens;  // or -1
  std::int32_t unused;
};

/// Rows whose chunks went to several items: what those left, in order of chunks.
struct Split {
  std::int32_t kv_head, row0, rows, first_row;
  std::int32_t part_begin, parts;  // in the plan's list of records
  std::int32_t unused[2];
};

/// In the plan: this, Item[items], Split[splits], int32 records[parts], int32 batch_rows[tokens].
struct PlanHead {
  std::int32_t items, splits, parts, tokens;
  std::int32_t block_begin[kBlocks + 1];  // items of block b: [block_begin[b], block_begin[b + 1])
  std::int32_t padding[3];
};
static_assert(sizeof(PlanHead) % 16 == 0 && sizeof(Item) % 16 == 0 && sizeof(Split) % 16 == 0);

/// Whether a plan may have splits where no sequence has more than `max_pages` pages: cuts are
/// between chunks. Splits share no row of a head.
constexpr bool may_split(std::int64_t max_pages) {
  return max_pages > kChunkTiles;
}

std::size_t plan_bytes(const AttentionShape& shape, const AttentionLimits& limits);
std::int64_t most_records(const AttentionShape& shape, const AttentionLimits& limits);

/// As attention_plan(). Whole chunks of keys that lie in the same pages for several sequences, and
/// before all their rows, are read once for the rows of all. Then the longest item first, each to
/// the block with least to do; if that leaves blocks idle for long, the chunks of all items in a
/// row, cut into equal stretches.
std::size_t make_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                      std::size_t bytes);

}  // namespace moebius::kernels::gqa
