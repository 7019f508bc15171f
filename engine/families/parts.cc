#include "engine/families/parts.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

/// The object that holds the rotary settings, and its type.
struct RopeJson {
  std::optional<ConfigReader> object;
  std::string type = "default";
  double theta = 10000;
};

RopeJson rope_json(const ConfigReader& json) {
  RopeJson rope;
  rope.theta = json.number_or("rope_theta", 10000, 1, 1e12);
  rope.object = json.object("rope_parameters");
  if (!rope.object) rope.object = json.object("rope_scaling");
  if (!rope.object) return rope;
  rope.theta = rope.object->number_or("rope_theta", rope.theta, 1, 1e12);
  rope.type = rope.object->text_or("rope_type", rope.object->text_or("type", "default"));
  return rope;
}

// Frequencies as the reference computes them: powers and quotients in float32.
std::vector<float> wavelengths(double theta, std::int64_t dim) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < dim; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(dim);
    out.push_back(static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  return out;
}

double yarn_mscale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

double yarn_correction(double rotations, double dim, double theta, double original) {
  return dim * std::log(original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

double yarn_attention_factor(const ConfigReader& yarn, double factor) {
  if (yarn.has("attention_factor")) return yarn.number("attention_factor", 1e-6, 1e6);
  const double mscale = yarn.number_or("mscale", 0, -1e6, 1e6);
  const double all = yarn.number_or("mscale_all_dim", 0, -1e6, 1e6);
  if (mscale != 0 && all != 0) return yarn_mscale(factor, mscale) / yarn_mscale(factor, all);
  return yarn_mscale(factor, 1);
}

// modeling_rope_utils.py, _compute_yarn_parameters.
void apply_yarn(const ConfigReader& json, const RopeJson& rope, std::int64_t dim, RopeConfig& out) {
  const ConfigReader& yarn = *rope.object;
  const double original = yarn.number("original_max_position_embeddings", 1, 1e9);
  double factor = yarn.number_or("factor", 0, 0, 1e6);
  if (factor == 0) factor = json.number("max_position_embeddings", 1, 1e9) / original;
  const auto d = static_cast<double>(dim);
  double low = yarn_correction(yarn.number_or("beta_fast", 32, 1e-6, 1e6), d, rope.theta, original);
  double high = yarn_correction(yarn.number_or("beta_slow", 1, 1e-6, 1e6), d, rope.theta, original);
  if (yarn.boolean_or("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, d - 1);
  if (low == high) high += 0.001;
  const std::vector<float> lengths = wavelengths(rope.theta, dim);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const float ramp = std::clamp(
        (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0F,
        1.0F);
    const float keep = 1 - ramp;
    const float stretched = 1.0F / (static_cast<float>(factor) * lengths[i]);
    out.inv_freq[i] = stretched * (1 - keep) + 1.0F / lengths[i] * keep;
  }
  out.scale = static_cast<float>(yarn_attention_factor(yarn, factor));
}

// modeling_rope_utils.py, _compute_llama3_parameters.
void apply_llama3(const RopeJson& rope, RopeConfig& out) {
  const ConfigReader& llama = *rope.object;
  const auto factor = static_cast<float>(llama.number("factor", 1e-6, 1e6));
  const double low_factor = llama.number("low_freq_factor", 1e-6, 1e6);
  const double high_factor = llama.number("high_freq_factor", 1e-6, 1e6);
  const double original = llama.number("original_max_position_embeddings", 1, 1e9);
  if (low_factor == high_factor) llama.fail("low_freq_factor and high_freq_factor are equal");
  const auto low_length = static_cast<float>(original / low_factor);
  const auto high_length = static_cast<float>(original / high_factor);
  for (float& freq : out.inv_freq) {
    const float length = static_cast<float>(2 * std::numbers::pi) / freq;
    if (length > low_length) {
      freq = freq / factor;
    } else if (length >= high_length) {
      const float smooth =
          (static_cast<float>(original) / length - static_cast<float>(low_factor)) /
          static_cast<float>(high_factor - low_factor);
      freq = (1 - smooth) * freq / factor + smooth * freq;
    }
  }
}

}  // namespace

void read_common(const ConfigReader& json, Config& c) {
  c.vocab = json.integer("vocab_size", 1, 1 << 24);
  c.hidden = json.integer("hidden_size", 1, kMaxDim);
  c.layers = json.integer("num_hidden_layers", 1, kMaxLayers);
  c.context = json.integer("max_position_embeddings", 1, 1 << 30);
  c.norm_eps = static_cast<float>(json.number("rms_norm_eps", 1e-12, 1));
  c.tied_head = json.boolean_or("tie_word_embeddings", false);
  const std::string act = json.text_or("hidden_act", "silu");
  if (act != "silu") json.fail("\"hidden_act\": expected \"silu\", found \"" + act + "\"");
  c.quantization = read_quantization(json);
  c.moe_layer.assign(c.layers, false);
}

RopeConfig read_rope(const ConfigReader& json, std::int64_t dim, kernels::RopePairs pairs) {
  if (dim % 2 != 0) json.fail("rotary dimension " + std::to_string(dim) + " is odd");
  const RopeJson rope = rope_json(json);
  if (rope.object && rope.object->number_or("partial_rotary_factor", 1, 0, 1) != 1) {
    json.fail("\"partial_rotary_factor\": only 1 is supported");
  }
  RopeConfig out{.half = dim / 2, .inv_freq = {}, .scale = 1, .pairs = pairs};
  for (float length : wavelengths(rope.theta, dim)) out.inv_freq.push_back(1.0F / length);
  if (rope.type == "linear") {
    const auto factor = static_cast<float>(rope.object->number("factor", 1e-6, 1e6));
    for (float& freq : out.inv_freq) freq /= factor;
  } else if (rope.type == "llama3") {
    apply_llama3(rope, out);
  } else if (rope.type == "yarn") {
    apply_yarn(json, rope, dim, out);
  } else if (rope.type != "default") {
    json.fail("rope type: expected default, linear, llama3 or yarn, found \"" + rope.type + "\"");
  }
  return out;
}

double yarn_softmax_factor(const ConfigReader& json) {
  const RopeJson rope = rope_json(json);
  if (rope.type == "default" || !rope.object) return 1;
  const double all = rope.object->number_or("mscale_all_dim", 0, -1e6, 1e6);
  if (all == 0) return 1;
  const double mscale = yarn_mscale(rope.object->number("factor", 1e-6, 1e6), all);
  return mscale * mscale;
}

void read_gqa(const ConfigReader& json, Config& c) {
  c.attention = AttentionKind::kGqa;
  c.heads = json.integer("num_attention_heads", 1, kMaxDim);
  c.kv_heads = json.integer_or("num_key_value_heads", c.heads, 1, kMaxDim);
  if (c.heads % c.kv_heads != 0) {
    json.fail("\"num_attention_heads\" (" + std::to_string(c.heads) +
              ") is no multiple of \"num_key_value_heads\" (" + std::to_string(c.kv_heads) + ")");
  }
  c.head_dim = json.integer_or("head_dim", c.hidden / c.heads, 1, 4096);
  c.softmax_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(c.head_dim)));
  c.rope = read_rope(json, c.head_dim, kernels::RopePairs::kHalves);
}

void read_mla(const ConfigReader& json, Config& c, kernels::RopePairs pairs) {
  c.attention = AttentionKind::kMla;
  c.heads = json.integer("num_attention_heads", 1, kMaxDim);
  c.kv_heads = 1;
  c.q_lora = json.integer_or("q_lora_rank", 0, 0, kMaxDim);
  c.kv_lora = json.integer("kv_lora_rank", 1, 8192);
  c.qk_nope = json.integer("qk_nope_head_dim", 1, 4096);
  c.qk_rope = json.integer("qk_rope_head_dim", 2, 4096);
  c.v_dim = json.integer("v_head_dim", 1, 4096);
  c.qkv_bias = c.o_bias = json.boolean_or("attention_bias", false);
  const double dim = static_cast<double>(c.qk_nope + c.qk_rope);
  c.softmax_scale = static_cast<float>(yarn_softmax_factor(json) / std::sqrt(dim));
  c.rope = read_rope(json, c.qk_rope, pairs);
}

void read_deepseek_moe(const ConfigReader& json, Config& c) {
  c.dense_width = json.integer("intermediate_size", 1, kMaxDim);
  c.experts = json.integer_or("n_routed_experts", 0, 0, 4096);
  if (c.experts == 0) return;
  const std::int64_t first = json.integer_or("first_k_dense_replace", 0, 0, kMaxLayers);
  const std::int64_t every = json.integer_or("moe_layer_freq", 1, 1, kMaxLayers);
  for (std::int64_t i = first; i < c.layers; ++i) c.moe_layer[i] = i % every == 0;
  c.expert_width = json.integer("moe_intermediate_size", 1, kMaxDim);
  c.top_k = json.integer("num_experts_per_tok", 1, c.experts);
  c.shared_width = c.expert_width * json.integer_or("n_shared_experts", 0, 0, 4096);
  c.groups = json.integer_or("n_group", 1, 1, c.experts);
  c.top_groups = json.integer_or("topk_group", 1, 1, c.groups);
  if (c.experts % c.groups != 0 || c.top_groups * (c.experts / c.groups) < c.top_k) {
    json.fail("\"n_group\", \"topk_group\": " + std::to_string(c.top_groups) + " of " +
              std::to_string(c.groups) + " groups of " + std::to_string(c.experts) +
              " experts cannot give " + std::to_string(c.top_k));
  }
}

ModelWeights bind_deepseek(const Config& c, TensorSource& source) {
  ModelWeights weights;
  bind_ends(c, source, weights);
  for (std::int64_t i = 0; i < c.layers; ++i) {
    LayerWeights w;
    const std::string layer = layer_name(i);
    bind_norms(c, layer, source, w);
    bind_mla(c, layer, source, w);
    if (c.moe_layer[i]) {
      w.router = source.matrix(layer + "mlp.gate.weight", c.experts, c.hidden);
      if (c.router_bias) {
        w.router_bias = source.vector(layer + "mlp.gate.e_score_correction_bias", c.experts);
      }
      bind_experts(c, layer + "mlp.experts.", {}, source, w);
      if (c.shared_width > 0) {
        w.shared = bind_mlp(c, layer + "mlp.shared_experts.", c.shared_width, source);
      }
    } else {
      w.dense = bind_mlp(c, layer + "mlp.", c.dense_width, source);
    }
    weights.layers.push_back(std::move(w));
  }
  source.skip_prefix(layer_name(c.layers));  // the multi-token-prediction module
  return weights;
}

void read_experts(const ConfigReader& json, std::string_view field, Config& c) {
  c.experts = json.integer(field, 1, 4096);
  c.top_k = json.integer("num_experts_per_tok", 1, c.experts);
  c.moe_layer.assign(c.layers, true);
}

void cap_context(const ConfigReader& json, Config& c) {
  if (!json.boolean_or("use_sliding_window", true)) return;
  c.context = std::min(c.context, json.integer_or("sliding_window", c.context, 1, 1 << 30));
}

std::string layer_name(std::int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

void bind_ends(const Config& c, TensorSource& source, ModelWeights& w) {
  w.embedding = source.matrix("model.embed_tokens.weight", c.vocab, c.hidden);
  if (kernels::dtype_bits(w.embedding.dtype) < 16) {
    throw Error("model.embed_tokens.weight: expected F32, F16 or BF16, found it quantised as " +
                std::string(kernels::dtype_name(w.embedding.dtype)));
  }
  w.final_norm = source.vector("model.norm.weight", c.hidden);
  // A tied checkpoint may still store the copy; both names then hold the same matrix.
  const bool stored = source.has("lm_head.weight");
  w.head = c.tied_head ? w.embedding : source.matrix("lm_head.weight", c.vocab, c.hidden);
  if (c.tied_head && stored) source.skip_prefix("lm_head.weight");
}

void bind_norms(const Config& c, const std::string& layer, TensorSource& source, LayerWeights& w) {
  w.attention_norm = source.vector(layer + "input_layernorm.weight", c.hidden);
  w.ffn_norm = source.vector(layer + "post_attention_layernorm.weight", c.hidden);
}

void bind_gqa(const Config& c, const std::string& layer, TensorSource& source, LayerWeights& w) {
  const std::string at = layer + "self_attn.";
  source.skip_prefix(at + "rotary_emb.inv_freq");  // a table that old exporters saved
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  w.q = source.matrix(at + "q_proj.weight", q, c.hidden);
  w.k = source.matrix(at + "k_proj.weight", kv, c.hidden);
  w.v = source.matrix(at + "v_proj.weight", kv, c.hidden);
  w.o = source.matrix(at + "o_proj.weight", c.hidden, q);
  if (c.qkv_bias) {
    w.q_bias = source.vector(at + "q_proj.bias", q);
    w.k_bias = source.vector(at + "k_proj.bias", kv);
    w.v_bias = source.vector(at + "v_proj.bias", kv);
  }
  if (c.o_bias) w.o_bias = source.vector(at + "o_proj.bias", c.hidden);
  if (c.qk_norm == QkNorm::kNone) return;
  const bool full = c.qk_norm == QkNorm::kFull;
  w.q_norm = source.vector(at + "q_norm.weight", full ? q : c.head_dim);
  w.k_norm = source.vector(at + "k_norm.weight", full ? kv : c.head_dim);
}

void bind_mla(const Config& c, const std::string& layer, TensorSource& source, LayerWeights& w) {
  const std::string at = layer + "self_attn.";
  source.skip_prefix(at + "rotary_emb.inv_freq");  // a table that old exporters saved
  const std::int64_t q = c.heads * (c.qk_nope + c.qk_rope);
  const std::int64_t latent = c.kv_lora + c.qk_rope;
  if (c.q_lora > 0) {
    w.q_a = source.matrix(at + "q_a_proj.weight", c.q_lora, c.hidden);
    if (c.qkv_bias) w.q_a_bias = source.vector(at + "q_a_proj.bias", c.q_lora);
    w.q_a_norm = source.vector(at + "q_a_layernorm.weight", c.q_lora);
    w.q_b = source.matrix(at + "q_b_proj.weight", q, c.q_lora);
  } else {
    w.q = source.matrix(at + "q_proj.weight", q, c.hidden);
  }
  w.kv_a = source.matrix(at + "kv_a_proj_with_mqa.weight", latent, c.hidden);
  if (c.qkv_bias) w.kv_a_bias = source.vector(at + "kv_a_proj_with_mqa.bias", latent);
  w.kv_a_norm = source.vector(at + "kv_a_layernorm.weight", c.kv_lora);
  w.kv_b = source.matrix(at + "kv_b_proj.weight", c.heads * (c.qk_nope + c.v_dim), c.kv_lora);
  w.o = source.matrix(at + "o_proj.weight", c.hidden, c.heads * c.v_dim);
  if (c.o_bias) w.o_bias = source.vector(at + "o_proj.bias", c.hidden);
}

ModelWeights bind_dense(const Config& c, TensorSource& source) {
  ModelWeights weights;
  bind_ends(c, source, weights);
  for (std::int64_t i = 0; i < c.layers; ++i) {
    LayerWeights w;
    const std::string layer = layer_name(i);
    bind_norms(c, layer, source, w);
    bind_gqa(c, layer, source, w);
    w.dense = bind_mlp(c, layer + "mlp.", c.dense_width, source);
    weights.layers.push_back(std::move(w));
  }
  return weights;
}

MlpWeights bind_mlp(const Config& c, const std::string& prefix, std::int64_t width,
                    TensorSource& source) {
  MlpWeights w;
  w.gate = source.matrix(prefix + "gate_proj.weight", width, c.hidden);
  w.up = source.matrix(prefix + "up_proj.weight", width, c.hidden);
  w.down = source.matrix(prefix + "down_proj.weight", c.hidden, width);
  if (!c.mlp_bias) return w;
  w.gate_bias = source.vector(prefix + "gate_proj.bias", width);
  w.up_bias = source.vector(prefix + "up_proj.bias", width);
  w.down_bias = source.vector(prefix + "down_proj.bias", c.hidden);
  return w;
}

void bind_experts(const Config& c, const std::string& prefix, const ExpertNames& names,
                  TensorSource& source, LayerWeights& w) {
  for (std::int64_t e = 0; e < c.experts; ++e) {
    const std::string at = prefix + std::to_string(e) + ".";
    w.gates.push_back(source.matrix(at + names.gate + ".weight", c.expert_width, c.hidden));
    w.ups.push_back(source.matrix(at + names.up + ".weight", c.expert_width, c.hidden));
    w.downs.push_back(source.matrix(at + names.down + ".weight", c.hidden, c.expert_width));
  }
}

}  // namespace moebius::engine
