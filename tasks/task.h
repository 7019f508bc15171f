// The one door to the benchmarks: what is asked, word for word, and who judges the answer.
// A task is one file; nothing here knows an engine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "scorers/scorer.h"

namespace moebius::tasks {

/// Data or options cannot be used. what() is one line that says where, what was expected and
/// what was found.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

/// What the model is asked. Either `chat` or `text`.
struct Ask {
  std::vector<Message> chat;  // to be rendered with the model's own chat template
  std::string text;           // taken as it is (base models)
  bool special = false;       // text holds special tokens to be recognised (rendered chats)
  std::string prefill;        // put behind the rendered chat or the text: "<think>\n"
  std::vector<std::string> continuations;  // not empty: their log-probabilities are asked for
  std::vector<std::string> stop;           // text is cut before the first one
  std::int32_t max_new_tokens = 0;         // the protocol's; 0 with continuations
};

/// Few-shot prompts that may be shortened: `shots` from most to least of them, so that the
/// first that fits the context is used (hendrycks/test: k -= 1 until it fits). The normal case
/// is one entry.
using Asks = std::vector<Ask>;

/// One question of a benchmark in one variant.
struct Sample {
  std::string item;     // id within the task: "HumanEval/0", "abstract_algebra/17", "2024-I-3"
  std::string cluster;  // items that are not independent share it: subject, contest, paper
  std::string stratum;  // reported separately: subject group, level, difficulty
  Asks asks;
  std::string target;                           // what is right, for people who read the store
  std::vector<scorers::ScorerPtr> scorers;      // the first is the headline, all are stored
  std::map<std::string, std::string> tags;      // date, split, errata, ...
  std::function<scorers::ScorerPtr()> program;  // code: judge of a whole program, nothing cut out
};

struct Source {
  std::string file;  // name looked for below the data directory
  std::string url;   // where `fetch` gets it; empty: cannot be fetched
  std::string licence;
  std::string sha256;
  std::int64_t rows = 0;
  std::string note;
  std::string group;  // files of one group are needed together; empty: the file is enough alone
};

/// How a group of samples becomes a number.
struct Sampling {
  double temperature = 0;
  double top_p = 1;
  std::int32_t repeats = 1;
};

struct Variant {
  std::string name;         // "original", "lm-eval", "chat", ...
  std::string description;  // one line
  Sampling sampling;        // the protocol's, where the user says nothing
  std::string metric;       // "accuracy", "pass@1", "avg@k"
};

struct Info {
  std::string name;               // "mmlu", "mini-mmlu", ...
  std::string description;        // one line
  int version = 1;                // rises whenever a prompt, a target or the item set changes
  bool mini = false;              // ships in the binary, for the embedded model
  std::vector<Source> sources;    // alternatives or parts, as `all_sources` says
  bool all_sources = false;       // every source is needed, not just one of them (or one group)
  std::vector<Variant> variants;  // the first is the default
  std::map<std::string, std::string> options;  // name -> description with the default
};

/// Where data comes from and which questions are wanted.
struct Options {
  std::string data_dir;                       // searched recursively; empty for mini suites
  std::vector<std::string> variants;          // empty: the default one; "all": every one
  std::map<std::string, std::string> values;  // task options: {"release", "v5"}
  std::string grader;                         // headline math grader; empty: the task's own
  std::vector<std::string> more_graders;      // stored beside it
  /// Called once if the task runs code, and only then.
  std::function<std::shared_ptr<scorers::sandbox::Sandbox>()> sandbox;
};

struct SampleSet {
  std::string variant;
  Sampling sampling;
  std::string metric;
  std::vector<Sample> samples;     // in the data's order, or as the protocol sorts
  std::string data_sha256;         // of what was read
  std::vector<std::string> notes;  // what a reader of the score must know: items left out, ...
};

class Task {
 public:
  virtual ~Task() = default;
  virtual const Info& info() const = 0;
  /// Reads and checks the data. Throws Error.
  virtual std::vector<SampleSet> load(const Options& options) const = 0;
};

/// All tasks, by name, mini suites last.
const std::vector<std::unique_ptr<Task>>& all_tasks();
/// Throws Error that names the known ones.
const Task& find_task(const std::string& name);

// ---- data -----------------------------------------------------------------------------

struct SourceState {
  Source source;
  std::string path;    // empty: not found
  std::string sha256;  // found
  std::int64_t rows = 0;
  std::string problem;  // empty: as pinned
};
/// Looks for every source of a task and checks hash and rows. Throws Error if the directory
/// cannot be read.
std::vector<SourceState> verify(const Task& task, const std::string& data_dir);

/// Downloads what is missing into data_dir/<task>/, resuming and verifying; `progress` gets
/// bytes so far and in all (-1: unknown). Throws Error.
void fetch(const Task& task, const std::string& data_dir,
           const std::function<void(const Source&, std::int64_t, std::int64_t)>& progress);

/// A seeded choice of `count` of `n` positions, ascending: Philox4x32-10 and a Fisher-Yates
/// shuffle, the same on every platform.
std::vector<std::int64_t> choose(std::uint64_t seed, std::int64_t n, std::int64_t count);

}  // namespace moebius::tasks
