// A model family: what one file in engine/families/ says. Names, shapes and switches
// are read here; the layers that they drive are in engine/forward/, the
// arithmetic in kernels/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/quantization.h"
#include "kernels/rope/rope.h"
#include "kernels/router/router.h"
#include "kernels/tensor.h"

namespace moebius::engine {

class ConfigReader;  // engine/checkpoint/config_reader.h: config.json, checked field by field
class TensorSource;  // engine/checkpoint/tensor_source.h: tensors by name, checked against what is
                     // asked

/// Rotary embedding after all scaling: what the kernels need.
struct RopeConfig {
  std::int64_t half = 0;        // rotated pairs per head
  std::vector<float> inv_freq;  // [half]
  float scale = 1;              // of cos and sin
  kernels::RopePairs pairs = kernels::RopePairs::kHalves;
};

enum class AttentionKind : std::uint8_t { kMla, kGqa };
enum class QkNorm : std::uint8_t {
  kNone,
  kPerHead,  // Qwen3: over each head
  kFull,     // OLMoE: over the whole projection
};

/// Dimensions and switches of one model, all families. Every field is read from
/// config.json, none is guessed from another model's size.
struct Config {
  std::int64_t vocab = 0;
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t context = 0;  // max_position_embeddings
  float norm_eps = 0;
  bool tied_head = false;
  Quantization quantization;

  AttentionKind attention = AttentionKind::kGqa;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;  // GQA
  QkNorm qk_norm = QkNorm::kNone;
  bool qkv_bias = false;
  bool o_bias = false;
  float clip_qkv = 0;       // 0: off
  std::int64_t q_lora = 0;  // MLA; 0: plain q_proj
  std::int64_t kv_lora = 0;
  std::int64_t qk_nope = 0;
  std::int64_t qk_rope = 0;
  std::int64_t v_dim = 0;
  float latent_norm_eps = 1e-6F;  // q_a_layernorm, kv_a_layernorm
  float softmax_scale = 0;
  RopeConfig rope;

  std::int64_t dense_width = 0;  // dense MLP
  bool mlp_bias = false;
  std::vector<bool> moe_layer;  // [layers]
  std::int64_t experts = 0;
  std::int64_t expert_width = 0;
  std::int64_t top_k = 0;
  std::int64_t shared_width = 0;  // 0: no shared expert
  kernels::RouterScore router_score = kernels::RouterScore::kSoftmax;
  kernels::GroupScore group_score = kernels::GroupScore::kMax;
  std::int64_t groups = 1;
  std::int64_t top_groups = 1;
  bool router_bias = false;
  bool router_normalize = false;
  float router_scale = 1;

  std::int64_t kv_width() const {  // elements per token and layer in the cache
    return attention == AttentionKind::kMla ? kv_lora + qk_rope : 2 * kv_heads * head_dim;
  }
  // In an fp8 cache: values that share a scale, and last columns that stay bf16. A head's key or
  // value; of a latent, blocks of 128 where it has such, the rotated key apart (as FlashMLA).
  std::int64_t kv_block() const {
    if (attention == AttentionKind::kGqa) return head_dim;
    return kv_lora % 128 == 0 ? 128 : kv_lora;
  }
  std::int64_t kv_plain() const { return attention == AttentionKind::kMla ? qk_rope : 0; }
};

/// Small vectors (norms, biases) are widened to float32 when they are bound.
struct Vector {
  const float* data = nullptr;
  std::int64_t size = 0;
};

struct MlpWeights {
  kernels::Matrix gate, up, down;
  Vector gate_bias, up_bias, down_bias;
};

struct LayerWeights {
  Vector attention_norm, ffn_norm;
  // MLA
  kernels::Matrix q_a, q_b, kv_a, kv_b;
  Vector q_a_bias, kv_a_bias;
  Vector q_a_norm, kv_a_norm;
  // GQA (and MLA without q_lora: q)
  kernels::Matrix q, k, v, o;
  Vector q_bias, k_bias, v_bias, o_bias;
  Vector q_norm, k_norm;
  // feed-forward
  MlpWeights dense, shared;
  kernels::Matrix router;
  Vector router_bias;
  std::vector<kernels::Matrix> gates, ups, downs;  // [experts]
};

struct ModelWeights {
  kernels::Matrix embedding;
  std::vector<LayerWeights> layers;
  Vector final_norm;
  kernels::Matrix head;
};

struct Family {
  std::string_view name;                                 // the file's name
  std::span<const std::string_view> architectures;       // values of config.json "architectures"
  Config (*config)(const ConfigReader& json) = nullptr;  // throws Error naming the field
  /// Asks `source` for every tensor by name and shape; throws Error on the first that is
  /// missing or has another shape. Names that only this family knows to be unused
  /// (MTP layers, rotary tables) are passed to source.skip_prefix().
  ModelWeights (*bind)(const Config& config, TensorSource& source) = nullptr;
};

/// The family that serves `architecture`; throws Error listing those there are.
const Family& family_for(std::string_view architecture);
std::span<const Family* const> families();

}  // namespace moebius::engine
