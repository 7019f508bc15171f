// Several baselines together.
#include "reports/gate.h"

#include <utility>

namespace moebius::reports {

GateResult decide_together(std::vector<Baseline> baselines) {
  std::vector<Comparison*> comparisons;
  for (Baseline& baseline : baselines) comparisons.push_back(&baseline.comparison);
  if (comparisons.size() > 1) correct_together(comparisons);
  std::vector<Verdict> verdicts;
  for (const Comparison* comparison : comparisons) verdicts.push_back(comparison->verdict);
  return {gravest(verdicts), std::move(baselines)};
}

}  // namespace moebius::reports
