// The one door to results: what a run, an item, a sample, a score and a failure are, the single
// writer that keeps them in SQLite, and what is read back and reported. Beside it stand compare.h,
// two runs against each other, and sizes.h, how many questions that takes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reports/expert_load.h"
#include "reports/statistics/interval.h"
#include "scorers/scorer.h"

namespace moebius::reports {

/// The store cannot be used or written: locked by a living run, from a newer version, not ours,
/// disk full. what() is one line that names the file.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- what is stored -------------------------------------------------------------------

/// What servers said of themselves while they answered a run, and what that used.
struct RemoteUse {
  std::string dialect;  // as asked
  std::string endpoint;
  std::string model;
  std::map<std::string, std::int64_t> models;        // names that answered, with their answers
  std::map<std::string, std::int64_t> fingerprints;  // system fingerprints; those told
  std::int64_t answers = 0;
  std::int64_t attempts = 0;  // of those answers; the first one counts
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of those
  std::int64_t output_tokens = 0;
  std::int64_t reasoning_tokens = 0;  // of those
  std::int64_t uncounted = 0;         // answers whose tokens the server did not tell
  double price_in = 0;                // per million tokens, of the last attempt at the run
  double price_out = 0;
  double cost = 0;       // of the answers; what failed attempts cost is not told
  std::string currency;  // empty: no prices were given
};

/// One evaluation as it was asked for. `key` is what makes "the same command" the same run.
struct Run {
  std::int64_t id = 0;      // by the store
  std::string key;          // sha256 over everything below that can change a result
  std::string command;      // as typed
  std::string model;        // as typed
  std::string fingerprint;  // Engine::fingerprint(): weights, tokenizer, arithmetic
  std::string weights_hash;
  std::string tokenizer_hash;
  std::string build;        // version and commit of the binary
  std::string sandbox;      // Sandbox::stamp(); empty if no code was run
  std::string environment;  // JSON: host, cpu, cores, memory, kernel, device
  std::string started;      // UTC, ISO 8601; by the store
  std::string finished;     // empty while incomplete
  std::string state;        // "running", "complete", "incomplete", "invalid"; by finish_run
  // If it is one part of a run that several processes share:
  std::int32_t shard = 0;           // from 1; 0: not a shard
  std::int32_t shards = 0;          // of how many
  std::string whole_key;            // key of the run that all shards make together
  std::optional<RemoteUse> remote;  // of a model behind an API, all attempts together; read only
};

/// One task in one variant within a run.
struct Set {
  std::int64_t id = 0;  // by the store
  std::int64_t run = 0;
  std::string task;
  int task_version = 0;
  std::string variant;
  std::string metric;   // "accuracy", "pass@1", "avg@k"
  std::string options;  // JSON: task options, limit, items; "notes" is an array of texts
  std::string data_sha256;
  double temperature = 0;
  double top_p = 1;
  std::int32_t max_new_tokens = 0;
  std::uint64_t seed = 0;
  std::int32_t repeats = 1;
  std::int64_t items = 0;        // planned; samples planned = items * repeats
  std::int64_t whole_items = 0;  // of all shards together; items, if there are none
  std::string questions_sha256;  // over all that is asked, of all shards; empty: not known
  std::string scorers;           // "math.moebius 1, ...": the judges asked for; by the store
};

/// A question of a set: written once, however often it is sampled.
struct Item {
  std::string item;           // id within the task
  std::int64_t position = 0;  // in the set's order
  std::string cluster;
  std::string stratum;
  std::string tags;  // JSON object
  std::string target;
  std::string prompt;         // as the model saw it, rendered
  std::string prompt_sha256;  // over token ids, little-endian int32
  std::int32_t prompt_tokens = 0;
};

struct StoredScore {
  std::string scorer;
  int version = 0;
  bool headline = false;
  scorers::Score score;
};

/// One answer with its judgements, or one failure of ours; never both, never neither.
struct Sample {
  std::int64_t set = 0;
  Item item;
  std::int32_t repeat = 0;
  std::string key;  // sha256: weights, tokenizer, prompt ids, sampling, repeat, task and scorer
                    // versions, build; and the item, as two questions can have the same prompt
  // the generation
  std::string text;           // as generated, valid UTF-8
  std::string finish;         // "stop", "length", ...
  std::string stop;           // the stop string that ended it
  std::string output_sha256;  // over token ids; empty if nobody knows them (remote models)
  std::int32_t output_tokens = 0;
  std::int32_t cached_tokens = 0;
  std::int64_t latency_us = 0;
  std::int64_t stored_ms = 0;            // UTC, milliseconds since 1970; by the store, read only
  std::vector<scorers::Choice> choices;  // log-probability questions
  std::vector<StoredScore> scores;
  // or the failure
  std::string failure;  // "engine", "sandbox", "checker", "api", ...; empty if none
  std::string message;
};

/// All launches of one kernel together.
struct KernelFigures {
  std::string kernel;
  std::int64_t calls = 0;
  std::int64_t ns = 0;
  std::int64_t bytes = 0;  // as declared, each operand once; 0 with flops 0: not declared
  double flops = 0;        // useful multiply-adds, twice; of a day beyond 64 bits
};

/// What a machine was measured to do at most; 0: not measured.
struct MachineLimits {
  double read_gb_s = 0;      // 1e9 bytes a second
  double copy_gb_s = 0;      // read and written together
  double matrix_tflops = 0;  // 1e12 operations a second of matrix_path
  std::string matrix_path;
  double fp8_tflops = 0;
  double f32_tflops = 0;
};

/// What the kernels of a run did on one kind of device.
struct Profile {
  std::string device;  // "cpu", "NVIDIA H200"
  std::int64_t busy_ns = 0;
  std::int64_t wall_ns = 0;
  std::int64_t seen_ns = 0;  // of that was recorded; the rest is estimated from it
  std::int64_t lost = 0;
  MachineLimits limits;
  std::vector<KernelFigures> kernels;  // read back: most time first
};

/// What counts as done already.
struct Begun {
  Run run;
  std::vector<Set> sets;  // ids filled in, the order given
  bool resumed = false;
  /// Keys of samples with a score of every scorer asked for: not to be asked again.
  std::unordered_map<std::string, std::int64_t> done;
};

/// Opened for writing: one process at a time, checked by a lock that dies with the process.
/// put() may be called from any thread; a thread of the store's own commits in groups, so that a
/// killed process loses at most what it was about to write, and nothing is half-written. The
/// destructor writes what is queued, but cannot say if that failed: flush() first.
class Store {
 public:
  /// Creates or opens; migrates older schemas in a transaction. Throws Error.
  static std::unique_ptr<Store> open(const std::string& path);
  virtual ~Store() = default;

  /// Finds the run by key or makes it. `scorers` of a set: names and versions that must all be
  /// there for a sample to be done. Failures of an earlier attempt are not done.
  virtual Begun begin_run(const Run& run, const std::vector<Set>& sets,
                          const std::vector<std::vector<std::pair<std::string, int>>>& scorers) = 0;

  /// Waits while the queue is full. The same item and repeat again: an answer replaces a failure,
  /// never the reverse; the same text keeps its other scores, another text replaces them. Throws
  /// Error if an earlier write failed, for good, or the sample breaks its contract, which then is
  /// not taken.
  virtual void put(Sample sample) = 0;
  virtual void flush() = 0;  // everything put is on disk; throws Error

  /// A new judgement of a stored generation (rescore).
  virtual void put_scores(std::int64_t sample_id, const std::vector<StoredScore>& scores) = 0;
  /// Router decisions counted per set: loads[layer][expert]; added to what is there.
  virtual void add_expert_loads(std::int64_t set,
                                const std::vector<std::vector<std::int64_t>>& loads) = 0;
  /// Figures of kernels: added to what the run has for that device; limits replace older ones
  /// unless they were not measured.
  virtual void add_profile(std::int64_t run, const Profile& profile) = 0;
  /// What the present attempt at the run has used until now; replaces what was noted before.
  virtual void note_remote(std::int64_t run, const RemoteUse& use) = 0;
  virtual void finish_run(std::int64_t run, const std::string& state,
                          const std::string& sandbox) = 0;
};

// ---- shards put together --------------------------------------------------------------

/// A set of a merged run: planned = answered + failed + missing.
struct MergedSet {
  Set set;
  std::int64_t answered = 0;  // samples with a headline score
  std::int64_t failed = 0;
  std::int64_t missing = 0;
};

/// The shards that a run was put together from.
struct Shards {
  std::string merged;                // "14 of 16"; "2 of 3, 14 of 16"; empty: it was not
  std::vector<std::string> missing;  // "5/16"; none of it was ever merged
  std::vector<std::string> open;     // "3/16": was not finished when it was merged
};

/// What a merge did, and what the merged run still lacks.
struct Merged {
  Run run;                 // as the target has it now
  std::int64_t added = 0;  // answers
  std::int64_t found = 0;  // answers of the shards that were there already, and the same
  std::vector<MergedSet> sets;
  Shards shards;  // empty if nothing is missing
};

/// Puts shards into the run of `target` that they are parts of, in one transaction: a merge that
/// fails or is killed leaves the rows of the target as they were. `target` is made if there is
/// none, and may hold that evaluation only. What is there already stays; a merge that brings
/// nothing new changes nothing. An answer replaces a failure, the later of two failures stays.
/// The run gets the key that it has without shards, so that the ordinary eval goes on with it.
/// Profiles and router counts are not carried over: both depend on how the work was divided.
///
/// Throws Error, naming both values, if shards disagree with each other or with the target in
/// weights, tokenizer, arithmetic, build, tasks, data, questions, sampling or scorers, or have
/// different rows for the same question or sample; if a source is no shard, or is the target.
Merged merge_shards(const std::string& target, const std::vector<std::string>& sources,
                    double fail_budget);

// ---- what is read back ----------------------------------------------------------------

/// Router decisions counted in one set.
struct ExpertLoad {
  std::int64_t set = 0;
  std::int64_t layer = 0;
  std::vector<std::int64_t> tokens;  // of each expert
};

/// A stored sample as it is listed and exported.
struct SampleRow {
  std::int64_t id = 0;  // for put_scores; 0 for a failure
  std::string task;
  std::string variant;
  Sample sample;
};

/// Read only; works beside a living writer, and on stores that an older version wrote.
class Reader {
 public:
  static std::unique_ptr<Reader> open(const std::string& path);  // throws Error
  virtual ~Reader() = default;
  virtual std::vector<Run> runs() = 0;  // oldest first
  /// `which`: an id, a prefix of a key (at least 6 characters), or "last" (begun last). Throws
  /// Error.
  virtual Run find_run(const std::string& which) = 0;
  virtual std::vector<Set> sets(std::int64_t run) = 0;
  virtual Shards shards(std::int64_t) { return {}; }            // whatever its state
  virtual std::vector<Profile> profiles(std::int64_t run) = 0;  // by device; none: not profiled
  /// By set and layer; layers that routed nothing and were not counted are left out. Throws Error
  /// if there are more than a model can have.
  virtual std::vector<ExpertLoad> expert_loads(std::int64_t) { return {}; }
  /// When each attempt at the run began, UTC, milliseconds since 1970, ascending.
  virtual std::vector<std::int64_t> attempts(std::int64_t) { return {}; }
  /// In the order of set, position, repeat. `item` empty: all.
  virtual void each_sample(std::int64_t run, const std::string& item,
                           const std::function<void(const SampleRow&)>& visit) = 0;
  /// The same for statistics over large runs: a set's questions come in any order, each with all
  /// its samples, repeats ascending, then its failures. What only people read stays empty: prompt,
  /// target, text, choices, reasons, tests, the extracted program of code scorers, keys, hashes of
  /// answers, messages.
  virtual void each_judgement(std::int64_t run,
                              const std::function<void(const SampleRow&)>& visit) {
    each_sample(run, "", visit);
  }
};

// ---- reports --------------------------------------------------------------------------

/// One line of a report: a set, or a part of it.
struct Row {
  std::string task;
  std::string variant;
  std::string part;    // empty: all; else the stratum, or "without errata"; of a shard:
                       // "shard 3/16", or "shard 3/16, STRATUM"
  std::string metric;  // "accuracy", "pass@1", "avg@16", "cons@16", "pass@8"
  std::string scorer;
  int scorer_version = 0;
  std::int64_t items = 0;  // with at least one score
  std::int64_t samples = 0;
  std::int64_t planned = 0;            // samples
  std::optional<double> value;         // 0 .. 1; none if the run is invalid or nothing was scored
  std::optional<double> stderr_total;  // if the questions were drawn anew
  std::optional<double> stderr_rerun;  // if only the answers were; repeats > 1
  std::optional<Interval> interval;    // 95 %
  std::string interval_method;         // "wilson", "clustered t", "t"
  double truncated = 0;                // shares of scored samples
  double no_answer = 0;                // nothing to judge: no_answer or think_unclosed
  double failed = 0;                   // of planned samples
  std::map<std::string, std::int64_t> verdicts;
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
  double mean_latency_ms = 0;
};

struct Summary {
  Run run;
  bool valid = true;  // failures within the budget
  std::string why_invalid;
  double fail_budget = 0.01;
  std::vector<Row> rows;
  std::vector<std::string> notes;     // of the tasks: what a reader of the scores must know
  std::vector<SetLoad> expert_loads;  // of sets that counted any; by summarize() and leaderboards
};

/// The numbers of one run. Only complete sets get headline values when failures exceed the
/// budget: none at all.
Summary summarize(Reader& reader, const Run& run, double fail_budget);

std::string render_text(const std::vector<Summary>& summaries);
std::string render_markdown(const std::vector<Summary>& summaries);
std::string render_csv(const std::vector<Summary>& summaries);
/// The stable machine interface: reports/report.schema.json.
std::string render_json(const std::vector<Summary>& summaries);

/// One JSON line of `runs export` (documented in reports/README.md).
std::string sample_json(const SampleRow& row);

}  // namespace moebius::reports
