// Generates, scores and stores as one pipeline: while the engine computes, earlier answers are
// judged, and what is judged is on its way to the disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "reports/store.h"
#include "runner/plan.h"

namespace moebius::runner {

/// Where an evaluation stands. Samples, all sets together.
struct Progress {
  std::int64_t planned = 0;
  std::int64_t found = 0;          // already in the store
  std::int64_t scored = 0;         // in this run of the command
  std::int64_t failed = 0;         // failures of ours
  std::int64_t prompt_tokens = 0;  // of all answered in this run of the command
  std::int64_t cached_tokens = 0;  // of those, in prefixes that another sample had computed
  std::string now;                 // the set being asked: "mmlu:original"
};

struct PipelineOptions {
  std::string fingerprint;  // of model and arithmetic
  std::string build;
  int scoring_threads = 0;                  // 0: four per usable core (code scorers mostly wait)
  std::size_t in_flight = 2048;             // samples between submission and store
  const std::atomic<bool>* stop = nullptr;  // set: cancel, keep what is there, return
  std::function<void(const Progress&)> progress;  // about five times a second, any thread
  /// Of each set's questions, in the set's own order, where the plan has them in another; empty: it
  /// has not.
  std::vector<std::vector<std::int64_t>> positions;
  /// If given: called when the engine has answered all of set `index` and nothing else is in
  /// flight there, so that what the engine counted belongs to that set.
  std::function<void(std::size_t index)> set_computed;
  /// If given: sees every answer before it is judged; called by the engine's thread.
  std::function<void(const engine::Completion&)> answered;
};

/// Asks all of `plan` that `begun` does not have. Each sample ends as a score or a failure in the
/// store, or, if stopped, not at all. Returns where it stands after a flush. Throws what ended
/// the engine, with everything that it had answered judged and on disk; or what ended judging or
/// the store, with everything that was judged before on disk.
Progress run_pipeline(engine::Engine& engine, const Asker& asker, reports::Store& store,
                      const std::vector<PlannedSet>& plan, const reports::Begun& begun,
                      const PipelineOptions& options);

}  // namespace moebius::runner
