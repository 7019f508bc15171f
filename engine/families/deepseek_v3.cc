// DeepSeek-V3 and R1: MLA, sigmoid router with group limit and correction bias, shared expert.
//
// Paper    DeepSeek-AI 2024, arXiv:2412.19437.
// Source   deepseek-ai/DeepSeek-V3 inference/model.py; names and switches as in
//          transformers, models/deepseek_v3. Layers past num_hidden_layers are the
//          multi-token-prediction module: recognised, not used.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"DeepseekV3ForCausalLM"};

void read_router(const ConfigReader& json, Config& c) {
  const std::string score = json.text_or("scoring_func", "sigmoid");
  const std::string method = json.text_or("topk_method", "noaux_tc");
  if (score != "sigmoid")
    json.fail("\"scoring_func\": expected \"sigmoid\", found \"" + score + "\"");
  if (method != "noaux_tc")
    json.fail("\"topk_method\": expected \"noaux_tc\", found \"" + method + "\"");
  c.router_score = kernels::RouterScore::kSigmoid;
  c.group_score = kernels::GroupScore::kTop2Sum;
  c.router_bias = true;
  c.router_normalize = json.boolean_or("norm_topk_prob", true);
  c.router_scale = static_cast<float>(json.number_or("routed_scaling_factor", 2.5, 0, 1e6));
}

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  const bool interleave = json.boolean_or("rope_interleave", true);
  read_mla(json, c, interleave ? kernels::RopePairs::kInterleaved : kernels::RopePairs::kHalves);
  read_deepseek_moe(json, c);
  read_router(json, c);
  return c;
}

ModelWeights bind(const Config& c, TensorSource& source) {
  return bind_deepseek(c, source);
}

}  // namespace

extern const Family kDeepseekV3{"deepseek_v3", kArchitectures, config, bind};

}  // namespace moebius::engine
