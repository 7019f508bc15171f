// What a board says of its runs together, from their scores question by question.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "reports/leaderboard.h"

namespace moebius::reports {

inline constexpr double kUnscored = std::numeric_limits<double>::quiet_NaN();

/// One run's scores, a question each; kUnscored where all answers failed.
struct BoardScores {
  std::vector<double> scores;
  bool single = true;  // one 0/1 answer per question
};

/// One way to sort the questions.
struct BoardFacet {
  std::string by;  // "stratum", or a tag
  std::vector<std::string> names;
  std::vector<std::uint32_t> of;  // of each question an index into names
};

/// Runs beside each other, and what is known of each question.
struct BoardColumns {
  std::vector<BoardScores> runs;
  std::vector<std::uint32_t> clusters;  // as named
  std::vector<std::uint32_t> alone;     // the same, but questions without a name are alone
  std::vector<std::uint32_t> months;    // index into month_names; the first stands for no date
  std::vector<BoardFacet> facets;
  std::vector<std::string> month_names;
};

/// Each fills its part of `board`, whose first entries are those of `columns.runs`.

void add_ranks(const BoardColumns& columns, double alpha, Board& board);
void add_fronts(std::size_t ranked, Board& board);
void add_subjects(const BoardColumns& columns, double alpha, Board& board);
void add_months(const BoardColumns& columns, Board& board);
/// by_time must be there.
void add_changes(const BoardColumns& columns, const std::vector<BoardRun>& runs, Board& board);

}  // namespace moebius::reports
