// A leaderboard as titles and tables, which text and Markdown write in their own way.
#pragma once

#include <string>
#include <vector>

#include "reports/leaderboard.h"
#include "reports/render/table.h"

namespace moebius::reports {

/// A heading, lines below it, and a table, which may have no column; nothing is escaped.
struct BoardSection {
  std::string title;
  std::vector<std::string> lines;
  Table table;
};

/// Every board with its subjects and months, then the runs.
std::vector<BoardSection> board_sections(const Leaderboard& leaderboard);
/// Every board's runs in the order of time, then the runs.
std::vector<BoardSection> history_sections(const Leaderboard& leaderboard);

}  // namespace moebius::reports
