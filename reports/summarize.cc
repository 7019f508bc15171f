// From a run's questions to the rows of a report.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "reports/question.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/intervals.h"
#include "reports/statistics/pass_at_k.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

using Wanted = std::function<bool(const Question&)>;

/// A number per question, ready for its error and interval.
struct Values {
  std::vector<double> values;
  std::vector<std::string> clusters;
  bool single = true;  // one 0/1 answer per question
};

/// One row in the making: the scores that one judge gave to a part of a set.
struct Part {
  std::vector<const Question*> questions;
  std::vector<std::vector<const Judgement*>> judgements;  // of each question
  std::vector<std::vector<double>> scores;                // the same, values only
};

const Judgement* judgement_by(const Answered& answer, const ScorerId& scorer) {
  for (const Judgement& judgement : answer.judgements) {
    if (judgement.scorer == scorer) return &judgement;
  }
  return nullptr;
}

std::string one_decimal(double value) {
  const double rounded = std::round(value * 10) / 10;
  std::string text = std::to_string(rounded);
  text.erase(text.find('.') + 2);
  if (text.ends_with(".0")) text.erase(text.size() - 2);
  return text;
}

std::string describe(std::size_t clusters) {
  return clusters < kMinClusters ? "; " + std::to_string(clusters) + " clusters, " +
                                       std::to_string(kMinClusters) + " needed to cluster"
                                 : "";
}

/// Error and interval of a mean over questions.
void add_interval(const Values& values, Row& row) {
  const std::size_t n = values.values.size();
  if (n == 0) return;
  const double centre = mean(values.values);
  row.value = centre;
  const std::size_t clusters = count_clusters(values.clusters);
  const bool clustered = clusters > 1 && clusters < n;  // neither all alone nor all together
  const auto error = clustered ? clustered_error(values.values, values.clusters) : std::nullopt;
  row.stderr_total = error ? error : standard_error(values.values);
  const std::string note = clustered && !error ? describe(clusters) : "";
  const bool unanimous = centre <= 0 || centre >= 1;  // the spread is zero, the doubt is not
  if (unanimous || (values.single && !error)) {
    row.interval = wilson(centre, static_cast<double>(n));
    row.interval_method = "wilson" + note;
  } else if (row.stderr_total) {
    const auto degrees = static_cast<double>((error ? clusters : n) - 1);
    row.interval = student_t(centre, *row.stderr_total, degrees);
    row.interval_method = error ? "clustered t" : "t" + note;
  }
}

Part take(const SetResults& results, const ScorerId& scorer, const Wanted& wanted) {
  Part part;
  for (const Question& question : results.questions) {
    if (!wanted(question)) continue;
    part.questions.push_back(&question);
    auto& judgements = part.judgements.emplace_back();
    auto& scores = part.scores.emplace_back();
    for (const Answered& answer : question.answers) {
      const Judgement* judgement = judgement_by(answer, scorer);
      if (judgement == nullptr) continue;
      judgements.push_back(judgement);
      scores.push_back(judgement->value);
    }
  }
  return part;
}

std::int64_t failures(const Part& part) {
  std::int64_t count = 0;
  for (const Question* question : part.questions) count += question->failures;
  return count;
}

/// Everything of a row but its value: counts, rates, tokens, time.
void add_counts(const Part& part, const ScorerId& scorer, Row& row) {
  std::int64_t latency_us = 0;
  std::int64_t truncated = 0;
  for (std::size_t i = 0; i < part.questions.size(); ++i) {
    row.items += part.judgements[i].empty() ? 0 : 1;
    for (const Judgement* judgement : part.judgements[i]) {
      ++row.samples;
      ++row.verdicts[scorers::verdict_name(judgement->verdict)];
      const bool nothing = judgement->verdict == scorers::Verdict::kNoAnswer ||
                           judgement->verdict == scorers::Verdict::kThinkUnclosed;
      row.no_answer += nothing ? 1 : 0;
    }
    for (const Answered& answer : part.questions[i]->answers) {
      if (judgement_by(answer, scorer) == nullptr) continue;
      truncated += answer.truncated ? 1 : 0;
      row.prompt_tokens += part.questions[i]->prompt_tokens;
      row.output_tokens += answer.output_tokens;
      latency_us += answer.latency_us;
    }
  }
  const auto planned = static_cast<double>(std::max<std::int64_t>(row.planned, 1));
  row.failed = static_cast<double>(failures(part)) / planned;
  if (row.samples == 0) return;
  const auto samples = static_cast<double>(row.samples);
  row.no_answer /= samples;
  row.truncated = static_cast<double>(truncated) / samples;
  row.mean_latency_ms = static_cast<double>(latency_us) / samples / 1000;
}

/// The mean over questions of their mean scores, questions without any left out.
void add_mean(const Part& part, std::int32_t repeats, Row& row) {
  Values values{.single = repeats == 1};
  std::vector<std::vector<double>> scored;
  for (std::size_t i = 0; i < part.questions.size(); ++i) {
    if (part.scores[i].empty()) continue;
    scored.push_back(part.scores[i]);
    values.values.push_back(mean(part.scores[i]));
    values.clusters.push_back(part.questions[i]->cluster);
    for (const double score : part.scores[i]) {
      values.single = values.single && (score == 0 || score == 1);
    }
  }
  add_interval(values, row);
  if (repeats > 1) row.stderr_rerun = repeat_errors(scored).rerun;
}

/// The mean over questions of what `estimate` makes of one's judgements, none leaves it out.
using Estimate = std::function<std::optional<double>(const std::vector<const Judgement*>&)>;

void add_estimate(const Part& part, const Estimate& estimate, Row& row) {
  Values values{.single = false};
  for (std::size_t i = 0; i < part.questions.size(); ++i) {
    const std::optional<double> value = estimate(part.judgements[i]);
    if (!value) continue;
    values.values.push_back(*value);
    values.clusters.push_back(part.questions[i]->cluster);
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
    std::map<std::string, std::int64_t> wrong;
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
  for (const auto& judgements : part.judgements) {
    for (const Judgement* judgement : judgements) {
      if (judgement->code) return false;
    }
  }
  return true;
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

class SetReport {
 public:
  /// `show`: whether values may be given at all.
  SetReport(const SetResults& results, bool show)
      : results_(results), judges_(find_judges(results)), show_(show) {}

  std::vector<Row> rows() {
    add(judges_.headline, "", [](const Question&) { return true; });
    if (results_.set.repeats > 1) add_repeat_rows();
    add_strata();
    const auto& questions = results_.questions;
    if (std::any_of(questions.begin(), questions.end(), [](const auto& q) { return q.errata; })) {
      add(judges_.headline, "without errata", [](const Question& q) { return !q.errata; });
    }
    for (const ScorerId& scorer : judges_.others) {
      add(scorer, "", [](const Question&) { return true; });
    }
    return std::move(rows_);
  }

 private:
  std::int64_t planned(const Part& part, bool whole) const {
    const auto items =
        whole ? results_.set.items : static_cast<std::int64_t>(part.questions.size());
    return items * results_.set.repeats;
  }

  Row begin(const ScorerId& scorer, const std::string& name, const Part& part) const {
    Row row;
    row.task = results_.set.task;
    row.variant = results_.set.variant;
    row.part = name;
    row.metric = metric_name(results_.set);
    row.scorer = scorer.first;
    row.scorer_version = scorer.second;
    row.planned = planned(part, name.empty());
    add_counts(part, scorer, row);
    return row;
  }

  /// Every planned sample is judged or failed.
  static bool whole(const Row& row, const Part& part) {
    return row.samples + failures(part) >= row.planned;
  }

  void add(const ScorerId& scorer, const std::string& name, const Wanted& wanted) {
    const Part part = take(results_, scorer, wanted);
    Row row = begin(scorer, name, part);
    if (show_ && whole(row, part)) add_mean(part, results_.set.repeats, row);
    rows_.push_back(std::move(row));
  }

  void add_repeat_rows() {
    const Part part = take(results_, judges_.headline, [](const Question&) { return true; });
    const auto with = [&](const std::string& metric, const Estimate& estimate) {
      Row row = begin(judges_.headline, "", part);
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
    std::vector<std::string> names;  // in the order of the set
    for (const Question& question : results_.questions) {
      if (std::find(names.begin(), names.end(), question.stratum) == names.end()) {
        names.push_back(question.stratum);
      }
    }
    if (names.size() < 2) return;
    for (const std::string& name : names) {
      add(judges_.headline, name.empty() ? "other" : name,
          [&](const Question& question) { return question.stratum == name; });
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
  const ScorerId headline = find_judges(results).headline;
  Health health{.planned = results.set.items * results.set.repeats};
  std::int64_t judged = 0;
  for (const Question& question : results.questions) {
    health.failed += question.failures;
    for (const Answered& answer : question.answers) {
      judged += judgement_by(answer, headline) != nullptr ? 1 : 0;
    }
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
std::vector<std::string> notes_of(const std::vector<Set>& sets) {
  std::vector<std::string> notes;
  for (const Set& set : sets) {
    const auto options = nlohmann::json::parse(set.options, nullptr, false);
    if (!options.is_object() || !options.contains("notes")) continue;
    for (const auto& note : options["notes"]) {
      if (!note.is_string()) continue;
      notes.push_back(set.task + "/" + set.variant + ": " + note.get<std::string>());
    }
  }
  return notes;
}

}  // namespace

Summary summarize(Reader& reader, const Run& run, double fail_budget) {
  Summary summary{.run = run, .fail_budget = fail_budget, .notes = notes_of(reader.sets(run.id))};
  const std::vector<SetResults> sets = read_results(reader, run.id);
  if (sets.empty()) complain(summary, "the run has no task");
  Health all;
  for (const SetResults& set : sets) {
    all.planned += health(set).planned;
    all.failed += health(set).failed;
  }
  const bool run_fails = over_budget(all, fail_budget);
  if (run_fails) complain(summary, failure_text(all, fail_budget));
  for (const SetResults& set : sets) {
    const Health own = health(set);
    const std::string name = set.set.task + "/" + set.set.variant + ": ";
    const bool fails = over_budget(own, fail_budget);
    if (fails && !run_fails) complain(summary, name + failure_text(own, fail_budget));
    if (own.missing > 0) {
      complain(summary, name + std::to_string(own.missing) + " of " + std::to_string(own.planned) +
                            " samples missing");
    }
    const bool show = !run_fails && !fails && own.missing == 0;
    for (Row& row : SetReport(set, show).rows()) summary.rows.push_back(std::move(row));
  }
  return summary;
}

}  // namespace moebius::reports
