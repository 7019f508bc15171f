// The memory of a forward pass: allocated once for the largest step.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/families/family.h"
#include "kernels/buffer.h"
#include "kernels/ragged.h"
#include "kernels/stream.h"

namespace moebius::engine {

/// Activations of up to `max_rows` rows. Widths follow the Config; what a model does
/// not have is empty.
struct Workspace {
  Workspace(const Config& config, std::int64_t max_rows);

  kernels::Buffer<float> residual;  // [rows, hidden]
  kernels::Buffer<float> x;         // [rows, hidden], normalised: what a block reads
  kernels::Buffer<float> out;       // [rows, hidden], what a block adds to the residual
  kernels::Buffer<float> cos, sin;  // [rows, half]

  kernels::Buffer<float> q;              // [rows, heads, qk]
  kernels::Buffer<float> k, v;           // GQA: [rows, kv_heads, head_dim]
  kernels::Buffer<float> q_a;            // MLA: [rows, q_lora]
  kernels::Buffer<float> latent;         // MLA: [rows, kv_lora + qk_rope]
  kernels::Buffer<float> q_latent;       // MLA: [rows, heads, kv_lora + qk_rope]
  kernels::Buffer<float> o_latent;       // MLA: [rows, heads, kv_lora]
  kernels::Buffer<float> heads;          // [rows, heads, v]
  kernels::Buffer<std::byte> attention;  // grown to what the kernel asks for

  kernels::Buffer<float> wide;                // [rows * max(top_k, 1), widest MLP]
  kernels::Buffer<float> wide_up;             // [rows, dense width], only for MLPs with biases
  kernels::Buffer<float> router_logits;       // [rows, experts]
  kernels::Buffer<float> expert_weights;      // [rows, top_k]
  kernels::Buffer<std::int32_t> expert_ids;   // [rows, top_k]
  kernels::Buffer<std::int32_t> offsets;      // [experts + 1]
  kernels::Buffer<std::int32_t> source_rows;  // [rows * top_k]
  kernels::Buffer<std::int32_t> slots;        // [rows, top_k]
  kernels::Buffer<float> expert_out;          // [rows * top_k, hidden]
  kernels::Buffer<float> shared_out;          // [rows, hidden]
};

/// Makes `buffer` at least `bytes` long; contents are lost if it grows.
std::byte* grow(kernels::Buffer<std::byte>& buffer, std::size_t bytes);

/// The transposed key half of kv_b, for MLA's absorbed form:
/// [heads * kv_lora, qk_nope], head h's row c holds kv_b[h, :, c].
struct AbsorbedKeys {
  kernels::Buffer<std::byte> data;
  kernels::Matrix matrix;
};
/// Keeps F32, F16 and BF16 as stored; fp8 in blocks becomes F32, what has group scales BF16.
AbsorbedKeys absorb_keys(const Config& config, const kernels::Matrix& kv_b);

/// What one layer's operations need to know of the step.
struct Pass {
  const Config& config;
  Workspace& work;
  const kernels::Stream& stream;
  kernels::Precision precision;
  kernels::Ragged batch;
  kernels::KvLayer kv;
};

/// work.x -> work.out.
void mla_layer(const Pass& pass, const LayerWeights& weights, const kernels::Matrix& keys);
void gqa_layer(const Pass& pass, const LayerWeights& weights);
void dense_layer(const Pass& pass, const LayerWeights& weights);
void moe_layer(const Pass& pass, const LayerWeights& weights);

}  // namespace moebius::engine
