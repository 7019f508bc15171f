// From a run's questions to the rows of a report.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "reports/mean_interval.h"
#include "reports/question.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/pass_at_k.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

/// Questions of more strata than this are not reported by stratum.
constexpr std::size_t kMostStrata = 10'000;

/// One row in the making: the questions of a part of a set and who judged them.
struct Part {
  const SetResults& results;
  std::uint32_t scorer = kNoScorer;
  std::vector<const Question*> questions;
};

/// Calls `each` with every judgement of the part's scorer on a question, and the answer judged.
template <typename Each>
void each_judgement(const Part& part, const Question& question, Each each) {
  for (const Answered& answer : part.results.answers_of(question)) {
    const Judgement* judgement = judgement_by(part.results, answer, part.scorer);
    if (judgement != nullptr) each(*judgement, answer);
  }
}

std::string one_decimal(double value) {
  const double rounded = std::round(value * 10) / 10;
  std::string text = std::to_string(rounded);
  text.erase(text.find('.') + 2);
  if (text.ends_with(".0")) text.erase(text.size() - 2);
  return text;
}

void add_interval(const QuestionValues& values, Row& row) {
  const MeanInterval found = mean_interval(values);
  row.value = found.value;
  row.stderr_total = found.error;
  row.interval = found.interval;
  row.interval_method = found.method;
}

std::int64_t failures(const Part& part) {
  std::int64_t count = 0;
  for (const Question* question : part.questions) count += question->failures;
  return count;
}

bool says_nothing(scorers::Verdict verdict) {
  return verdict == scorers::Verdict::kNoAnswer || verdict == scorers::Verdict::kThinkUnclosed;
}

void name_verdicts(const std::map<scorers::Verdict, std::int64_t>& counts, Row& row) {
  for (const auto& [verdict, count] : counts) row.verdicts[scorers::verdict_name(verdict)] = count;
}

/// Everything of a row but its value: counts, rates, tokens, time.
void add_counts(const Part& part, Row& row) {
  std::int64_t latency_us = 0;
  std::int64_t truncated = 0;
  std::map<scorers::Verdict, std::int64_t> verdicts;
  for (const Question* question : part.questions) {
    const std::int64_t before = row.samples;
    each_judgement(part, *question, [&](const Judgement& judgement, const Answered& answer) {
      ++row.samples;
      ++verdicts[judgement.verdict];
      row.no_answer += says_nothing(judgement.verdict) ? 1 : 0;
      truncated += answer.truncated ? 1 : 0;
      row.prompt_tokens += question->prompt_tokens;
      row.output_tokens += answer.output_tokens;
      latency_us += answer.latency_us;
    });
    row.items += row.samples > before ? 1 : 0;
  }
  name_verdicts(verdicts, row);
  const auto planned = static_cast<double>(std::max<std::int64_t>(row.planned, 1));
  row.failed = static_cast<double>(failures(part)) / planned;
  if (row.samples == 0) return;
  const auto samples = static_cast<double>(row.samples);
  row.no_answer /= samples;
  row.truncated = static_cast<double>(truncated) / samples;
  row.mean_latency_ms = static_cast<double>(latency_us) / samples / 1000;
}

/// The mean over questions of their mean scores, questions without any left out.
void add_mean(const Part& part, Row& row) {
  const bool repeated = part.results.set.repeats > 1;
  QuestionValues values{.single = !repeated};
  RerunError rerun;
  std::vector<double> scores;  // of one question
  for (const Question* question : part.questions) {
    scores.clear();
    each_judgement(part, *question, [&](const Judgement& judgement, const Answered&) {
      scores.push_back(judgement.value);
      values.single = values.single && (judgement.value == 0 || judgement.value == 1);
    });
    if (scores.empty()) continue;
    rerun.add(scores);
    values.values.push_back(mean(scores));
    values.clusters.push_back(question->cluster);
  }
  add_interval(values, row);
  if (repeated) row.stderr_rerun = rerun.value();
}

/// The mean over questions of what `estimate` makes of one's judgements, none leaves it out.
using Estimate = std::function<std::optional<double>(const std::vector<const Judgement*>&)>;

void add_estimate(const Part& part, const Estimate& estimate, Row& row) {
  QuestionValues values{.single = false};
  std::vector<const Judgement*> judgements;  // of one question
  for (const Question* question : part.questions) {
    judgements.clear();
    each_judgement(part, *question, [&](const Judgement& judgement, const Answered&) {
      judgements.push_back(&judgement);
    });
    const std::optional<double> value = estimate(judgements);
    if (!value) continue;
    values.values.push_back(*value);
    values.clusters.push_back(question->cluster);
  }
  row.items = static_cast<std::int64_t>(values.values.size());
  add_interval(values, row);
}

Estimate pass_estimate(std::int64_t k) {
  return [k](const std::vector<const Judgement*>& judgements) {
    const auto right = std::count_if(judgements.begin(), judgements.end(),
                                     [](const Judgement* j) { return j->value >= 1; });
    return pass_at_k(static_cast<std::int64_t>(judgements.size()), right, k);
  };
}

/// Answers that are right count as one: the judge holds them equal to the target. Wrong ones are
/// told apart by their text.
Estimate majority_estimate(std::int64_t k) {
  return [k](const std::vector<const Judgement*>& judgements) {
    std::int64_t right = 0;
    std::int64_t silent = 0;
    std::map<std::string_view, std::int64_t> wrong;
    for (const Judgement* judgement : judgements) {
      if (judgement->value >= 1) {
        ++right;
      } else if (judgement->extracted.empty()) {
        ++silent;
      } else {
        ++wrong[judgement->extracted];
      }
    }
    std::vector<std::int64_t> counts;
    for (const auto& [text, count] : wrong) counts.push_back(count);
    return maj_at_k(right, counts, silent, k);
  };
}

bool can_vote(const Part& part) {
  bool programs = false;
  for (const Question* question : part.questions) {
    each_judgement(part, *question, [&](const Judgement& judgement, const Answered&) {
      programs = programs || judgement.code;
    });
  }
  return !programs;
}

std::string metric_name(const Set& set) {
  if (!set.metric.ends_with("@k")) return set.metric;
  return set.metric.substr(0, set.metric.size() - 1) + std::to_string(set.repeats);
}

/// The k of the papers that these many repeats can estimate (HumanEval, LiveCodeBench), and all.
std::vector<std::int64_t> shown_ks(std::int64_t repeats) {
  static constexpr std::array<std::int64_t, 3> kUsual = {5, 10, 100};
  std::vector<std::int64_t> ks;
  for (const std::int64_t k : kUsual) {
    if (k < repeats) ks.push_back(k);
  }
  ks.push_back(repeats);
  return ks;
}

/// What was asked for, as far as numbers go: a strange file may hold any.
std::int64_t planned_samples(const Set& set, std::int64_t items) {
  constexpr std::int64_t kMost = std::int64_t{1} << 52;
  const std::int64_t repeats = std::max<std::int64_t>(0, set.repeats);
  if (items <= 0 || repeats == 0) return 0;
  return items > kMost / repeats ? kMost : items * repeats;
}

class SetReport {
 public:
  /// `show`: whether values may be given at all.
  SetReport(const SetResults& results, bool show)
      : results_(results), judges_(find_judges(results)), show_(show) {}

  std::vector<Row> rows() {
    const Part all = take(judges_.headline, [](const Question&) { return true; });
    add(all, "");
    if (results_.set.repeats > 1) add_repeat_rows(all);
    add_strata();
    const auto& questions = results_.questions;
    if (std::any_of(questions.begin(), questions.end(), [](const auto& q) { return q.errata; })) {
      add(take(judges_.headline, [](const Question& q) { return !q.errata; }), "without errata");
    }
    for (const std::uint32_t scorer : judges_.others) {
      add(take(scorer, [](const Question&) { return true; }), "");
    }
    return std::move(rows_);
  }

 private:
  template <typename Wanted>
  Part take(std::uint32_t scorer, Wanted wanted) const {
    Part part{results_, scorer, {}};
    for (const Question& question : results_.questions) {
      if (wanted(question)) part.questions.push_back(&question);
    }
    return part;
  }

  std::int64_t planned(const Part& part, bool whole) const {
    if (whole) return planned_samples(results_.set, results_.set.items);
    return planned_samples(results_.set, static_cast<std::int64_t>(part.questions.size()));
  }

  Row begin(const Part& part, const std::string& name) const {
    const ScorerId scorer = judge_id(results_, part.scorer);
    Row row;
    row.task = results_.set.task;
    row.variant = results_.set.variant;
    row.part = name;
    row.metric = metric_name(results_.set);
    row.scorer = scorer.first;
    row.scorer_version = scorer.second;
    row.planned = planned(part, name.empty());
    add_counts(part, row);
    return row;
  }

  /// Every planned sample is judged or failed.
  static bool whole(const Row& row, const Part& part) {
    return row.samples + failures(part) >= row.planned;
  }

  void add(const Part& part, const std::string& name) {
    Row row = begin(part, name);
    if (show_ && whole(row, part)) add_mean(part, row);
    rows_.push_back(std::move(row));
  }

  void add_repeat_rows(const Part& part) {
    const auto with = [&](const std::string& metric, const Estimate& estimate) {
      Row row = begin(part, "");
      row.metric = metric;
      if (show_ && whole(row, part)) add_estimate(part, estimate, row);
      rows_.push_back(std::move(row));
    };
    for (const std::int64_t k : shown_ks(results_.set.repeats)) {
      with("pass@" + std::to_string(k), pass_estimate(k));
    }
    const std::int64_t k = results_.set.repeats;
    if (can_vote(part)) with("cons@" + std::to_string(k), majority_estimate(k));
  }

  void add_strata() {
    const std::size_t strata = results_.strata.size();
    if (strata < 2 || strata > kMostStrata) return;
    std::vector<Part> parts(strata, Part{results_, judges_.headline, {}});
    for (const Question& question : results_.questions) {
      parts[question.stratum].questions.push_back(&question);
    }
    for (std::size_t i = 0; i < strata; ++i) {
      add(parts[i], results_.strata[i].empty() ? "other" : std::string(results_.strata[i]));
    }
  }

  const SetResults& results_;
  const Judges judges_;
  const bool show_;
  std::vector<Row> rows_;
};

struct Health {
  std::int64_t planned = 0;
  std::int64_t failed = 0;
  std::int64_t missing = 0;
};

Health health(const SetResults& results) {
  const std::uint32_t headline = find_judges(results).headline;
  Health health{.planned = planned_samples(results.set, results.set.items)};
  std::int64_t judged = 0;
  for (const Question& question : results.questions) health.failed += question.failures;
  for (const Answered& answer : results.answers) {
    judged += judgement_by(results, answer, headline) != nullptr ? 1 : 0;
  }
  health.missing = std::max<std::int64_t>(0, health.planned - judged - health.failed);
  return health;
}

bool over_budget(const Health& health, double budget) {
  return static_cast<double>(health.failed) > budget * static_cast<double>(health.planned);
}

std::string failure_text(const Health& health, double budget) {
  const double share = static_cast<double>(health.failed) /
                       static_cast<double>(std::max<std::int64_t>(1, health.planned));
  return "infrastructure failures " + one_decimal(100 * share) + " % of samples, budget " +
         one_decimal(100 * budget) + " %";
}

void complain(Summary& summary, const std::string& text) {
  summary.valid = false;
  summary.why_invalid += (summary.why_invalid.empty() ? "" : "; ") + text;
}

/// The tasks' own remarks, from the stored options of the sets.
std::vector<std::string> notes_of(const std::vector<SetResults>& results) {
  std::vector<std::string> notes;
  for (const SetResults& each : results) {
    const Set& set = each.set;
    const auto options = nlohmann::json::parse(set.options, nullptr, false);
    if (!options.is_object() || !options.contains("notes")) continue;
    for (const auto& note : options["notes"]) {
      if (!note.is_string()) continue;
      notes.push_back(set.task + "/" + set.variant + ": " + note.get<std::string>());
    }
  }
  return notes;
}

/// What a row of a shard is a part of: no row of it is the whole set.
std::string shard_part(const Run& run, const std::string& part) {
  return "shard " + std::to_string(run.shard) + "/" + std::to_string(run.shards) +
         (part.empty() ? "" : ", " + part);
}

}  // namespace

Summary summarize(Reader& reader, const Run& run, double fail_budget) {
  Summary summary = summarize_results(run, read_results(reader, run.id, false), fail_budget);
  summary.expert_loads = expert_loads(reader, run.id);
  return summary;
}

Summary summarize_results(const Run& run, const std::vector<SetResults>& sets, double fail_budget) {
  Summary summary{.run = run, .fail_budget = fail_budget, .notes = notes_of(sets)};
  if (sets.empty()) complain(summary, "the run has no task");
  Health all;
  std::vector<Health> of_sets;
  for (const SetResults& set : sets) {
    of_sets.push_back(health(set));
    all.planned += of_sets.back().planned;
    all.failed += of_sets.back().failed;
  }
  const bool run_fails = over_budget(all, fail_budget);
  if (run_fails) complain(summary, failure_text(all, fail_budget));
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const SetResults& set = sets[i];
    const Health& own = of_sets[i];
    const std::string name = set.set.task + "/" + set.set.variant + ": ";
    const bool fails = over_budget(own, fail_budget);
    if (fails && !run_fails) complain(summary, name + failure_text(own, fail_budget));
    if (own.missing > 0) {
      complain(summary, name + std::to_string(own.missing) + " of " + std::to_string(own.planned) +
                            " samples missing");
    }
    const bool show = !run_fails && !fails && own.missing == 0;
    for (Row& row : SetReport(set, show).rows()) {
      if (run.shards > 0) row.part = shard_part(run, row.part);
      summary.rows.push_back(std::move(row));
    }
  }
  return summary;
}

}  // namespace moebius::reports
