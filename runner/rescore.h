// Judges the answers of a stored run again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runner/plan.h"

namespace moebius::runner {

struct VerdictChange {
  std::string task;
  std::string item;
  std::int32_t repeat = 0;
  std::string scorer;
  std::string before;  // verdict name; the headline's if this scorer had not judged it
  std::string after;
};

struct RescoreCount {
  std::int64_t judged = 0;
  std::int64_t passed_before = 0;
  std::int64_t passed_now = 0;
  std::int64_t changed = 0;
};

struct RescoreResult {
  std::vector<VerdictChange> changes;
  std::map<std::pair<std::string, std::string>, RescoreCount> counts;  // by task:variant, scorer
};

/// Loads the run's tasks with the options it had, but the graders of `options`, and judges every
/// stored answer. Failures and targets that are no longer the same are left alone. Throws
/// reports::Error, tasks::Error, InputError.
RescoreResult rescore(const std::string& store, const std::string& run, const PlanOptions& options);

}  // namespace moebius::runner
