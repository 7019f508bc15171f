// A board while it is filled: which questions it has, and every run's score of each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reports/leaderboard.h"
#include "reports/leaderboard_statistics.h"
#include "reports/question.h"

namespace moebius::reports {

class BoardGroup {
 public:
  /// Of the questions of `results`, whose headline scorer is `judge`; of any questions if they are
  /// not whole.
  BoardGroup(const SetResults& results, const ScorerId& judge);

  /// Why a whole run does not belong here; empty if it does.
  std::string mismatch(const Run& run, const SetResults& results, const ScorerId& judge) const;
  /// The same of a run that lacks questions.
  std::string mismatch(const Set& set, const ScorerId& judge) const;

  void add_ranked(const Run& run, const SetResults& results, BoardEntry entry);
  void add_unranked(BoardEntry entry) { unranked_.push_back(std::move(entry)); }

  /// All that takes every run: ranks, fronts, subjects, months, changes, notes.
  Board finish(const std::vector<BoardRun>& runs, const BoardOptions& options);

 private:
  std::string other_questions(const Run& run, const SetResults& results) const;

  Board board_;
  BoardColumns columns_;
  std::vector<BoardEntry> ranked_;  // beside columns_.runs
  std::vector<BoardEntry> unranked_;
  TextPool texts_;
  std::unordered_map<std::string_view, std::uint32_t> places_;     // of questions
  std::map<std::string, std::vector<std::size_t>> prompt_hashes_;  // of questions, by tokenizer
};

}  // namespace moebius::reports
