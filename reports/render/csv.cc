// Reports as CSV by RFC 4180: one header, one line per row, raw numbers, empty where there is none.
#include <fmt/format.h>

#include "reports/render/escape.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

constexpr const char* kHeader =
    "run,run_key,model,state,valid,why_invalid,task,variant,part,metric,scorer,scorer_version,"
    "items,samples,planned,value,stderr_total,stderr_rerun,interval_low,interval_high,"
    "interval_method,truncated,no_answer,failed,verdicts,prompt_tokens,output_tokens,"
    "mean_latency_ms\r\n";

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

std::string verdicts(const Row& row) {
  std::string text;
  for (const auto& [name, count] : row.verdicts) {
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(count);
  }
  return text;
}

std::string line(const Summary& summary, const Row& row) {
  const Run& run = summary.run;
  std::string text = std::to_string(run.id);
  const auto add = [&](const std::string& field) { text += "," + field; };
  for (const std::string* field : {&run.key, &run.model, &run.state}) add(escape_csv(*field));
  add(summary.valid ? "true" : "false");
  for (const std::string* field :
       {&summary.why_invalid, &row.task, &row.variant, &row.part, &row.metric, &row.scorer}) {
    add(escape_csv(*field));
  }
  for (const std::int64_t count :
       {std::int64_t{row.scorer_version}, row.items, row.samples, row.planned}) {
    add(std::to_string(count));
  }
  for (const auto& value : {row.value, row.stderr_total, row.stderr_rerun}) add(number(value));
  add(row.interval ? number(row.interval->low) : "");
  add(row.interval ? number(row.interval->high) : "");
  add(escape_csv(row.interval_method));
  for (const double share : {row.truncated, row.no_answer, row.failed}) add(number(share));
  add(escape_csv(verdicts(row)));
  add(std::to_string(row.prompt_tokens));
  add(std::to_string(row.output_tokens));
  add(number(row.mean_latency_ms));
  return text + "\r\n";
}

}  // namespace

std::string render_csv(const std::vector<Summary>& summaries) {
  std::string text = kHeader;
  for (const Summary& summary : summaries) {
    for (const Row& row : summary.rows) text += line(summary, row);
  }
  return text;
}

}  // namespace moebius::reports
