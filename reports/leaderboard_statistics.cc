// Ranks, fronts, subjects, months and changes of a board.
#include "reports/leaderboard_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <unordered_map>

#include "reports/mean_interval.h"
#include "reports/statistics/multiple.h"
#include "reports/statistics/paired.h"

namespace moebius::reports {
namespace {

constexpr std::size_t kMostSubjects = 1000;
constexpr std::size_t kMostMonths = 1200;                 // a century
constexpr std::size_t kMostPairedScores = 2'000'000'000;  // half a minute

bool scored(double score) {
  return !std::isnan(score);
}

/// Two lists of scores where both have one, of the questions in `among`.
struct BoardPairs {
  PairedScores scores;
  std::vector<std::uint32_t> clusters;

  BoardPairs(const BoardColumns& columns, const std::vector<double>& base,
             const std::vector<double>& candidate, std::span<const std::uint32_t> among) {
    for (const std::uint32_t i : among) {
      if (!scored(base[i]) || !scored(candidate[i])) continue;
      scores.base.push_back(base[i]);
      scores.candidate.push_back(candidate[i]);
      clusters.push_back(columns.alone[i]);
    }
  }
};

std::vector<std::uint32_t> all_questions(const BoardColumns& columns) {
  std::vector<std::uint32_t> all(columns.clusters.size());
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

/// Why pairs are not tested; empty if they are.
std::string too_large(const BoardColumns& columns) {
  const std::size_t runs = columns.runs.size();
  if (runs > kMostRanked) {
    return "no ranks: " + std::to_string(runs) + " runs, at most " + std::to_string(kMostRanked);
  }
  const std::size_t pairs = runs * (runs + 1) / 2;
  if (columns.clusters.size() > kMostPairedScores / std::max<std::size_t>(1, pairs)) {
    return "no ranks: " + std::to_string(pairs) + " pairs of runs with " +
           std::to_string(columns.clusters.size()) + " questions are too many to test";
  }
  return "";
}

BoardPart part_of(const BoardColumns& columns, const BoardScores& run,
                  std::span<const std::uint32_t> among) {
  QuestionValues values{.single = run.single};
  for (const std::uint32_t i : among) {
    if (!scored(run.scores[i])) continue;
    values.values.push_back(run.scores[i]);
    values.clusters.push_back(columns.clusters[i]);
  }
  const MeanInterval found = mean_interval(values);
  return {.items = static_cast<std::int64_t>(values.values.size()),
          .value = found.value,
          .interval = found.interval};
}

/// At each question the mean of all runs but one.
class OtherRuns {
 public:
  explicit OtherRuns(const BoardColumns& columns)
      : columns_(columns), sums_(columns.clusters.size()), counts_(columns.clusters.size()) {
    for (const BoardScores& run : columns.runs) {
      for (std::size_t i = 0; i < sums_.size(); ++i) {
        if (!scored(run.scores[i])) continue;
        sums_[i] += run.scores[i];
        ++counts_[i];
      }
    }
  }

  std::vector<double> than(std::size_t run) const {
    std::vector<double> means(sums_.size(), kUnscored);
    const std::vector<double>& own = columns_.runs[run].scores;
    for (std::size_t i = 0; i < means.size(); ++i) {
      if (!scored(own[i]) || counts_[i] < 2) continue;
      means[i] = std::clamp((sums_[i] - own[i]) / (counts_[i] - 1), 0.0, 1.0);
    }
    return means;
  }

 private:
  const BoardColumns& columns_;
  std::vector<double> sums_;
  std::vector<double> counts_;
};

/// The questions of each name.
std::vector<std::vector<std::uint32_t>> members(const std::vector<std::uint32_t>& of_question,
                                                std::size_t names) {
  std::vector<std::vector<std::uint32_t>> lists(names);
  for (std::uint32_t i = 0; i < of_question.size(); ++i) lists[of_question[i]].push_back(i);
  return lists;
}

/// Every cell's difference to the other runs, and which of them stand out.
void compare_subjects(const BoardColumns& columns,
                      const std::vector<std::vector<std::uint32_t>>& subjects, double alpha,
                      Board& board) {
  const OtherRuns others(columns);
  std::vector<double> p;
  std::vector<BoardPart*> cells;
  for (std::size_t run = 0; run < columns.runs.size(); ++run) {
    const std::vector<double> base = others.than(run);
    for (std::size_t s = 0; s < subjects.size(); ++s) {
      BoardPairs pairs(columns, base, columns.runs[run].scores, subjects[s]);
      if (pairs.scores.base.empty()) continue;
      const PairedTest test(std::move(pairs.scores), pairs.clusters);
      BoardPart& cell = board.entries[run].subjects[s];
      cell.difference = test.difference();
      p.push_back(test.quick_no_difference());
      cells.push_back(&cell);
    }
  }
  const std::vector<double> q = benjamini_hochberg(p);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i]->q = q[i];
    cells[i]->marked = q[i] <= alpha;
  }
}

/// Not worse in both and better in one. `cost`: the less the better.
bool dominates(double score, double cost, double other_score, double other_cost) {
  return score >= other_score && cost <= other_cost && (score > other_score || cost < other_cost);
}

template <typename Cost>
void add_front(std::size_t ranked, Board& board, Cost cost, bool BoardEntry::*on_front) {
  for (std::size_t i = 0; i < ranked; ++i) {
    const std::optional<double> own = cost(board.entries[i]);
    if (!own) continue;
    bool beaten = false;
    for (std::size_t j = 0; j < ranked && !beaten; ++j) {
      const std::optional<double> other = cost(board.entries[j]);
      beaten = other &&
               dominates(*board.entries[j].row.value, *other, *board.entries[i].row.value, *own);
    }
    board.entries[i].*on_front = !beaten;
  }
}

}  // namespace

void add_ranks(const BoardColumns& columns, double alpha, Board& board) {
  const std::size_t runs = columns.runs.size();
  const std::string reason = too_large(columns);
  if (!reason.empty()) board.notes.push_back(reason);
  if (runs == 0 || !reason.empty()) return;
  struct Tested {
    std::size_t first, second;
    double difference;  // second less first
  };
  std::vector<Tested> pairs;
  std::vector<double> p;
  const std::vector<std::uint32_t> all = all_questions(columns);
  for (std::size_t i = 0; i < runs; ++i) {
    for (std::size_t j = i + 1; j < runs; ++j) {
      BoardPairs both(columns, columns.runs[i].scores, columns.runs[j].scores, all);
      if (both.scores.base.empty()) continue;
      const PairedTest test(std::move(both.scores), both.clusters);
      pairs.push_back({i, j, test.difference()});
      p.push_back(test.quick_no_difference());
    }
  }
  std::vector<std::int64_t> better(runs);
  std::vector<std::int64_t> worse(runs);
  const std::vector<double> adjusted = holm(p);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (adjusted[k] > alpha || pairs[k].difference == 0) continue;
    const bool second = pairs[k].difference > 0;
    ++better[second ? pairs[k].first : pairs[k].second];
    ++worse[second ? pairs[k].second : pairs[k].first];
  }
  for (std::size_t i = 0; i < runs; ++i) {
    board.entries[i].best_rank = 1 + better[i];
    board.entries[i].worst_rank = static_cast<std::int64_t>(runs) - worse[i];
  }
}

void add_fronts(std::size_t ranked, Board& board) {
  if (ranked > 10 * kMostRanked) return;
  add_front(
      ranked, board, [](const BoardEntry& e) { return e.tokens_per_answer; },
      &BoardEntry::on_token_front);
  std::string currency;
  for (std::size_t i = 0; i < ranked; ++i) {
    const BoardEntry& entry = board.entries[i];
    if (!entry.cost) continue;
    if (!currency.empty() && entry.currency != currency) {
      board.notes.emplace_back("costs in different currencies are not compared");
      return;
    }
    currency = entry.currency;
  }
  add_front(
      ranked, board, [](const BoardEntry& e) { return e.cost_per_answer; },
      &BoardEntry::on_cost_front);
}

void add_subjects(const BoardColumns& columns, double alpha, Board& board) {
  std::size_t names = 0;
  for (const BoardFacet& facet : columns.facets) names += facet.names.size();
  if (names == 0 || columns.runs.empty()) return;
  if (names > kMostSubjects || columns.runs.size() > kMostRanked) {
    board.notes.push_back("no table of subjects: " + std::to_string(names) + " subjects, " +
                          std::to_string(columns.runs.size()) + " runs");
    return;
  }
  std::vector<std::vector<std::uint32_t>> subjects;  // questions of each
  for (const BoardFacet& facet : columns.facets) {
    for (auto& questions : members(facet.of, facet.names.size())) {
      subjects.push_back(std::move(questions));
    }
    board.subjects.insert(board.subjects.end(), facet.names.begin(), facet.names.end());
    board.subjects_by.resize(board.subjects.size(), facet.by);
  }
  for (std::size_t run = 0; run < columns.runs.size(); ++run) {
    for (const auto& questions : subjects) {
      board.entries[run].subjects.push_back(part_of(columns, columns.runs[run], questions));
    }
  }
  if (columns.runs.size() > 1) compare_subjects(columns, subjects, alpha, board);
}

void add_months(const BoardColumns& columns, Board& board) {
  const std::size_t names = columns.month_names.size();
  if (names < 2 || names > kMostMonths || columns.runs.size() > kMostRanked) return;
  std::vector<std::size_t> order(names - 1);
  std::iota(order.begin(), order.end(), 1U);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return columns.month_names[a] < columns.month_names[b];
  });
  const auto months = members(columns.months, names);
  for (const std::size_t month : order) {
    board.months.push_back(columns.month_names[month]);
    for (std::size_t run = 0; run < columns.runs.size(); ++run) {
      board.entries[run].months.push_back(part_of(columns, columns.runs[run], months[month]));
    }
  }
}

void add_changes(const BoardColumns& columns, const std::vector<BoardRun>& runs, Board& board) {
  const std::vector<std::uint32_t> all = all_questions(columns);
  std::unordered_map<std::string, std::size_t> before;  // entry of each model's run before
  for (const std::size_t i : board.by_time) {
    if (i >= columns.runs.size()) continue;  // not ranked
    const auto [last, first] = before.try_emplace(runs[board.entries[i].run].summary.run.model, i);
    if (first) continue;
    BoardPairs pairs(columns, columns.runs[last->second].scores, columns.runs[i].scores, all);
    if (!pairs.scores.base.empty()) {
      const PairedTest test(std::move(pairs.scores), pairs.clusters);
      board.entries[i].change = {.since = last->second,
                                 .items = static_cast<std::int64_t>(test.items()),
                                 .difference = test.difference(),
                                 .interval = test.interval(0.95),
                                 .p = test.quick_no_difference()};
    }
    last->second = i;
  }
}

}  // namespace moebius::reports
