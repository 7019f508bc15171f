// Runs that answered the same questions, ranked as far as that can be told, and over time.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"

namespace moebius::reports::html {
namespace {

const RunFacts& run_of(const Page& page, const BoardEntry& entry) {
  return page.runs[entry.run];
}

std::string board_link(const Page& page, const Board& board, const BoardEntry& entry) {
  return samples_link(
      {{"task", set_name(board.task, board.variant)}, {"run", run_of(page, entry).name}});
}

std::string rank_text(const BoardEntry& entry) {
  if (!entry.best_rank || !entry.worst_rank) return "–";
  if (*entry.best_rank == *entry.worst_rank) return std::to_string(*entry.best_rank);
  return fmt::format("{} – {}", *entry.best_rank, *entry.worst_rank);
}

std::string fronts(const BoardEntry& entry) {
  std::string names = entry.on_token_front ? "tokens" : "";
  if (entry.on_cost_front) names += names.empty() ? "cost" : ", cost";
  return names;
}

Cell number_cell(const std::optional<double>& value, int digits, const std::string& unit = "") {
  if (!value) return {.text = "–"};
  return {.text = fmt::format("{:.{}f}{}{}", *value, digits, unit.empty() ? "" : " ", unit),
          .sort = sort_key(*value)};
}

std::vector<Cell> board_cells(const Page& page, const Board& board, const BoardEntry& entry) {
  const RunFacts& run = run_of(page, entry);
  const Row& row = entry.row;
  return {
      {.text = run.name, .href = board_link(page, board, entry)},
      {.text = run.source.run.model, .kind = "wrap"},
      {.text = rank_text(entry),
       .sort = entry.best_rank ? std::to_string(*entry.best_rank) : "",
       .title = entry.unranked},
      {.text = row.value ? percent(*row.value) : "–",
       .href = board_link(page, board, entry),
       .sort = row.value ? sort_key(*row.value) : ""},
      {.text = row.interval
                   ? fmt::format("{} – {}", percent(row.interval->low), percent(row.interval->high))
                   : "–"},
      number_cell(entry.tokens_per_answer, 1),
      number_cell(entry.cost, 4, entry.currency),
      number_cell(entry.cost_per_answer, 6, entry.currency),
      number_cell(entry.samples_per_second, 1),
      {.text = fmt::format("{:.1f}", row.mean_latency_ms), .sort = sort_key(row.mean_latency_ms)},
      {.text = fronts(entry)},
      {.text = entry.unranked, .kind = "wrap"}};
}

std::string board_table(const Page& page, const Board& board) {
  if (board.entries.size() < 2) return {};
  std::string caption = fmt::format("{}: {} questions, {} v{}", set_name(board.task, board.variant),
                                    thousands(board.items), board.scorer, board.scorer_version);
  if (!board.apart.empty()) caption += "; apart: " + board.apart;
  TableOf table_of{.caption = caption,
                   .columns = {{"Run"},
                               {"Model"},
                               {"Rank", true},
                               {"Score", true},
                               {"95 % interval", true},
                               {"Tokens / answer", true},
                               {"Cost", true},
                               {"Cost / answer", true},
                               {"Answers / s", true},
                               {"ms / answer", true},
                               {"Front"},
                               {"Note"}}};
  for (const BoardEntry& entry : board.entries) {
    table_of.rows.push_back(board_cells(page, board, entry));
  }
  drop_empty(table_of);
  return table(table_of) + list("note", board.notes);
}

// ---- over time ------------------------------------------------------------------------

std::string day_of(const RunFacts& run) {
  const std::string day = run.source.run.started.substr(0, 10);
  return day.empty() ? run.name : day;
}

std::string change_text(const Page& page, const Board& board, const BoardEntry& entry) {
  if (!entry.change || entry.change->since >= board.entries.size()) return "–";
  const BoardChange& change = *entry.change;
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}] since {}, p {:.4f}", 100 * change.difference,
                     100 * change.interval.low, 100 * change.interval.high,
                     run_of(page, board.entries[change.since]).name, change.p);
}

std::string history_of(const Page& page, const Board& board) {
  if (board.by_time.size() < 2) return {};
  const std::string set = set_name(board.task, board.variant);
  std::vector<std::string> days;
  std::vector<std::vector<Estimate>> estimates;
  TableOf changes{.caption = set +
                             ": oldest run first, and what changed since the run before of "
                             "the same model, in points",
                  .columns = {{"Run"}, {"Started (UTC)"}, {"Model"}, {"Score", true}, {"Change"}}};
  for (const std::size_t place : board.by_time) {
    const BoardEntry& entry = board.entries[place];
    const RunFacts& run = run_of(page, entry);
    changes.rows.push_back({{.text = run.name, .href = board_link(page, board, entry)},
                            {.text = run.source.run.started},
                            {.text = run.source.run.model},
                            {.text = entry.row.value ? percent(*entry.row.value) : "–"},
                            {.text = change_text(page, board, entry)}});
    if (!entry.row.value) continue;
    days.push_back(day_of(run));
    estimates.push_back({{.series = entry.run,
                          .value = *entry.row.value,
                          .interval = entry.row.interval,
                          .href = board_link(page, board, entry),
                          .title = score_title(run, entry.row)}});
  }
  const std::string name = "History of " + set;
  const std::string chart =
      days.size() < 2 ? ""
                      : figure(name,
                               "Runs on the same questions by the time they were started, "
                               "with 95 % intervals.",
                               legend(page) + monthly(name, days, estimates));
  return chart + table(changes);
}

}  // namespace

Section leaderboard_section(const Page& page) {
  std::string html;
  for (const Board& board : page.board.boards) html += board_table(page, board);
  if (!html.empty()) {
    html =
        "<p class=\"lead\">A rank is a range: a run stands behind those that are significantly "
        "better on the same questions (paired tests of all pairs, Holm-corrected).</p>\n" +
        html;
  }
  return {.id = "leaderboard", .heading = "Leaderboard", .html = html};
}

Section history_section(const Page& page) {
  std::string html;
  for (const Board& board : page.board.boards) html += history_of(page, board);
  return {.id = "history", .heading = "History", .html = html};
}

}  // namespace moebius::reports::html
