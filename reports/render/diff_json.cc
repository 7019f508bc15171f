// The diff of two models for machines: diff.schema.json.
#include <nlohmann/json.hpp>

#include "reports/divergence.h"
#include "reports/render/json_values.h"

namespace moebius::reports {
namespace {

using nlohmann::ordered_json;

ordered_json diff_interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return {{"low", interval->low}, {"high", interval->high}};
}

ordered_json position_mean_json(const PositionMean& value) {
  return {{"mean", value.mean},
          {"stderr", optional_json(value.error)},
          {"interval", diff_interval_json(value.interval)}};
}

ordered_json divergence_json(const Divergence& d) {
  ordered_json kl = position_mean_json(d.kl);
  kl["median"] = d.kl_median;
  kl["p95"] = d.kl_p95;
  kl["p99"] = d.kl_p99;
  kl["max"] = d.kl_max;
  ordered_json delta = nullptr;
  if (d.deltas > 0) {
    delta = position_mean_json(d.delta);
    delta["positions"] = d.deltas;
    delta["p5"] = d.delta_p5;
  }
  ordered_json written = nullptr;
  if (d.written > 0) {
    written = {{"answers", d.written},
               {"unchanged", d.unchanged},
               {"median_divergence", optional_json(d.median_divergence)}};
  }
  ordered_json routing = ordered_json::array();
  for (const LayerAgreement& layer : d.routing) {
    routing.push_back({{"layer", layer.layer}, {"agreement", layer.share}});
  }
  return {{"questions", d.questions},
          {"positions", d.positions},
          {"kl", kl},
          {"top1_agreement", position_mean_json(d.same_top)},
          {"delta_logprob", delta},
          {"written", written},
          {"routing", routing}};
}

ordered_json option_kl_json(const AnswerChanges& a) {
  if (a.options == 0) return nullptr;
  ordered_json json = position_mean_json(a.option_kl);
  json["questions"] = a.options;
  json["p95"] = a.option_kl_p95;
  json["max"] = a.option_kl_max;
  return json;
}

ordered_json answer_changes_json(const AnswerChanges& a) {
  if (!a.interval) return nullptr;
  return {{"compared", a.compared},       {"changed", a.changed},
          {"gained", a.gained},           {"lost", a.lost},
          {"base_mean", a.base_mean},     {"candidate_mean", a.candidate_mean},
          {"difference", a.difference},   {"interval", diff_interval_json(a.interval)},
          {"method", a.method},           {"same_p", a.same_p},
          {"same_method", a.same_method}, {"option_kl", option_kl_json(a)}};
}

ordered_json diff_question_json(const DiffQuestion& q) {
  ordered_json first = nullptr;
  if (q.first_divergence) first = *q.first_divergence;
  return {{"item", q.pair.item},
          {"base", q.pair.base},
          {"candidate", q.pair.candidate},
          {"base_extracted", q.pair.base_extracted},
          {"candidate_extracted", q.pair.candidate_extracted},
          {"positions", q.positions},
          {"kl_mean", q.kl_mean},
          {"kl_max", q.kl_max},
          {"option_kl", optional_json(q.pair.option_kl)},
          {"first_divergence", first}};
}

ordered_json diff_set_json(const DiffSet& set) {
  ordered_json questions = ordered_json::array();
  for (const DiffQuestion& question : set.questions) {
    questions.push_back(diff_question_json(question));
  }
  return {{"task", set.task},
          {"variant", set.variant},
          {"asked", set.asked},
          {"failed", set.failed},
          {"cut", set.cut},
          {"divergence", divergence_json(set.divergence)},
          {"answers", answer_changes_json(set.answers)},
          {"questions", questions}};
}

ordered_json diff_side_json(const DiffSide& side) {
  return {{"model", side.model},
          {"fingerprint", side.fingerprint},
          {"parameters", side.parameters},
          {"weight_bytes", side.weight_bytes}};
}

}  // namespace

std::string render_json(const Diff& diff) {
  ordered_json sets = ordered_json::array();
  for (const DiffSet& set : diff.sets) sets.push_back(diff_set_json(set));
  ordered_json total = diff_set_json(diff.total);
  total.erase("questions");
  total.erase("task");
  total.erase("variant");
  const ordered_json json = {{"schema", "moebius-diff"},
                             {"version", 1},
                             {"base", diff_side_json(diff.base)},
                             {"candidate", diff_side_json(diff.candidate)},
                             {"sets", sets},
                             {"total", total},
                             {"notes", diff.notes}};
  return dump_json(json, 2) + "\n";
}

}  // namespace moebius::reports
