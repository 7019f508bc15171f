// DeepSeek-V2 and V2-Lite: MLA, softmax router (group_limited_greedy or greedy), shared experts.
//
// Paper    DeepSeek-AI 2024, arXiv:2405.04434.
// Source   transformers, models/deepseek_v2. As there, the chosen weights are never
//          renormalised, whatever norm_topk_prob says.
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kArchitectures[] = {"DeepseekV2ForCausalLM"};

void read_router(const ConfigReader& json, Config& c) {
  const std::string score = json.text_or("scoring_func", "softmax");
  const std::string method = json.text_or("topk_method", "greedy");
  if (score != "softmax")
    json.fail("\"scoring_func\": expected \"softmax\", found \"" + score + "\"");
  if (method == "greedy") {
    c.groups = c.top_groups = 1;
  } else if (method != "group_limited_greedy") {
    json.fail("\"topk_method\": expected \"greedy\" or \"group_limited_greedy\", found \"" +
              method + "\"");
  }
  c.router_score = kernels::RouterScore::kSoftmax;
  c.group_score = kernels::GroupScore::kMax;
  c.router_scale = static_cast<float>(json.number_or("routed_scaling_factor", 1, 0, 1e6));
}

Config config(const ConfigReader& json) {
  Config c;
  read_common(json, c);
  c.mlp_bias = json.boolean_or("mlp_bias", false);
  read_mla(json, c, kernels::RopePairs::kInterleaved);
  read_deepseek_moe(json, c);
  read_router(json, c);
  return c;
}

ModelWeights bind(const Config& c, TensorSource& source) {
  return bind_deepseek(c, source);
}

}  // namespace

extern const Family kDeepseekV2{"deepseek_v2", kArchitectures, config, bind};

}  // namespace moebius::engine
