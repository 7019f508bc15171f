// OLMoE: attention with q/k norms over the whole projection, optional clipping, softmax router.
//
// Paper    Muennighoff et al. 2024, arXiv:2409.02060.
// Source   transformers, models/olmoe.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"OlmoeForCausalLM"};

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  read_gqa(json, c);
  c.qk_norm = QkNorm::kFull;
  c.qkv_bias = c.o_bias = json.boolean_or("attention_bias", false);
  c.clip_qkv = static_cast<float>(json.number_or("clip_qkv", 0, 0, 1e6));
  read_experts(json, "num_experts", c);
  c.expert_width = json.integer("intermediate_size", 1, kMaxDim);
  c.router_normalize = json.boolean_or("norm_topk_prob", false);
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
    w.router = source.matrix(layer + "mlp.gate.weight", c.experts, c.hidden);
    bind_experts(c, layer + "mlp.experts.", {}, source, w);
    weights.layers.push_back(std::move(w));
  }
  return weights;
}

}  // namespace

extern const Family kOlmoe{"olmoe", kArchitectures, config, bind};

}  // namespace moebius::engine
