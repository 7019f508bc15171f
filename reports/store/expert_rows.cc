// Router counts come by set, layer and expert.
#include "reports/store/expert_rows.h"

#include <algorithm>

namespace moebius::reports {
namespace {

// Far above any model, and what a reader of a strange file is spared.
constexpr std::int64_t kMostExperts = 65'536;
constexpr std::int64_t kMostCells = std::int64_t{1} << 22;

}  // namespace

std::vector<ExpertLoad> read_expert_loads(Database& database, std::int64_t run) {
  Statement select(database,
                   "SELECT e.set_id, e.layer, e.expert, e.tokens FROM sets AS s"
                   " JOIN expert_loads AS e ON e.set_id = s.id WHERE s.run_id = ?"
                   " ORDER BY s.position, s.id, e.layer, e.expert");
  select.bind(1, run);
  std::vector<ExpertLoad> loads;
  std::int64_t cells = 0;
  while (select.step()) {
    const std::int64_t set = select.integer(0);
    const std::int64_t layer = select.integer(1);
    const std::int64_t expert = select.integer(2);
    if (loads.empty() || loads.back().set != set || loads.back().layer != layer) {
      loads.push_back({.set = set, .layer = layer});
    }
    std::vector<std::int64_t>& tokens = loads.back().tokens;
    const auto size = static_cast<std::int64_t>(tokens.size());
    cells += std::max<std::int64_t>(1, expert + 1 - size);
    if (layer < 0 || expert < 0 || expert >= kMostExperts || cells > kMostCells) {
      throw Error(database.path() + ": router counts of layer " + std::to_string(layer) +
                  ", expert " + std::to_string(expert) + " are none of a model");
    }
    tokens.resize(static_cast<std::size_t>(std::max(size, expert + 1)));
    tokens[static_cast<std::size_t>(expert)] = std::max<std::int64_t>(0, select.integer(3));
  }
  return loads;
}

}  // namespace moebius::reports
