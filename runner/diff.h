// What moebius diff measures once both models have answered: every answer of the base followed
// with both, and the answers of both beside each other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "reports/divergence.h"
#include "reports/store.h"
#include "runner/forcing.h"
#include "runner/kept_answers.h"
#include "runner/plan.h"

namespace moebius::runner {

/// One of the two models, with what it answered.
struct DiffModel {
  std::string name;  // as typed
  engine::LocalEngine& engine;
  const KeptAnswers& answers;
  reports::Begun begun;
};

struct DiffOptions {
  ForcingOptions forcing;
  /// Called before each question with its set; false ends it: what there is by then is returned.
  std::function<bool(const PlannedSet& set, std::int64_t done)> going_on;
};

/// Throws InputError that names both if the models do not have the same tokenizer and vocabulary:
/// then there are no common tokens to compare.
void require_same_tokens(const std::string& base_name, const engine::LocalEngine& base,
                         const std::string& candidate_name, const engine::LocalEngine& candidate);

/// Questions that either model failed to answer are counted and left out. `asker` is the one that
/// both were asked by. Throws engine::Error if a model's logits are not finite.
reports::Diff make_diff(const std::vector<PlannedSet>& plan, const Asker& asker,
                        const DiffModel& base, const DiffModel& candidate,
                        const DiffOptions& options);

}  // namespace moebius::runner
