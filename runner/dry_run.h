// What an evaluation would take, before anything is computed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/output.h"
#include "runner/plan.h"

namespace moebius::runner {

/// Tokens and bytes of one set, every prompt tokenised.
struct SetCost {
  std::string task;
  std::string variant;
  std::int64_t items = 0;
  std::int64_t samples = 0;
  std::int64_t prompt_tokens = 0;    // of all samples, shared prefixes counted each time
  std::int64_t distinct_tokens = 0;  // of all items once
  std::int32_t longest_prompt = 0;
  std::int64_t max_output_tokens = 0;  // of all samples: the upper bound
  std::int64_t refused = 0;            // items this model cannot be asked
  std::string refusal;                 // of the first of them
  std::int64_t store_bytes = 0;        // estimate
};

/// Asks every question of `asker`, on all cores.
std::vector<SetCost> measure_cost(const std::vector<PlannedSet>& plan, const Asker& asker);

/// Memory of weights and cache, and time at the limits measured on this machine now.
struct Estimate {
  std::int64_t weight_bytes = 0;
  std::int64_t kv_bytes = 0;  // of one longest sequence
  double seconds_low = 0;     // at this machine's limits, answers a tenth as long as allowed
  double seconds_high = 0;    // at a fifth of the limits, every answer as long as allowed
};
Estimate estimate(const std::vector<SetCost>& costs, const engine::ModelInfo& info,
                  const engine::EngineLimits& limits);

std::string dry_run_text(const std::vector<SetCost>& costs, const Estimate& estimate);
Json dry_run_json(const std::vector<SetCost>& costs, const Estimate& estimate);

}  // namespace moebius::runner
