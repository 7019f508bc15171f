#include "kernels/attention/mla_plan.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <queue>
#include <span>
#include <utility>
#include <vector>

namespace moebius::kernels {
namespace {

// Costs in halves of one key tile's time; what begins and ends a piece, what closes a chunk, and
// what the launch that merges takes.
constexpr std::int64_t kTileCost = 2;
constexpr std::int64_t kItemCost = 5;
constexpr std::int64_t kChunkCost = 1;
constexpr std::int64_t kMergeCost = 6;

struct Geometry {
  std::int64_t heads, tile_heads, tile_tokens, chunk_tiles;
  explicit Geometry(const AttentionShape& shape)
      : heads(shape.heads),
        tile_heads(mla_tile_heads(heads)),
        tile_tokens(kMlaTileRows / tile_heads),
        chunk_tiles(mla_chunk_positions(heads) / kMlaTileKeys) {}
  std::int64_t chunks(const MlaItem& item) const {
    return (item.tile_end - item.tile_begin + chunk_tiles - 1) / chunk_tiles;
  }
  std::int64_t fragments(const MlaItem& item) const {  // a chunk
    return item.tokens * tile_heads / kMlaFragmentRows;
  }
  std::int64_t cost(const MlaItem& item) const {
    return kItemCost + kTileCost * (item.tile_end - item.tile_begin) + kChunkCost * chunks(item);
  }
};

/// A query tile and the keys it is to meet; `partial` if other tiles hold its tokens' other keys.
struct Tile {
  MlaItem item;
  bool partial = false;
};

void add_tile(const Geometry& g, MlaItem item, bool partial, std::vector<Tile>& tiles) {
  for (std::int64_t head = 0; head < g.heads; head += g.tile_heads) {
    item.head = static_cast<std::int32_t>(head);
    tiles.push_back({item, partial});
  }
}

void add_token(MlaItem& item, std::int64_t row, std::int64_t position) {
  item.row[item.tokens] = static_cast<std::int32_t>(row);
  item.position[item.tokens] = static_cast<std::int32_t>(position);
  item.last = std::max(item.last, static_cast<std::int32_t>(position));
  ++item.tokens;
}

/// Tokens whose positions share an aligned group of tile_tokens: all of a tile's tokens then see
/// the same key tiles, and a tile of keys that is all masked never arises.
void add_sequence(const Geometry& g, const Ragged& batch, std::int64_t s, std::int64_t tile_begin,
                  std::vector<Tile>& tiles) {
  const std::int64_t begin = batch.row_begin[s];
  const std::int64_t rows = batch.row_begin[s + 1] - begin;
  for (std::int64_t j = 0; j < rows;) {
    MlaItem item{.sequence = static_cast<std::int32_t>(s),
                 .tile_begin = static_cast<std::int32_t>(tile_begin)};
    do {
      add_token(item, begin + j, batch.position_begin[s] + j);
      ++j;
    } while (j < rows && (batch.position_begin[s] + j) % g.tile_tokens != 0);
    item.tile_end = static_cast<std::int32_t>(item.last / kMlaTileKeys + 1);
    add_tile(g, item, tile_begin > 0, tiles);
  }
}

/// Sequences of one row and the pages of the whole chunks before that row's own.
struct Decode {
  std::int64_t sequence;
  std::span<const std::int32_t> pages;
};

std::vector<Decode> decodes_of(const Geometry& g, const Ragged& batch) {
  std::vector<Decode> decodes;
  for (std::int64_t s = 0; s < batch.sequences; ++s) {
    if (batch.row_begin[s + 1] - batch.row_begin[s] != 1) continue;
    const std::int64_t chunks = batch.position_begin[s] / (g.chunk_tiles * kMlaTileKeys);
    if (chunks == 0) continue;
    decodes.push_back(
        {s, {batch.pages + s * batch.max_pages, static_cast<std::size_t>(chunks * g.chunk_tiles)}});
  }
  std::ranges::stable_sort(decodes, [](const Decode& a, const Decode& b) {
    return std::ranges::lexicographical_compare(a.pages, b.pages);
  });
  return decodes;
}

std::int64_t shared_chunks(const Geometry& g, const Decode& a, const Decode& b) {
  const auto differ = std::ranges::mismatch(a.pages, b.pages);
  return (differ.in1 - a.pages.begin()) / g.chunk_tiles;
}

/// Stacks rows of sequences whose first pages are the same; returns from which key tile on each
/// sequence goes alone.
std::vector<std::int64_t> add_shared(const Geometry& g, const Ragged& batch,
                                     std::vector<Tile>& tiles) {
  std::vector<std::int64_t> begin(batch.sequences, 0);
  if (g.tile_tokens == 1) return begin;
  const std::vector<Decode> decodes = decodes_of(g, batch);
  for (std::size_t i = 0; i < decodes.size();) {
    MlaItem item{.sequence = static_cast<std::int32_t>(decodes[i].sequence)};
    std::int64_t chunks = 0;
    std::size_t j = i;
    for (; j < decodes.size() && item.tokens < g.tile_tokens; ++j) {
      const std::int64_t common = shared_chunks(g, decodes[i], decodes[j]);
      if (common == 0) break;
      chunks = common;  // falls along the order
      const std::int64_t s = decodes[j].sequence;
      add_token(item, batch.row_begin[s], batch.position_begin[s]);
    }
    if (j - i > 1) {
      item.tile_end = static_cast<std::int32_t>(chunks * g.chunk_tiles);
      add_tile(g, item, true, tiles);
      for (std::size_t k = i; k < j; ++k) begin[decodes[k].sequence] = item.tile_end;
    }
    i = j;
  }
  return begin;
}

/// Tiles cut into pieces, and where their partial results go.
struct Work {
  std::vector<MlaItem> items;
  std::int64_t fragments = 0;
  std::vector<std::pair<std::int32_t, MlaItem>> slots;  // (first fragment, whose) by chunk
};

void cut(const Geometry& g, const Tile& tile, std::int64_t piece_chunks, Work& work) {
  if (!tile.partial && g.chunks(tile.item) <= piece_chunks) {
    work.items.push_back(tile.item);
    return;
  }
  const auto step = static_cast<std::int32_t>(
      std::min<std::int64_t>(piece_chunks, g.chunks(tile.item)) * g.chunk_tiles);
  for (std::int32_t t = tile.item.tile_begin; t < tile.item.tile_end; t += step) {
    MlaItem piece = tile.item;
    piece.tile_begin = t;
    piece.tile_end = std::min(t + step, tile.item.tile_end);
    piece.slot = static_cast<std::int32_t>(work.fragments);
    work.items.push_back(piece);
    const std::int64_t parts = t == 0 ? 1 : g.chunks(piece);
    for (std::int64_t i = 0; i < parts; ++i) {
      work.slots.emplace_back(static_cast<std::int32_t>(work.fragments), piece);
      work.fragments += g.fragments(piece);
    }
  }
}

Work cut_all(const Geometry& g, const std::vector<Tile>& tiles, std::int64_t piece_chunks) {
  Work work;
  work.items.reserve(tiles.size());
  for (const Tile& tile : tiles) cut(g, tile, piece_chunks, work);
  return work;
}

/// Longest first, each to the block that has the least: the items of each block.
struct Schedule {
  std::vector<std::vector<std::int32_t>> items;
  std::int64_t makespan = 0;
};

Schedule assign(const Geometry& g, const Work& work, std::int64_t blocks) {
  std::vector<std::int32_t> order(work.items.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::int32_t i) { return g.cost(work.items[i]); });
  using Load = std::pair<std::int64_t, std::int64_t>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::int64_t b = 0; b < blocks; ++b) loads.emplace(0, b);
  Schedule schedule;
  schedule.items.resize(blocks);
  for (const std::int32_t i : order) {
    auto [load, block] = loads.top();
    loads.pop();
    load += g.cost(work.items[i]);
    schedule.items[block].push_back(i);
    schedule.makespan = std::max(schedule.makespan, load);
    loads.emplace(load, block);
  }
  if (!work.slots.empty()) schedule.makespan += kMergeCost;
  return schedule;
}

/// The cut that ends first. Uncut unless that leaves blocks idle for long.
std::pair<Work, Schedule> best_work(const Geometry& g, const std::vector<Tile>& tiles,
                                    std::int64_t blocks) {
  std::int64_t most_chunks = 1, total = 0;
  for (const Tile& tile : tiles) {
    most_chunks = std::max(most_chunks, g.chunks(tile.item));
    total += g.cost(tile.item);
  }
  Work work = cut_all(g, tiles, most_chunks);
  Schedule schedule = assign(g, work, blocks);
  const std::int64_t ideal = total / blocks;
  if (schedule.makespan * 10 <= ideal * 11) return {std::move(work), std::move(schedule)};
  std::int64_t previous = most_chunks;
  for (const std::int64_t part : {1, 2, 4}) {
    const std::int64_t chunks =
        std::max<std::int64_t>(1, ideal / (part * g.chunk_tiles * kTileCost));
    if (chunks >= previous) continue;
    previous = chunks;
    Work other = cut_all(g, tiles, chunks);
    if (other.fragments > kMlaPartialFragments) break;
    Schedule its = assign(g, other, blocks);
    if (its.makespan >= schedule.makespan) continue;
    work = std::move(other);
    schedule = std::move(its);
  }
  return {std::move(work), std::move(schedule)};
}

/// Which fragments make which 16 heads of which row, in the order of keys.
struct Merges {
  std::vector<MlaMerge> merges;
  std::vector<std::int32_t> pieces;
};

Merges merges_of(const Geometry& g, const Work& work) {
  struct Piece {
    std::int32_t row, head, tile_begin, fragment;
  };
  std::vector<Piece> all;
  for (const auto& [slot, item] : work.slots) {
    const std::int64_t heads16 = g.tile_heads / kMlaFragmentRows;
    for (std::int32_t f = 0; f < g.fragments(item); ++f) {
      all.push_back({item.row[f / heads16],
                     static_cast<std::int32_t>(item.head + f % heads16 * kMlaFragmentRows),
                     item.tile_begin, slot + f});
    }
  }
  // Inside a piece slots ascend with the chunks already.
  std::ranges::stable_sort(all, {},
                           [](const Piece& p) { return std::tuple(p.row, p.head, p.tile_begin); });
  Merges result;
  for (const Piece& p : all) {
    auto& merges = result.merges;
    if (merges.empty() || merges.back().row != p.row || merges.back().head != p.head) {
      merges.push_back({p.row, p.head, static_cast<std::int32_t>(result.pieces.size()), 0});
    }
    result.pieces.push_back(p.fragment);
    ++merges.back().pieces;
  }
  return result;
}

template <typename T>
std::int32_t append(std::span<const T> values, std::byte* plan, std::size_t& at) {
  const auto begin = static_cast<std::int32_t>(at);
  if (!values.empty()) std::memcpy(plan + at, values.data(), values.size_bytes());
  at += values.size_bytes();
  return begin;
}

}  // namespace

std::int64_t mla_tile_heads(std::int64_t heads) {
  return std::gcd(heads, kMlaTileRows);
}

std::int64_t mla_chunk_positions(std::int64_t heads) {
  return heads >= kMlaTileRows ? 4 * kAttentionChunk : 2 * kAttentionChunk;
}

bool mla_may_merge(std::int64_t heads, std::int64_t max_pages) {
  return max_pages * kMlaTileKeys > mla_chunk_positions(heads);
}

std::size_t mla_plan_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t tiles = limits.rows * (shape.heads / mla_tile_heads(shape.heads));
  // Every piece beyond whole tiles, every merge and every piece of one has a fragment of its own.
  return sizeof(MlaPlanHeader) + tiles * sizeof(MlaItem) +
         kMlaPartialFragments * (sizeof(MlaItem) + sizeof(MlaMerge) + sizeof(std::int32_t));
}

std::size_t mla_plan(const AttentionShape& shape, const Ragged& batch, std::int64_t blocks,
                     void* plan, std::size_t bytes) {
  require(blocks >= 1 && blocks <= kMlaMaxBlocks, "attention plan: too many multiprocessors");
  const Geometry g(shape);
  const auto tiles_of = [&](bool share) {
    std::vector<Tile> tiles;
    std::vector<std::int64_t> begin(batch.sequences, 0);
    if (share) begin = add_shared(g, batch, tiles);
    for (std::int64_t s = 0; s < batch.sequences; ++s) add_sequence(g, batch, s, begin[s], tiles);
    return tiles;
  };
  auto [work, schedule] = best_work(g, tiles_of(true), blocks);
  if (work.fragments > kMlaPartialFragments) {
    std::tie(work, schedule) = best_work(g, tiles_of(false), blocks);
  }
  const Merges merges = merges_of(g, work);

  MlaPlanHeader header{.blocks = static_cast<std::int32_t>(blocks),
                       .merges = static_cast<std::int32_t>(merges.merges.size())};
  std::vector<MlaItem> items;
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (const std::int32_t i : schedule.items[b]) items.push_back(work.items[i]);
    header.block_begin[b + 1] = static_cast<std::int32_t>(items.size());
  }
  require(sizeof(header) + items.size() * sizeof(MlaItem) +
                  merges.merges.size() * sizeof(MlaMerge) + merges.pieces.size() * 4 <=
              bytes,
          "attention plan: it does not fit; the step is beyond the limits");
  std::size_t at = sizeof(header);
  auto* out = static_cast<std::byte*>(plan);
  header.items_at = append<MlaItem>(items, out, at);
  header.merges_at = append<MlaMerge>(merges.merges, out, at);
  header.pieces_at = append<std::int32_t>(merges.pieces, out, at);
  std::memcpy(out, &header, sizeof(header));
  return at;
}

}  // namespace moebius::kernels
