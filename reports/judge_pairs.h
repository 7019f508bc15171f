// The verdict on one set's paired questions: at the end, at planned looks or at any time.
#pragma once

#include <cstddef>
#include <vector>

#include "reports/compare.h"
#include "reports/join.h"

namespace moebius::reports {

bool with_looks(const CompareOptions& options);
/// The candidate may have been stopped: only what comes first in the order of looks counts.
bool asked_in_order(const CompareOptions& options);

/// Everything about the pairs among the first `places` questions asked.
void describe_pairs(const Join& join, std::size_t places, double level,
                    const CompareOptions& options, SetComparison& set);

/// The boundaries of every set of a comparison with looks.
struct LookBounds {
  std::vector<double> pass;        // at alpha: a pass needs all sets
  std::vector<double> regression;  // at alpha over their number: one suffices
};
LookBounds make_look_bounds(const CompareOptions& options, std::size_t sets);

/// The first look that decides, or the last.
void look_at(const Join& join, const LookBounds& looks, const CompareOptions& options,
             SetComparison& set);

/// All questions that were asked without a gap, by an e-process: its p-values and interval hold
/// however often the runs are compared while the candidate goes on.
void judge_anytime(const Join& join, const CompareOptions& options, SetComparison& set);

/// q-values of the subjects of all sets together.
void mark_subjects(std::vector<SetComparison>& sets, double alpha);

}  // namespace moebius::reports
