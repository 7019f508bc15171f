// Leaderboards for machines: report.schema.json.
#include <nlohmann/json.hpp>

#include "reports/leaderboard.h"
#include "reports/render/json_values.h"

namespace moebius::reports {
namespace {

using nlohmann::ordered_json;

ordered_json part_json(const BoardPart& part) {
  return {{"items", part.items},
          {"value", optional_json(part.value)},
          {"interval", interval_json(part.interval, 0.95)}};
}

ordered_json subjects_json(const std::vector<BoardPart>& subjects) {
  ordered_json list = ordered_json::array();
  for (const BoardPart& part : subjects) {
    list.push_back(part_json(part));
    list.back()["difference"] = optional_json(part.difference);
    list.back()["q"] = optional_json(part.q);
    list.back()["marked"] = part.marked;
  }
  return list;
}

ordered_json months_json(const std::vector<BoardPart>& months) {
  ordered_json list = ordered_json::array();
  for (const BoardPart& part : months) list.push_back(part_json(part));
  return list;
}

ordered_json board_change_json(const std::optional<BoardChange>& change) {
  if (!change) return nullptr;
  return {{"since", change->since},
          {"items", change->items},
          {"difference", change->difference},
          {"interval", interval_json(change->interval, 0.95)},
          {"p", change->p}};
}

ordered_json rank_json(const BoardEntry& entry) {
  if (!entry.best_rank || !entry.worst_rank) return nullptr;
  return {{"best", *entry.best_rank}, {"worst", *entry.worst_rank}};
}

ordered_json entry_json(const BoardEntry& entry) {
  return {{"run", entry.run},
          {"row", row_json(entry.row)},
          {"repeats", entry.set.repeats},
          {"temperature", entry.set.temperature},
          {"top_p", entry.set.top_p},
          {"max_new_tokens", entry.set.max_new_tokens},
          {"unranked", entry.unranked},
          {"rank", rank_json(entry)},
          {"cost", optional_json(entry.cost)},
          {"currency", entry.currency},
          {"cost_per_answer", optional_json(entry.cost_per_answer)},
          {"tokens_per_answer", optional_json(entry.tokens_per_answer)},
          {"answers_per_second", optional_json(entry.samples_per_second)},
          {"on_cost_front", entry.on_cost_front},
          {"on_token_front", entry.on_token_front},
          {"unsandboxed", entry.unsandboxed},
          {"subjects", subjects_json(entry.subjects)},
          {"months", months_json(entry.months)},
          {"change", board_change_json(entry.change)}};
}

ordered_json board_json(const Board& board) {
  ordered_json entries = ordered_json::array();
  for (const BoardEntry& entry : board.entries) entries.push_back(entry_json(entry));
  return {{"task", board.task},
          {"variant", board.variant},
          {"task_version", board.task_version},
          {"data_sha256", board.data_sha256},
          {"scorer", board.scorer},
          {"scorer_version", board.scorer_version},
          {"items", board.items},
          {"apart", board.apart},
          {"entries", entries},
          {"by_time", board.by_time},
          {"subjects", board.subjects},
          {"subjects_by", board.subjects_by},
          {"months", board.months},
          {"notes", board.notes}};
}

}  // namespace

std::string render_json(const Leaderboard& leaderboard) {
  ordered_json runs = ordered_json::array();
  ordered_json stores = ordered_json::array();
  for (const BoardRun& run : leaderboard.runs) {
    runs.push_back(summary_json(run.summary));
    stores.push_back(run.store);
  }
  ordered_json boards = ordered_json::array();
  for (const Board& board : leaderboard.boards) boards.push_back(board_json(board));
  ordered_json json = report_json(std::move(runs));
  json["leaderboard"] = {{"alpha", leaderboard.options.alpha},
                         {"stores", leaderboard.stores},
                         {"store_of_run", stores},
                         {"boards", boards}};
  return dump_json(json, 2) + "\n";
}

}  // namespace moebius::reports
