// Llama (also DeepSeek-R1-Distill-Llama): dense, GQA, llama3 rotary scaling.
//
// Paper    Grattafiori et al. 2024, arXiv:2407.21783.
// Source   transformers, models/llama.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"LlamaForCausalLM"};

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  read_gqa(json, c);
  c.qkv_bias = c.o_bias = json.boolean_or("attention_bias", false);
  c.mlp_bias = json.boolean_or("mlp_bias", false);
  c.dense_width = json.integer("intermediate_size", 1, kMaxDim);
  return c;
}

}  // namespace

extern const Family kLlama{"llama", kArchitectures, config, bind_dense};

}  // namespace moebius::engine
