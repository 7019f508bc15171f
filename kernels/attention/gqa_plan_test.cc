// The plan of grouped-query attention: every row meets each of its chunks exactly once, in order,
// blocks are evenly loaded, and nothing grows past what was announced.
#include "kernels/attention/gqa_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace moebius::kernels::gqa {
namespace {

struct Batch {
  std::vector<std::int32_t> row_begin{0}, position_begin, pages;
  std::int64_t max_pages = 0;

  explicit Batch(std::int64_t most_pages) : max_pages(most_pages) {}
  /// `shared` leading pages are those of every other sequence with the same `family`.
  void add(std::int64_t position, std::int64_t tokens, std::int64_t shared = 0, int family = 0) {
    for (std::int64_t p = 0; p < max_pages; ++p) {
      const std::int64_t own = 1'000'000 + std::ssize(position_begin) * max_pages + p;
      pages.push_back(static_cast<std::int32_t>(p < shared ? family * max_pages + p : own));
    }
    position_begin.push_back(static_cast<std::int32_t>(position));
    row_begin.push_back(row_begin.back() + static_cast<std::int32_t>(tokens));
  }
  Ragged ragged() const {
    return {.sequences = std::ssize(position_begin),
            .rows = row_begin.back(),
            .row_begin = row_begin.data(),
            .position_begin = position_begin.data(),
            .pages = pages.data(),
            .max_pages = max_pages};
  }
  std::int64_t positions() const {
    std::int64_t most = 0;
    for (std::size_t s = 0; s < position_begin.size(); ++s) {
      most = std::max<std::int64_t>(most, position_begin[s] + row_begin[s + 1] - row_begin[s]);
    }
    return most;
  }
};

AttentionShape shape_of(std::int64_t heads, std::int64_t kv_heads) {
  return {.heads = heads, .kv_heads = kv_heads, .qk_dim = 128, .v_dim = 128};
}

/// A plan taken apart again.
struct Plan {
  std::vector<std::byte> bytes;
  PlanHead head;
  std::vector<Item> items;
  std::vector<Split> splits;
  std::vector<std::int32_t> parts, tokens;

  Plan(const AttentionShape& shape, const Batch& batch) {
    const Ragged ragged = batch.ragged();
    bytes.resize(plan_bytes(shape, {ragged.rows, ragged.sequences, batch.positions()}));
    const std::size_t used = make_plan(shape, ragged, bytes.data(), bytes.size());
    EXPECT_LE(used, bytes.size());
    const std::byte* from = bytes.data();
    const auto read = [&](void* to, std::size_t count) {
      if (count > 0) std::memcpy(to, from, count);
      from += count;
    };
    read(&head, sizeof(head));
    items.resize(head.items), splits.resize(head.splits);
    parts.resize(head.parts), tokens.resize(head.tokens);
    read(items.data(), items.size() * sizeof(Item));
    read(splits.data(), splits.size() * sizeof(Split));
    read(parts.data(), parts.size() * sizeof(std::int32_t));
    read(tokens.data(), tokens.size() * sizeof(std::int32_t));
    EXPECT_EQ(from - bytes.data(), static_cast<std::ptrdiff_t>(used));
  }

  std::int64_t tiles(int block) const {
    std::int64_t sum = 0;
    for (int i = head.block_begin[block]; i < head.block_begin[block + 1]; ++i) {
      sum += items[i].tile_end - items[i].tile_begin;
    }
    return sum;
  }
  std::int64_t tiles() const {
    std::int64_t sum = 0;
    for (int b = 0; b < kBlocks; ++b) sum += tiles(b);
    return sum;
  }
  std::int64_t most_tiles() const {
    std::int64_t most = 0;
    for (int b = 0; b < kBlocks; ++b) most = std::max(most, tiles(b));
    return most;
  }
};

/// One row under one KV head: batch row, KV head, head of the group.
using Row = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
/// Tiles of a row, as one result holds them.
struct Range {
  std::int64_t begin, end;
};

/// Checks a plan by doing what the device does, with ranges of tiles for results.
class Replay {
 public:
  Replay(const AttentionShape& shape, const Batch& batch)
      : group_(shape.heads / shape.kv_heads), shape_(shape), batch_(batch), plan_(shape, batch) {
    const std::int64_t records =
        most_records(shape, {batch.ragged().rows, batch.ragged().sequences, batch.positions()});
    records_.resize(records, {-1, -1});
    EXPECT_EQ(plan_.head.block_begin[0], 0);
    EXPECT_EQ(plan_.head.block_begin[kBlocks], plan_.head.items);
    EXPECT_TRUE(std::is_sorted(plan_.head.block_begin, plan_.head.block_begin + kBlocks + 1));
    for (const Item& item : plan_.items) run(item);
    for (const Split& split : plan_.splits) merge(split);
  }

  void expect_all_rows() {
    const Ragged ragged = batch_.ragged();
    std::size_t rows = 0;
    for (std::int64_t s = 0; s < ragged.sequences; ++s) {
      for (std::int64_t r = ragged.row_begin[s]; r < ragged.row_begin[s + 1]; ++r) {
        const std::int64_t position = ragged.position_begin[s] + r - ragged.row_begin[s];
        for (std::int64_t h = 0; h < shape_.heads; ++h, ++rows) {
          const auto found = done_.find({r, h / group_, h % group_});
          ASSERT_NE(found, done_.end()) << "row " << r << " head " << h;
          ASSERT_GT(found->second * kTileKeys, position);
        }
      }
    }
    EXPECT_EQ(done_.size(), rows);
  }
  const Plan& plan() const { return plan_; }

 private:
  Row row_of(const Item& item, std::int64_t row) const {
    const std::int64_t index = (item.row0 + row) / group_;
    const std::int64_t token =
        item.tokens < 0 ? item.first_row + index : plan_.tokens.at(item.tokens + index);
    return {token, item.kv_head, (item.row0 + row) % group_};
  }

  std::int64_t sequence_of(std::int64_t token) const {
    const auto& begins = batch_.row_begin;
    return std::upper_bound(begins.begin(), begins.end(), token) - begins.begin() - 1;
  }

  /// A shared item's pages must be the row's own, and wholly before its position.
  void check_pages(const Item& item, std::int64_t token) {
    const std::int64_t s = sequence_of(token);
    for (std::int64_t tile = item.tile_begin; tile < item.tile_end; ++tile) {
      ASSERT_EQ(batch_.pages[s * batch_.max_pages + tile],
                batch_.pages[item.sequence * batch_.max_pages + tile]);
    }
    if (item.tokens < 0) return;
    ASSERT_LE(item.tile_end * kTileKeys, batch_.position_begin[s]);
    ASSERT_EQ(item.first_position, kSeesAll);
  }

  void run(const Item& item) {
    ASSERT_GE(item.rows, 1);
    ASSERT_LE(item.rows, kItemRows);
    ASSERT_LT(item.tile_begin, item.tile_end);
    ASSERT_EQ(item.tile_begin % kChunkTiles, 0);
    for (std::int64_t row = 0; row < item.rows; ++row) {
      check_pages(item, std::get<0>(row_of(item, row)));
      if (item.result == Result::kOut) {
        ASSERT_EQ(item.tile_begin, 0);
        ASSERT_TRUE(done_.emplace(row_of(item, row), item.tile_end).second) << "written twice";
      } else if (item.result == Result::kMerged) {
        ASSERT_EQ(item.tile_begin, 0);
        leave(item.record + row, {0, item.tile_end}, row_of(item, row));
      } else {
        std::int64_t record = item.record + row;
        for (std::int64_t t = item.tile_begin; t < item.tile_end; t += kChunkTiles) {
          leave(record, {t, std::min<std::int64_t>(t + kChunkTiles, item.tile_end)},
                row_of(item, row));
          record += item.rows;
        }
      }
    }
  }

  void leave(std::int64_t record, Range range, const Row& row) {
    ASSERT_LT(record, std::ssize(records_));
    ASSERT_EQ(records_[record].begin, -1) << "a record is written twice";
    records_[record] = range;
    owner_[record] = row;
  }

  void merge(const Split& split) {
    for (std::int64_t row = 0; row < split.rows; ++row) {
      const Row self{split.first_row + (split.row0 + row) / group_, split.kv_head,
                     (split.row0 + row) % group_};
      std::int64_t end = 0;
      for (std::int64_t p = 0; p < split.parts; ++p) {
        const std::int64_t record = plan_.parts.at(split.part_begin + p) + row;
        ASSERT_EQ(records_.at(record).begin, end) << "chunks out of order";
        ASSERT_EQ(owner_.at(record), self);
        end = records_[record].end;
      }
      ASSERT_TRUE(done_.emplace(self, end).second) << "written twice";
    }
  }

  std::int64_t group_;
  AttentionShape shape_;
  const Batch& batch_;
  Plan plan_;
  std::vector<Range> records_;
  std::map<std::int64_t, Row> owner_;
  std::map<Row, std::int64_t> done_;  // tiles that the row has seen
};

Plan checked(const AttentionShape& shape, const Batch& batch) {
  Replay replay(shape, batch);
  replay.expect_all_rows();
  return replay.plan();
}

TEST(GqaPlan, EmptyBatch) {
  Batch batch(4);
  EXPECT_EQ(checked(shape_of(8, 2), batch).items.size(), 0U);
  batch.add(0, 0);
  batch.add(100, 0);
  EXPECT_EQ(checked(shape_of(8, 2), batch).items.size(), 0U);
}

TEST(GqaPlan, RandomBatches) {
  std::mt19937 random(7);
  const AttentionShape shapes[] = {shape_of(8, 1), shape_of(14, 2), shape_of(3, 3),
                                   shape_of(48, 2)};
  for (int round = 0; round < 60; ++round) {
    Batch batch(40);
    const int sequences = 1 + static_cast<int>(random() % 12);
    for (int s = 0; s < sequences; ++s) {
      const std::int64_t tokens = random() % 3 == 0 ? random() % 400 : random() % 4;
      const std::int64_t position = random() % (40 * kTileKeys - 400);
      batch.add(position, tokens, random() % 40, static_cast<int>(random() % 2));
    }
    SCOPED_TRACE(round);
    checked(shapes[round % 4], batch);
  }
}

TEST(GqaPlan, LongPrefillAndLargeDecodeLoadBlocksEvenly) {
  for (const std::int64_t kv_heads : {4, 8}) {
    Batch prefill(64), decode(64);
    prefill.add(0, 4096);
    for (int s = 0; s < 128; ++s) decode.add(4095, 1);
    for (const Batch* batch : {&prefill, &decode}) {
      const Plan plan = checked(shape_of(32, kv_heads), *batch);
      EXPECT_LE(plan.most_tiles() * kBlocks, 1.1 * static_cast<double>(plan.tiles()));
    }
  }
}

TEST(GqaPlan, FewLongSequencesUseManyBlocks) {
  Batch batch(256);
  batch.add(16383, 1);
  const Plan plan = checked(shape_of(32, 4), batch);
  EXPECT_EQ(plan.tiles(), 4 * 256);
  EXPECT_LE(plan.most_tiles(), kChunkTiles);  // 128 chunks, 132 blocks
}

TEST(GqaPlan, SharedPagesAreReadOnce) {
  Batch batch(64);
  for (int s = 0; s < 64; ++s) batch.add(2048 + 10 * s, 1, 32, 1);
  const Plan plan = checked(shape_of(32, 4), batch);
  std::int64_t shared = 0, own = 0;
  for (const Item& item : plan.items) {
    (item.tokens >= 0 ? shared : own) += item.tile_end - item.tile_begin;
  }
  // 64 sequences of 8 rows are 4 items of 128 rows, for each of 4 KV heads and 32 tiles.
  EXPECT_EQ(shared, 4 * 4 * 32);
  EXPECT_LE(own, 4 * 64 * 11);
}

TEST(GqaPlan, PrefixesOfPrefixesAreShared) {
  Batch batch(64);  // all share 1,024 positions, two families share 2,048
  for (int s = 0; s < 16; ++s) {
    batch.add(3000, 1, 32, 1 + s % 2);
    for (int p = 0; p < 16; ++p) batch.pages[s * 64 + p] = 7'000'000 + p;
  }
  const Plan plan = checked(shape_of(32, 4), batch);
  std::int64_t shared = 0;
  for (const Item& item : plan.items) {
    if (item.tokens >= 0) shared += item.tile_end - item.tile_begin;
  }
  EXPECT_EQ(shared, 4 * (16 + 2 * 16));
}

// What lets a launch do without the kernel that merges.
TEST(GqaPlan, NoSplitWithinOneChunk) {
  EXPECT_FALSE(may_split(kChunkTiles));
  EXPECT_TRUE(may_split(kChunkTiles + 1));
  for (const std::int64_t sequences : {1, 3, 200}) {
    Batch batch(kChunkTiles);
    for (std::int64_t s = 0; s < sequences; ++s) batch.add(kAttentionChunk - 1, 1, kChunkTiles);
    batch.add(0, kAttentionChunk);
    EXPECT_EQ(Plan(shape_of(32, 4), batch).splits.size(), 0U) << sequences << " sequences";
  }
}

TEST(GqaPlan, RefusesTooLittleRoom) {
  Batch batch(8);
  batch.add(0, 300);
  std::vector<std::byte> bytes(plan_bytes(shape_of(8, 2), {300, 1, 300}));
  const std::size_t used = make_plan(shape_of(8, 2), batch.ragged(), bytes.data(), bytes.size());
  EXPECT_THROW(make_plan(shape_of(8, 2), batch.ragged(), bytes.data(), used - 1),
               std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels::gqa
