// The machine interfaces: reports by report.schema.json, and one line per exported sample.
#include <nlohmann/json.hpp>

#include "reports/render/json_values.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

using nlohmann::ordered_json;

/// Text that holds JSON as that JSON; other text as text, none as null.
ordered_json embedded(const std::string& text) {
  if (text.empty()) return nullptr;
  // Nested deeper than any writer of ours nests, it is not worth a parser's stack.
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  if (deepest > 64) return text;
  ordered_json value = ordered_json::parse(text, nullptr, false);
  return value.is_discarded() ? ordered_json(text) : value;
}

ordered_json served_json(const RemoteUse& use) {
  return {{"dialect", use.dialect},
          {"endpoint", use.endpoint},
          {"model", use.model},
          {"models", use.models},
          {"fingerprints", use.fingerprints},
          {"answers", use.answers},
          {"attempts", use.attempts},
          {"prompt_tokens", use.prompt_tokens},
          {"cached_tokens", use.cached_tokens},
          {"output_tokens", use.output_tokens},
          {"reasoning_tokens", use.reasoning_tokens},
          {"uncounted", use.uncounted},
          {"price_in", use.price_in},
          {"price_out", use.price_out},
          {"cost", use.cost},
          {"currency", use.currency},
          {"reproducible", false}};
}

}  // namespace

std::string dump_json(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json optional_json(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json interval_json(const std::optional<Interval>& interval, double level) {
  if (!interval) return nullptr;
  return {{"low", interval->low}, {"high", interval->high}, {"level", level}};
}

ordered_json run_json(const Run& run) {
  ordered_json json = {{"id", run.id},
                       {"key", run.key},
                       {"command", run.command},
                       {"model", run.model},
                       {"fingerprint", run.fingerprint},
                       {"weights_hash", run.weights_hash},
                       {"tokenizer_hash", run.tokenizer_hash},
                       {"build", run.build},
                       {"sandbox", run.sandbox},
                       {"environment", embedded(run.environment)},
                       {"started", run.started},
                       {"finished", run.finished},
                       {"state", run.state}};
  if (run.shards > 0) {
    json["shard"] = {{"index", run.shard}, {"count", run.shards}, {"whole_key", run.whole_key}};
  }
  if (run.remote) json["remote"] = served_json(*run.remote);
  return json;
}

ordered_json row_json(const Row& row) {
  ordered_json verdicts = ordered_json::object();
  for (const auto& [name, count] : row.verdicts) verdicts[name] = count;
  return {{"task", row.task},
          {"variant", row.variant},
          {"part", row.part},
          {"metric", row.metric},
          {"scorer", row.scorer},
          {"scorer_version", row.scorer_version},
          {"items", row.items},
          {"samples", row.samples},
          {"planned", row.planned},
          {"value", optional_json(row.value)},
          {"stderr_total", optional_json(row.stderr_total)},
          {"stderr_rerun", optional_json(row.stderr_rerun)},
          {"interval", interval_json(row.interval, 0.95)},
          {"interval_method", row.interval_method},
          {"truncated", row.truncated},
          {"no_answer", row.no_answer},
          {"failed", row.failed},
          {"verdicts", verdicts},
          {"prompt_tokens", row.prompt_tokens},
          {"output_tokens", row.output_tokens},
          {"mean_latency_ms", row.mean_latency_ms}};
}

namespace {

ordered_json layer_json(const LayerLoad& layer) {
  return {{"layer", layer.layer},  {"routed", layer.routed},   {"max_over_mean", layer.imbalance},
          {"gini", layer.gini},    {"busiest", layer.busiest}, {"idle", layer.idle},
          {"tokens", layer.tokens}};
}

ordered_json load_json(const SetLoad& load) {
  const LoadSummary all = summarize_load(load);
  ordered_json layers = ordered_json::array();
  for (const LayerLoad& layer : load.layers) layers.push_back(layer_json(layer));
  return {{"task", load.task},
          {"variant", load.variant},
          {"routed", all.routed},
          {"experts", all.experts},
          {"idle", all.idle},
          {"mean_max_over_mean", all.mean_imbalance},
          {"mean_gini", all.mean_gini},
          {"worst_layer",
           all.worst == nullptr ? ordered_json(nullptr) : ordered_json(all.worst->layer)},
          {"layers", layers}};
}

}  // namespace

ordered_json summary_json(const Summary& summary) {
  ordered_json rows = ordered_json::array();
  for (const Row& row : summary.rows) rows.push_back(row_json(row));
  ordered_json json = {{"run", run_json(summary.run)},
                       {"valid", summary.valid},
                       {"why_invalid", summary.why_invalid},
                       {"fail_budget", summary.fail_budget},
                       {"rows", rows},
                       {"notes", summary.notes}};
  if (summary.expert_loads.empty()) return json;
  ordered_json loads = ordered_json::array();
  for (const SetLoad& load : summary.expert_loads) loads.push_back(load_json(load));
  json["expert_loads"] = std::move(loads);
  return json;
}

ordered_json report_json(ordered_json runs) {
  return {{"schema", "moebius-report"}, {"version", 1}, {"runs", std::move(runs)}};
}

namespace {

ordered_json score_json(const StoredScore& stored) {
  ordered_json tests = ordered_json::array();
  for (const scorers::TestOutcome& test : stored.score.tests) {
    tests.push_back({{"verdict", scorers::verdict_name(test.verdict)},
                     {"cpu_seconds", test.cpu_seconds},
                     {"detail", test.detail}});
  }
  return {{"scorer", stored.scorer},
          {"version", stored.version},
          {"headline", stored.headline},
          {"verdict", scorers::verdict_name(stored.score.verdict)},
          {"value", stored.score.value},
          {"extracted", stored.score.extracted},
          {"reason", stored.score.reason},
          {"sandbox", stored.score.sandbox},
          {"tests", tests}};
}

void add_answer(ordered_json& line, const Sample& sample) {
  ordered_json choices = ordered_json::array();
  for (const scorers::Choice& choice : sample.choices) {
    choices.push_back(
        {{"logprob", choice.logprob}, {"tokens", choice.tokens}, {"bytes", choice.bytes}});
  }
  ordered_json scores = ordered_json::array();
  for (const StoredScore& score : sample.scores) scores.push_back(score_json(score));
  line["finish"] = sample.finish;
  line["stop"] = sample.stop;
  line["output_sha256"] = sample.output_sha256;
  line["output_tokens"] = sample.output_tokens;
  line["cached_tokens"] = sample.cached_tokens;
  line["latency_us"] = sample.latency_us;
  line["prompt"] = sample.item.prompt;
  line["text"] = sample.text;
  line["choices"] = choices;
  line["scores"] = scores;
}

}  // namespace

std::string render_json(const std::vector<Summary>& summaries) {
  ordered_json runs = ordered_json::array();
  for (const Summary& summary : summaries) runs.push_back(summary_json(summary));
  return dump_json(report_json(std::move(runs)), 2) + "\n";
}

std::string sample_json(const SampleRow& row) {
  const Sample& sample = row.sample;
  ordered_json line = {{"task", row.task},
                       {"variant", row.variant},
                       {"item", sample.item.item},
                       {"repeat", sample.repeat},
                       {"key", sample.key},
                       {"cluster", sample.item.cluster},
                       {"stratum", sample.item.stratum},
                       {"tags", embedded(sample.item.tags)},
                       {"target", sample.item.target},
                       {"prompt_sha256", sample.item.prompt_sha256},
                       {"prompt_tokens", sample.item.prompt_tokens}};
  if (sample.failure.empty()) {
    add_answer(line, sample);
  } else {
    line["failure"] = {{"kind", sample.failure}, {"message", sample.message}};
  }
  return dump_json(line, -1);
}

}  // namespace moebius::reports
