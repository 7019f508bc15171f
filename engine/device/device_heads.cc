#include "engine/device/device_heads.h"

#include <algorithm>
#include <stdexcept>

namespace moebius::engine {
namespace {

using kernels::Draw;

/// What a block needs, as rows join it.
struct BlockSize {
  std::int64_t rows = 0;
  std::int64_t targets = 0;
  std::int64_t banned = 0;
  std::int64_t top = 0;

  BlockSize with(const HeadAsk& ask) const {
    BlockSize size = *this;
    ++size.rows;
    size.targets += std::ssize(ask.targets);
    if (!ask.first) return size;
    size.banned += std::ssize(ask.head->banned);
    size.top = std::max<std::int64_t>(size.top, ask.head->top);
    return size;
  }
  // Upper bounds, the padding of each array included.
  std::size_t in_bytes() const {
    return static_cast<std::size_t>(rows) * (3 * 4 + 1 + sizeof(Draw)) +
           static_cast<std::size_t>(targets + banned + 2) * 4 + 7 * 16;
  }
  std::size_t out_bytes() const {
    return static_cast<std::size_t>(rows) * 3 * 4 + static_cast<std::size_t>(targets) * 4 +
           static_cast<std::size_t>(rows * top) * 8 + 6 * 16;
  }
};

bool fits(const BlockSize& size, const HeadLimits& limits, const TwinBlock& in,
          const TwinBlock& out) {
  return size.rows <= limits.rows && size.in_bytes() <= in.left() &&
         size.out_bytes() <= out.left() &&
         kernels::logits_cuda_workspace_bytes(size.rows, limits.vocab, size.top) <=
             limits.scratch_bytes;
}

Draw draw_of(const HeadAsk& ask) {
  const StepDraw& d = ask.head->draw;
  return {d.temperature,
          d.top_p,
          d.min_p,
          d.top_k,
          d.seed,
          d.sample,
          static_cast<std::uint64_t>(ask.position) + 1};
}

/// Ids of all rows one after the other, and where each row's begin.
template <typename Ids>
void pack_lists(std::span<const HeadAsk> asks, std::int64_t count, const Ids& ids_of, TwinBlock& in,
                const std::int32_t*& begin, const std::int32_t*& ids) {
  if (count == 0) return;
  const auto starts = in.take<std::int32_t>(std::ssize(asks) + 1);
  const auto all = in.take<std::int32_t>(count);
  std::int32_t at = 0;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    starts.host[i] = at;
    for (std::int32_t id : ids_of(asks[i])) all.host[at++] = id;
  }
  starts.host[asks.size()] = at;
  begin = starts.device;
  ids = all.device;
}

void pack_draws(std::span<const HeadAsk> asks, HeadBlock& block, TwinBlock& in, TwinBlock& out) {
  const auto draws_of = [](const HeadAsk& ask) {
    return ask.first ? ask.head->draw.kind : StepDraw::kNone;
  };
  const bool any = std::any_of(asks.begin(), asks.end(), [&](const HeadAsk& ask) {
    return draws_of(ask) != StepDraw::kNone;
  });
  if (!any) return;
  const std::int64_t count = std::ssize(asks);
  const auto kinds = in.take<std::uint8_t>(count);
  const auto draws = in.take<Draw>(count);
  for (std::size_t i = 0; i < asks.size(); ++i) {
    kinds.host[i] = draws_of(asks[i]);
    draws.host[i] = draw_of(asks[i]);
  }
  block.tokens = out.take<std::int32_t>(count);
  block.token_logits = out.take<float>(count);
  block.args.draw_kind = kinds.device;
  block.args.draws = draws.device;
  block.args.tokens = block.tokens.device;
  block.args.token_logits = block.token_logits.device;
}

HeadBlock pack_block(std::span<const HeadAsk> asks, const BlockSize& size, std::int64_t vocab,
                     TwinBlock& in, TwinBlock& out) {
  HeadBlock block{.asks = asks};
  const auto rows = in.take<std::int32_t>(size.rows);
  for (std::size_t i = 0; i < asks.size(); ++i) rows.host[i] = asks[i].row;
  block.rows = rows.device;
  block.logsumexp = out.take<float>(size.rows);
  block.target_logits = out.take<float>(size.targets);
  block.top_ids = out.take<std::int32_t>(size.rows * size.top);
  block.top_logits = out.take<float>(size.rows * size.top);
  kernels::LogitsCudaArgs& args = block.args;
  args.rows = size.rows;
  args.vocab = vocab;
  args.logsumexp = block.logsumexp.device;
  args.target_logits = block.target_logits.device;
  args.top_k = size.top;
  args.top_ids = block.top_ids.device;
  args.top_logits = block.top_logits.device;
  pack_lists(
      asks, size.targets, [](const HeadAsk& ask) { return ask.targets; }, in, args.target_begin,
      args.targets);
  pack_lists(
      asks, size.banned,
      [](const HeadAsk& ask) {
        return ask.first ? std::span<const std::int32_t>(ask.head->banned)
                         : std::span<const std::int32_t>();
      },
      in, args.banned_begin, args.banned);
  pack_draws(asks, block, in, out);
  return block;
}

}  // namespace

void add_asks(const StepHead& head, std::int32_t row, std::int32_t position, StepResult& result,
              std::vector<HeadAsk>& asks) {
  result.target_logits.reserve(head.targets.size());
  std::span<const std::int32_t> left(head.targets);
  bool first = true;
  do {
    const auto now = left.first(std::min<std::size_t>(left.size(), kRoundTargets / 2));
    asks.push_back({&head, row, position, now, first, &result});
    left = left.subspan(now.size());
    first = false;
  } while (!left.empty());
}

std::vector<HeadBlock> pack_heads(std::span<const HeadAsk> asks, const HeadLimits& limits,
                                  TwinBlock& in, TwinBlock& out) {
  out.reset();
  std::vector<HeadBlock> blocks;
  while (!asks.empty()) {
    BlockSize size;
    while (size.rows < std::ssize(asks)) {
      const BlockSize next = size.with(asks[size.rows]);
      if (!fits(next, limits, in, out)) break;
      size = next;
    }
    if (size.rows == 0) break;
    blocks.push_back(pack_block(asks.first(size.rows), size, limits.vocab, in, out));
    asks = asks.subspan(size.rows);
  }
  if (blocks.empty()) throw std::logic_error("pack_heads: a head beyond the step's limits");
  return blocks;
}

void unpack_heads(const HeadBlock& block) {
  std::int64_t target = 0;
  const std::int64_t top = block.args.top_k;
  for (std::size_t i = 0; i < block.asks.size(); ++i) {
    const HeadAsk& ask = block.asks[i];
    StepResult& r = *ask.result;
    const float* targets = block.target_logits.host + target;
    r.target_logits.insert(r.target_logits.end(), targets, targets + ask.targets.size());
    target += std::ssize(ask.targets);
    if (!ask.first) continue;
    r.logsumexp = block.logsumexp.host[i];
    const auto at = static_cast<std::int64_t>(i) * top;
    r.top_ids.assign(block.top_ids.host + at, block.top_ids.host + at + ask.head->top);
    r.top_logits.assign(block.top_logits.host + at, block.top_logits.host + at + ask.head->top);
    if (ask.head->draw.kind == StepDraw::kNone) continue;
    r.token = block.tokens.host[i];
    r.token_logit = block.token_logits.host[i];
  }
}

}  // namespace moebius::engine
