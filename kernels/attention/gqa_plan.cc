#include "kernels/attention/gqa_plan.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace moebius::kernels::gqa {
namespace {

constexpr std::int64_t kItemCost = 2;  // in tiles: filling the pipeline, writing results
/// Idle time that is worth cutting items for: one part in so many of all.
constexpr std::int64_t kIdleParts = 16;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
std::int64_t cost(const Item& item) {
  return item.tile_end - item.tile_begin + kItemCost;
}
std::int64_t chunks(const Item& item) {
  return ceil_div(item.tile_end - item.tile_begin, kChunkTiles);
}

struct Plan {
  std::vector<Item> items;  // in order of blocks
  std::vector<Split> splits;
  std::vector<std::int32_t> parts;
  std::int32_t block_begin[kBlocks + 1] = {};
  std::int64_t records = 0;
};

std::vector<Item> whole_items(const AttentionShape& shape, const Ragged& batch) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  std::vector<Item> items;
  for (std::int64_t s = 0; s < batch.sequences; ++s) {
    const std::int64_t rows = (std::int64_t{batch.row_begin[s + 1]} - batch.row_begin[s]) * group;
    for (std::int64_t row = 0; row < rows; row += kItemRows) {
      const std::int64_t count = std::min<std::int64_t>(kItemRows, rows - row);
      const std::int64_t last = batch.position_begin[s] + (row + count - 1) / group;
      for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
        items.push_back({.sequence = static_cast<std::int32_t>(s),
                         .kv_head = static_cast<std::int32_t>(h),
                         .row0 = static_cast<std::int32_t>(row),
                         .rows = static_cast<std::int32_t>(count),
                         .first_row = batch.row_begin[s],
                         .first_position = batch.position_begin[s],
                         .tile_begin = 0,
                         .tile_end = static_cast<std::int32_t>(last / kTileKeys + 1),
                         .result = Result::kOut,
                         .record = 0,
                         .unused = {}});
      }
    }
  }
  return items;
}

/// The block of each item, and how long the last block takes.
std::pair<std::vector<int>, std::int64_t> spread(const std::vector<Item>& items) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return cost(items[a]) > cost(items[b]); });
  using Load = std::pair<std::int64_t, int>;  // of a block
  std::priority_queue<Load, std::vector<Load>, std::greater<>> blocks;
  for (int b = 0; b < kBlocks; ++b) blocks.push({0, b});
  std::vector<int> block(items.size());
  std::int64_t longest = 0;
  for (const std::size_t i : order) {
    const auto [load, b] = blocks.top();
    blocks.pop();
    block[i] = b;
    blocks.push({load + cost(items[i]), b});
    longest = std::max(longest, load + cost(items[i]));
  }
  return {block, longest};
}

// The longest items of a block run first: then what waits for memory last is short.
Plan plan_whole(const std::vector<Item>& items, const std::vector<int>& block) {
  Plan plan;
  for (const int b : block) ++plan.block_begin[b + 1];
  for (int b = 0; b < kBlocks; ++b) plan.block_begin[b + 1] += plan.block_begin[b];
  std::vector<std::int32_t> next(plan.block_begin, plan.block_begin + kBlocks);
  plan.items.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) plan.items[next[block[i]]++] = items[i];
  for (int b = 0; b < kBlocks; ++b) {
    std::stable_sort(plan.items.begin() + plan.block_begin[b],
                     plan.items.begin() + plan.block_begin[b + 1],
                     [](const Item& x, const Item& y) { return cost(x) > cost(y); });
  }
  return plan;
}

/// Lays items one after the other along a line of `total`; block b owns the b-th of kBlocks equal
/// stretches.
class Cutter {
 public:
  explicit Cutter(std::int64_t total) : total_(total) {}

  void add(const Item& whole) {
    const std::vector<Item> pieces = cut(whole);
    if (pieces.size() > 1) note_split(whole, pieces);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      plan_.items.push_back(pieces[i]);
      if (pieces.size() > 1) plan_.items.back().record = records_[i];
    }
  }

  Plan finish() {
    for (int b = 0; b < kBlocks; ++b) plan_.block_begin[b + 1] += plan_.block_begin[b];
    return std::move(plan_);
  }

 private:
  int block_at(std::int64_t place) const {
    return static_cast<int>(std::min<std::int64_t>(place * kBlocks / total_, kBlocks - 1));
  }

  /// Pieces by the block in which the middle of each chunk falls.
  std::vector<Item> cut(const Item& whole) {
    std::vector<Item> pieces;
    std::vector<int> blocks;
    for (std::int32_t tile = 0; tile < whole.tile_end; tile += kChunkTiles) {
      const std::int32_t end = std::min(tile + kChunkTiles, whole.tile_end);
      const int b = block_at(place_ + (end - tile) / 2);
      place_ += end - tile;
      if (pieces.empty() || blocks.back() != b) {
        pieces.push_back(whole);
        pieces.back().tile_begin = tile;
        pieces.back().result = tile == 0 ? Result::kMerged : Result::kChunks;
        blocks.push_back(b);
      }
      pieces.back().tile_end = end;
    }
    place_ += kItemCost;
    std::int64_t records = whole.rows;
    for (std::size_t i = 1; i < pieces.size(); ++i) records += chunks(pieces[i]) * whole.rows;
    if (pieces.size() == 1 || plan_.records + records > kMostRecords) {
      pieces = {whole};
      blocks.resize(1);
    }
    for (const int b : blocks) ++plan_.block_begin[b + 1];
    return pieces;
  }

  void note_split(const Item& whole, const std::vector<Item>& pieces) {
    Split split{.kv_head = whole.kv_head,
                .row0 = whole.row0,
                .rows = whole.rows,
                .first_row = whole.first_row,
                .part_begin = static_cast<std::int32_t>(plan_.parts.size()),
                .parts = 0,
                .unused = {}};
    records_.clear();
    for (const Item& piece : pieces) {
      records_.push_back(static_cast<std::int32_t>(plan_.records));
      const std::int64_t parts = piece.result == Result::kMerged ? 1 : chunks(piece);
      for (std::int64_t i = 0; i < parts; ++i) {
        plan_.parts.push_back(static_cast<std::int32_t>(plan_.records));
        plan_.records += whole.rows;
      }
      split.parts += static_cast<std::int32_t>(parts);
    }
    plan_.splits.push_back(split);
  }

  std::int64_t total_, place_ = 0;
  std::vector<std::int32_t> records_;  // of the pieces at hand
  Plan plan_;
};

Plan choose(const AttentionShape& shape, const Ragged& batch) {
  const std::vector<Item> items = whole_items(shape, batch);
  std::int64_t total = 0;
  for (const Item& item : items) total += cost(item);
  const auto [block, longest] = spread(items);
  if (longest * kBlocks * kIdleParts <= total * (kIdleParts + 1)) return plan_whole(items, block);
  Cutter cutter(total);
  for (const Item& item : items) cutter.add(item);
  return cutter.finish();
}

std::size_t bytes_of(std::int64_t items, std::int64_t splits, std::int64_t parts) {
  return sizeof(PlanHead) + static_cast<std::size_t>(items) * sizeof(Item) +
         static_cast<std::size_t>(splits) * sizeof(Split) +
         static_cast<std::size_t>(parts) * sizeof(std::int32_t);
}

std::int64_t most_chunks(const AttentionLimits& limits) {
  return ceil_div(limits.positions, kAttentionChunk);
}

}  // namespace

std::size_t plan_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  const std::int64_t whole =
      (limits.rows * group / kItemRows + std::min(limits.rows, limits.sequences)) * shape.kv_heads;
  // Each cut between two blocks makes one more item, and goes through one item at most.
  return bytes_of(whole + kBlocks, kBlocks, kBlocks * (most_chunks(limits) + 1));
}

std::int64_t most_records(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t chunks = most_chunks(limits);
  return std::min(
      {limits.rows * shape.heads * (chunks + 1), kBlocks * (chunks + 1) * kItemRows, kMostRecords});
}

std::size_t make_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                      std::size_t bytes) {
  const Plan made = choose(shape, batch);
  const std::size_t used =
      bytes_of(std::ssize(made.items), std::ssize(made.splits), std::ssize(made.parts));
  require(used <= bytes, "attention_plan: no room for the plan");
  PlanHead head{.items = static_cast<std::int32_t>(made.items.size()),
                .splits = static_cast<std::int32_t>(made.splits.size()),
                .parts = static_cast<std::int32_t>(made.parts.size()),
                .unused = 0,
                .block_begin = {},
                .padding = {}};
  std::copy_n(made.block_begin, kBlocks + 1, head.block_begin);
  auto* to = static_cast<std::byte*>(plan);
  const auto write = [&](const void* from, std::size_t count) {
    if (count > 0) std::memcpy(to, from, count);
    to += count;
  };
  write(&head, sizeof(head));
  write(made.items.data(), made.items.size() * sizeof(Item));
  write(made.splits.data(), made.splits.size() * sizeof(Split));
  write(made.parts.data(), made.parts.size() * sizeof(std::int32_t));
  return used;
}

}  // namespace moebius::kernels::gqa
