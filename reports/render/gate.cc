// Several baselines: each comparison as it is alone, under one verdict.
#include "reports/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/comparison.h"
#include "reports/render/escape.h"
#include "reports/render/json_values.h"

namespace moebius::reports {
namespace {

bool one_alone(const GateResult& gate) {
  return gate.baselines.size() == 1;
}

std::string gate_headline(const GateResult& gate) {
  std::string name = verdict_name(gate.verdict);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto own = std::count_if(
      gate.baselines.begin(), gate.baselines.end(),
      [&](const Baseline& baseline) { return baseline.comparison.verdict == gate.verdict; });
  return fmt::format("{} against {} of {} baselines", name, own, gate.baselines.size());
}

RenderOptions options_of(const Baseline& baseline, const RenderOptions& options) {
  RenderOptions own = options;
  own.name += "." + baseline.name;
  own.marker = false;
  return own;
}

}  // namespace

std::string render_text(const GateResult& gate, const RenderOptions& options) {
  if (one_alone(gate)) return render_text(gate.baselines[0].comparison, options);
  std::string text = gate_headline(gate) + "\n";
  for (const Baseline& baseline : gate.baselines) {
    text += "\n==== baseline " + escape_terminal(baseline.name) + " ====\n" +
            render_text(baseline.comparison, options);
  }
  return text;
}

std::string render_markdown(const GateResult& gate, const RenderOptions& options) {
  if (one_alone(gate)) return render_markdown(gate.baselines[0].comparison, options);
  std::string text = comment_marker(options.name) + "## " + gate_headline(gate) + "\n";
  for (const Baseline& baseline : gate.baselines) {
    const std::string title = "\n## Baseline " + escape_markdown(clipped(baseline.name)) + "\n\n";
    RenderOptions own = options_of(baseline, options);
    const std::size_t around = 1024;  // titles
    own.most_bytes = options.most_bytes / gate.baselines.size();
    own.most_bytes -= std::min(own.most_bytes, around);
    text += title + render_markdown(baseline.comparison, own);
  }
  return text;
}

std::string render_json(const GateResult& gate) {
  if (one_alone(gate)) return render_json(gate.baselines[0].comparison);
  nlohmann::ordered_json baselines = nlohmann::ordered_json::array();
  for (const Baseline& baseline : gate.baselines) {
    baselines.push_back(
        {{"name", baseline.name}, {"comparison", comparison_json(baseline.comparison)}});
  }
  return dump_json({{"schema", "moebius-gate"},
                    {"version", 1},
                    {"verdict", verdict_name(gate.verdict)},
                    {"baselines", baselines}},
                   2) +
         "\n";
}

std::string render_junit(const GateResult& gate, const RenderOptions& options) {
  if (one_alone(gate)) return render_junit(gate.baselines[0].comparison, options);
  std::vector<JunitSuite> suites;
  for (const Baseline& baseline : gate.baselines) {
    suites.push_back(junit_suite(baseline.comparison, options_of(baseline, options)));
  }
  return junit_document(suites, options.name);
}

}  // namespace moebius::reports
