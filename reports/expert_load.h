// How a router shared its tokens out among the experts, task by task and layer by layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::reports {

class Reader;

struct LayerLoad {
  std::int64_t layer = 0;
  std::vector<std::int64_t> tokens;  // routed to each expert
  std::int64_t routed = 0;           // their sum: tokens times the experts that each was sent to
  double imbalance = 0;              // greatest over mean, 1: even; 0 if nothing was routed
  double gini = 0;                   // 0: even, towards 1: all to one
  std::int64_t busiest = 0;          // the expert with most tokens, ties to the lower number
  std::int64_t idle = 0;             // experts that got none
};

struct SetLoad {
  std::string task;
  std::string variant;
  std::vector<LayerLoad> layers;  // ascending; not empty
};

/// Of every set of the run that counted any. Throws Error.
std::vector<SetLoad> expert_loads(Reader& reader, std::int64_t run);

/// All layers of a set together.
struct LoadSummary {
  std::int64_t experts = 0;          // of all layers
  std::int64_t idle = 0;             // of those
  std::int64_t routed = 0;           // over all layers
  double mean_imbalance = 0;         // of the layers that routed anything
  double mean_gini = 0;              // of the same
  const LayerLoad* worst = nullptr;  // the layer of the greatest imbalance, ties to the lower one;
                                     // null if nothing was routed
};
LoadSummary summarize_load(const SetLoad& load);

}  // namespace moebius::reports
