// The forward pass of every family: the layer loop over kernels, the paged KV cache,
// and the heads that answer a step.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/families/family.h"
#include "engine/forward/model_stepper.h"
#include "engine/forward/trace_rows.h"
#include "engine/forward/workspace.h"
#include "kernels/buffer.h"
#include "kernels/stream.h"

namespace moebius::engine {

struct ForwardOptions {
  kernels::Precision precision = kernels::Precision::kF32;
  kernels::Dtype kv_dtype = kernels::Dtype::kF32;
  bool kv_fp8 = false;  // values go through fp8 into a bf16 cache
  std::int32_t max_rows = 512;
  std::int32_t max_context = 0;  // > 0
  std::int32_t pages = 0;        // > 0
};

class Forward : public ModelStepper {
 public:
  /// Borrows config, weights and stream. Throws std::bad_alloc.
  Forward(const Config& config, const ModelWeights& weights, const kernels::Stream& stream,
          const ForwardOptions& options);

  std::int32_t vocab() const override { return static_cast<std::int32_t>(config_.vocab); }
  std::int32_t pages() const override { return options_.pages; }
  std::int32_t max_rows() const override { return options_.max_rows; }
  std::int32_t max_heads() const override { return options_.max_rows; }
  std::int32_t max_context() const override { return options_.max_context; }

  std::vector<StepResult> step(const StepBatch& batch) override;
  void copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) override;

  Trace trace(std::span<const std::int32_t> ids) override;
  Trace follow(std::span<const std::int32_t> ids, std::int32_t first) override;
  std::vector<std::vector<std::int64_t>> take_expert_loads() override;
  std::string arithmetic() const override;

 private:
  struct Rows;  // a step's ragged batch as arrays

  void run_layers(const Rows& rows, const Recording& recording);
  void count_experts(std::int64_t layer);
  /// One sequence, of which the rows from `first` on are recorded.
  void record(std::span<const std::int32_t> ids, std::int64_t first, Trace& trace);
  void record_logits(std::int64_t rows, Trace& trace);
  void record_layer(std::int64_t layer, std::int64_t rows, const Recording& recording) const;
  kernels::KvLayer kv_layer(std::int64_t layer) const;
  /// Final norm of the given rows of the residual, to head_x_.
  void gather_heads(std::span<const std::int32_t> rows);
  void answer(std::span<const StepHead> heads, std::span<const std::int32_t> positions,
              std::int64_t first, bool sampled, std::span<StepResult> results);

  const Config& config_;
  const ModelWeights& weights_;
  kernels::Stream stream_;
  ForwardOptions options_;
  Workspace work_;
  std::vector<AbsorbedKeys> keys_;    // [layers], MLA
  kernels::Buffer<std::byte> cache_;  // [layers, pages, kPageTokens, width]
  kernels::Buffer<float> head_x_;     // [max_rows, hidden]
  kernels::Buffer<std::byte> head_workspace_;
  std::vector<float> head_logits_;  // rows to be sampled or recorded only
  CachedPrefix followed_;
  std::vector<std::vector<std::int64_t>> expert_loads_;  // [layers][experts]
};

}  // namespace moebius::engine
