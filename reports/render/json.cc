// The machine interfaces: reports by report.schema.json, and one line per exported sample.
#include <nlohmann/json.hpp>

#include "reports/store.h"

namespace moebius::reports {
namespace {

using nlohmann::ordered_json;

/// Invalid UTF-8 becomes U+FFFD instead of an exception; infinities and NaN become null.
std::string dump(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json optional(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

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

ordered_json run_json(const Run& run) {
  return {{"id", run.id},
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
}

ordered_json row_json(const Row& row) {
  ordered_json interval = nullptr;
  if (row.interval) {
    interval = {{"low", row.interval->low}, {"high", row.interval->high}, {"level", 0.95}};
  }
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
          {"value", optional(row.value)},
          {"stderr_total", optional(row.stderr_total)},
          {"stderr_rerun", optional(row.stderr_rerun)},
          {"interval", interval},
          {"interval_method", row.interval_method},
          {"truncated", row.truncated},
          {"no_answer", row.no_answer},
          {"failed", row.failed},
          {"verdicts", verdicts},
          {"prompt_tokens", row.prompt_tokens},
          {"output_tokens", row.output_tokens},
          {"mean_latency_ms", row.mean_latency_ms}};
}

ordered_json summary_json(const Summary& summary) {
  ordered_json rows = ordered_json::array();
  for (const Row& row : summary.rows) rows.push_back(row_json(row));
  return {{"run", run_json(summary.run)},
          {"valid", summary.valid},
          {"why_invalid", summary.why_invalid},
          {"fail_budget", summary.fail_budget},
          {"rows", rows},
          {"notes", summary.notes}};
}

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
  return dump({{"schema", "moebius-report"}, {"version", 1}, {"runs", runs}}, 2) + "\n";
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
  return dump(line, -1);
}

}  // namespace moebius::reports
