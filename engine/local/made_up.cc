#include "engine/local/made_up.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/engine.h"
#include "kernels/buffer.h"

namespace moebius::engine {
namespace {

struct KnownShape {
  const char* name;
  int layers;         // that the model has
  int usual;          // of those, as many as are taken if nobody says how many
  WeightDtype dtype;  // as it was published first
  const char* config;
};

// Field for field the published config.json of each model.
constexpr KnownShape kShapes[] = {
    {"qwen3-30b-a3b", 48, 48, WeightDtype::kBF16,
     R"("architectures":["Qwen3MoeForCausalLM"],"hidden_size":2048,
      "num_attention_heads":32,"num_key_value_heads":4,"head_dim":128,"num_experts":128,
      "num_experts_per_tok":8,"moe_intermediate_size":768,"intermediate_size":6144,
      "norm_topk_prob":true,"vocab_size":151936,"max_position_embeddings":40960,
      "rms_norm_eps":1e-6,"rope_theta":1000000)"},
    {"v2-lite", 27, 27, WeightDtype::kBF16,
     R"("architectures":["DeepseekV2ForCausalLM"],"hidden_size":2048,
      "num_attention_heads":16,"q_lora_rank":null,"kv_lora_rank":512,"qk_nope_head_dim":128,
      "qk_rope_head_dim":64,"v_head_dim":128,"intermediate_size":10944,
      "moe_intermediate_size":1408,"n_routed_experts":64,"n_shared_experts":2,
      "num_experts_per_tok":6,"first_k_dense_replace":1,"n_group":1,"topk_group":1,
      "topk_method":"greedy","scoring_func":"softmax","routed_scaling_factor":1.0,
      "vocab_size":102400,"max_position_embeddings":163840,"rms_norm_eps":1e-6,
      "rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"beta_fast":32,"beta_slow":1,
      "mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096})"},
    {"llama-3.1-8b", 32, 32, WeightDtype::kBF16,
     R"("architectures":["LlamaForCausalLM"],"hidden_size":4096,
      "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
      "vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,
      "rope_theta":500000,"rope_scaling":{"rope_type":"llama3","factor":8.0,
      "low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192})"},
    {"v3-slice", 61, 8, WeightDtype::kF8E4M3,
     R"("architectures":["DeepseekV3ForCausalLM"],"hidden_size":7168,
      "num_attention_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,
      "qk_rope_head_dim":64,"v_head_dim":128,"intermediate_size":18432,
      "moe_intermediate_size":2048,"n_routed_experts":256,"n_shared_experts":1,
      "num_experts_per_tok":8,"first_k_dense_replace":3,"n_group":8,"topk_group":4,
      "topk_method":"noaux_tc","scoring_func":"sigmoid","norm_topk_prob":true,
      "routed_scaling_factor":2.5,"vocab_size":129280,"max_position_embeddings":163840,
      "rms_norm_eps":1e-6,"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,
      "beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":1.0,
      "original_max_position_embeddings":4096})"},
};

// Of the fp8 checkpoints that DeepSeek and Qwen publish.
constexpr char kFp8Config[] = R"(,"quantization_config":{"activation_scheme":"dynamic","fmt":"e4m3",
      "quant_method":"fp8","weight_block_size":[128,128]})";

const KnownShape& find_shape(const std::string& name) {
  std::string known;
  for (const KnownShape& shape : kShapes) {
    if (name == shape.name) return shape;
    known += (known.empty() ? "" : ", ") + std::string(shape.name);
  }
  throw Error("shape: expected one of " + known + ", found \"" + name + "\"");
}

// Numbers of either sign in [scale, 2 scale): eight bytes of them from one step of xorshift64.
// `keep`: the bits that are drawn, `base` the others.
void fill(std::byte* to, std::size_t bytes, std::uint64_t keep, std::uint64_t base,
          std::uint64_t seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL | 1;
  for (std::size_t i = 0; i < bytes; i += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const std::uint64_t eight = (state & keep) | base;
    std::memcpy(to + i, &eight, std::min<std::size_t>(8, bytes - i));
  }
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Makes every tensor that is asked for. Without `values`, matrices point nowhere useful.
class MadeUp : public TensorSource {
 public:
  MadeUp(bool fp8, bool values) : fp8_(fp8), values_(values) {}

  void expect(const Quantization&) override {}

  kernels::Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    const bool fp8 = fp8_ && !ends_with(name, "embed_tokens.weight") &&
                     !ends_with(name, "lm_head.weight") && !ends_with(name, "mlp.gate.weight");
    const auto count = static_cast<std::size_t>(rows * cols);
    const float scale = 0.5F / std::sqrt(static_cast<float>(cols));
    kernels::Matrix matrix{nullptr, fp8 ? kernels::Dtype::kF8E4M3 : kernels::Dtype::kBF16, rows,
                           cols, nullptr};
    const std::size_t bytes = fp8 ? count : count * 2;
    data_.emplace_back(values_ ? bytes : 1);
    matrix.data = data_.back().data();
    if (values_ && fp8) {
      fill(data_.back().data(), bytes, 0x8787878787878787ULL, 0x3838383838383838ULL, ++seed_);
    } else if (values_) {
      const std::uint64_t exponent = std::bit_cast<std::uint32_t>(scale) >> 23;
      fill(data_.back().data(), bytes, 0x807f807f807f807fULL,
           (exponent << 7) * 0x0001000100010001ULL, ++seed_);
    }
    record(name, fp8 ? "F8_E4M3" : "BF16", {rows, cols}, bytes);
    if (fp8) matrix.scale = scales(name + "_scale_inv", rows, cols, scale);
    return matrix;
  }

  Vector vector(const std::string& name, std::int64_t size) override {
    const auto count = static_cast<std::size_t>(size);
    data_.emplace_back(count * 4);
    auto* values = reinterpret_cast<float*>(data_.back().data());
    std::fill_n(values, count, 1.0F);
    record(name, "F32", {size}, count * 4);
    return {values, size};
  }

  bool has(const std::string&) const override { return false; }
  void skip_prefix(std::string_view) override {}
  void require_all_used() const override {}
  std::vector<Entry> entries() const override { return entries_; }
  std::string content_hash() const override { return "made-up"; }

 private:
  const float* scales(const std::string& name, std::int64_t rows, std::int64_t cols, float scale) {
    const auto blocks = [](std::int64_t n) {
      return (n + kernels::kScaleBlock - 1) / kernels::kScaleBlock;
    };
    const auto count = static_cast<std::size_t>(blocks(rows) * blocks(cols));
    data_.emplace_back(count * 4);
    auto* values = reinterpret_cast<float*>(data_.back().data());
    std::fill_n(values, count, scale);
    record(name, "F32", {blocks(rows), blocks(cols)}, count * 4);
    return values;
  }
  void record(const std::string& name, const char* dtype, std::vector<std::int64_t> shape,
              std::size_t bytes) {
    entries_.push_back({.name = name,
                        .dtype = dtype,
                        .shape = std::move(shape),
                        .data = data_.back().data(),
                        .bytes = bytes,
                        .file = {},
                        .used = true});
  }
  bool fp8_;
  bool values_;
  std::uint64_t seed_ = 0;
  std::list<kernels::Buffer<std::byte>> data_;
  std::vector<Entry> entries_;
};

}  // namespace

Checkpoint made_up_checkpoint(const std::string& path, const std::string& config, int layers,
                              WeightDtype dtype, bool values) {
  const bool fp8 = dtype == WeightDtype::kF8E4M3;
  Checkpoint checkpoint = open_checkpoint(path,
                                          "{\"num_hidden_layers\":" + std::to_string(layers) + "," +
                                              config + (fp8 ? kFp8Config : "") + "}",
                                          std::make_unique<MadeUp>(fp8, values));
  checkpoint.made_up = !values;
  return checkpoint;
}

Checkpoint made_up_checkpoint(const Shape& shape, bool values) {
  const KnownShape& known = find_shape(shape.name);
  if (shape.layers < 0 || shape.layers > known.layers) {
    throw Error("layers: " + shape.name + " has 1.." + std::to_string(known.layers) + ", found " +
                std::to_string(shape.layers));
  }
  const WeightDtype dtype = shape.dtype.value_or(known.dtype);
  std::string path = shape.name;
  if (dtype != known.dtype) path += dtype == WeightDtype::kF8E4M3 ? " in fp8" : " in bf16";
  return made_up_checkpoint(path, known.config, shape.layers == 0 ? known.usual : shape.layers,
                            dtype, values);
}

}  // namespace moebius::engine
