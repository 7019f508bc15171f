// Paired comparison of two runs.
#include "reports/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "reports/join.h"
#include "reports/judge_pairs.h"
#include "reports/question.h"
#include "reports/statistics/distributions.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/item_order.h"
#include "reports/statistics/multiple.h"
#include "reports/statistics/paired.h"
#include "reports/statistics/power.h"

namespace moebius::reports {
namespace {

/// A run as the comparison sees it: the sets asked for and what summarize() makes of them.
struct Side {
  const Run& run;
  std::vector<SetResults> sets;
  Summary summary;
};

/// Questions that are still being asked count as not asked.
void drop_open_questions(SetResults& results) {
  const auto repeats = static_cast<std::uint32_t>(std::max(1, results.set.repeats));
  std::erase_if(results.questions, [&](const Question& question) {
    return question.answers + question.failures < repeats;
  });
}

/// `asked_only`: what was not asked yet is not missing.
Side read_side(Reader& reader, const Run& run, const CompareOptions& options, bool asked_only) {
  std::vector<SetResults> sets = read_results(reader, run.id);
  const auto unwanted = [&](const SetResults& results) {
    return !options.tasks.empty() && std::find(options.tasks.begin(), options.tasks.end(),
                                               results.set.task) == options.tasks.end();
  };
  std::erase_if(sets, unwanted);
  for (SetResults& results : sets) {
    if (!asked_only) continue;
    if (options.anytime) drop_open_questions(results);
    results.set.items = std::ssize(results.questions);
  }
  Summary summary = summarize_results(run, sets, options.fail_budget);
  return {run, std::move(sets), std::move(summary)};
}

const SetResults* find_set(const Side& side, const Set& wanted) {
  for (const SetResults& results : side.sets) {
    if (results.set.task == wanted.task && results.set.variant == wanted.variant) return &results;
  }
  return nullptr;
}

/// The first row of a set is its headline over all questions.
Row headline_row(const Side& side, const Set& set) {
  for (const Row& row : side.summary.rows) {
    if (row.task == set.task && row.variant == set.variant) return row;
  }
  return {};
}

std::string judge_name(const ScorerId& scorer) {
  return scorer.first + " " + std::to_string(scorer.second);
}

/// Why two sets cannot be compared whatever questions they share; empty if they can.
std::string mismatch(const SetResults& base, const SetResults& candidate,
                     const CompareOptions& options) {
  if (base.set.task_version != candidate.set.task_version) {
    return "task version " + std::to_string(base.set.task_version) + " in the base, " +
           std::to_string(candidate.set.task_version) + " in the candidate";
  }
  const ScorerId scorer = judge_id(base, find_judges(base).headline);
  const ScorerId other = judge_id(candidate, find_judges(candidate).headline);
  if (scorer != other && !candidate.questions.empty()) {  // none: nobody judged yet
    return "scored by " + judge_name(scorer) + " in the base, by " + judge_name(other) +
           " in the candidate: rescore one of them";
  }
  if (!options.intersect && base.set.data_sha256 != candidate.set.data_sha256) {
    return "the data differ; intersect compares what is shared";
  }
  return "";
}

/// Why the questions found do not make a comparison; empty if they do.
std::string shortfall(const Join& join, const CompareOptions& options) {
  const SetComparison& counts = join.counts;
  const std::int64_t asked_less = asked_in_order(options) ? 0 : counts.base_only;
  const std::int64_t apart = asked_less + counts.candidate_only + counts.changed_prompts;
  if (apart > 0 && !options.intersect) {
    return std::to_string(counts.base_only) + " questions only in the base, " +
           std::to_string(counts.candidate_only) + " only in the candidate, " +
           std::to_string(counts.changed_prompts) +
           " with other prompts; intersect compares what is shared";
  }
  // A set whose first look is at none of its few questions waits for the next.
  const bool waits = asked_in_order(options) && counts.base_only > 0;
  return join.pairs.empty() && !waits ? "no question in common" : "";
}

std::vector<std::size_t> order_of(const SetResults& base, const CompareOptions& options) {
  if (!asked_in_order(options)) return {};
  std::vector<std::string> strata;
  for (const Question& question : base.questions)
    strata.emplace_back(base.strata[question.stratum]);
  return stratified_order(strata, options.seed);
}

/// `looks`: null for one look at the end.
SetComparison compare_sets(const Side& base, const SetResults& set, const Side& candidate,
                           const LookBounds* looks, const CompareOptions& options) {
  const SetResults* other = find_set(candidate, set.set);
  if (other == nullptr) return {.why = "not in the candidate"};
  const bool same_tokenizer = base.run.tokenizer_hash == candidate.run.tokenizer_hash;
  const Join join = join_questions(set, *other, same_tokenizer, order_of(set, options));
  SetComparison result = join.counts;
  result.margin = options.margin_of(set.set.task);
  result.base = headline_row(base, set.set);
  result.candidate = headline_row(candidate, other->set);
  result.questions = static_cast<std::int64_t>(join.questions);
  result.items = std::ssize(join.pairs);
  result.why = mismatch(set, *other, options);
  if (result.why.empty()) result.why = shortfall(join, options);
  if (!result.why.empty()) return result;
  if (options.anytime) {
    judge_anytime(join, options, result);
  } else if (looks != nullptr) {
    look_at(join, *looks, options, result);
  } else {
    describe_pairs(join, join.questions, 1 - 2 * options.alpha, options, result);
  }
  return result;
}

/// Holm over the regressions, and what each set comes to.
void decide_sets(const std::vector<SetComparison*>& sets, double alpha) {
  std::vector<double> p;
  for (const SetComparison* set : sets) p.push_back(set->own_regression_p);
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    SetComparison& set = *sets[i];
    set.verdict = Verdict::kInconclusive;
    set.regression_p = adjusted[i];
    if (set.pass_p <= alpha) set.verdict = Verdict::kPass;
    if (set.regression_p <= alpha) set.verdict = Verdict::kRegression;
    if (!set.exceeded.empty()) set.verdict = Verdict::kRegression;
  }
}

std::vector<SetComparison*> judged_sets(Comparison& comparison) {
  std::vector<SetComparison*> judged;
  for (SetComparison& set : comparison.sets) {
    if (set.why.empty()) judged.push_back(&set);
  }
  return judged;
}

Verdict overall(const std::vector<SetComparison>& sets) {
  std::vector<Verdict> verdicts;
  for (const SetComparison& set : sets) verdicts.push_back(set.verdict);
  return verdicts.empty() ? Verdict::kPass : gravest(verdicts);
}

void add_reason(Comparison& comparison, const std::string& text) {
  comparison.why += (comparison.why.empty() ? "" : "; ") + text;
}

std::string share_text(double share) {
  std::string text = std::to_string(std::round(share * 1e4) / 100);
  text.erase(text.find('.') + 3);
  return text + " %";
}

void check_limits(const Limits& limits, SetComparison& set) {
  const double flips = static_cast<double>(set.gained + set.lost) /
                       static_cast<double>(std::max<std::int64_t>(1, set.items));
  const std::tuple<const char*, std::optional<double>, double> rules[] = {
      {"truncated answers", limits.truncated, set.candidate.truncated},
      {"no answer", limits.no_answer, set.candidate.no_answer},
      {"failures", limits.failed, set.candidate.failed},
      {"changed questions", limits.flips, flips}};
  for (const auto& [name, most, found] : rules) {
    if (!most || found <= *most) continue;
    set.exceeded.push_back(std::string(name) + " " + share_text(found) + ", at most " +
                           share_text(*most));
  }
  if (!set.exceeded.empty()) set.verdict = Verdict::kRegression;
}

void check_run(const std::string& name, const Side& side, Comparison& comparison) {
  if (!side.summary.valid) add_reason(comparison, name + ": " + side.summary.why_invalid);
  const bool may_run = comparison.options.anytime && name == "candidate";
  if (side.run.state == "running" && !may_run) {
    add_reason(comparison, name + ": still running");
  }
}

void require_share(double share, double below, const char* name) {
  if (share > 0 && share < below) return;
  throw std::invalid_argument(std::string("compare: ") + name + " outside 0 .. " +
                              (below < 1 ? "0.5" : "1"));
}

void require_options(const CompareOptions& options) {
  require_share(options.margin, 1, "margin");
  for (const auto& [task, margin] : options.margins) require_share(margin, 1, "margin");
  require_share(options.alpha, 0.5, "alpha");
  if (asked_in_order(options) && options.intersect) {
    throw std::invalid_argument("compare: looks need all questions, not what is shared");
  }
  if (with_looks(options) && options.anytime) {
    throw std::invalid_argument("compare: looks are either planned or at any time");
  }
}

std::size_t family_of(const Comparison& comparison, const Side& base) {
  return comparison.options.family > 0 ? comparison.options.family : base.sets.size();
}

void add_sets(const Side& base, const Side& candidate, Comparison& comparison) {
  const auto add = [&](const Set& set, SetComparison result) {
    result.task = set.task;
    result.variant = set.variant;
    comparison.sets.push_back(std::move(result));
  };
  const std::optional<LookBounds> looks =
      with_looks(comparison.options)
          ? std::optional(make_look_bounds(comparison.options, family_of(comparison, base)))
          : std::nullopt;
  const bool shared_only = comparison.options.intersect;
  for (const SetResults& set : base.sets) {
    if (shared_only && find_set(candidate, set.set) == nullptr) continue;
    add(set.set, compare_sets(base, set, candidate, looks ? &*looks : nullptr, comparison.options));
  }
  for (const SetResults& set : candidate.sets) {
    if (shared_only || find_set(base, set.set) != nullptr) continue;
    add(set.set, {.why = "not in the base"});
  }
}

/// What the sets come to once all are known.
void conclude(Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  if (!comparison.why.empty()) {
    for (SetComparison& set : comparison.sets) set.verdict = Verdict::kInvalid;
  } else {
    if (!with_looks(options)) decide_sets(judged_sets(comparison), options.alpha);
    for (SetComparison& set : comparison.sets) {
      if (set.why.empty()) check_limits(options.limits, set);
    }
  }
  for (const SetComparison& set : comparison.sets) {
    if (!set.why.empty()) add_reason(comparison, set.task + "/" + set.variant + ": " + set.why);
  }
  mark_subjects(comparison.sets, options.alpha);
  comparison.verdict = comparison.why.empty() ? overall(comparison.sets) : Verdict::kInvalid;
}

}  // namespace

double CompareOptions::margin_of(const std::string& task) const {
  const auto found = margins.find(task);
  return found == margins.end() ? margin : found->second;
}

std::string verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kRegression:
      return "regression";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kInvalid:
      break;
  }
  return "invalid";
}

Comparison compare(Reader& base_reader, const Run& base, Reader& candidate_reader,
                   const Run& candidate, const CompareOptions& options) {
  require_options(options);
  Comparison comparison{.base = base, .candidate = candidate, .options = options};
  const Side before = read_side(base_reader, base, options, false);
  const Side after = read_side(candidate_reader, candidate, options, asked_in_order(options));
  if (base.tokenizer_hash != candidate.tokenizer_hash) {
    comparison.notes.emplace_back("the tokenizers differ: questions are paired by name alone");
  }
  check_run("base", before, comparison);
  check_run("candidate", after, comparison);
  add_sets(before, after, comparison);
  for (const std::string& task : options.tasks) {
    const auto is_task = [&](const SetResults& results) { return results.set.task == task; };
    if (std::any_of(before.sets.begin(), before.sets.end(), is_task)) continue;
    if (std::any_of(after.sets.begin(), after.sets.end(), is_task)) continue;
    add_reason(comparison, task + ": in neither run");
  }
  if (comparison.sets.empty()) add_reason(comparison, "no task in common");
  conclude(comparison);
  return comparison;
}

std::optional<EarlyStop> early_stop(const Comparison& comparison) {
  if (comparison.verdict == Verdict::kInvalid || !asked_in_order(comparison.options)) return {};
  EarlyStop stop;
  if (with_looks(comparison.options))
    stop.looks = static_cast<int>(comparison.options.looks.size());
  for (const SetComparison& set : comparison.sets) {
    stop.look = std::max(stop.look, set.look);
    stop.planned += set.questions;
    stop.asked += set.questions - set.base_only;
  }
  return stop.asked < stop.planned ? std::optional(stop) : std::nullopt;
}

void correct_together(const std::vector<Comparison*>& comparisons) {
  std::vector<SetComparison*> sets;
  double alpha = 0;
  for (Comparison* comparison : comparisons) {
    if (!comparison->why.empty() || with_looks(comparison->options)) continue;
    for (SetComparison* set : judged_sets(*comparison)) sets.push_back(set);
    alpha = comparison->options.alpha;
  }
  decide_sets(sets, alpha);
  for (Comparison* comparison : comparisons) {
    if (comparison->why.empty()) comparison->verdict = overall(comparison->sets);
  }
}

Verdict gravest(const std::vector<Verdict>& verdicts) {
  for (const Verdict verdict :
       {Verdict::kInvalid, Verdict::kRegression, Verdict::kInconclusive, Verdict::kPass}) {
    if (std::find(verdicts.begin(), verdicts.end(), verdict) != verdicts.end()) return verdict;
  }
  return Verdict::kInvalid;
}

std::map<SetName, std::vector<std::string>> look_orders(Reader& base_reader, const Run& base,
                                                        const CompareOptions& options) {
  std::map<SetName, std::vector<std::string>> orders;
  for (const SetResults& results : read_results(base_reader, base.id)) {
    std::vector<std::string>& items = orders[{results.set.task, results.set.variant}];
    for (const std::size_t place : order_of(results, options)) {
      items.emplace_back(results.questions[place].item);
    }
  }
  return orders;
}

}  // namespace moebius::reports
