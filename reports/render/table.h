// What the tables for people have in common: which columns there are and how numbers read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/store.h"

namespace moebius::reports {

struct Table {
  std::vector<std::string> header;
  std::vector<bool> right;  // aligned, of each column
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // below the table; rows that have one carry a *
};

/// One summary's rows, not escaped; cells of more than 60 code points end in "...". Shares in
/// percent, with the digits that the interval allows.
Table make_table(const Summary& summary);

/// How evenly experts were used: a row for each task of each run; without a column if no run
/// counted that. `names` of the runs, beside them; empty: one run, which needs none.
Table expert_table(const std::vector<const Summary*>& summaries,
                   const std::vector<std::string>& names);

/// Numbers as cells: "71.23" and "[70.81, 71.65]" with the digits that the interval allows, "-" for
/// none; shares in percent; differences in points with their sign; p-values.
std::string score_cell(const std::optional<double>& value, const std::optional<Interval>& interval);
std::string interval_cell(const std::optional<double>& value,
                          const std::optional<Interval>& interval);
std::string share_cell(double share);
std::string points_cell(double share);
std::string p_cell(double p);

/// Aligned columns for a terminal, and a table of Markdown; every cell and note is escaped. Notes
/// follow, one a line.
std::string text_table(const Table& table);
std::string markdown_table(const Table& table);

/// Text of at most 60 code points: longer ones end in "...".
std::string clipped(const std::string& text);

/// "run 3 (1a2b3c4d5e6f), complete" and what else a reader must know; one fact each, not escaped.
std::vector<std::string> facts(const Summary& summary);

}  // namespace moebius::reports
