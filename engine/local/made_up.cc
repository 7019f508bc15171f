#include "engine/local/made_up.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <list>
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "kernels/buffer.h"

namespace moebius::engine {
namespace {

struct Shape {
  const char* name;
  int layers;
  const char* config;  // config.json without num_hidden_layers
};

// Field for field the published config.json of each model.
constexpr Shape kShapes[] = {
    {"qwen3-30b-a3b", 48, R"("architectures":["Qwen3MoeForCausalLM"],"hidden_size":2048,
      "num_attention_heads":32,"num_key_value_heads":4,"head_dim":128,"num_experts":128,
      "num_experts_per_tok":8,"moe_intermediate_size":768,"intermediate_size":6144,
      "norm_topk_prob":true,"vocab_size":151936,"max_position_embeddings":40960,
      "rms_norm_eps":1e-6,"rope_theta":1000000)"},
    {"v2-lite", 27, R"("architectures":["DeepseekV2ForCausalLM"],"hidden_size":2048,
      "num_attention_heads":16,"q_lora_rank":null,"kv_lora_rank":512,"qk_nope_head_dim":128,
      "qk_rope_head_dim":64,"v_head_dim":128,"intermediate_size":10944,
      "moe_intermediate_size":1408,"n_routed_experts":64,"n_shared_experts":2,
      "num_experts_per_tok":6,"first_k_dense_replace":1,"n_group":1,"topk_group":1,
      "topk_method":"greedy","scoring_func":"softmax","routed_scaling_factor":1.0,
      "vocab_size":102400,"max_position_embeddings":163840,"rms_norm_eps":1e-6,
      "rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"beta_fast":32,"beta_slow":1,
      "mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096})"},
    {"llama-3.1-8b", 32, R"("architectures":["LlamaForCausalLM"],"hidden_size":4096,
      "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
      "vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,
      "rope_theta":500000,"rope_scaling":{"rope_type":"llama3","factor":8.0,
      "low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192})"},
};

const Shape& find_shape(const std::string& name) {
  std::string known;
  for (const Shape& shape : kShapes) {
    if (name == shape.name) return shape;
    known += (known.empty() ? "" : ", ") + std::string(shape.name);
  }
  throw Error("shape: expected one of " + known + ", found \"" + name + "\"");
}

// Four bf16 numbers of either sign in [scale, 2 scale) from one step of xorshift64.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL | 1) {}

  void fill(std::uint16_t* to, std::size_t count, float scale) {
    const std::uint64_t exponent = std::bit_cast<std::uint32_t>(scale) >> 23;
    const std::uint64_t base = exponent << 7 | exponent << 23 | exponent << 39 | exponent << 55;
    for (std::size_t i = 0; i < count; i += 4) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      const std::uint64_t four = (state_ & 0x807f807f807f807fULL) | base;
      for (std::size_t j = 0; j < std::min<std::size_t>(4, count - i); ++j) {
        to[i + j] = static_cast<std::uint16_t>(four >> (16 * j));
      }
    }
  }

 private:
  std::uint64_t state_;
};

/// Makes every tensor that is asked for.
class MadeUp : public TensorSource {
 public:
  kernels::Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    const auto count = static_cast<std::size_t>(rows * cols);
    data_.emplace_back(count * 2);
    auto* values = reinterpret_cast<std::uint16_t*>(data_.back().data());
    Filler(data_.size()).fill(values, count, 0.5F / std::sqrt(static_cast<float>(cols)));
    record(name, "BF16", {rows, cols}, count * 2);
    return {values, kernels::Dtype::kBF16, rows, cols, nullptr};
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
  std::list<kernels::Buffer<std::byte>> data_;
  std::vector<Entry> entries_;
};

}  // namespace

Checkpoint made_up_checkpoint(const std::string& name, int layers) {
  const Shape& shape = find_shape(name);
  if (layers < 0 || layers > shape.layers) {
    throw Error("layers: " + name + " has 1.." + std::to_string(shape.layers) + ", found " +
                std::to_string(layers));
  }
  const std::string config =
      "{\"num_hidden_layers\":" + std::to_string(layers == 0 ? shape.layers : layers) + "," +
      shape.config + "}";
  return open_checkpoint(name, config, std::make_unique<MadeUp>());
}

}  // namespace moebius::engine
