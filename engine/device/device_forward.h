// The forward pass on a GPU: the layer loop over device kernels, the paged KV cache in device
// memory, and one wait per step.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/device/device_heads.h"
#include "engine/device/device_layers.h"
#include "engine/device/device_plan.h"
#include "engine/device/device_weights.h"
#include "engine/families/family.h"
#include "engine/forward/model_stepper.h"
#include "engine/forward/trace_rows.h"
#include "kernels/device/device.h"
#include "kernels/device/graph.h"

namespace moebius::engine {

struct DeviceForwardOptions {
  DevicePlanOptions plan;
  WeightStreaming streaming;
  bool graphs = true;  // replay decoding steps; bits are the same without
  int device = 0;
};

/// All memory is allocated in the constructor. Steps may come from any one thread at a time.
///
/// A step is packed into one pinned block and copied at once; its launches do not wait for
/// anything; its answers come back in one copy. Steps of one row per sequence are filled up to a
/// few sizes with rows that nobody reads, and replayed as graphs from the second time on.
///
/// DeviceError from any function: the device is lost, and with it the object.
class DeviceForward : public ModelStepper {
 public:
  /// Borrows `config`; `weights` are read here and not needed later. Throws Error if the
  /// device is too old or its memory too small, DeviceError if it fails.
  DeviceForward(const Config& config, const ModelWeights& weights,
                const DeviceForwardOptions& options);

  std::int32_t vocab() const override { return static_cast<std::int32_t>(config_.vocab); }
  std::int32_t pages() const override { return static_cast<std::int32_t>(plan_.pages); }
  std::int32_t max_rows() const override { return static_cast<std::int32_t>(plan_.limits.rows); }
  std::int32_t max_heads() const override { return max_rows(); }
  std::int32_t max_context() const override {
    return static_cast<std::int32_t>(plan_.limits.context);
  }

  std::vector<StepResult> step(const StepBatch& batch) override;
  void copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) override;
  Trace trace(std::span<const std::int32_t> ids) override;
  Trace follow(std::span<const std::int32_t> ids, std::int32_t first) override;
  std::vector<std::vector<std::int64_t>> take_expert_loads() override;
  std::string arithmetic() const override;

 private:
  struct Part;                                             // as much of a step as runs at once
  using GraphKey = std::pair<std::int64_t, std::int64_t>;  // rows, columns of the page tables

  kernels::Stream stream() const { return stream_.stream(); }
  kernels::KvLayer kv_layer(std::int64_t layer) const;
  DevicePass pass(const DeviceStep& step, const kernels::Stream& stream) const;
  HeadLimits head_limits() const;
  void settle_in();
  void run_part(const Part& part);
  std::int64_t layer_bytes() const {
    return (plan_.pages + 1) * (plan_.page_bytes / config_.layers);
  }
  /// Those that begin in the step.
  void clear_pages(std::span<const StepSequence> sequences, const DeviceStep& step);
  StepPadding padding_of(const Part& part) const;
  void launch_padded(const DeviceStep& step);
  void launch_decode(const DeviceStep& step, const kernels::Stream& stream) const;
  /// Embedding and all layers. Returns what is still to be added to the residual.
  Pending launch_layers(const DeviceStep& step, const kernels::Stream& stream,
                        const Recording& recording) const;
  void launch_head(const kernels::RmsNormCudaArgs& norm, const kernels::Stream& stream) const;
  void launch_logits(HeadBlock& block) const;
  /// One sequence, of which the rows from `first` on are recorded.
  void record(std::span<const std::int32_t> ids, std::int64_t first, Trace& trace);
  void record_layer(std::int64_t layer, std::int64_t rows, const Recording& recording) const;
  void record_heads(std::int64_t rows, const Recording& recording);
  std::vector<std::int64_t> read_loads();
  std::vector<std::int64_t> dummy_loads();

  const Config& config_;
  int device_;
  bool narrow_;
  kernels::Dtype kv_dtype_;
  bool graphs_on_;
  DevicePlan plan_;
  kernels::DeviceStream stream_;
  DeviceWeights weights_;
  kernels::DeviceMemory memory_;  // of work_
  DeviceWorkspace work_;
  kernels::DeviceMemory cache_;  // [layers, pages + 1, kPageTokens, width]
  kernels::PinnedMemory pinned_;
  TwinBlock in_, out_;
  bool running_ = false;                             // the device may still read in_
  std::map<GraphKey, kernels::DeviceGraph> graphs_;  // empty ones: seen once
  CachedPrefix followed_;
  std::int64_t dummy_rows_ = 0;  // computed since loads were last taken, to fill steps up
};

/// The GPUs that this engine can run on: how many, from device 0 on. Throws Error with what
/// device_obstacle() says.
int require_devices();

/// Why device 0 cannot serve, in one line; nothing if it can.
std::optional<std::string> device_obstacle();

}  // namespace moebius::engine
