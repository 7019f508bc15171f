// An evaluation from the first question to the state its run is left in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/gate.h"
#include "reports/store.h"
#include "runner/commands.h"
#include "runner/eval_options.h"
#include "runner/plan.h"
#include "runner/sequential.h"

namespace moebius::runner {

/// Where an evaluation is kept, and what its result may lack.
struct EvalPlace {
  std::string store;
  double fail_budget = 0.01;
  Shard shard;
};

struct Evaluated {
  std::int64_t run = 0;  // its number in the store
  /// kOk: asked to the end, or to the look that decided. kIncomplete, kInterrupted: ended before;
  /// standard error says why, and that the same command goes on.
  ExitCode code = kOk;
  std::optional<reports::Summary> summary;    // of a run that was asked to the end
  std::optional<reports::GateResult> result;  // with looks: of the one that it ended at
};

/// Asks all of `plan`, or with `looks` (which may be null) until they decide. A run that is there
/// already goes on; one that its looks find decided is left as it is. Throws what keeps a run from
/// beginning: InputError, engine::Error, reports::Error.
Evaluated evaluate(const EvalOptions& options, const EvalPlace& place,
                   const std::vector<PlannedSet>& plan, Looks* looks);

}  // namespace moebius::runner
