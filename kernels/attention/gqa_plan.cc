#include "kernels/attention/gqa_plan.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "kernels/attention/gqa_prefixes.h"

namespace moebius::kernels::gqa {
namespace {

constexpr std::int64_t kItemCost = 2;  // in tiles: filling the pipeline, writing results
/// Idle time that is worth cutting items for: one part in so many of all.
constexpr std::int64_t kIdleParts = 16;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
constexpr std::int32_t narrow(std::int64_t value) {
  return static_cast<std::int32_t>(value);
}

/// Rows of one sequence and KV head that are computed together to the end: what is merged.
struct Strip {
  std::int32_t sequence, kv_head, row0, rows, tile_end;
};

/// What one item would do if nothing were cut.
struct Job {
  Item item;
  std::int32_t member_begin, members;  // in Jobs::members
};
struct Member {
  std::int32_t strip, row;  // the strip's first row is this row of the item
};

struct Jobs {
  std::vector<Strip> strips;
  std::vector<Job> jobs;
  std::vector<Member> members;
  std::vector<std::int32_t> tokens;
};

/// Tiles [begin, end) of a job, by one block.
struct Piece {
  std::int32_t job, begin, end, block;
};

/// What a strip finds in one record per row.
struct Part {
  std::int32_t strip, tile, record;
};

std::int64_t cost(std::int64_t tiles) {
  return tiles + kItemCost;
}
std::int64_t cost(const Job& job) {
  return cost(job.item.tile_end - job.item.tile_begin);
}

class JobList {
 public:
  JobList(const AttentionShape& shape, const Ragged& batch)
      : shape_(shape), batch_(batch), group_(shape.heads / shape.kv_heads) {}

  Jobs make(bool share) {
    const std::int64_t most_tokens = share ? kItemRows / group_ : 0;
    const Prefixes prefixes = shared_prefixes(batch_, most_tokens);
    for (std::int32_t s = 0; s < batch_.sequences; ++s) {
      first_strip_.push_back(narrow(std::ssize(made_.strips)));
      add_sequence(s, narrow(prefixes.own_chunk[s] * kChunkTiles));
    }
    for (const Shared& shared : prefixes.groups) add_group(shared);
    return std::move(made_);
  }

 private:
  std::int64_t rows(std::int32_t s) const {
    return (std::int64_t{batch_.row_begin[s + 1]} - batch_.row_begin[s]) * group_;
  }

  void add_sequence(std::int32_t s, std::int32_t tile_begin) {
    for (std::int64_t row = 0; row < rows(s); row += kItemRows) {
      const std::int64_t count = std::min<std::int64_t>(kItemRows, rows(s) - row);
      const std::int64_t last = batch_.position_begin[s] + (row + count - 1) / group_;
      for (std::int32_t h = 0; h < shape_.kv_heads; ++h) {
        const Strip strip{s, h, narrow(row), narrow(count), narrow(last / kTileKeys + 1)};
        const Item item{.sequence = s,
                        .kv_head = h,
                        .row0 = strip.row0,
                        .rows = strip.rows,
                        .first_row = batch_.row_begin[s],
                        .first_position = batch_.position_begin[s],
                        .tile_begin = tile_begin,
                        .tile_end = strip.tile_end,
                        .result = Result::kOut,
                        .record = 0,
                        .tokens = -1,
                        .unused = 0};
        made_.jobs.push_back({item, narrow(std::ssize(made_.members)), 1});
        made_.members.push_back({narrow(std::ssize(made_.strips)), 0});
        made_.strips.push_back(strip);
      }
    }
  }

  // As many sequences to an item as it has rows for; a sequence is never torn.
  void add_group(const Shared& shared) {
    for (std::size_t i = 0; i < shared.sequences.size();) {
      std::vector<std::int32_t> taken;
      std::int64_t count = 0;
      while (i < shared.sequences.size() && count + rows(shared.sequences[i]) <= kItemRows) {
        count += rows(shared.sequences[i]);
        taken.push_back(shared.sequences[i++]);
      }
      add_shared_items(shared, taken, narrow(count));
    }
  }

  void add_shared_items(const Shared& shared, const std::vector<std::int32_t>& sequences,
                        std::int32_t count) {
    const std::int32_t tokens = narrow(std::ssize(made_.tokens));
    for (const std::int32_t s : sequences) {
      for (std::int32_t r = batch_.row_begin[s]; r < batch_.row_begin[s + 1]; ++r) {
        made_.tokens.push_back(r);
      }
    }
    for (std::int32_t h = 0; h < shape_.kv_heads; ++h) {
      const Item item{.sequence = sequences[0],
                      .kv_head = h,
                      .row0 = 0,
                      .rows = count,
                      .first_row = 0,
                      .first_position = kSeesAll,
                      .tile_begin = narrow(shared.chunk_begin * kChunkTiles),
                      .tile_end = narrow(shared.chunk_end * kChunkTiles),
                      .result = Result::kOut,
                      .record = 0,
                      .tokens = tokens,
                      .unused = 0};
      made_.jobs.push_back(
          {item, narrow(std::ssize(made_.members)), narrow(std::ssize(sequences))});
      std::int32_t row = 0;
      for (const std::int32_t s : sequences) {
        made_.members.push_back({first_strip_[s] + h, row});
        row += narrow(rows(s));
      }
    }
  }

  const AttentionShape& shape_;
  const Ragged& batch_;
  std::int64_t group_;
  std::vector<std::int32_t> first_strip_;
  Jobs made_;
};

std::vector<Piece> whole_pieces(const std::vector<Job>& jobs) {
  std::vector<Piece> pieces;
  for (const Job& job : jobs) {
    pieces.push_back({narrow(std::ssize(pieces)), job.item.tile_begin, job.item.tile_end, 0});
  }
  return pieces;
}

/// The longest first, each to the block with least to do. Returns how long the last block takes.
/// Pieces end up in order of blocks, the longest of a block first.
std::int64_t spread(std::vector<Piece>& pieces) {
  const auto tiles = [](const Piece& piece) { return piece.end - piece.begin; };
  std::stable_sort(pieces.begin(), pieces.end(),
                   [&](const Piece& a, const Piece& b) { return tiles(a) > tiles(b); });
  using Load = std::pair<std::int64_t, std::int32_t>;  // of a block
  std::priority_queue<Load, std::vector<Load>, std::greater<>> blocks;
  for (std::int32_t b = 0; b < kBlocks; ++b) blocks.push({0, b});
  std::int64_t longest = 0;
  for (Piece& piece : pieces) {
    const auto [load, b] = blocks.top();
    blocks.pop();
    piece.block = b;
    blocks.push({load + cost(tiles(piece)), b});
    longest = std::max(longest, load + cost(tiles(piece)));
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.block < b.block; });
  return longest;
}

/// Jobs one after the other on a line of `total`, of which each block owns an equal stretch: a
/// chunk goes to the block in whose stretch its middle lies.
std::vector<Piece> cut_pieces(const std::vector<Job>& jobs, std::int64_t total) {
  std::vector<Piece> pieces;
  std::int64_t place = 0;
  for (std::int32_t j = 0; j < std::ssize(jobs); ++j) {
    const Item& item = jobs[j].item;
    for (std::int32_t tile = item.tile_begin; tile < item.tile_end; tile += kChunkTiles) {
      const std::int32_t end = std::min(tile + kChunkTiles, item.tile_end);
      const std::int64_t middle = place + (end - tile) / 2;
      const auto block = narrow(std::min<std::int64_t>(middle * kBlocks / total, kBlocks - 1));
      place += end - tile;
      if (tile > item.tile_begin && pieces.back().block == block) {
        pieces.back().end = end;
      } else {
        pieces.push_back({j, tile, end, block});
      }
    }
    place += kItemCost;
  }
  return pieces;
}

std::vector<Piece> deal(const std::vector<Job>& jobs, bool cut) {
  std::int64_t total = 0;
  for (const Job& job : jobs) total += cost(job);
  std::vector<Piece> pieces = whole_pieces(jobs);
  const std::int64_t longest = spread(pieces);
  const bool even = longest * kBlocks * kIdleParts <= total * (kIdleParts + 1);
  return even || !cut ? pieces : cut_pieces(jobs, total);
}

struct Plan {
  PlanHead head{};
  std::vector<Item> items;
  std::vector<Split> splits;
  std::vector<std::int32_t> parts;
  std::vector<std::int32_t> tokens;
  std::int64_t records = 0;
};

/// Pieces to items: where each leaves its results, and who finds them there.
class Assembly {
 public:
  Assembly(const Ragged& batch, Jobs jobs) : batch_(batch), jobs_(std::move(jobs)) {}

  Plan make(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) add(piece);
    for (int b = 0; b < kBlocks; ++b) plan_.head.block_begin[b + 1] += plan_.head.block_begin[b];
    add_splits();
    plan_.tokens = std::move(jobs_.tokens);
    plan_.head.items = narrow(std::ssize(plan_.items));
    plan_.head.splits = narrow(std::ssize(plan_.splits));
    plan_.head.parts = narrow(std::ssize(plan_.parts));
    plan_.head.tokens = narrow(std::ssize(plan_.tokens));
    return std::move(plan_);
  }

 private:
  void add(const Piece& piece) {
    const Job& job = jobs_.jobs[piece.job];
    Item item = job.item;
    item.tile_begin = piece.begin;
    item.tile_end = piece.end;
    const Strip& strip = jobs_.strips[jobs_.members[job.member_begin].strip];
    if (item.tokens >= 0 || piece.begin > 0 || piece.end < strip.tile_end) {
      item.result = piece.begin == 0 ? Result::kMerged : Result::kChunks;
      item.record = narrow(plan_.records);
      note_parts(job, item);
    }
    plan_.items.push_back(item);
    ++plan_.head.block_begin[piece.block + 1];
  }

  void note_parts(const Job& job, const Item& item) {
    const std::int32_t step = item.result == Result::kMerged ? item.tile_end : kChunkTiles;
    for (std::int32_t tile = item.tile_begin; tile < item.tile_end; tile += step) {
      for (std::int32_t i = 0; i < job.members; ++i) {
        const Member& member = jobs_.members[job.member_begin + i];
        parts_.push_back({member.strip, tile, narrow(plan_.records + member.row)});
      }
      plan_.records += item.rows;
    }
  }

  /// The parts of each strip in order of tiles.
  void add_splits() {
    std::vector<std::int32_t> begin(jobs_.strips.size() + 1);
    for (const Part& part : parts_) ++begin[part.strip + 1];
    for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    std::vector<Part> sorted(parts_.size());
    std::vector<std::int32_t> next = begin;
    for (const Part& part : parts_) sorted[next[part.strip]++] = part;
    for (std::size_t i = 0; i < jobs_.strips.size(); ++i) {
      if (begin[i] == begin[i + 1]) continue;
      std::sort(sorted.begin() + begin[i], sorted.begin() + begin[i + 1],
                [](const Part& a, const Part& b) { return a.tile < b.tile; });
      const Strip& strip = jobs_.strips[i];
      plan_.splits.push_back({.kv_head = strip.kv_head,
                              .row0 = strip.row0,
                              .rows = strip.rows,
                              .first_row = batch_.row_begin[strip.sequence],
                              .part_begin = begin[i],
                              .parts = begin[i + 1] - begin[i],
                              .unused = {}});
    }
    plan_.parts.reserve(sorted.size());
    for (const Part& part : sorted) plan_.parts.push_back(part.record);
  }

  const Ragged& batch_;
  Jobs jobs_;
  std::vector<Part> parts_;
  Plan plan_;
};

// With less sharing and cutting until the records fit; whole items of single sequences need none.
Plan choose(const AttentionShape& shape, const Ragged& batch) {
  for (const bool share : {true, false}) {
    for (const bool cut : {true, false}) {
      Jobs jobs = JobList(shape, batch).make(share);
      const std::vector<Piece> pieces = deal(jobs.jobs, cut);
      Plan plan = Assembly(batch, std::move(jobs)).make(pieces);
      if (plan.records <= kMostRecords) return plan;
    }
  }
  return {};
}

std::size_t bytes_of(std::int64_t items, std::int64_t splits, std::int64_t parts,
                     std::int64_t tokens) {
  return sizeof(PlanHead) + static_cast<std::size_t>(items) * sizeof(Item) +
         static_cast<std::size_t>(splits) * sizeof(Split) +
         static_cast<std::size_t>(parts + tokens) * sizeof(std::int32_t);
}

}  // namespace

std::size_t plan_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  const std::int64_t sequences = std::min(limits.rows, limits.sequences);
  const std::int64_t strips = (limits.rows * group / kItemRows + sequences) * shape.kv_heads;
  // A shared item has two members or more, or is the odd one out of a group that has those; a cut
  // between two blocks makes one more item, and one more strip that is split.
  const std::int64_t items = strips + 2 * sequences * shape.kv_heads + kBlocks;
  const std::int64_t splits = sequences * shape.kv_heads + kBlocks;
  const std::int64_t chunks = ceil_div(limits.positions, kAttentionChunk);
  return bytes_of(items, splits, splits * (chunks + 1), 2 * limits.rows);
}

std::int64_t most_records(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t chunks = ceil_div(limits.positions, kAttentionChunk);
  return std::min(limits.rows * shape.heads * (chunks + 1), kMostRecords);
}

std::size_t make_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                      std::size_t bytes) {
  const Plan made = choose(shape, batch);
  const PlanHead& head = made.head;
  const std::size_t used = bytes_of(head.items, head.splits, head.parts, head.tokens);
  require(used <= bytes, "attention_plan: no room for the plan");
  auto* to = static_cast<std::byte*>(plan);
  const auto write = [&](const void* from, std::size_t count) {
    if (count > 0) std::memcpy(to, from, count);
    to += count;
  };
  write(&head, sizeof(head));
  write(made.items.data(), made.items.size() * sizeof(Item));
  write(made.splits.data(), made.splits.size() * sizeof(Split));
  write(made.parts.data(), made.parts.size() * sizeof(std::int32_t));
  write(made.tokens.data(), made.tokens.size() * sizeof(std::int32_t));
  return used;
}

}  // namespace moebius::kernels::gqa
