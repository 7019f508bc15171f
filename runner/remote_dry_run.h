// What an evaluation would ask of a server, before it is asked anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/output.h"
#include "runner/plan.h"

namespace moebius::runner {

/// Of one set. Tokens of prompts are the server's business: they are estimated, three bytes each.
struct RemoteCost {
  std::string task;
  std::string variant;
  std::int64_t items = 0;
  std::int64_t samples = 0;
  std::int64_t requests = 0;           // one for each continuation of a question of choice
  std::int64_t prompt_bytes = 0;       // of all requests
  std::int64_t max_output_tokens = 0;  // of all requests: the upper bound
  std::int64_t refused = 0;            // items that the server cannot be asked
  std::string refusal;                 // of the first of them
};

/// Asks every question of `asker`; nothing is sent.
std::vector<RemoteCost> measure_remote_cost(const std::vector<PlannedSet>& plan,
                                            const Asker& asker);

/// `options`: prices and rate limits; `currency` empty: no prices.
std::string remote_dry_run_text(const std::vector<RemoteCost>& costs,
                                const engine::RemoteOptions& options, const std::string& currency);
Json remote_dry_run_json(const std::vector<RemoteCost>& costs, const engine::RemoteOptions& options,
                         const std::string& currency);

}  // namespace moebius::runner
