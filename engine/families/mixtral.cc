// Mixtral: GQA, softmax router over two of eight experts, always renormalised.
//
// Paper    Jiang et al. 2024, arXiv:2401.04088.
// Source   transformers, models/mixtral.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"MixtralForCausalLM"};

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  read_gqa(json, c);
  read_experts(json, "num_local_experts", c);
  c.expert_width = json.integer("intermediate_size", 1, kMaxDim);
  c.router_normalize = true;
  cap_context(json, c);
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
    w.router = source.matrix(layer + "block_sparse_moe.gate.weight", c.experts, c.hidden);
    bind_experts(c, layer + "block_sparse_moe.experts.", {"w1", "w3", "w2"}, source, w);
    weights.layers.push_back(std::move(w));
  }
  return weights;
}

}  // namespace

extern const Family kMixtral{"mixtral", kArchitectures, config, bind};

}  // namespace moebius::engine
