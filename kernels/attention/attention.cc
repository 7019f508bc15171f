// Attention on the host: arguments to blocks of rows, blocks to tasks.
#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention/attention_core.h"

namespace moebius::kernels {
namespace {

// Blocks per thread below which they are cut further, and chunks of keys handed
// out per thread and wave when they are.
constexpr std::int64_t kBlocksPerThread = 2;
constexpr std::int64_t kSlotsPerThread = 8;
// Below this many multiply-adds waking the workers costs more than it brings.
constexpr std::int64_t kInlineWork = 200'000;
constexpr std::int64_t kAlign = 16;  // floats in a cache line

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

std::int64_t tokens_of(const Ragged& batch, std::int64_t s) {
  return batch.row_begin[s + 1] - batch.row_begin[s];
}

void check_batch(const Ragged& batch, std::int64_t pages) {
  require(batch.row_begin && batch.position_begin && batch.pages,
          "attention: an array of the batch is missing");
  require(batch.row_begin[0] == 0 && batch.row_begin[batch.sequences] == batch.rows,
          "attention: row_begin does not span [0, rows]");
  for (std::int64_t s = 0; s < batch.sequences; ++s) {
    const std::int64_t tokens = tokens_of(batch, s);
    require(tokens >= 0, "attention: row_begin descends");
    require(batch.position_begin[s] >= 0, "attention: a position is negative");
    if (tokens == 0) continue;
    const std::int64_t used = ceil_div(batch.position_begin[s] + tokens, kPageTokens);
    require(used <= batch.max_pages, "attention: a position lies beyond max_pages");
    for (std::int64_t p = 0; p < used; ++p) {
      const std::int32_t page = batch.pages[s * batch.max_pages + p];
      require(page >= 0 && page < pages, "attention: a page lies outside the cache");
    }
  }
}

/// Where a launch's numbers lie in its workspace, in floats. Sizes alone decide.
struct Layout {
  std::int64_t scratch, state;              // per worker, per block or chunk
  std::int64_t workers, slots, totals;      // where each array starts
  std::int64_t firsts, chunk_firsts, size;  // of int64: two floats each

  Layout(const AttentionArgs& args, std::int64_t threads)
      : scratch(padded(attention_scratch_floats(args), kAlign)),
        state(padded(attention_state_floats(args), kAlign)) {
    const std::int64_t spread = threads > 1 ? threads : 0;
    workers = 0;
    slots = workers + threads * (scratch + 2 * state);
    totals = slots + spread * kSlotsPerThread * state;
    firsts = totals + spread * kBlocksPerThread * state;
    chunk_firsts = firsts + 2 * (args.batch.sequences + 1);
    size = chunk_firsts + 2 * (spread * kBlocksPerThread + 1) + kAlign;
  }
};

class AttentionLaunch {
 public:
  AttentionLaunch(const AttentionArgs& args, const Stream& stream)
      : args_(args),
        pool_(stream.pool()),
        layout_(args, pool_.threads()),
        base_(aligned(args.workspace)),
        firsts_(reinterpret_cast<std::int64_t*>(base_ + layout_.firsts)) {
    choose_blocks();
  }

  void run(bool parallel) {
    const std::int64_t blocks = firsts_[args_.batch.sequences];
    if (!parallel) {
      pool_.run(1, [&](std::int64_t, int) {
        for (std::int64_t i = 0; i < blocks; ++i) run_block(block(i), 0);
      });
    } else if (blocks < wanted_blocks() && cut_chunks(blocks) > blocks) {
      run_waves(blocks);
    } else {
      pool_.run(blocks, [&](std::int64_t i, int worker) { run_block(block(i), worker); });
    }
  }

 private:
  static float* aligned(void* workspace) {
    const auto address = reinterpret_cast<std::uintptr_t>(workspace);
    return reinterpret_cast<float*>((address + 63) / 64 * 64);
  }

  std::int64_t wanted_blocks() const {
    return pool_.threads() > 1 ? kBlocksPerThread * pool_.threads() : 0;
  }
  std::int64_t rows_of(std::int64_t s) const {
    return tokens_of(args_.batch, s) * (args_.heads / args_.kv_heads);
  }

  std::int64_t per_head(std::int64_t s) const { return ceil_div(rows_of(s), block_rows_); }
  /// KV heads per block of sequence s.
  std::int64_t heads_of(std::int64_t s) const {
    if (!attention_few(args_, rows_of(s)) || rows_of(s) == 0) return 1;
    return std::clamp<std::int64_t>(kAttentionBlockRows / rows_of(s), 1, block_heads_);
  }

  /// Numbers the blocks; whether they and their chunks can keep all threads busy.
  bool try_blocks(std::int64_t rows, std::int64_t heads) {
    block_rows_ = rows;
    block_heads_ = heads;
    firsts_[0] = 0;
    std::int64_t units = 0;
    for (std::int64_t s = 0; s < args_.batch.sequences; ++s) {
      const std::int64_t blocks = ceil_div(args_.kv_heads, heads_of(s)) * per_head(s);
      firsts_[s + 1] = firsts_[s] + blocks;
      const std::int64_t end = args_.batch.position_begin[s] + tokens_of(args_.batch, s);
      units += blocks * ceil_div(end, kAttentionChunk);
    }
    return units >= wanted_blocks();
  }

  // Large blocks read a page once for many rows and heads, small ones keep threads busy.
  void choose_blocks() {
    for (std::int64_t heads = args_.kv_heads; heads > 1; heads /= 2) {
      if (try_blocks(kAttentionBlockRows, heads)) return;
    }
    for (std::int64_t rows = kAttentionBlockRows; !try_blocks(rows, 1) && rows > 16;) rows /= 2;
  }

  /// Block i; the last rows of a sequence, which see most keys, come first.
  AttentionBlock block(std::int64_t i) const {
    const std::int64_t* end = firsts_ + args_.batch.sequences + 1;
    const std::int64_t s = std::upper_bound<const std::int64_t*>(firsts_, end, i) - firsts_ - 1;
    const std::int64_t head = (i - firsts_[s]) / per_head(s) * heads_of(s);
    const std::int64_t row0 = (per_head(s) - 1 - (i - firsts_[s]) % per_head(s)) * block_rows_;
    return {.args = &args_,
            .sequence = s,
            .kv_head = head,
            .kv_heads = std::min(heads_of(s), args_.kv_heads - head),
            .row0 = row0,
            .rows = std::min(block_rows_, rows_of(s) - row0)};
  }

  float* scratch(int worker) const {
    return base_ + layout_.workers + worker * (layout_.scratch + 2 * layout_.state);
  }
  float* slot(std::int64_t i) const { return base_ + layout_.slots + i * layout_.state; }
  float* total(std::int64_t i) const { return base_ + layout_.totals + i * layout_.state; }

  void run_block(const AttentionBlock& block, int worker) const {
    float* scratch = this->scratch(worker);
    float* total = scratch + layout_.scratch;
    float* part = total + layout_.state;
    attention_pack(block, scratch);
    attention_chunk(block, 0, scratch, total);
    for (std::int64_t c = 1; c < block.chunks(); ++c) {
      attention_chunk(block, c, scratch, part);
      attention_merge(block, c, part, total);
    }
    attention_finish(block, total);
  }

  std::int64_t* chunk_firsts() const {
    return reinterpret_cast<std::int64_t*>(base_ + layout_.chunk_firsts);
  }

  std::int64_t cut_chunks(std::int64_t blocks) {
    std::int64_t* firsts = chunk_firsts();
    firsts[0] = 0;
    for (std::int64_t i = 0; i < blocks; ++i) firsts[i + 1] = firsts[i] + block(i).chunks();
    return firsts[blocks];
  }

  /// Few blocks with many keys: chunks are tasks too. A wave computes as many as there
  /// are slots, then folds each block's in ascending order, as run_block does.
  void run_waves(std::int64_t blocks) {
    const std::int64_t* firsts = chunk_firsts();
    const std::int64_t slots = kSlotsPerThread * pool_.threads();
    for (std::int64_t begin = 0; begin < firsts[blocks]; begin += slots) {
      const std::int64_t end = std::min(begin + slots, firsts[blocks]);
      pool_.run(end - begin, [&](std::int64_t i, int worker) {
        const std::int64_t b = std::upper_bound(firsts, firsts + blocks, begin + i) - firsts - 1;
        const AttentionBlock part = block(b);
        attention_pack(part, scratch(worker));
        attention_chunk(part, begin + i - firsts[b], scratch(worker), slot(i));
      });
      pool_.run(blocks, [&](std::int64_t b, int) { fold(b, begin, end); });
    }
  }

  /// Folds the chunks of block b that lie in the wave [begin, end).
  void fold(std::int64_t b, std::int64_t begin, std::int64_t end) const {
    const std::int64_t* firsts = chunk_firsts();
    const AttentionBlock block = this->block(b);
    const std::int64_t last = std::min(end, firsts[b + 1]);
    for (std::int64_t i = std::max(begin, firsts[b]); i < last; ++i) {
      if (i == firsts[b]) {
        std::copy_n(slot(i - begin), layout_.state, total(b));
      } else {
        attention_merge(block, i - firsts[b], slot(i - begin), total(b));
      }
      if (i + 1 == firsts[b + 1]) attention_finish(block, total(b));
    }
  }

  const AttentionArgs& args_;
  ThreadPool& pool_;
  Layout layout_;
  float* base_;
  std::int64_t* firsts_;  // [sequences + 1] first block of each sequence
  std::int64_t block_rows_ = 0;
  std::int64_t block_heads_ = 0;  // KV heads of a block of few rows
};

/// Pairs of a row and a position it sees, times heads.
std::int64_t visible_pairs(const AttentionArgs& args) {
  std::int64_t pairs = 0;
  for (std::int64_t s = 0; s < args.batch.sequences; ++s) {
    const std::int64_t tokens = tokens_of(args.batch, s);
    pairs += tokens * args.batch.position_begin[s] + tokens * (tokens + 1) / 2;
  }
  return pairs * args.heads;
}

/// q, out and the cached elements that are read, each once.
std::int64_t bytes_of(const AttentionArgs& args) {
  const std::int64_t k_end = args.k_offset + args.kv_heads * args.qk_dim;
  const std::int64_t v_end = args.v_offset + args.kv_heads * args.v_dim;
  const std::int64_t shared =
      std::max<std::int64_t>(0, std::min(k_end, v_end) - std::max(args.k_offset, args.v_offset));
  const std::int64_t entry = args.kv_heads * (args.qk_dim + args.v_dim) - shared;
  std::int64_t entries = 0;
  for (std::int64_t s = 0; s < args.batch.sequences; ++s) {
    const std::int64_t tokens = tokens_of(args.batch, s);
    if (tokens > 0) entries += args.batch.position_begin[s] + tokens;
  }
  return 4 * args.batch.rows * args.heads * (args.qk_dim + args.v_dim) +
         entries * entry * static_cast<std::int64_t>(dtype_bytes(args.kv.dtype));
}

}  // namespace

void check_attention(const AttentionArgs& args) {
  require(args.batch.sequences >= 0 && args.batch.rows >= 0, "attention: a size is negative");
  require(args.heads >= 1 && args.kv_heads >= 1 && args.heads % args.kv_heads == 0,
          "attention: heads is no multiple of kv_heads");
  require(args.qk_dim >= 1 && args.v_dim >= 1, "attention: a dimension is below 1");
  require(args.kv.dtype == Dtype::kF32 || args.kv.dtype == Dtype::kBF16,
          "attention: the cache is neither f32 nor bf16");
  require(args.k_offset >= 0 && args.k_offset + args.kv_heads * args.qk_dim <= args.kv.width,
          "attention: keys reach outside the entry");
  require(args.v_offset >= 0 && args.v_offset + args.kv_heads * args.v_dim <= args.kv.width,
          "attention: values reach outside the entry");
  require(args.scale > 0 && std::isfinite(args.scale), "attention: scale is not positive");
  if (args.batch.rows == 0) return;
  require(args.q && args.out && args.kv.data, "attention: a pointer is missing");
  check_batch(args.batch, args.kv.pages);
}

std::size_t attention_workspace_bytes(const AttentionArgs& args, const Stream& stream) {
  const Layout layout(args, stream.pool().threads());
  return static_cast<std::size_t>(layout.size) * sizeof(float);
}

void attention(const AttentionArgs& args, const Stream& stream) {
  check_attention(args);
  if (args.batch.rows == 0) return;
  require(args.workspace, "attention: the workspace is missing");
  require(stream.place() == Place::kHost, "attention: not a host stream");
  const std::int64_t work = visible_pairs(args) * (args.qk_dim + args.v_dim);
  const LaunchScope scope(stream.log(), "attention", bytes_of(args), 2 * work);
  AttentionLaunch(args, stream).run(work >= kInlineWork);
}

}  // namespace moebius::kernels
