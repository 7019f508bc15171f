// What an evaluation will ask: questions chosen, prompts rendered and turned into ids, each
// sample with the key that says whether the store has it already.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "reports/store.h"
#include "runner/shard.h"
#include "runner/task_spec.h"
#include "tasks/task.h"

namespace moebius::runner {

/// What the user said about sampling; what is unset is the protocol's.
struct SamplingFlags {
  std::int32_t repeats = 0;  // 0: the protocol's
  double temperature = -1;   // < 0: the protocol's
  double top_p = -1;
  std::int32_t max_new_tokens = 0;
  std::uint64_t seed = 0;
};

/// Which questions, how asked, how judged.
struct PlanOptions {
  std::string data_dir;
  std::int64_t limit = 0;          // per set; 0: all. The same for every variant of a task
  std::vector<std::string> items;  // ids; empty: all
  bool demo = false;               // only items tagged "demo"
  Shard shard;                     // of what the above choose
  SamplingFlags sampling;
  std::string grader;  // empty: the tasks' own
  std::vector<std::string> more_graders;
  std::function<std::shared_ptr<scorers::sandbox::Sandbox>()> sandbox;
};

/// One task in one variant, with the questions chosen: those of all shards, so that an item's
/// position and everything else that the whole run has are the same in each shard.
struct PlannedSet {
  const tasks::Task* task = nullptr;
  tasks::SampleSet set;
  reports::Set record;              // without id and run
  std::int32_t max_new_tokens = 0;  // the user's; 0: each ask's own
  Shard shard;                      // only its questions are asked
};

/// Loads the tasks and chooses. Throws tasks::Error, InputError.
std::vector<PlannedSet> make_plan(const std::vector<TaskSpec>& specs, const PlanOptions& options);

/// Names and versions of the judges of each set, as Store::begin_run wants them.
std::vector<std::vector<std::pair<std::string, int>>> scorers_of(
    const std::vector<PlannedSet>& plan);

/// Turns questions into requests of one model. Thread-safe.
class Asker {
 public:
  virtual ~Asker() = default;

  struct Asked {
    engine::Request request;         // id and sample unset
    std::string prompt;              // as the model sees it
    std::string prompt_sha256;       // over its ids as little-endian int32; remote: over its text
    std::string asked_sha256;        // over all that is asked: ids, continuations, stops, lengths
    std::int32_t prompt_tokens = 0;  // remote: 0, the server counts
    std::string refusal;             // one line: this model cannot be asked that; empty otherwise
  };
  /// The first of the sample's asks that fits the context.
  virtual Asked ask(const PlannedSet& set, const tasks::Sample& sample) const = 0;
};

/// Renders chats with the tokenizer's template, tokenizes (double BOS is refused) and takes the
/// first ask that leaves room in `context` tokens; 0: any number. `tokenizer` must outlive it.
std::unique_ptr<Asker> make_tokenizer_asker(const engine::Tokenizer& tokenizer,
                                            std::int32_t context);

/// For a model behind an API: chats as messages, texts and continuations as they are, the longest
/// of a sample's asks. What the options' dialect cannot ask is refused.
std::unique_ptr<Asker> make_remote_asker(const engine::RemoteOptions& options);

/// How the set's protocol and the user want `ask` to be answered.
engine::Generate generate_for(const PlannedSet& set, const tasks::Ask& ask);

/// The key of one sample: what could change its answer or its judgement.
std::string sample_key(const std::string& fingerprint, const std::string& build,
                       const PlannedSet& set, const tasks::Sample& sample,
                       const std::string& asked_sha256, std::int32_t repeat);

/// The key of a run: what makes "the same command" the same run. The same for all shards of it.
std::string run_key(const std::string& fingerprint, const std::string& build,
                    const std::vector<PlannedSet>& plan);

}  // namespace moebius::runner
