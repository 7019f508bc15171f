// From a completion to what is stored: the scorers' verdicts, or a failure of ours.
#pragma once

#include "engine/engine.h"
#include "reports/store.h"
#include "runner/plan.h"

namespace moebius::runner {

/// Judges one answer with all of the sample's scorers. Failures of the engine and of scorers
/// become Sample::failure; nothing is scored then. Fills in everything but set, item and key.
reports::Sample judge(const tasks::Sample& sample, const engine::Request& request,
                      engine::Completion completion);

}  // namespace moebius::runner
