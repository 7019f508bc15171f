// What a leaderboard's tables hold.
#include "reports/render/board_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

constexpr std::size_t kMostShownRuns = 8;       // columns of subjects and months
constexpr std::size_t kMostShownSubjects = 20;  // of more only those that stand out

/// "3", or "main.sqlite:3" where there are several stores.
std::string board_run_name(const Leaderboard& leaderboard, std::size_t run) {
  const BoardRun& shown = leaderboard.runs[run];
  const std::string id = std::to_string(shown.summary.run.id);
  return leaderboard.stores.size() > 1 ? leaderboard.stores[shown.store] + ":" + id : id;
}

const Run& board_run(const Leaderboard& leaderboard, const BoardEntry& entry) {
  return leaderboard.runs[entry.run].summary.run;
}

std::string rank_cell(const BoardEntry& entry) {
  if (!entry.best_rank || !entry.worst_rank) return "-";
  return fmt::format("{}-{}", *entry.best_rank, *entry.worst_rank);
}

std::string board_number(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : std::string("-");
}

std::string front_cell(const BoardEntry& entry) {
  if (entry.on_cost_front) return entry.on_token_front ? "cost, tokens" : "cost";
  return entry.on_token_front ? "tokens" : "";
}

std::string state_cell(const BoardEntry& entry) {
  const std::string state = entry.unranked.empty() ? "complete" : entry.unranked;
  return state + (entry.unsandboxed ? ", UNSANDBOXED" : "");
}

std::string change_cell(const Leaderboard& leaderboard, const Board& board,
                        const BoardEntry& entry) {
  if (!entry.change) return "-";
  const BoardChange& change = *entry.change;
  return fmt::format("{} [{}, {}] since {}", points_cell(change.difference),
                     points_cell(change.interval.low), points_cell(change.interval.high),
                     board_run_name(leaderboard, board.entries[change.since].run));
}

/// One column of the entries' table, in the making.
class EntryTable {
 public:
  EntryTable(const std::vector<const BoardEntry*>& entries) : entries_(entries) {
    table_.rows.resize(entries.size());
  }

  /// Left out if `shown` says so of every entry.
  template <typename Text>
  void add(const char* name, bool right, Text text) {
    table_.header.emplace_back(name);
    table_.right.push_back(right);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      table_.rows[i].push_back(clipped(text(*entries_[i])));
    }
  }
  template <typename Shown, typename Text>
  void add_if_any(const char* name, Shown shown, Text text) {
    const auto any = [&](const BoardEntry* entry) { return shown(*entry); };
    if (std::any_of(entries_.begin(), entries_.end(), any)) add(name, true, text);
  }

  Table take() { return std::move(table_); }

 private:
  const std::vector<const BoardEntry*>& entries_;
  Table table_;
};

void add_score_columns(EntryTable& table) {
  table.add("metric", false, [](const BoardEntry& e) { return e.row.metric; });
  table.add("score %", true,
            [](const BoardEntry& e) { return score_cell(e.row.value, e.row.interval); });
  table.add("95 % interval", true,
            [](const BoardEntry& e) { return interval_cell(e.row.value, e.row.interval); });
}

void add_cost_columns(EntryTable& table) {
  table.add("tokens/answer", true,
            [](const BoardEntry& e) { return board_number(e.tokens_per_answer, 1); });
  table.add_if_any(
      "cost", [](const BoardEntry& e) { return e.cost.has_value(); },
      [](const BoardEntry& e) {
        return e.cost ? fmt::format("{:.4f} {}", *e.cost, e.currency) : std::string("-");
      });
  table.add("best for", false, front_cell);
  table.add_if_any(
      "answers/s", [](const BoardEntry& e) { return e.samples_per_second.has_value(); },
      [](const BoardEntry& e) { return board_number(e.samples_per_second, 1); });
  table.add("ms/answer", true,
            [](const BoardEntry& e) { return fmt::format("{:.1f}", e.row.mean_latency_ms); });
}

void add_health_columns(EntryTable& table) {
  table.add("truncated %", true, [](const BoardEntry& e) { return share_cell(e.row.truncated); });
  table.add("no answer %", true, [](const BoardEntry& e) { return share_cell(e.row.no_answer); });
  table.add("failed %", true, [](const BoardEntry& e) { return share_cell(e.row.failed); });
  table.add("state", false, state_cell);
}

std::vector<const BoardEntry*> pointers(const Board& board) {
  std::vector<const BoardEntry*> entries;
  for (const BoardEntry& entry : board.entries) entries.push_back(&entry);
  return entries;
}

Table entry_table(const Leaderboard& leaderboard, const Board& board) {
  const std::vector<const BoardEntry*> entries = pointers(board);
  EntryTable table(entries);
  table.add("rank", false, rank_cell);
  table.add("run", false, [&](const BoardEntry& e) { return board_run_name(leaderboard, e.run); });
  table.add("model", false, [&](const BoardEntry& e) { return board_run(leaderboard, e).model; });
  add_score_columns(table);
  add_cost_columns(table);
  add_health_columns(table);
  return table.take();
}

Table history_table(const Leaderboard& leaderboard, const Board& board) {
  std::vector<const BoardEntry*> entries;
  for (const std::size_t i : board.by_time) entries.push_back(&board.entries[i]);
  EntryTable table(entries);
  table.add("started", false,
            [&](const BoardEntry& e) { return board_run(leaderboard, e).started; });
  table.add("run", false, [&](const BoardEntry& e) { return board_run_name(leaderboard, e.run); });
  table.add("model", false, [&](const BoardEntry& e) { return board_run(leaderboard, e).model; });
  add_score_columns(table);
  table.add("change of the model", true,
            [&](const BoardEntry& e) { return change_cell(leaderboard, board, e); });
  table.add("p", true,
            [](const BoardEntry& e) { return e.change ? p_cell(e.change->p) : std::string("-"); });
  table.add("state", false, state_cell);
  return table.take();
}

std::string board_title(const Board& board) {
  return fmt::format("{}:{}", board.task, board.variant);
}

std::vector<std::string> board_lines(const Board& board) {
  std::vector<std::string> lines = {fmt::format(
      "{} questions, judged by {}, task version {}, data {}", board.items,
      board.scorer.empty() ? "nobody" : fmt::format("{} v{}", board.scorer, board.scorer_version),
      board.task_version,
      board.data_sha256.empty() ? "of the binary" : board.data_sha256.substr(0, 12))};
  if (!board.apart.empty())
    lines.push_back("not comparable with the first table of this task: " + board.apart);
  lines.insert(lines.end(), board.notes.begin(), board.notes.end());
  return lines;
}

std::string part_cell(const BoardPart& part) {
  std::string text = score_cell(part.value, part.interval);
  if (part.marked && part.difference) text += *part.difference > 0 ? " (+)" : " (-)";
  return text;
}

/// One row per name, one column per run; `parts` of an entry beside `names`, of which `rows` are
/// shown.
Table part_table(const Leaderboard& leaderboard, const Board& board, const char* what,
                 const std::vector<std::string>& names, std::vector<BoardPart> BoardEntry::*parts,
                 const std::vector<std::size_t>& rows) {
  Table table{.header = {what, "questions"}, .right = {false, true}};
  std::vector<const BoardEntry*> shown;
  for (const BoardEntry& entry : board.entries) {
    if (shown.size() < kMostShownRuns && !(entry.*parts).empty()) shown.push_back(&entry);
  }
  for (const BoardEntry* entry : shown) {
    table.header.push_back(
        escape_terminal(clipped("run " + board_run_name(leaderboard, entry->run))));
    table.right.push_back(true);
  }
  for (const std::size_t i : rows) {
    std::vector<std::string> row = {clipped(names[i].empty() ? "other" : names[i]), "0"};
    std::int64_t questions = 0;
    for (const BoardEntry* entry : shown) {
      row.push_back(part_cell((entry->*parts)[i]));
      questions = std::max(questions, (entry->*parts)[i].items);
    }
    row[1] = std::to_string(questions);
    table.rows.push_back(std::move(row));
  }
  return table;
}

bool stands_out(const Board& board, std::size_t subject) {
  return std::any_of(board.entries.begin(), board.entries.end(), [&](const BoardEntry& entry) {
    return subject < entry.subjects.size() && entry.subjects[subject].marked;
  });
}

/// A table for each way to sort the questions; of many subjects those that stand out.
std::vector<BoardSection> subject_sections(const Leaderboard& leaderboard, const Board& board) {
  std::vector<BoardSection> sections;
  for (std::size_t begin = 0; begin < board.subjects.size();) {
    const std::string& by = board.subjects_by[begin];
    std::vector<std::size_t> rows;
    std::size_t end = begin;
    for (; end < board.subjects.size() && board.subjects_by[end] == by; ++end) rows.push_back(end);
    const std::size_t all = rows.size();
    bool marked = false;
    for (const std::size_t i : rows) marked = marked || stands_out(board, i);
    if (all > kMostShownSubjects) {
      std::erase_if(rows, [&](std::size_t i) { return !stands_out(board, i); });
    }
    const char* what = by == "stratum" ? "subject" : by.c_str();
    BoardSection section{.title = fmt::format("{} by {}", board_title(board), what)};
    section.table =
        part_table(leaderboard, board, what, board.subjects, &BoardEntry::subjects, rows);
    if (rows.size() < all) {
      section.table.notes.push_back(
          fmt::format("{} of {} stand out; JSON and HTML have all", rows.size(), all));
    }
    if (marked) {
      section.table.notes.push_back(
          fmt::format("(+) and (-): better and worse than the other runs on the same questions, "
                      "Benjamini-Hochberg q <= {:g}",
                      leaderboard.options.alpha));
    }
    if (board.entries.size() > kMostShownRuns) {
      section.table.notes.push_back(fmt::format("the best {} runs; JSON has all", kMostShownRuns));
    }
    sections.push_back(std::move(section));
    begin = end;
  }
  return sections;
}

BoardSection month_section(const Leaderboard& leaderboard, const Board& board) {
  std::vector<std::size_t> rows(board.months.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return {
      .title = board_title(board) + " by month",
      .table = part_table(leaderboard, board, "month", board.months, &BoardEntry::months, rows)};
}

/// Which runs there were, each once, and what the tasks say of their scores.
BoardSection run_section(const Leaderboard& leaderboard) {
  BoardSection section{.title = "runs"};
  std::set<std::string> told;
  std::vector<std::string> notes;
  for (const BoardRun& run : leaderboard.runs) {
    for (const std::string& fact : facts(run.summary)) {
      const bool first = fact.starts_with("run ");
      const bool several = leaderboard.stores.size() > 1;
      section.lines.push_back(first && several ? leaderboard.stores[run.store] + ": " + fact
                                               : (first ? "" : "  ") + fact);
    }
    for (const std::string& note : run.summary.notes) {
      if (told.insert(note).second) notes.push_back(note);
    }
  }
  section.lines.insert(section.lines.end(), notes.begin(), notes.end());
  return section;
}

BoardSection expert_section(const Leaderboard& leaderboard) {
  std::vector<const Summary*> summaries;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < leaderboard.runs.size(); ++i) {
    summaries.push_back(&leaderboard.runs[i].summary);
    names.push_back(board_run_name(leaderboard, i));
  }
  return {.title = "experts", .table = expert_table(summaries, names)};
}

std::string rank_note(const Leaderboard& leaderboard) {
  return fmt::format(
      "rank: from the best to the worst that no difference contradicts (paired tests, Holm, alpha "
      "{:g}); best for: no run is as good for less",
      leaderboard.options.alpha);
}

}  // namespace

std::vector<BoardSection> board_sections(const Leaderboard& leaderboard) {
  std::vector<BoardSection> sections;
  for (const Board& board : leaderboard.boards) {
    sections.push_back({board_title(board), board_lines(board), entry_table(leaderboard, board)});
    const auto ranked = [](const BoardEntry& entry) { return entry.best_rank.has_value(); };
    if (std::count_if(board.entries.begin(), board.entries.end(), ranked) > 1) {
      sections.back().table.notes.push_back(rank_note(leaderboard));
    }
    for (BoardSection& section : subject_sections(leaderboard, board)) {
      sections.push_back(std::move(section));
    }
    if (!board.months.empty()) sections.push_back(month_section(leaderboard, board));
  }
  BoardSection experts = expert_section(leaderboard);
  if (!experts.table.header.empty()) sections.push_back(std::move(experts));
  sections.push_back(run_section(leaderboard));
  return sections;
}

std::vector<BoardSection> history_sections(const Leaderboard& leaderboard) {
  std::vector<BoardSection> sections;
  for (const Board& board : leaderboard.boards) {
    sections.push_back({board_title(board), board_lines(board), history_table(leaderboard, board)});
  }
  sections.push_back(run_section(leaderboard));
  return sections;
}

}  // namespace moebius::reports
