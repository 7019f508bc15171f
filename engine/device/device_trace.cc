// What a DeviceForward shows of itself: traces of single sequences, and expert loads.
#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/device/device_forward.h"
#include "kernels/simd/convert.h"

namespace moebius::engine {
namespace {

template <typename T>
std::vector<T> download(const void* from, std::int64_t count, const kernels::Stream& stream) {
  std::vector<T> values(static_cast<std::size_t>(count));
  kernels::device_copy(values.data(), from, values.size() * sizeof(T), stream);
  kernels::device_wait(stream);
  return values;
}

std::vector<float> download_rows(const kernels::Rows& rows, std::int64_t count, std::int64_t dim,
                                 const kernels::Stream& stream) {
  if (rows.dtype == kernels::Dtype::kF32) return download<float>(rows.data, count * dim, stream);
  std::vector<float> values;
  for (std::uint16_t bits : download<std::uint16_t>(rows.data, count * dim, stream)) {
    values.push_back(kernels::bf16_to_f32(bits));
  }
  return values;
}

}  // namespace

void DeviceForward::record_layer(std::int64_t layer, std::int64_t rows,
                                 const Recording& recording) const {
  Trace& trace = *recording.trace;
  const std::int64_t skip = recording.skip;
  if (skip >= rows) return;
  const bool last = layer + 1 == config_.layers;  // recorded after the final norm instead
  if (!last && !trace.hidden_l2.empty()) {
    add_norms(download<float>(work_.residual + skip * config_.hidden,
                              (rows - skip) * config_.hidden, stream()),
              config_.hidden, trace.hidden_l2[layer + 1]);
  }
  if (layer < 0 || !config_.moe_layer[layer]) return;
  const std::int64_t slots = config_.top_k + weights_.model().layers[layer].shared_parts;
  add_experts(
      download<std::int32_t>(work_.expert_ids + skip * slots, (rows - skip) * slots, stream()),
      slots, config_.top_k, trace.experts[layer]);
}

// The residual holds whole rows here, nothing is left to be added.
void DeviceForward::record_heads(std::int64_t rows, const Recording& recording) {
  Trace& trace = *recording.trace;
  const std::int64_t wanted = rows - recording.skip;
  if (wanted <= 0) return;
  const std::int64_t block = head_limits().rows;
  in_.reset();
  const auto indices = in_.take<std::int32_t>(wanted);
  std::iota(indices.host, indices.host + wanted, static_cast<std::int32_t>(recording.skip));
  kernels::device_copy(in_.device(), in_.host(), in_.used(), stream());
  for (std::int64_t first = 0; first < wanted; first += block) {
    const std::int64_t count = std::min(block, wanted - first);
    launch_head({.residual_rows = indices.device + first, .rows = count}, stream());
    if (!trace.hidden_l2.empty()) {
      add_norms(download_rows(work_.head_x, count, config_.hidden, stream()), config_.hidden,
                trace.hidden_l2.back());
    }
    add_logits(download<float>(work_.logits, count * config_.vocab, stream()), config_.vocab,
               trace.logits);
  }
}

Trace DeviceForward::trace(std::span<const std::int32_t> ids) {
  followed_.forget();
  Trace trace = empty_trace(config_.layers);
  record(ids, 0, trace);
  return trace;
}

Trace DeviceForward::follow(std::span<const std::int32_t> ids, std::int32_t first) {
  Trace trace = empty_trace(config_.layers);
  trace.hidden_l2.clear();
  record(ids, first, trace);
  return trace;
}

void DeviceForward::record(std::span<const std::int32_t> ids, std::int64_t first, Trace& trace) {
  const std::vector<std::int32_t> pages = first_pages(std::ssize(ids), this->pages());
  const std::int64_t most = plan_.limits.rows;
  for (std::int64_t at = followed_.begin(ids, first); at < std::ssize(ids); at += most) {
    settle_in();
    const StepSequence sequence{ids.subspan(at, std::min(most, std::ssize(ids) - at)),
                                static_cast<std::int32_t>(at), pages};
    const Recording recording{&trace,
                              std::clamp<std::int64_t>(first - at, 0, std::ssize(sequence.ids))};
    const DeviceStep step =
        pack_step(std::span(&sequence, 1), {}, attention_shape(config_, kv_dtype_), in_);
    kernels::device_copy(in_.device(), in_.host(), in_.used(), stream());
    clear_pages(std::span(&sequence, 1), step);
    launch_layers(step, stream(), recording);
    record_heads(step.rows, recording);
  }
  followed_.keep(ids);
}

std::vector<std::int64_t> DeviceForward::read_loads() {
  const std::int64_t count = config_.layers * config_.experts;
  std::vector<std::int64_t> loads = download<std::int64_t>(work_.loads, count, stream());
  kernels::device_fill(work_.loads, 0, sizeof(std::int64_t) * count, stream());
  return loads;
}

// What one filling row counts: token 0 at position 0, the same in every step.
std::vector<std::int64_t> DeviceForward::dummy_loads() {
  settle_in();
  const StepPadding padding{
      .rows = 1, .pages = 1, .spare_page = static_cast<std::int32_t>(plan_.pages)};
  const DeviceStep step = pack_step({}, padding, attention_shape(config_, kv_dtype_), in_);
  kernels::device_copy(in_.device(), in_.host(), in_.used(), stream());
  launch_layers(step, stream(), {});
  return read_loads();
}

std::vector<std::vector<std::int64_t>> DeviceForward::take_expert_loads() {
  std::vector<std::vector<std::int64_t>> loads(static_cast<std::size_t>(config_.layers));
  if (config_.experts == 0) return loads;
  settle_in();
  std::vector<std::int64_t> all = read_loads();
  if (const std::int64_t rows = std::exchange(dummy_rows_, 0); rows > 0) {
    const std::vector<std::int64_t> one = dummy_loads();
    for (std::size_t i = 0; i < all.size(); ++i) all[i] -= rows * one[i];
  }
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    if (!config_.moe_layer[layer]) continue;
    const auto first = all.begin() + layer * config_.experts;
    loads[layer].assign(first, first + config_.experts);
  }
  return loads;
}

}  // namespace moebius::engine
