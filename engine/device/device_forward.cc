#include "engine/device/device_forward.h"

#include <algorithm>
#include <bit>

#include "engine/device/test_fault.h"
#include "kernels/device/fault.h"
#include "kernels/embedding/embedding_cuda.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/rope/rope_cuda.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;
using kernels::Rows;
using kernels::Stream;

constexpr std::int64_t kMaxGraphRows = 1024;

DevicePlan plan_on(int device, const Config& config, const ModelWeights& weights,
                   const DevicePlanOptions& options) {
  kernels::use_device(device);
  return plan_device(config, weights, options, kernels::device_info(device).free_bytes);
}

// Few sizes, so that few graphs are recorded; never more than an eighth of the rows idle from
// 64 on.
std::int64_t padded_rows(std::int64_t rows) {
  if (rows <= 8) return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(rows)));
  const std::int64_t unit = rows <= 64 ? 8 : rows <= 128 ? 16 : rows <= 256 ? 32 : 64;
  return (rows + unit - 1) / unit * unit;
}

}  // namespace

struct DeviceForward::Part {
  std::span<const StepSequence> sequences;
  std::vector<HeadAsk> asks;
  std::int64_t rows = 0;
  bool decode = false;  // one row of each sequence, and its head
};

DeviceForward::DeviceForward(const Config& config, const ModelWeights& weights,
                             const DeviceForwardOptions& options)
    : config_(config),
      device_(options.device),
      narrow_(options.plan.arithmetic == Arithmetic::kBF16),
      kv_dtype_(options.plan.kv_dtype),
      graphs_on_(options.graphs),
      plan_(plan_on(options.device, config, weights, options.plan)),
      weights_(config, weights, options.plan.arithmetic, options.streaming),
      memory_(DeviceWorkspace(config, options.plan.arithmetic, kv_dtype_, plan_.fp8, plan_.limits,
                              plan_.shared_parts, nullptr)
                  .bytes),
      work_(config, options.plan.arithmetic, kv_dtype_, plan_.fp8, plan_.limits, plan_.shared_parts,
            static_cast<std::byte*>(memory_.data())),
      cache_(static_cast<std::size_t>((plan_.pages + 1) * plan_.page_bytes)),
      pinned_(work_.in_bytes + work_.out_bytes),
      in_(pinned_.data(), work_.in, work_.in_bytes),
      out_(pinned_.data() + work_.in_bytes, work_.out_block, work_.out_bytes) {
  // Whatever was in this memory could be NaN, and 0 * NaN would reach masked sums.
  kernels::device_fill(cache_.data(), 0, cache_.bytes(), stream());
  if (work_.loads != nullptr) {
    kernels::device_fill(work_.loads, 0, sizeof(std::int64_t) * config.layers * config.experts,
                         stream());
  }
  kernels::device_wait(stream());
}

std::string DeviceForward::arithmetic() const {
  return std::string("cuda sm_90 ") +
         (plan_.fp8 ? "fp8"
          : narrow_ ? "bf16"
                    : "f32") +
         (kv_dtype_ == Dtype::kF8E4M3 ? " cache fp8" : "");
}

kernels::KvLayer DeviceForward::kv_layer(std::int64_t layer) const {
  kernels::KvLayer kv = cache_layout(config_, kv_dtype_);
  kv.data = static_cast<std::byte*>(cache_.data()) + layer * layer_bytes();
  kv.pages = plan_.pages + 1;
  return kv;
}

DevicePass DeviceForward::pass(const DeviceStep& step, const Stream& stream) const {
  return {.config = config_,
          .work = work_,
          .step = step,
          .attention = attention_shape(config_, kv_dtype_),
          .narrow = narrow_,
          .stream = stream};
}

HeadLimits DeviceForward::head_limits() const {
  return {.vocab = config_.vocab,
          .rows = logits_rows(config_, plan_.limits.rows),
          .scratch_bytes = work_.logits_scratch_bytes};
}

// The block of the last step may be overwritten only when the device has read it.
void DeviceForward::settle_in() {
  kernels::use_device(device_);
  if (running_) kernels::device_wait(stream());
  running_ = false;
}

void DeviceForward::copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) {
  followed_.forget();
  kernels::use_device(device_);
  kernels::copy_page_cuda({.first = kv_layer(0),
                           .layers = config_.layers,
                           .layer_bytes = layer_bytes(),
                           .from = from,
                           .to = to,
                           .tokens = tokens},
                          stream());
}

std::vector<StepResult> DeviceForward::step(const StepBatch& batch) {
  followed_.forget();
  if (fault_wanted()) {
    kernels::use_device(device_);
    kernels::fault_cuda(stream());
  }
  std::vector<StepResult> results(batch.heads.size());
  const std::span<const StepSequence> all(batch.sequences);
  const auto most = static_cast<std::size_t>(plan_.limits.sequences);
  for (std::size_t at = 0; at < all.size(); at += most) {
    Part part{.sequences = all.subspan(at, std::min(most, all.size() - at))};
    std::vector<std::int64_t> first_rows;
    for (const StepSequence& s : part.sequences) {
      first_rows.push_back(part.rows);
      part.rows += std::ssize(s.ids);
    }
    part.decode = part.rows == std::ssize(part.sequences);
    std::int64_t next = 0;
    for (std::size_t i = 0; i < batch.heads.size(); ++i) {
      const StepHead& head = batch.heads[i];
      const std::int64_t sequence = head.sequence - static_cast<std::int64_t>(at);
      if (sequence < 0 || sequence >= std::ssize(part.sequences)) continue;
      const auto row = static_cast<std::int32_t>(first_rows[sequence] + head.offset);
      part.decode = part.decode && row == next++;
      add_asks(head, row, part.sequences[sequence].position + head.offset, results[i], part.asks);
    }
    part.decode = part.decode && std::ssize(part.asks) == part.rows;
    run_part(part);
  }
  return results;
}

StepPadding DeviceForward::padding_of(const Part& part) const {
  const std::int64_t rows = padded_rows(part.rows);
  if (!graphs_on_ || !part.decode ||
      rows > std::min({kMaxGraphRows, plan_.limits.sequences, head_limits().rows})) {
    return {};
  }
  const auto pages = static_cast<std::uint64_t>(pages_needed(part.sequences));
  const std::int64_t most =
      (plan_.limits.context + kernels::kPageTokens - 1) / kernels::kPageTokens;
  return {.rows = rows,
          .pages = std::min(static_cast<std::int64_t>(std::bit_ceil(pages)), most),
          .spare_page = static_cast<std::int32_t>(plan_.pages)};
}

void DeviceForward::run_part(const Part& part) {
  settle_in();
  const StepPadding padding = padding_of(part);
  const DeviceStep step =
      pack_step(part.sequences, padding, attention_shape(config_, kv_dtype_), in_);
  std::span<const HeadAsk> left(part.asks);
  bool computed = false;
  do {
    std::vector<HeadBlock> blocks;
    if (!left.empty()) blocks = pack_heads(left, head_limits(), in_, out_);
    kernels::device_copy(in_.device(), in_.host(), in_.used(), stream());
    running_ = true;
    if (!computed) clear_pages(part.sequences, step);
    bool logits_made = false;
    if (!computed && padding.rows > 0) {
      launch_padded(step);
      dummy_rows_ += padding.rows - part.rows;
      logits_made = true;
    } else if (!computed) {
      const Pending pending = launch_layers(step, stream(), {});
      if (!left.empty()) settle(pass(step, stream()), pending);
    }
    computed = true;
    for (HeadBlock& block : blocks) {
      if (!logits_made) {
        launch_head({.residual_rows = block.rows, .rows = block.args.rows}, stream());
      }
      logits_made = false;
      launch_logits(block);
      left = left.subspan(block.asks.size());
    }
    if (blocks.empty()) return;
    kernels::device_copy(out_.host(), out_.device(), out_.used(), stream());
    settle_in();
    for (const HeadBlock& block : blocks) unpack_heads(block);
    in_.reset();
  } while (!left.empty());
}

// Ahead of the recorded launches: most steps that decode begin no page.
void DeviceForward::clear_pages(std::span<const StepSequence> sequences, const DeviceStep& step) {
  kernels::clear_pages_cuda({.first = kv_layer(0),
                             .layers = config_.layers,
                             .layer_bytes = layer_bytes(),
                             .batch = step.batch,
                             .pages = pages_begun(sequences)},
                            stream());
}

// The first step of a size runs as it is: what it loads may not be loaded while recording.
void DeviceForward::launch_padded(const DeviceStep& step) {
  const auto [at, fresh] = graphs_.try_emplace({step.rows, step.batch.ragged.max_pages});
  if (fresh) return launch_decode(step, stream());
  kernels::DeviceGraph& graph = at->second;
  if (graph.empty()) {
    graph = kernels::DeviceGraph(stream(), [&](const Stream& s) { launch_decode(step, s); });
  }
  graph.launch(stream());
}

void DeviceForward::launch_decode(const DeviceStep& step, const Stream& stream) const {
  const Pending pending = launch_layers(step, stream, {});
  launch_head({.add = pending.add, .sum = pending.sum, .rows = step.rows}, stream);
}

Pending DeviceForward::launch_layers(const DeviceStep& step, const Stream& stream,
                                     const Recording& recording) const {
  const DeviceModel& model = weights_.model();
  const DevicePass p = pass(step, stream);
  kernels::embedding_cuda(
      {.ids = step.ids, .rows = step.rows, .table = model.embedding, .y = work_.residual}, stream);
  kernels::rope_table_cuda({.inv_freq = model.inv_freq,
                            .half = config_.rope.half,
                            .scale = config_.rope.scale,
                            .row_position = step.batch.row_position,
                            .rows = step.rows,
                            .cos = work_.cos,
                            .sin = work_.sin},
                           stream);
  if (recording.trace) record_layer(-1, step.rows, recording);
  Pending pending;
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const DeviceLayer& layer = model.layers[i];
    pending = attention_layer(p, layer, kv_layer(i), pending);
    pending =
        ffn_layer(p, layer, pending, work_.loads ? work_.loads + i * config_.experts : nullptr);
    if (!recording.trace) continue;
    settle(p, std::exchange(pending, {}));
    record_layer(i, step.rows, recording);
  }
  return pending;
}

void DeviceForward::launch_head(const kernels::RmsNormCudaArgs& rows, const Stream& stream) const {
  kernels::RmsNormCudaArgs norm = rows;
  norm.residual = work_.residual;
  norm.weight = weights_.model().final_norm;
  norm.y = work_.head_x;
  norm.dim = config_.hidden;
  norm.eps = config_.norm_eps;
  kernels::rms_norm_cuda(norm, stream);
  const kernels::DeviceMatrix& w = weights_.model().head;
  kernels::gemm_cuda({.x = work_.head_x,
                      .w = w,
                      .y = {.data = work_.logits, .dtype = Dtype::kF32, .ld = config_.vocab},
                      .rows = rows.rows,
                      .n = config_.vocab},
                     stream);
}

void DeviceForward::launch_logits(HeadBlock& block) const {
  block.args.logits = work_.logits;
  block.args.workspace = work_.logits_scratch;
  kernels::logits_cuda(block.args, stream());
}

}  // namespace moebius::engine
