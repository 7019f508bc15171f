// Qwen3-MoE: GQA with per-head q/k norms, softmax router, no shared expert.
//
// Paper    Qwen Team 2025, arXiv:2505.09388.
// Source   transformers, models/qwen3_moe. Router logits in float32.
#include <algorithm>

#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"Qwen3MoeForCausalLM"};

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  read_gqa(json, c);
  c.qk_norm = QkNorm::kPerHead;
  c.qkv_bias = c.o_bias = json.boolean_or("attention_bias", false);
  read_experts(json, json.has("num_experts") ? "num_experts" : "num_local_experts", c);
  c.expert_width = json.integer("moe_intermediate_size", 1, kMaxDim);
  c.router_normalize = json.boolean_or("norm_topk_prob", false);
  const std::int64_t every = json.integer_or("decoder_sparse_step", 1, 1, kMaxLayers);
  const auto dense = json.integers_or("mlp_only_layers", {});
  for (std::int64_t i = 0; i < c.layers; ++i) {
    const bool listed = std::find(dense.begin(), dense.end(), i) != dense.end();
    c.moe_layer[i] = !listed && (i + 1) % every == 0;
  }
  c.dense_width = json.integer_or("intermediate_size", 0, 0, kMaxDim);
  if (json.boolean_or("use_sliding_window", false)) cap_context(json, c);
  return c;
}

ModelWeights bind(const Config& c, TensorSource& source) {
  ModelWeights weights;
  bind_ends(c, source, weights);
  for (std::int64_t i = 0; i < c.layers; ++i) {
    LayerWeights w;
    const std::string layer = layer_name(i);
    bind_norms(c, layer, source, w);
    bind_gqa(c, layer, source, w);
    if (c.moe_layer[i]) {
      w.router = source.matrix(layer + "mlp.gate.weight", c.experts, c.hidden);
      bind_experts(c, layer + "mlp.experts.", {}, source, w);
    } else {
      w.dense = bind_mlp(c, layer + "mlp.", c.dense_width, source);
    }
    weights.layers.push_back(std::move(w));
  }
  return weights;
}

}  // namespace

extern const Family kQwen3Moe{"qwen3_moe", kArchitectures, config, bind};

}  // namespace moebius::engine
