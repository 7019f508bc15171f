// Mixture-of-experts router: which experts each token goes to, with what weight.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

enum class RouterScore : std::uint8_t { kSoftmax, kSigmoid };
enum class GroupScore : std::uint8_t {
  kMax,      // DeepSeek-V2, group_limited_greedy
  kTop2Sum,  // DeepSeek-V3, noaux_tc
};

struct RouterArgs {
  const float* logits = nullptr;       // [rows, experts]
  const float* bias = nullptr;         // [experts] or null; steers the choice, never the weight
  std::int32_t* expert_ids = nullptr;  // out [rows, top_k], ascending id: the slot order
  float* expert_weights = nullptr;     // out [rows, top_k]
  std::int64_t rows = 0;
  std::int64_t experts = 0;  // 1 .. 4096
  std::int64_t top_k = 0;    // 1 .. experts
  RouterScore score = RouterScore::kSoftmax;
  std::int64_t groups = 1;      // divides experts; 1: no group limit
  std::int64_t top_groups = 1;  // 1 .. groups; top_groups * (experts / groups) >= top_k
  GroupScore group_score = GroupScore::kMax;
  bool normalize = false;  // divide by (sum of the chosen + 1e-20), sum in slot order
  float scale = 1;         // then times this (routed_scaling_factor)
};

/// s = score(logits); c = s + bias. Groups are ranked by group_score of c, experts
/// of the top_groups best groups stay (the others count as -inf), the top_k best c
/// are chosen; ties go to the lower group and the lower id. w = s of the chosen,
/// normalised and scaled as asked. A NaN logit never compares as best; if fewer than
/// top_k experts are comparable the row's lowest ids fill up.
///
/// Source   DeepSeek-V3 inference/model.py, class Gate; V2: transformers,
///          DeepseekV2TopkRouter; Qwen3-MoE, Mixtral, OLMoE: softmax, no groups.
/// Order    Softmax: maximum, then the chain of exp(x - max) over ascending ids.
/// Errors   std::invalid_argument on a broken limit.
void router(const RouterArgs& args, const Stream& stream);

}  // namespace moebius::kernels
