#include "engine/forward/forward.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/embedding/embedding.h"
#include "kernels/lm_head/lm_head.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/sample/sample.h"
#include "kernels/vector/vector.h"

namespace moebius::engine {
namespace {

// Logits that are kept whole at a time, for rows to be sampled or traced.
constexpr std::int64_t kLogitsBytes = 64 << 20;

std::int64_t page_bytes(const Config& c, kernels::Dtype dtype) {
  return kernels::kPageTokens * c.kv_width() *
         static_cast<std::int64_t>(kernels::dtype_bytes(dtype));
}

// Index of the first id that may be drawn; the list is longer than `banned`.
std::int64_t best_allowed(std::span<const std::int32_t> banned, std::span<const std::int32_t> ids) {
  std::int64_t best = 0;
  while (std::find(banned.begin(), banned.end(), ids[best]) != banned.end()) ++best;
  return best;
}

}  // namespace

struct Forward::Rows {
  explicit Rows(std::span<const StepSequence> sequences) {
    row_begin.push_back(0);
    for (const StepSequence& s : sequences) {
      ids.insert(ids.end(), s.ids.begin(), s.ids.end());
      row_begin.push_back(static_cast<std::int32_t>(ids.size()));
      position_begin.push_back(s.position);
      max_pages = std::max(max_pages, std::ssize(s.pages));
    }
    pages.assign(sequences.size() * max_pages, 0);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      std::copy(sequences[i].pages.begin(), sequences[i].pages.end(),
                pages.begin() + i * max_pages);
    }
  }
  kernels::Ragged ragged() const {
    return {.sequences = std::ssize(position_begin),
            .rows = std::ssize(ids),
            .row_begin = row_begin.data(),
            .position_begin = position_begin.data(),
            .pages = pages.data(),
            .max_pages = max_pages};
  }
  std::vector<std::int32_t> ids, row_begin, position_begin, pages;
  std::int64_t max_pages = 0;
};

Forward::Forward(const Config& config, const ModelWeights& weights, const kernels::Stream& stream,
                 const ForwardOptions& options)
    : config_(config),
      weights_(weights),
      stream_(stream),
      options_(options),
      work_(config, options.max_rows),
      cache_(static_cast<std::size_t>(config.layers * options.pages *
                                      page_bytes(config, options.kv_dtype))),
      head_x_(static_cast<std::size_t>(options.max_rows * config.hidden)) {
  if (config.attention != AttentionKind::kMla) return;
  for (const LayerWeights& layer : weights.layers) keys_.push_back(absorb_keys(config, layer.kv_b));
}

kernels::KvLayer Forward::kv_layer(std::int64_t layer) const {
  return {.data = cache_.data() + layer * options_.pages * page_bytes(config_, options_.kv_dtype),
          .dtype = options_.kv_dtype,
          .pages = options_.pages,
          .width = config_.kv_width(),
          .block = options_.kv_fp8 ? config_.kv_block() : 0,
          .plain = options_.kv_fp8 ? config_.kv_plain() : 0};
}

void Forward::copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) {
  followed_.forget();
  const std::int64_t page = page_bytes(config_, options_.kv_dtype);
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    auto* base = static_cast<std::byte*>(kv_layer(layer).data);
    std::memcpy(base + to * page, base + from * page,
                static_cast<std::size_t>(page / kernels::kPageTokens * tokens));
  }
}

void Forward::run_layers(const Rows& rows, const Recording& recording) {
  const kernels::Ragged batch = rows.ragged();
  Workspace& m = work_;
  kernels::embedding({.ids = rows.ids.data(),
                      .rows = batch.rows,
                      .table = weights_.embedding,
                      .y = m.residual.data()},
                     stream_);
  kernels::rope_table({.inv_freq = config_.rope.inv_freq.data(),
                       .half = config_.rope.half,
                       .scale = config_.rope.scale,
                       .batch = batch,
                       .cos = m.cos.data(),
                       .sin = m.sin.data()},
                      stream_);
  if (recording.trace) record_layer(-1, batch.rows, recording);

  const auto norm = [&](const float* x, float* residual, const Vector& weight) {
    kernels::rms_norm({.x = x,
                       .ldx = config_.hidden,
                       .residual = residual,
                       .weight = weight.data,
                       .y = m.x.data(),
                       .ldy = config_.hidden,
                       .rows = batch.rows,
                       .dim = config_.hidden,
                       .eps = config_.norm_eps},
                      stream_);
  };
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const LayerWeights& w = weights_.layers[i];
    const Pass pass{config_, m, stream_, options_.precision, batch, kv_layer(i)};
    if (i == 0) {
      norm(m.residual.data(), nullptr, w.attention_norm);
    } else {
      norm(m.out.data(), m.residual.data(), w.attention_norm);
    }
    if (config_.attention == AttentionKind::kMla) {
      mla_layer(pass, w, keys_[i].matrix);
    } else {
      gqa_layer(pass, w);
    }
    norm(m.out.data(), m.residual.data(), w.ffn_norm);
    if (config_.moe_layer[i]) {
      moe_layer(pass, w);
      count_experts(i);
    } else {
      dense_layer(pass, w);
    }
    if (recording.trace) record_layer(i, batch.rows, recording);
  }
  kernels::add(m.residual.data(), m.out.data(), batch.rows * config_.hidden, stream_);
}

void Forward::count_experts(std::int64_t layer) {
  expert_loads_.resize(static_cast<std::size_t>(config_.layers));
  std::vector<std::int64_t>& loads = expert_loads_[layer];
  loads.resize(static_cast<std::size_t>(config_.experts));
  const std::int32_t* offsets = work_.offsets.data();
  for (std::size_t e = 0; e < loads.size(); ++e) loads[e] += offsets[e + 1] - offsets[e];
}

std::vector<std::vector<std::int64_t>> Forward::take_expert_loads() {
  expert_loads_.resize(static_cast<std::size_t>(config_.layers));
  return std::exchange(expert_loads_, {});
}

std::string Forward::arithmetic() const {
  const bool narrow = options_.precision == kernels::Precision::kBF16;
  const bool narrow_cache = options_.kv_dtype == kernels::Dtype::kBF16;
  const std::string name = narrow ? "cpu bf16" : "cpu f32";
  if (options_.kv_fp8) return name + " cache fp8";
  if (narrow == narrow_cache) return name;
  return name + (narrow_cache ? " cache bf16" : " cache f32");
}

void Forward::gather_heads(std::span<const std::int32_t> rows) {
  kernels::copy_rows({.x = work_.residual.data(),
                      .ldx = config_.hidden,
                      .y = head_x_.data(),
                      .ldy = config_.hidden,
                      .rows = std::ssize(rows),
                      .width = config_.hidden,
                      .x_rows = rows.data()},
                     stream_);
  kernels::rms_norm({.x = head_x_.data(),
                     .ldx = config_.hidden,
                     .weight = weights_.final_norm.data,
                     .y = head_x_.data(),
                     .ldy = config_.hidden,
                     .rows = std::ssize(rows),
                     .dim = config_.hidden,
                     .eps = config_.norm_eps},
                    stream_);
}

// Heads [first, first + heads.size()) of head_x_, all sampled or none.
void Forward::answer(std::span<const StepHead> heads, std::span<const std::int32_t> positions,
                     std::int64_t first, bool sampled, std::span<StepResult> results) {
  const std::int64_t count = std::ssize(heads);
  std::vector<std::int32_t> target_begin{0};
  std::vector<std::int32_t> targets;
  std::int32_t top = 0;
  for (const StepHead& head : heads) {
    targets.insert(targets.end(), head.targets.begin(), head.targets.end());
    target_begin.push_back(static_cast<std::int32_t>(targets.size()));
    const bool greedy = head.draw.kind == StepDraw::kGreedy;
    const auto spare = static_cast<std::int32_t>(head.banned.size());
    top = std::max({top, head.top, greedy ? 1 + spare : 0});
  }
  std::vector<float> logsumexp(count), target_logits(targets.size()), top_logits(count * top);
  std::vector<std::int32_t> top_ids(count * top);
  if (sampled) head_logits_.resize(static_cast<std::size_t>(count * config_.vocab));
  kernels::LmHeadArgs args{.x = head_x_.data() + first * config_.hidden,
                           .rows = count,
                           .w = weights_.head,
                           .precision = options_.precision,
                           .logsumexp = logsumexp.data(),
                           .target_begin = target_begin.data(),
                           .targets = targets.data(),
                           .target_logits = target_logits.data(),
                           .top_k = top,
                           .top_ids = top_ids.data(),
                           .top_logits = top_logits.data(),
                           .logits = sampled ? head_logits_.data() : nullptr};
  args.workspace = grow(head_workspace_, kernels::lm_head_workspace_bytes(args, stream_));
  kernels::lm_head(args, stream_);

  std::vector<std::int32_t> drawn(count, -1);
  if (sampled) {
    std::vector<kernels::Draw> draws;
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int32_t id : heads[i].banned) {
        head_logits_[i * config_.vocab + id] = -std::numeric_limits<float>::infinity();
      }
      const StepDraw& d = heads[i].draw;
      draws.push_back({d.temperature, d.top_p, d.min_p, d.top_k, d.seed, d.sample,
                       static_cast<std::uint64_t>(positions[i]) + 1});
    }
    kernels::SampleArgs sample{.logits = head_logits_.data(),
                               .rows = count,
                               .vocab = config_.vocab,
                               .draws = draws.data(),
                               .ids = drawn.data()};
    sample.workspace = grow(head_workspace_, kernels::sample_workspace_bytes(sample, stream_));
    kernels::sample(sample, stream_);
  }

  for (std::int64_t i = 0; i < count; ++i) {
    const StepHead& head = heads[i];
    StepResult& r = results[i];
    r.logsumexp = logsumexp[i];
    r.target_logits.assign(target_logits.begin() + target_begin[i],
                           target_logits.begin() + target_begin[i + 1]);
    r.top_ids.assign(top_ids.begin() + i * top, top_ids.begin() + i * top + head.top);
    r.top_logits.assign(top_logits.begin() + i * top, top_logits.begin() + i * top + head.top);
    if (head.draw.kind == StepDraw::kGreedy) {
      const std::int64_t best = best_allowed(head.banned, std::span(top_ids).subspan(i * top, top));
      r.token = top_ids[i * top + best];
      r.token_logit = top_logits[i * top + best];
    } else if (sampled) {
      r.token = drawn[i];
      r.token_logit = head_logits_[i * config_.vocab + drawn[i]];
    }
  }
}

std::vector<StepResult> Forward::step(const StepBatch& batch) {
  followed_.forget();
  const Rows rows(batch.sequences);
  run_layers(rows, {});
  // Sampled rows need whole rows of logits, so they are answered apart and in blocks.
  std::vector<std::size_t> order(batch.heads.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto sampled = [&](std::size_t i) { return batch.heads[i].draw.kind == StepDraw::kSample; };
  std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return !sampled(i); });
  std::vector<StepHead> heads;
  std::vector<std::int32_t> head_rows, positions;
  for (std::size_t i : order) {
    const StepHead& head = batch.heads[i];
    heads.push_back(head);
    head_rows.push_back(rows.row_begin[head.sequence] + head.offset);
    positions.push_back(rows.position_begin[head.sequence] + head.offset);
  }
  if (heads.empty()) return {};
  gather_heads(head_rows);
  std::vector<StepResult> ordered(heads.size());
  const std::int64_t block = std::max<std::int64_t>(1, kLogitsBytes / (4 * config_.vocab));
  const std::int64_t total = std::ssize(heads);
  for (std::int64_t first = 0; first < total;) {
    const bool whole = heads[first].draw.kind == StepDraw::kSample;
    std::int64_t end = first;
    while (end < total && (heads[end].draw.kind == StepDraw::kSample) == whole &&
           (!whole || end - first < block)) {
      ++end;
    }
    const std::int64_t count = end - first;
    answer(std::span(heads).subspan(first, count), std::span(positions).subspan(first, count),
           first, whole, std::span(ordered).subspan(first, count));
    first = end;
  }
  std::vector<StepResult> results(heads.size());
  for (std::size_t i = 0; i < order.size(); ++i) results[order[i]] = std::move(ordered[i]);
  return results;
}

void Forward::record_layer(std::int64_t layer, std::int64_t rows,
                           const Recording& recording) const {
  Trace& trace = *recording.trace;
  const std::int64_t dim = config_.hidden;
  const bool last = layer + 1 == config_.layers;  // recorded after the final norm instead
  const bool norms = !trace.hidden_l2.empty() && !last;
  for (std::int64_t r = recording.skip; r < rows && norms; ++r) {
    trace.hidden_l2[layer + 1].push_back(l2_norm(dim, [&](std::int64_t i) {
      return work_.residual[r * dim + i] + (layer < 0 ? 0.0F : work_.out[r * dim + i]);
    }));
  }
  if (layer < 0 || !config_.moe_layer[layer]) return;
  const std::int64_t skipped = recording.skip * config_.top_k;
  add_experts(work_.expert_ids.span().subspan(skipped, rows * config_.top_k - skipped),
              config_.top_k, config_.top_k, trace.experts[layer]);
}

Trace Forward::trace(std::span<const std::int32_t> ids) {
  followed_.forget();
  Trace trace = empty_trace(config_.layers);
  record(ids, 0, trace);
  return trace;
}

Trace Forward::follow(std::span<const std::int32_t> ids, std::int32_t first) {
  Trace trace = empty_trace(config_.layers);
  trace.hidden_l2.clear();
  record(ids, first, trace);
  return trace;
}

void Forward::record(std::span<const std::int32_t> ids, std::int64_t first, Trace& trace) {
  const std::vector<std::int32_t> pages = first_pages(std::ssize(ids), options_.pages);
  for (std::int64_t at = followed_.begin(ids, first); at < std::ssize(ids);
       at += options_.max_rows) {
    const auto chunk =
        ids.subspan(at, std::min<std::int64_t>(options_.max_rows, std::ssize(ids) - at));
    const std::int64_t skip = std::clamp<std::int64_t>(first - at, 0, std::ssize(chunk));
    const StepSequence sequence{chunk, static_cast<std::int32_t>(at), pages};
    run_layers(Rows(std::span(&sequence, 1)), {&trace, skip});
    std::vector<std::int32_t> rows(chunk.size() - static_cast<std::size_t>(skip));
    std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(skip));
    if (rows.empty()) continue;
    gather_heads(rows);
    if (!trace.hidden_l2.empty()) {
      add_norms(head_x_.span().first(rows.size() * config_.hidden), config_.hidden,
                trace.hidden_l2.back());
    }
    record_logits(std::ssize(rows), trace);
  }
  followed_.keep(ids);
}

void Forward::record_logits(std::int64_t rows, Trace& trace) {
  const std::int64_t block = std::max<std::int64_t>(1, kLogitsBytes / (4 * config_.vocab));
  for (std::int64_t first = 0; first < rows; first += block) {
    const std::int64_t count = std::min(block, rows - first);
    std::vector<float> logsumexp(count);
    head_logits_.resize(static_cast<std::size_t>(count * config_.vocab));
    kernels::LmHeadArgs args{.x = head_x_.data() + first * config_.hidden,
                             .rows = count,
                             .w = weights_.head,
                             .precision = options_.precision,
                             .logsumexp = logsumexp.data(),
                             .logits = head_logits_.data()};
    args.workspace = grow(head_workspace_, kernels::lm_head_workspace_bytes(args, stream_));
    kernels::lm_head(args, stream_);
    add_logits(head_logits_, config_.vocab, trace.logits);
  }
}

}  // namespace moebius::engine
