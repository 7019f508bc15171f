// The device memory of a forward pass besides weights and cache: planned for the largest step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/device/arena.h"
#include "engine/engine.h"
#include "engine/families/family.h"
#include "kernels/attention/attention_cuda.h"
#include "kernels/device/rows.h"

namespace moebius::engine {

/// The most that one step has.
struct StepLimits {
  std::int64_t rows = 0;
  std::int64_t sequences = 0;
  std::int64_t context = 0;  // positions of one sequence
};

/// What a Config says to the attention kernels.
kernels::AttentionShape attention_shape(const Config& config, kernels::Dtype kv_dtype);

/// A layer of the cache without its memory: width, and what fp8 needs to know.
kernels::KvLayer cache_layout(const Config& config, kernels::Dtype kv_dtype);

/// Targets, or banned ids, that one round of heads brings along at most.
inline constexpr std::int64_t kRoundTargets = 1 << 16;

/// Rows of logits that are made at a time; their bits do not depend on it.
std::int64_t logits_rows(const Config& config, std::int64_t max_rows);

/// Activations are float32 or bf16 by `arithmetic`; fp8 buffers stand beside them where a
/// model has fp8 weights and runs in bf16. What a model does not have is empty.
struct DeviceWorkspace {
  /// `base` may be null to learn the size. `fp8`: products take quantised rows.
  DeviceWorkspace(const Config& config, Arithmetic arithmetic, kernels::Dtype kv_dtype, bool fp8,
                  const StepLimits& limits, std::int64_t shared_parts, std::byte* base);

  /// fp8 rows over the scratch that every intermediate to be quantised shares.
  kernels::Rows quantized(std::int64_t rows, std::int64_t cols) const;

  std::size_t bytes = 0;

  float* residual = nullptr;         // [rows, hidden]
  kernels::Rows x, x8;               // [rows, hidden], normalised: what a block reads
  kernels::Rows x32;                 // the same in float32, for a router of odd width
  kernels::Rows out;                 // [rows, hidden], what a block adds to the residual
  float* cos = nullptr;              // [rows, half]
  float* sin = nullptr;              // [rows, half]
  kernels::Rows projected;           // [rows, q_a + kv_a, q + kv_a or q + k + v]
  kernels::Rows q_a, q;              // MLA with q_lora; GQA: q alone, rotated
  kernels::Rows q_latent, o_latent;  // MLA
  std::byte* scratch8 = nullptr;
  kernels::Rows heads;  // [rows, heads * v]
  void* attention = nullptr;

  kernels::Rows wide;      // [rows * slots, widest MLP]
  kernels::Rows gathered;  // [rows * slots, hidden], experts' order
  kernels::Rows gathered8;
  kernels::Rows expert_out;  // [rows * slots, hidden]
  kernels::Rows shared_out;  // [rows, hidden]
  float* router_logits = nullptr;
  float* expert_weights = nullptr;      // [rows, slots]
  std::int32_t* expert_ids = nullptr;   // [rows, slots]
  std::int32_t* offsets = nullptr;      // [experts + shared + 1]
  std::int32_t* source_rows = nullptr;  // [rows * slots]
  std::int32_t* slots = nullptr;        // [rows, slots]
  std::int64_t* loads = nullptr;        // [layers, experts]
  void* router = nullptr;

  kernels::Rows head_x;     // [logits rows, hidden]
  float* logits = nullptr;  // [logits rows, vocab]
  void* logits_scratch = nullptr;
  std::size_t logits_scratch_bytes = 0;

  std::byte* in = nullptr;         // a step's metadata
  std::byte* out_block = nullptr;  // a round's results
  std::size_t in_bytes = 0;
  std::size_t out_bytes = 0;
};

}  // namespace moebius::engine
