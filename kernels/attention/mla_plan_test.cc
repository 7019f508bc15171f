// Plans of MLA attention: every row meets every key once and in order, and blocks share the work.
#include "kernels/attention/mla_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace moebius::kernels {
namespace {

constexpr std::int64_t kBlocks = 132;

AttentionShape shape_of(std::int64_t heads) {
  return {.heads = heads,
          .kv_heads = 1,
          .qk_dim = kMlaQkDim,
          .v_dim = kMlaVDim,
          .scale = 1,
          .kv_dtype = Dtype::kBF16};
}

struct Sequence {
  std::int64_t position, rows;
  std::int64_t shared_pages = 0;  // with all others that have some
};

struct Batch {
  std::vector<std::int32_t> row_begin{0}, position_begin, pages;
  std::int64_t max_pages = 1;

  explicit Batch(const std::vector<Sequence>& sequences) {
    for (const Sequence& s : sequences) {
      max_pages = std::max(max_pages, (s.position + s.rows) / kPageTokens + 1);
    }
    std::int32_t next = 100000;
    for (const Sequence& s : sequences) {
      row_begin.push_back(row_begin.back() + static_cast<std::int32_t>(s.rows));
      position_begin.push_back(static_cast<std::int32_t>(s.position));
      for (std::int64_t p = 0; p < max_pages; ++p) {
        pages.push_back(p < s.shared_pages ? static_cast<std::int32_t>(p) : next++);
      }
    }
  }
  Ragged ragged() const {
    return {.sequences = std::ssize(position_begin),
            .rows = row_begin.back(),
            .row_begin = row_begin.data(),
            .position_begin = position_begin.data(),
            .pages = pages.data(),
            .max_pages = max_pages};
  }
};

/// A plan and its parts.
struct Plan {
  std::vector<std::byte> bytes;
  MlaPlanHeader header;
  std::vector<MlaItem> items;
  std::vector<MlaMerge> merges;
  std::vector<std::int32_t> pieces;

  Plan(std::int64_t heads, const Batch& batch) {
    const AttentionShape shape = shape_of(heads);
    const Ragged ragged = batch.ragged();
    bytes.resize(mla_plan_bytes(shape, {ragged.rows, ragged.sequences, 1 << 20}));
    bytes.resize(mla_plan(shape, ragged, kBlocks, bytes.data(), bytes.size()));
    std::copy_n(bytes.data(), sizeof(header), reinterpret_cast<std::byte*>(&header));
    items = part<MlaItem>(header.items_at, header.block_begin[kBlocks]);
    merges = part<MlaMerge>(header.merges_at, header.merges);
    pieces = part<std::int32_t>(header.pieces_at, (std::ssize(bytes) - header.pieces_at) / 4);
  }

  template <typename T>
  std::vector<T> part(std::int32_t at, std::int64_t count) const {
    std::vector<T> values(count);
    std::copy_n(bytes.data() + at, count * sizeof(T), reinterpret_cast<std::byte*>(values.data()));
    return values;
  }
};

/// What a fragment holds: of a row's head, which key tiles.
struct Held {
  std::int32_t row, head, begin, end;
};

/// Checks an item on its own; returns its fragments, or what it writes under -1 - row.
void expect_sound(std::int64_t heads, const Batch& batch, const MlaItem& item) {
  const std::int64_t chunk = mla_chunk_positions(heads) / kMlaTileKeys;
  EXPECT_EQ(item.tile_begin % chunk, 0);
  EXPECT_LT(item.tile_begin, item.tile_end);
  EXPECT_LE(item.tokens * mla_tile_heads(heads), kMlaTileRows);
  const auto pages = [&](std::int64_t s) { return batch.pages.begin() + s * batch.max_pages; };
  for (std::int32_t t = 0; t < item.tokens; ++t) {
    const auto after = std::ranges::upper_bound(batch.row_begin, item.row[t]);
    const std::int64_t s = after - batch.row_begin.begin() - 1;
    EXPECT_EQ(item.position[t], batch.position_begin[s] + item.row[t] - batch.row_begin[s]);
    EXPECT_LE(item.tile_end, item.position[t] / kMlaTileKeys + 1) << "keys it must not see";
    EXPECT_LE(item.position[t], item.last);
    EXPECT_TRUE(std::equal(pages(s) + item.tile_begin, pages(s) + item.tile_end,
                           pages(item.sequence) + item.tile_begin))
        << "other pages than its own";
  }
}

using Key = std::pair<std::int32_t, std::int32_t>;  // row, head

void hold(std::int64_t heads, const MlaItem& item, std::map<std::int32_t, Held>& fragments,
          std::map<Key, std::int32_t>& complete) {
  const auto chunk = static_cast<std::int32_t>(mla_chunk_positions(heads) / kMlaTileKeys);
  const auto heads16 = static_cast<std::int32_t>(mla_tile_heads(heads) / kMlaFragmentRows);
  for (std::int32_t f = 0; f < item.tokens * heads16; ++f) {
    const std::int32_t row = item.row[f / heads16];
    const auto head = static_cast<std::int32_t>(item.head + f % heads16 * kMlaFragmentRows);
    if (item.slot < 0) {
      EXPECT_EQ(item.tile_begin, 0);
      EXPECT_EQ(item.tile_end, item.position[f / heads16] / kMlaTileKeys + 1);
      EXPECT_TRUE(complete.emplace(Key{row, head}, 1).second) << "written twice";
      continue;
    }
    const std::int32_t step = item.tile_begin == 0 ? item.tile_end : chunk;
    std::int32_t slot = item.slot + f;
    for (std::int32_t t = item.tile_begin; t < item.tile_end; t += step) {
      const Held held{row, head, t, std::min(t + step, item.tile_end)};
      EXPECT_TRUE(fragments.emplace(slot, held).second) << "fragment used twice";
      EXPECT_LT(slot, kMlaPartialFragments);
      slot += item.tokens * heads16;
    }
  }
}

Plan expect_plan(std::int64_t heads, const std::vector<Sequence>& sequences) {
  const Batch batch(sequences);
  Plan plan(heads, batch);
  std::map<std::int32_t, Held> fragments;
  std::map<Key, std::int32_t> complete;
  for (const MlaItem& item : plan.items) {
    expect_sound(heads, batch, item);
    hold(heads, item, fragments, complete);
  }
  std::size_t used = 0;
  for (const MlaMerge& merge : plan.merges) {
    std::int32_t at = 0;
    for (std::int32_t i = 0; i < merge.pieces; ++i, ++used) {
      const Held held = fragments.at(plan.pieces.at(merge.piece_begin + i));
      EXPECT_EQ(held.row, merge.row);
      EXPECT_EQ(held.head, merge.head);
      EXPECT_EQ(held.begin, at) << "a gap or not in order";
      at = held.end;
    }
    const auto after = std::ranges::upper_bound(batch.row_begin, merge.row);
    const std::int64_t s = after - batch.row_begin.begin() - 1;
    EXPECT_EQ(at, (batch.position_begin[s] + merge.row - batch.row_begin[s]) / kMlaTileKeys + 1);
    EXPECT_TRUE(complete.emplace(Key{merge.row, merge.head}, 1).second) << "written twice";
  }
  EXPECT_EQ(used, fragments.size()) << "a partial result that nothing merges";
  EXPECT_EQ(std::ssize(complete), batch.row_begin.back() * heads / kMlaFragmentRows);
  EXPECT_LE(plan.bytes.size(), mla_plan_bytes(shape_of(heads), {batch.row_begin.back(), 1, 1}));
  return plan;
}

std::int64_t longest_block(const Plan& plan) {
  std::int64_t longest = 0;
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    std::int64_t tiles = 0;
    for (std::int32_t i = plan.header.block_begin[b]; i < plan.header.block_begin[b + 1]; ++i) {
      tiles += plan.items[i].tile_end - plan.items[i].tile_begin;
    }
    longest = std::max(longest, tiles);
  }
  return longest;
}

TEST(MlaPlan, EveryRowMeetsEveryKeyOnce) {
  for (const std::int64_t heads : {16, 32, 48, 64, 128}) {
    SCOPED_TRACE(heads);
    expect_plan(heads, {{0, 1}});
    expect_plan(heads, {{0, 70}, {0, 1}, {332, 1}, {62, 7}, {0, 0}, {1021, 9}, {5000, 1}});
    expect_plan(heads, std::vector<Sequence>(3, {16383, 1}));
    expect_plan(heads, std::vector<Sequence>(200, {4095, 1}));
    expect_plan(heads, {{0, 1500}});
    expect_plan(heads, {{20000, 3}});
  }
}

TEST(MlaPlan, EmptyBatch) {
  EXPECT_TRUE(expect_plan(16, {}).items.empty());
  EXPECT_TRUE(expect_plan(16, {{7, 0}}).items.empty());
}

TEST(MlaPlan, OneLongSequenceGoesToManyBlocks) {
  const std::int64_t chunk = mla_chunk_positions(16) / kMlaTileKeys;
  EXPECT_EQ(longest_block(expect_plan(16, {{16383, 1}})), chunk) << "a chunk to each block";
}

TEST(MlaPlan, ManySequencesStayWhole) {
  const Plan plan = expect_plan(16, std::vector<Sequence>(128, {16383, 1}));
  EXPECT_TRUE(plan.merges.empty());
  EXPECT_EQ(longest_block(plan), 256);
}

TEST(MlaPlan, OneWaveAndAHalfIsCut) {
  const Plan plan = expect_plan(16, std::vector<Sequence>(200, {8191, 1}));
  EXPECT_LE(longest_block(plan), 128 * 200 / kBlocks * 5 / 4);
}

TEST(MlaPlan, RowsWithTheSamePagesAreStacked) {
  const Plan plan = expect_plan(16, std::vector<Sequence>(8, {2100, 1, 32}));
  std::int64_t tiles = 0;
  for (const MlaItem& item : plan.items) tiles += item.tile_end - item.tile_begin;
  EXPECT_EQ(tiles, 2 * 32 + 8) << "whole chunks by fours, the 33rd tile alone";
}

TEST(MlaPlan, AStrangerDoesNotKeepOthersFromSharing) {
  const Plan plan = expect_plan(16, {{2100, 1, 32}, {2100, 1, 32}, {2100, 1}, {2100, 1, 32}});
  std::int64_t tiles = 0;
  for (const MlaItem& item : plan.items) tiles += item.tile_end - item.tile_begin;
  EXPECT_EQ(tiles, 32 + 3 + 33);
}

TEST(MlaPlan, NothingIsSharedBeyondWholeChunks) {
  const Plan plan = expect_plan(16, std::vector<Sequence>(5, {2100, 1, 7}));
  for (const MlaItem& item : plan.items) EXPECT_EQ(item.tokens, 1);
  expect_plan(16,
              {{2100, 1, 32}, {600, 1, 9}, {511, 1, 8}, {512, 1, 8}, {1024, 1, 16}, {40, 1, 1}});
}

// What lets a launch do without the kernel that merges.
TEST(MlaPlan, NoMergeWithinOneChunk) {
  for (const std::int64_t heads : {16, 128}) {
    const std::int64_t chunk = mla_chunk_positions(heads);
    EXPECT_FALSE(mla_may_merge(heads, chunk / kPageTokens));
    EXPECT_TRUE(mla_may_merge(heads, chunk / kPageTokens + 1));
    const std::int64_t most = chunk - 1;  // the row there needs chunk / kPageTokens pages
    for (const std::int64_t sequences : {1, 3, 200}) {
      std::vector<Sequence> batch(sequences, {most - 1, 1, chunk / kPageTokens});
      batch.push_back({0, most});
      EXPECT_EQ(Plan(heads, Batch(batch)).header.merges, 0) << heads << " heads";
    }
  }
  EXPECT_GT(Plan(16, Batch({{4000, 1}})).header.merges, 0);
  EXPECT_LE(Plan(128, Batch({{40000, 1}})).header.merges, 128 / kMlaFragmentRows);
}

TEST(MlaPlan, MoreSharersThanFragments) {
  const Plan plan = expect_plan(16, std::vector<Sequence>(3000, {1100, 1, 16}));
  EXPECT_FALSE(plan.items.empty());
}

TEST(MlaPlan, TooLittleRoomIsRefused) {
  const Batch batch({{100, 1}, {0, 20}});
  const AttentionShape shape = shape_of(16);
  std::vector<std::byte> plan(mla_plan_bytes(shape, {21, 2, 128}));
  const std::size_t used = mla_plan(shape, batch.ragged(), kBlocks, plan.data(), plan.size());
  EXPECT_THROW(mla_plan(shape, batch.ragged(), kBlocks, plan.data(), used - 1),
               std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
