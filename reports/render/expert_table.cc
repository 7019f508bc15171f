// How evenly experts were used, for people.
#include <fmt/format.h>

#include "reports/render/table.h"

namespace moebius::reports {
namespace {

std::vector<std::string> load_row(const SetLoad& load) {
  const LoadSummary all = summarize_load(load);
  std::vector<std::string> row = {clipped(load.task + ":" + load.variant),
                                  std::to_string(load.layers.size()), std::to_string(all.experts),
                                  std::to_string(all.routed)};
  if (all.worst == nullptr) {
    row.insert(row.end(), {"-", "-", "-", "-"});
  } else {
    row.push_back(fmt::format("{:.2f}", all.mean_imbalance));
    row.push_back(fmt::format("{:.2f} in layer {} (expert {})", all.worst->imbalance,
                              all.worst->layer, all.worst->busiest));
    row.push_back(fmt::format("{:.3f}", all.mean_gini));
    row.push_back(share_cell(static_cast<double>(all.idle) / static_cast<double>(all.experts)));
  }
  return row;
}

}  // namespace

Table expert_table(const std::vector<const Summary*>& summaries,
                   const std::vector<std::string>& names) {
  Table table;
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    for (const SetLoad& load : summaries[i]->expert_loads) {
      table.rows.push_back(load_row(load));
      if (!names.empty()) table.rows.back().insert(table.rows.back().begin(), clipped(names[i]));
    }
  }
  if (table.rows.empty()) return table;
  table.header = {"experts of", "layers", "experts", "tokens routed",
                  "max/mean",   "worst",  "Gini",    "idle %"};
  table.right = {false, true, true, true, true, false, true, true};
  if (!names.empty()) {
    table.header.insert(table.header.begin(), "run");
    table.right.insert(table.right.begin(), false);
  }
  table.notes.emplace_back(
      "max/mean: tokens of a layer's busiest expert over an even share, mean of the layers; Gini "
      "0: "
      "even; idle: experts that got no token");
  return table;
}

}  // namespace moebius::reports
