// Ragged continuous batching over paged KV: decides which rows each step computes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/forward/stepper.h"
#include "engine/serving/kv_pages.h"
#include "engine/serving/prefix_trie.h"
#include "engine/serving/sequence.h"

namespace moebius::engine {

struct SchedulerOptions {
  std::int32_t prefill_chunk = 0;  // at most so many rows of one prompt a step; 0: no limit
  bool share_prefixes = true;
};

/// What has been done so far.
struct SchedulerCounts {
  std::int64_t steps = 0;
  std::int64_t rows = 0;    // computed, of which
  std::int64_t shared = 0;  // belonged to prefixes of several sequences
  std::int64_t copies = 0;  // pages copied in part
  std::int32_t peak_pages = 0;
};

/// Drives a Stepper; one thread. A step holds every running decode row, then prompt rows
/// in the order of admission, then newly admitted ones, up to the Stepper's limits.
///
/// Tasks (trie nodes and leaves) are admitted strictly in the order of their trie, sets in
/// the order they came, each with all the pages it can ever need. So whatever is
/// admitted finishes without asking for more; then only ancestors of the next task hold
/// pages, and build_trie() saw to it that the next fits beside those. Nothing starves.
class Scheduler {
 public:
  /// std::invalid_argument if the Stepper has no rows, heads or pages, or the chunk is < 0.
  Scheduler(Stepper& stepper, const SchedulerOptions& options);
  ~Scheduler();

  /// Takes a set known together. Each sequence must fit the cache alone and stay alive until
  /// step() returned it or drop() was called.
  void add(std::span<Sequence* const> set);

  /// Forgets a sequence that has not been returned; its pages are free at once.
  void drop(Sequence& sequence);

  bool idle() const { return live_ == 0; }

  /// One step. Returns the sequences that ended in it; valid until the next call. Not when
  /// idle. Throws what the Stepper throws, after which only the destructor may be called.
  std::span<Sequence* const> step();

  const SchedulerCounts& counts() const { return counts_; }
  const KvPages& pages() const { return kv_; }

 private:
  using Tasks = std::vector<std::unique_ptr<Task>>;
  struct Planned {
    Task* task;
    std::int32_t rows;
    std::int32_t heads;
  };

  std::vector<TrieItem> order(std::span<Sequence* const> set) const;
  void compose();
  void plan_decodes();
  void plan_prompts();
  bool plan_prompt(Task& task);
  Task* admit();
  void start(Task& task);
  void push(Task& task, std::span<const std::int32_t> ids, std::int32_t heads);
  void collect(std::span<StepResult> results);
  void advance(const Planned& planned, std::span<StepResult> results);
  void sort_out();
  void leave_parent(Task& task);
  void retire(Task& task);

  Stepper& stepper_;
  SchedulerOptions options_;
  std::int32_t max_rows_, max_heads_, vocab_;
  KvPages kv_;
  std::deque<std::unique_ptr<Task>> pending_;  // not admitted, in order
  Tasks prompts_;                              // admitted, rows left to compute
  Tasks decodes_;                              // generating
  Tasks held_;                                 // computed nodes that others have yet to fork
  std::int64_t live_ = 0;                      // sequences
  bool retired_ = false;                       // since the last sort_out()

  StepBatch batch_;
  std::vector<Planned> plan_;  // parallel to batch_.sequences
  std::int32_t rows_left_ = 0;
  std::vector<Sequence*> ended_;
  SchedulerCounts counts_;
};

}  // namespace moebius::engine
