// What `bench engine --tasks` measures: the questions of benchmarks on their way through the
// pipeline, without judges and without a store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/output.h"
#include "runner/plan.h"

namespace moebius::runner {

struct TaskSpeed {
  std::int64_t items = 0;  // answered
  std::int64_t refused = 0;
  std::string refusal;               // the first one's reason
  std::int64_t prompt_bytes = 0;     // of text
  std::int64_t prompt_tokens = 0;    // of all prompts
  std::int64_t computed_tokens = 0;  // of those; the others belong to prefixes that another
                                     // question had computed
  double seconds = 0;                // from the first question's text to the last answer
  std::optional<engine::KernelProfile> profile;

  double saved_percent() const;  // of the prompt tokens
};

/// Asks everything of `plan`, whose questions must be log-probability questions (InputError
/// otherwise), after a warm-up. Judges are taken out of the plan. Throws what ended the engine.
TaskSpeed measure_tasks(engine::LocalEngine& engine, const Asker& asker,
                        std::vector<PlannedSet>& plan, bool profile);

/// `name`: what was asked, "mmlu:original"; `tokenizer`: whose tokens these are.
std::string tasks_text(const TaskSpeed& speed, const std::string& name,
                       const std::string& tokenizer, const engine::ModelInfo& info);
Json tasks_json(const TaskSpeed& speed, const std::string& name, const std::string& tokenizer,
                const engine::ModelInfo& info);

}  // namespace moebius::runner
