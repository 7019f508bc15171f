// One candidate against several baselines: it passes if it passes against each.
#pragma once

#include <string>
#include <vector>

#include "reports/compare.h"

namespace moebius::reports {

struct Baseline {
  std::string name;  // empty if there is one only
  Comparison comparison;
};

struct GateResult {
  Verdict verdict = Verdict::kInvalid;
  std::vector<Baseline> baselines;
};

/// Comparisons of the same candidate with the same alpha. Invalid if any is, else a regression if
/// any is, else inconclusive if any is. Passes need no correction, as all are needed; regressions
/// are called after Holm's correction over the sets of all baselines. With looks the comparisons
/// must have been made with CompareOptions::family.
GateResult decide_together(std::vector<Baseline> baselines);

/// As the comparison alone if there is one baseline. RenderOptions::most_bytes is divided among
/// them. JSON: reports/gate.schema.json, or reports/comparison.schema.json of one alone.
std::string render_text(const GateResult& gate, const RenderOptions& options = {});
std::string render_markdown(const GateResult& gate, const RenderOptions& options = {});
std::string render_json(const GateResult& gate);
std::string render_junit(const GateResult& gate, const RenderOptions& options = {});

}  // namespace moebius::reports
