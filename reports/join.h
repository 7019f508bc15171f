// The questions of two sets, paired.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "reports/compare.h"
#include "reports/question.h"
#include "reports/statistics/paired.h"

namespace moebius::reports {

/// A question that both runs answered.
struct Pair {
  const Question* question = nullptr;  // of the base
  double base = 0;                     // mean over the repeats
  double candidate = 0;
  std::size_t place = 0;  // in the order of asking
};

/// Pairs of two sets, and the counts of what has no partner.
struct Join {
  std::vector<Pair> pairs;  // in the order of the base's set
  const SetResults* base = nullptr;
  SetComparison counts;  // base_only .. unscored alone are set
  std::size_t questions = 0;
  std::size_t first_missing = 0;  // first place that only the base has; `questions` if none
};

/// The mean over the repeats; none if the scorer, an index into SetResults::scorers, judged none.
std::optional<double> mean_score(const SetResults& results, const Question& question,
                                 std::uint32_t scorer);
/// The index of a scorer that another set has; kNoScorer if it did not judge here.
std::uint32_t scorer_number(const SetResults& results, const ScorerId& scorer);

/// `order`: at each place the index of a question of the base; empty: as they are. The results
/// must outlive the join.
Join join_questions(const SetResults& base, const SetResults& candidate, bool same_tokenizer,
                    const std::vector<std::size_t>& order);

/// The scores of the pairs among the first `places` asked.
PairedScores scores_of(const Join& join, std::size_t places);
/// And those of them that differ.
std::vector<Changed> changes_of(const Join& join, std::size_t places);

}  // namespace moebius::reports
