// How evenly the router used its experts.
#include "reports/expert_load.h"

#include <algorithm>
#include <utility>

#include "reports/store.h"

namespace moebius::reports {
namespace {

/// Sorted ascending: sum (2 i - n - 1) x_i / (n sum x_i), i from 1.
double gini(std::vector<std::int64_t> tokens, double sum) {
  std::sort(tokens.begin(), tokens.end());
  const auto n = static_cast<double>(tokens.size());
  double weighted = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    weighted += (2 * static_cast<double>(i + 1) - n - 1) * static_cast<double>(tokens[i]);
  }
  return weighted / (n * sum);
}

LayerLoad layer_load(const ExpertLoad& row) {
  LayerLoad load{.layer = row.layer, .tokens = row.tokens};
  double sum = 0;  // a strange file's counts may not fit into 64 bits together
  for (const std::int64_t tokens : row.tokens) sum += static_cast<double>(tokens);
  load.idle = std::count(row.tokens.begin(), row.tokens.end(), 0);
  if (sum <= 0) return load;
  const auto most = std::max_element(row.tokens.begin(), row.tokens.end());
  load.routed = static_cast<std::int64_t>(std::min(sum, 9e18));
  load.busiest = most - row.tokens.begin();
  load.imbalance = static_cast<double>(*most) * static_cast<double>(row.tokens.size()) / sum;
  load.gini = gini(row.tokens, sum);
  return load;
}

}  // namespace

std::vector<SetLoad> expert_loads(Reader& reader, std::int64_t run) {
  const std::vector<ExpertLoad> rows = reader.expert_loads(run);
  std::vector<SetLoad> loads;
  if (rows.empty()) return loads;
  for (const Set& set : reader.sets(run)) {
    SetLoad load{.task = set.task, .variant = set.variant, .layers = {}};
    for (const ExpertLoad& row : rows) {
      if (row.set == set.id) load.layers.push_back(layer_load(row));
    }
    if (!load.layers.empty()) loads.push_back(std::move(load));
  }
  return loads;
}

LoadSummary summarize_load(const SetLoad& load) {
  LoadSummary all;
  double routing = 0;
  for (const LayerLoad& layer : load.layers) {
    all.experts += std::ssize(layer.tokens);
    all.idle += layer.idle;
    if (layer.routed == 0) continue;
    all.routed += std::min(layer.routed, INT64_MAX - all.routed);
    all.mean_imbalance += layer.imbalance;
    all.mean_gini += layer.gini;
    ++routing;
    if (all.worst == nullptr || layer.imbalance > all.worst->imbalance) all.worst = &layer;
  }
  if (routing == 0) return all;
  all.mean_imbalance /= routing;
  all.mean_gini /= routing;
  return all;
}

}  // namespace moebius::reports
