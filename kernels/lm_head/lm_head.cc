// The LM head on the host: blocks of vocabulary tiles, each multiplied, reduced and
// folded into its rows' running results before the next.
#include "kernels/lm_head/lm_head.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/weight_value.h"
#include "kernels/lm_head/lm_head_core.h"
#include "kernels/lm_head/top_list.h"
#include "kernels/simd/math.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kMaxTopK = 1024;
// Logits in flight: 16 MiB of float32, or one tile of the most rows, 64 MiB.
constexpr std::int64_t kBlockLogits = std::int64_t{1} << 22;
constexpr std::int64_t kMaxPassRows = 16384;
constexpr std::int64_t kMaxPassKeys = std::int64_t{1} << 23;  // candidates: 64 MiB

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// What a row has gathered so far.
struct RowState {
  ExpSum sum;
  TopList top;
};

/// How a launch is cut, and where its numbers lie in the workspace, in bytes.
struct Layout {
  std::int64_t pass_rows;    // rows that one pass over the vocabulary serves
  std::int64_t block_tiles;  // tiles per product
  std::size_t sums, states, keys, logits, size;

  explicit Layout(const LmHeadArgs& a) {
    const std::int64_t tiles = ceil_div(a.w.rows, kVocabTile);
    const std::int64_t row_keys = a.top_k > 0 ? TopList::capacity(a.top_k) : 0;
    pass_rows = std::min(kMaxPassRows, kMaxPassKeys / std::max<std::int64_t>(1, row_keys));
    pass_rows = std::max<std::int64_t>(1, std::min(pass_rows, a.rows));
    block_tiles = std::clamp<std::int64_t>(kBlockLogits / (kVocabTile * pass_rows), 1, tiles);
    std::size_t at = 0;
    const auto place = [&at](std::int64_t count, std::size_t bytes) {
      const std::size_t start = at;
      at += (static_cast<std::size_t>(count) * bytes + 63) / 64 * 64;
      return start;
    };
    sums = place(pass_rows * block_tiles, sizeof(ExpSum));
    states = place(pass_rows, sizeof(RowState));
    keys = place(pass_rows * row_keys, sizeof(std::uint64_t));
    const std::int64_t width = std::min(a.w.rows, block_tiles * kVocabTile);
    logits = place(a.logits ? 0 : pass_rows * width, sizeof(float));
    size = at + 64;
  }
};

Matrix row_slice(const Matrix& w, std::int64_t begin, std::int64_t end) {
  Matrix slice = weight_rows(w, begin, end - begin);
  // Blocks start at multiples of kVocabTile, so they never cut a scale's square.
  if (w.scale) slice.scale = w.scale + begin / kScaleBlock * ceil_div(w.cols, kScaleBlock);
  return slice;
}

/// Rows [row0, row0 + rows) against ids [begin, end).
struct Block {
  std::int64_t row0, rows;
  std::int64_t begin, end;
  const float* logits;  // [rows, *], id `begin` first, rows ld elements apart
  std::int64_t ld;
  std::int64_t tiles() const { return ceil_div(end - begin, kVocabTile); }
};

class HeadLaunch {
 public:
  HeadLaunch(const LmHeadArgs& args, const Stream& stream)
      : args_(args), stream_(stream), layout_(args) {
    stream_.set_log(nullptr);  // the products are part of this launch
    const auto address = reinterpret_cast<std::uintptr_t>(args.workspace);
    base_ = reinterpret_cast<std::byte*>((address + 63) / 64 * 64);
  }

  void run() {
    for (std::int64_t row = 0; row < args_.rows; row += layout_.pass_rows) {
      run_pass(row, std::min(layout_.pass_rows, args_.rows - row));
    }
  }

 private:
  void run_pass(std::int64_t row0, std::int64_t rows) {
    const std::int64_t step = layout_.block_tiles * kVocabTile;
    for (std::int64_t begin = 0; begin < args_.w.rows; begin += step) {
      const Block block = multiply(row0, rows, begin, std::min(begin + step, args_.w.rows));
      reduce(block);
      stream_.pool().run(rows, [&](std::int64_t r, int) { fold(block, r); });
    }
  }

  Block multiply(std::int64_t row0, std::int64_t rows, std::int64_t begin, std::int64_t end) {
    float* logits = args_.logits ? args_.logits + row0 * args_.w.rows + begin
                                 : reinterpret_cast<float*>(base_ + layout_.logits);
    const std::int64_t ld = args_.logits ? args_.w.rows : end - begin;
    gemm({.x = args_.x + row0 * args_.w.cols,
          .ldx = args_.w.cols,
          .w = row_slice(args_.w, begin, end),
          .y = logits,
          .ldy = ld,
          .rows = rows,
          .precision = args_.precision},
         stream_);
    return {row0, rows, begin, end, logits, ld};
  }

  void reduce(const Block& block) {
    stream_.pool().run(block.rows * block.tiles(), [&](std::int64_t i, int) {
      const std::int64_t first = i % block.tiles() * kVocabTile;
      const float* logits = block.logits + i / block.tiles() * block.ld + first;
      sums()[i] = tile_exp_sum(logits, std::min(kVocabTile, block.end - block.begin - first));
    });
  }

  /// Takes a block's results for its r-th row into the row's state.
  void fold(const Block& block, std::int64_t r) {
    if (block.begin == 0) new (&state(r)) RowState{{}, TopList(keys(r), args_.top_k)};
    RowState& row = state(r);
    for (std::int64_t t = 0; t < block.tiles(); ++t) {
      const ExpSum& tile = sums()[r * block.tiles() + t];
      row.sum = block.begin + t == 0 ? tile : merged(row.sum, tile);
    }
    const float* logits = block.logits + r * block.ld;
    pick_targets(block, block.row0 + r, logits);
    if (args_.top_k > 0) offer(block, logits, row.top);
    if (block.end == args_.w.rows) finish(block.row0 + r, row);
  }

  static ExpSum merged(const ExpSum& a, const ExpSum& b) {
    const float m = std::max(a.m, b.m);
    return {m, std::fma(b.s, exp_scalar(b.m - m), a.s * exp_scalar(a.m - m))};
  }

  void pick_targets(const Block& block, std::int64_t row, const float* logits) const {
    if (!args_.target_begin) return;
    for (std::int32_t i = args_.target_begin[row]; i < args_.target_begin[row + 1]; ++i) {
      const std::int32_t id = args_.targets[i];
      if (id >= block.begin && id < block.end) args_.target_logits[i] = logits[id - block.begin];
    }
  }

  static void offer(const Block& block, const float* logits, TopList& top) {
    const std::int64_t count = block.end - block.begin;
    for (std::int64_t i = 0; (i = find_above(logits, i, count, top.bar())) < count;) {
      const std::int64_t stop = std::min(i + 16, count);
      for (; i < stop; ++i) top.offer(logits[i], static_cast<std::int32_t>(block.begin + i));
    }
  }

  void finish(std::int64_t row, RowState& state) const {
    args_.logsumexp[row] = state.sum.m + log_scalar(state.sum.s);
    if (args_.top_k == 0) return;
    const std::uint64_t* best = state.top.sorted();
    for (std::int64_t k = 0; k < args_.top_k; ++k) {
      args_.top_ids[row * args_.top_k + k] = top_id(best[k]);
      args_.top_logits[row * args_.top_k + k] = top_logit(best[k]);
    }
  }

  ExpSum* sums() const { return reinterpret_cast<ExpSum*>(base_ + layout_.sums); }
  RowState& state(std::int64_t r) const {
    return reinterpret_cast<RowState*>(base_ + layout_.states)[r];
  }
  std::uint64_t* keys(std::int64_t r) const {
    return reinterpret_cast<std::uint64_t*>(base_ + layout_.keys) +
           r * TopList::capacity(args_.top_k);
  }

  const LmHeadArgs& args_;
  Stream stream_;
  Layout layout_;
  std::byte* base_ = nullptr;
};

void check_targets(const LmHeadArgs& a) {
  if (!a.target_begin) return;
  require(a.target_begin[0] == 0, "lm_head: target_begin does not start at 0");
  for (std::int64_t r = 0; r < a.rows; ++r) {
    require(a.target_begin[r] <= a.target_begin[r + 1], "lm_head: target_begin descends");
  }
  const std::int32_t count = a.target_begin[a.rows];
  require(count == 0 || (a.targets && a.target_logits),
          "lm_head: targets or target_logits is missing");
  const auto in_vocabulary = [&](std::int32_t id) { return id >= 0 && id < a.w.rows; };
  require(std::all_of(a.targets, a.targets + count, in_vocabulary),
          "lm_head: a target lies outside the vocabulary");
}

void check(const LmHeadArgs& a) {
  require(a.rows >= 0, "lm_head: rows < 0");
  require(a.w.rows >= 1 && a.w.cols >= 1, "lm_head: the weight has no rows or columns");
  require(a.w.rows <= INT32_MAX, "lm_head: the vocabulary exceeds int32 ids");
  require(a.top_k >= 0 && a.top_k <= std::min(kMaxTopK, a.w.rows),
          "lm_head: top_k outside 0 .. min(1024, vocabulary)");
  if (a.rows == 0) return;
  require(a.x && a.w.data && a.logsumexp, "lm_head: x, w or logsumexp is missing");
  require(a.w.dtype != Dtype::kF8E4M3 || a.w.scale || a.w.group_scale,
          "lm_head: fp8 weights without scales");
  require(a.top_k == 0 || (a.top_ids && a.top_logits), "lm_head: top_ids or top_logits is missing");
  require(a.workspace, "lm_head: the workspace is missing");
  check_targets(a);
}

std::int64_t bytes_of(const LmHeadArgs& a) {
  const std::int64_t targets = a.target_begin ? a.target_begin[a.rows] : 0;
  return static_cast<std::int64_t>(a.w.bytes()) + 4 * a.rows * (a.w.cols + 1 + 2 * a.top_k) +
         8 * targets + (a.logits ? 4 * a.rows * a.w.rows : 0);
}

}  // namespace

std::size_t lm_head_workspace_bytes(const LmHeadArgs& args, const Stream&) {
  return Layout(args).size;
}

void lm_head(const LmHeadArgs& args, const Stream& stream) {
  check(args);
  if (args.rows == 0) return;
  require(stream.place() == Place::kHost, "lm_head: not a host stream");
  const LaunchScope scope(stream.log(), "lm_head", bytes_of(args),
                          2 * args.rows * args.w.rows * args.w.cols);
  HeadLaunch(args, stream).run();
}

}  // namespace moebius::kernels
