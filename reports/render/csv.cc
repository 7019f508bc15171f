// Reports as CSV by RFC 4180: one header, one line per row, raw numbers, empty where there is none.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "reports/leaderboard.h"
#include "reports/render/escape.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

constexpr const char* kHeader =
    "run,run_key,model,state,valid,why_invalid,task,variant,part,metric,scorer,scorer_version,"
    "items,samples,planned,value,stderr_total,stderr_rerun,interval_low,interval_high,"
    "interval_method,truncated,no_answer,failed,verdicts,prompt_tokens,output_tokens,"
    "mean_latency_ms";
constexpr const char* kBoardHeader =
    ",store,rank_best,rank_worst,unranked,cost,currency,cost_per_answer,tokens_per_answer,"
    "answers_per_second,on_cost_front,on_token_front,unsandboxed";

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

std::string verdicts(const Row& row) {
  std::string text;
  for (const auto& [name, count] : row.verdicts) {
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(count);
  }
  return text;
}

std::string line(const Summary& summary, const Row& row) {
  const Run& run = summary.run;
  std::string text = std::to_string(run.id);
  const auto add = [&](const std::string& field) { text += "," + field; };
  for (const std::string* field : {&run.key, &run.model, &run.state}) add(escape_csv(*field));
  add(summary.valid ? "true" : "false");
  for (const std::string* field :
       {&summary.why_invalid, &row.task, &row.variant, &row.part, &row.metric, &row.scorer}) {
    add(escape_csv(*field));
  }
  for (const std::int64_t count :
       {std::int64_t{row.scorer_version}, row.items, row.samples, row.planned}) {
    add(std::to_string(count));
  }
  for (const auto& value : {row.value, row.stderr_total, row.stderr_rerun}) add(number(value));
  add(row.interval ? number(row.interval->low) : "");
  add(row.interval ? number(row.interval->high) : "");
  add(escape_csv(row.interval_method));
  for (const double share : {row.truncated, row.no_answer, row.failed}) add(number(share));
  add(escape_csv(verdicts(row)));
  add(std::to_string(row.prompt_tokens));
  add(std::to_string(row.output_tokens));
  add(number(row.mean_latency_ms));
  return text;
}

std::string rank_field(const std::optional<std::int64_t>& rank) {
  return rank ? std::to_string(*rank) : std::string();
}

std::string entry_fields(const Leaderboard& board, const BoardEntry& entry) {
  const auto truth = [](bool value) { return std::string(value ? ",true" : ",false"); };
  std::string text = "," + escape_csv(board.stores[board.runs[entry.run].store]);
  text += "," + rank_field(entry.best_rank) + "," + rank_field(entry.worst_rank);
  text += "," + escape_csv(entry.unranked) + "," + number(entry.cost);
  text += "," + escape_csv(entry.currency) + "," + number(entry.cost_per_answer);
  text += "," + number(entry.tokens_per_answer) + "," + number(entry.samples_per_second);
  return text + truth(entry.on_cost_front) + truth(entry.on_token_front) + truth(entry.unsandboxed);
}

using EntryName = std::tuple<std::size_t, std::string, std::string>;  // run, task, variant

std::map<EntryName, const BoardEntry*> entries_by_name(const Leaderboard& leaderboard) {
  std::map<EntryName, const BoardEntry*> entries;
  for (const Board& board : leaderboard.boards) {
    for (const BoardEntry& entry : board.entries) {
      entries.emplace(EntryName(entry.run, board.task, board.variant), &entry);
    }
  }
  return entries;
}

}  // namespace

std::string render_csv(const std::vector<Summary>& summaries) {
  std::string text = std::string(kHeader) + "\r\n";
  for (const Summary& summary : summaries) {
    for (const Row& row : summary.rows) text += line(summary, row) + "\r\n";
  }
  return text;
}

std::string render_csv(const Leaderboard& board) {
  std::string text = std::string(kHeader) + kBoardHeader + "\r\n";
  std::map<EntryName, const BoardEntry*> entries = entries_by_name(board);
  for (std::size_t run = 0; run < board.runs.size(); ++run) {
    for (const Row& row : board.runs[run].summary.rows) {
      text += line(board.runs[run].summary, row);
      // The first row of a set is its headline; what is taken out is not found again.
      const auto found = entries.extract(EntryName(run, row.task, row.variant));
      text += found ? entry_fields(board, *found.mapped()) : std::string(12, ',');
      text += "\r\n";
    }
  }
  return text;
}

}  // namespace moebius::reports
