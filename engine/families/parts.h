// What several families say in the same words: rotary settings, attention and MLP
// tensors by their Hugging Face names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/families/family.h"

namespace moebius::engine {

/// Sizes beyond these are no model that anyone has; the checks keep products in range.
inline constexpr std::int64_t kMaxDim = 1 << 20;
inline constexpr std::int64_t kMaxLayers = 4096;

/// vocab, hidden, layers, context, norm_eps, tied_head, and the checks every family shares:
/// hidden_act is silu, weights are not quantised but for fp8 blocks of 128 x 128.
void read_common(const ConfigReader& json, Config& config);

/// "rope_parameters", or "rope_scaling" with "rope_theta": default, linear, llama3 and
/// yarn, as transformers' modeling_rope_utils.py computes them, in float32. Other types
/// are refused. `dim`: rotated elements per head.
RopeConfig read_rope(const ConfigReader& json, std::int64_t dim, kernels::RopePairs pairs);

/// YaRN's factor on the softmax scale: (0.1 mscale_all_dim ln(factor) + 1)^2, or 1.
/// Source: DeepSeek-V3 inference/model.py, class MLA.
double yarn_softmax_factor(const ConfigReader& json);

/// heads, kv_heads, head_dim, softmax_scale, rope (half-split pairs).
void read_gqa(const ConfigReader& json, Config& config);

/// q_lora .. v_dim, latent norms, softmax_scale, rope.
void read_mla(const ConfigReader& json, Config& config, kernels::RopePairs pairs);

/// Experts, groups, shared experts and which layers are MoE, as DeepSeek-V2 and V3 say it.
void read_deepseek_moe(const ConfigReader& json, Config& config);
ModelWeights bind_deepseek(const Config& config, TensorSource& source);

/// experts (under `field`), top_k and every layer a MoE layer: the others' way.
void read_experts(const ConfigReader& json, std::string_view field, Config& config);

/// Caps the context at a sliding window: inside it, sliding and full attention agree.
void cap_context(const ConfigReader& json, Config& config);

std::string layer_name(std::int64_t layer);  // "model.layers.3."

/// model.embed_tokens, model.norm, lm_head (or the embedding, tied).
void bind_ends(const Config& config, TensorSource& source, ModelWeights& weights);
void bind_norms(const Config& config, const std::string& layer, TensorSource& source,
                LayerWeights& weights);
void bind_gqa(const Config& config, const std::string& layer, TensorSource& source,
              LayerWeights& weights);
void bind_mla(const Config& config, const std::string& layer, TensorSource& source,
              LayerWeights& weights);
/// Every layer GQA and a dense MLP.
ModelWeights bind_dense(const Config& config, TensorSource& source);
/// prefix + {gate,up,down}_proj.
MlpWeights bind_mlp(const Config& config, const std::string& prefix, std::int64_t width,
                    TensorSource& source);
/// prefix + e + "." + {gate, up, down} names.
struct ExpertNames {
  const char* gate = "gate_proj";
  const char* up = "up_proj";
  const char* down = "down_proj";
};
void bind_experts(const Config& config, const std::string& prefix, const ExpertNames& names,
                  TensorSource& source, LayerWeights& weights);

}  // namespace moebius::engine
