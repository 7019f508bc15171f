// Qwen2 and Qwen2.5 (also DeepSeek-R1-Distill-Qwen): dense, GQA with q/k/v bias.
//
// Paper    Qwen Team 2024, arXiv:2407.10671.
// Source   transformers, models/qwen2.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"Qwen2ForCausalLM"};

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  read_gqa(json, c);
  c.qkv_bias = true;
  c.dense_width = json.integer("intermediate_size", 1, kMaxDim);
  if (json.boolean_or("use_sliding_window", false)) cap_context(json, c);
  return c;
}

}  // namespace

extern const Family kQwen2{"qwen2", kArchitectures, config, bind_dense};

}  // namespace moebius::engine
