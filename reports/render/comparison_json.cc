// Comparisons for machines: comparison.schema.json.
#include <nlohmann/json.hpp>

#include "reports/compare.h"
#include "reports/render/comparison.h"
#include "reports/render/json_values.h"

namespace moebius::reports {
namespace {

using nlohmann::ordered_json;

ordered_json options_json(const CompareOptions& options) {
  ordered_json margins = ordered_json::object();
  for (const auto& [task, margin] : options.margins) margins[task] = margin;
  return {{"margin", options.margin},
          {"margins", margins},
          {"alpha", options.alpha},
          {"fail_budget", options.fail_budget},
          {"tasks", options.tasks},
          {"intersect", options.intersect},
          {"limits",
           {{"truncated", optional_json(options.limits.truncated)},
            {"no_answer", optional_json(options.limits.no_answer)},
            {"failed", optional_json(options.limits.failed)},
            {"flips", optional_json(options.limits.flips)}}},
          {"looks", options.looks},
          {"shape", options.shape == LookShape::kPocock ? "pocock" : "obrien-fleming"},
          {"seed", options.seed},
          {"anytime", options.anytime}};
}

ordered_json answers_json(const std::vector<Transcript>& answers) {
  ordered_json list = ordered_json::array();
  for (const Transcript& answer : answers) {
    list.push_back({{"repeat", answer.repeat},
                    {"outcome", answer.outcome},
                    {"extracted", answer.extracted},
                    {"text", answer.text}});
  }
  return list;
}

ordered_json change_json(const Changed& changed) {
  ordered_json json = {
      {"item", changed.item}, {"base", changed.base}, {"candidate", changed.candidate}};
  if (changed.base_answers.empty() && changed.candidate_answers.empty()) return json;
  json["prompt"] = changed.prompt;
  json["target"] = changed.target;
  json["base_answers"] = answers_json(changed.base_answers);
  json["candidate_answers"] = answers_json(changed.candidate_answers);
  return json;
}

/// Statistics; null for a set that was not judged.
ordered_json statistics_json(const SetComparison& set) {
  if (!set.interval) return nullptr;
  return {{"base_mean", set.base_mean},
          {"candidate_mean", set.candidate_mean},
          {"difference", set.difference},
          {"interval", interval_json(set.interval, set.level)},
          {"method", set.method},
          {"stderr", optional_json(set.error)},
          {"unpaired_stderr", optional_json(set.unpaired_error)},
          {"correlation", optional_json(set.correlation)},
          {"gained", set.gained},
          {"lost", set.lost},
          {"same_p", set.same_p},
          {"same_method", set.same_method},
          {"pass_p", set.pass_p},
          {"regression_p", set.regression_p},
          {"questions_needed", set.needed ? ordered_json(*set.needed) : ordered_json(nullptr)},
          {"look", set.look}};
}

ordered_json compared_subjects_json(const SetComparison& set) {
  ordered_json list = ordered_json::array();
  for (const SubjectChange& subject : set.subjects) {
    list.push_back({{"by", subject.by},
                    {"subject", subject.subject},
                    {"questions", subject.items},
                    {"base_mean", subject.base},
                    {"candidate_mean", subject.candidate},
                    {"difference", subject.difference},
                    {"interval", interval_json(subject.interval, 0.95)},
                    {"p", subject.p},
                    {"q", subject.q},
                    {"marked", subject.marked}});
  }
  return list;
}

ordered_json early_json(const Comparison& comparison) {
  const std::optional<EarlyStop> stop = early_stop(comparison);
  if (!stop) return nullptr;
  return {{"look", stop->look},
          {"looks", stop->looks},
          {"asked", stop->asked},
          {"planned", stop->planned}};
}

ordered_json set_json(const SetComparison& set) {
  ordered_json changes = ordered_json::array();
  for (const Changed& changed : set.changes) changes.push_back(change_json(changed));
  ordered_json band = nullptr;
  if (set.band) {
    band = {{"items", set.band->items}, {"flips", set.band->flips}, {"p", set.band->p}};
  }
  return {
      {"task", set.task},
      {"variant", set.variant},
      {"margin", set.margin},
      {"verdict", verdict_name(set.verdict)},
      {"why", set.why},
      {"pending", set.pending},
      {"limits_exceeded", set.exceeded},
      {"questions", set.items},
      {"base_questions", set.questions},
      {"base_only", set.base_only},
      {"candidate_only", set.candidate_only},
      {"changed_prompts", set.changed_prompts},
      {"unscored", set.unscored},
      {"statistics", statistics_json(set)},
      {"same_model_band", band},
      {"base", set.base.task.empty() ? ordered_json(nullptr) : row_json(set.base)},
      {"candidate", set.candidate.task.empty() ? ordered_json(nullptr) : row_json(set.candidate)},
      {"changes", changes},
      {"subjects", compared_subjects_json(set)}};
}

}  // namespace

ordered_json comparison_json(const Comparison& comparison) {
  ordered_json sets = ordered_json::array();
  for (const SetComparison& set : comparison.sets) sets.push_back(set_json(set));
  return {{"schema", "moebius-comparison"},
          {"version", 1},
          {"verdict", verdict_name(comparison.verdict)},
          {"why", comparison.why},
          {"options", options_json(comparison.options)},
          {"base", run_json(comparison.base)},
          {"candidate", run_json(comparison.candidate)},
          {"early_stop", early_json(comparison)},
          {"sets", sets},
          {"notes", comparison.notes}};
}

std::string render_json(const Comparison& comparison) {
  return dump_json(comparison_json(comparison), 2) + "\n";
}

}  // namespace moebius::reports
