// Judges the answers of a stored run again.
#include "runner/rescore.h"

#include <fmt/format.h>

#include <unordered_map>

#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

using Samples = std::unordered_map<std::string, const tasks::Sample*>;

TaskSpec spec_of(const reports::Set& set) {
  TaskSpec spec{.task = &tasks::find_task(set.task), .variants = {set.variant}};
  const nlohmann::json options = parse_json(set.options, "stored options of " + set.task);
  if (!options.contains("options")) return spec;
  for (const auto& [name, value] : options["options"].items()) {
    spec.values[name] = value.get<std::string>();
  }
  return spec;
}

/// The set as it would be asked now.
PlannedSet reload(const reports::Set& set, const PlanOptions& options) {
  if (tasks::find_task(set.task).info().version != set.task_version) {
    throw InputError(fmt::format("{}: stored with task version {}, this binary has {}", set.task,
                                 set.task_version, tasks::find_task(set.task).info().version));
  }
  std::vector<PlannedSet> plan = make_plan({spec_of(set)}, options);
  if (plan.front().set.data_sha256 != set.data_sha256) {
    throw InputError(fmt::format("{}: the run's data had sha256 {}, found {}", set.task,
                                 set.data_sha256, plan.front().set.data_sha256));
  }
  return std::move(plan.front());
}

const scorers::Score* stored_score(const reports::Sample& sample, std::string_view scorer) {
  const scorers::Score* headline = nullptr;
  for (const reports::StoredScore& score : sample.scores) {
    if (score.scorer == scorer) return &score.score;
    if (score.headline) headline = &score.score;
  }
  return headline;
}

bool headline_of(const reports::Sample& sample, std::string_view scorer) {
  for (const reports::StoredScore& score : sample.scores) {
    if (score.headline) return score.scorer == scorer;
  }
  return false;
}

void count(RescoreResult& result, const reports::SampleRow& row, std::string_view scorer,
           const scorers::Score& now) {
  const scorers::Score* before = stored_score(row.sample, scorer);
  RescoreCount& counts = result.counts[{row.task + ":" + row.variant, std::string(scorer)}];
  ++counts.judged;
  counts.passed_now += now.verdict == scorers::Verdict::kPass ? 1 : 0;
  if (before == nullptr) return;
  counts.passed_before += before->verdict == scorers::Verdict::kPass ? 1 : 0;
  if (before->verdict == now.verdict) return;
  ++counts.changed;
  result.changes.push_back({row.task + ":" + row.variant, row.sample.item.item, row.sample.repeat,
                            std::string(scorer), scorers::verdict_name(before->verdict),
                            scorers::verdict_name(now.verdict)});
}

std::vector<reports::StoredScore> judge_again(const tasks::Sample& sample,
                                              const reports::SampleRow& row,
                                              RescoreResult& result) {
  const bool truncated = row.sample.finish == "length" || row.sample.finish == "context_full";
  const scorers::Answer answer{
      .text = row.sample.text, .truncated = truncated, .choices = row.sample.choices};
  std::vector<reports::StoredScore> scores;
  for (const scorers::ScorerPtr& scorer : sample.scorers) {
    scorers::Score score = scorer->score(answer);
    count(result, row, scorer->name(), score);
    scores.push_back({.scorer = std::string(scorer->name()),
                      .version = scorer->version(),
                      .headline = headline_of(row.sample, scorer->name()),
                      .score = std::move(score)});
  }
  return scores;
}

}  // namespace

RescoreResult rescore(const std::string& store_path, const std::string& which,
                      const PlanOptions& options) {
  const auto store = reports::Store::open(store_path);
  const auto reader = reports::Reader::open(store_path);
  const reports::Run run = reader->find_run(which);
  std::vector<PlannedSet> sets;
  std::unordered_map<std::string, Samples> samples;
  for (const reports::Set& set : reader->sets(run.id)) sets.push_back(reload(set, options));
  for (const PlannedSet& set : sets) {
    Samples& known = samples[set.record.task + ":" + set.record.variant];
    for (const tasks::Sample& sample : set.set.samples) known[sample.item] = &sample;
  }
  RescoreResult result;
  reader->each_sample(run.id, "", [&](const reports::SampleRow& row) {
    if (!row.sample.failure.empty()) return;
    const Samples& known = samples[row.task + ":" + row.variant];
    const auto found = known.find(row.sample.item.item);
    if (found == known.end()) return;
    store->put_scores(row.id, judge_again(*found->second, row, result));
  });
  store->flush();
  return result;
}

}  // namespace moebius::runner
