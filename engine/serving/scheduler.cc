#include "engine/serving/scheduler.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/ragged.h"

namespace moebius::engine {

/// A trie item on its way through the engine: pending, admitted (it has pages), started
/// (its parent is computed, the page they split is copied), computed, retired.
struct Task {
  std::int32_t begin = 0;         // first row of its own
  std::int32_t end = 0;           // past the last row known at the start
  std::int32_t capacity = 0;      // positions that its pages must cover
  std::int32_t done = 0;          // rows before it are in the cache
  std::vector<std::int32_t> ids;  // [end - begin]
  std::int32_t next = 0;          // decoding: the token at `done`
  std::vector<std::int32_t> pages;
  Task* parent = nullptr;     // until started
  std::int32_t children = 0;  // nodes: items that have yet to start from here
  Sequence* leaf = nullptr;   // null for nodes, and once the sequence has left
  bool node = false;
  bool started = false;
  bool retired = false;

  std::int32_t first_head() const { return node ? end : leaf->first_head; }
};

Scheduler::Scheduler(Stepper& stepper, const SchedulerOptions& options)
    : stepper_(stepper),
      options_(options),
      max_rows_(stepper.max_rows()),
      max_heads_(stepper.max_heads()),
      vocab_(stepper.vocab()),
      kv_(stepper.pages()) {
  if (max_rows_ < 1 || max_heads_ < 1 || options.prefill_chunk < 0) {
    throw std::invalid_argument("Scheduler: rows, heads >= 1 and chunk >= 0 expected, found " +
                                std::to_string(max_rows_) + ", " + std::to_string(max_heads_) +
                                " and " + std::to_string(options.prefill_chunk));
  }
}

Scheduler::~Scheduler() = default;

std::vector<TrieItem> Scheduler::order(std::span<Sequence* const> set) const {
  std::vector<TrieLeaf> leaves;
  for (const Sequence* sequence : set) {
    const auto prompt = static_cast<std::int32_t>(sequence->ids.size());
    leaves.push_back(
        {std::span(sequence->ids).first(sequence->first_head), prompt + sequence->growth});
    if (KvPages::covering(leaves.back().end) > kv_.total()) {
      throw std::invalid_argument("Scheduler::add: a sequence exceeds the cache");
    }
  }
  return options_.share_prefixes ? build_trie(leaves, kv_.total()) : build_list(leaves);
}

void Scheduler::add(std::span<Sequence* const> set) {
  const std::vector<TrieItem> items = order(set);
  std::vector<Task*> tasks;
  for (const TrieItem& item : items) {
    auto task = std::make_unique<Task>();
    const std::vector<std::int32_t>& ids = set[item.leaf]->ids;
    task->begin = task->done = item.begin;
    task->capacity = item.end;
    task->node = item.shared;
    task->end = item.shared ? item.end : static_cast<std::int32_t>(ids.size());
    task->ids.assign(ids.begin() + item.begin, ids.begin() + task->end);
    if (item.parent >= 0) {
      task->parent = tasks[item.parent];
      ++task->parent->children;
    }
    if (!item.shared) {
      task->leaf = set[item.leaf];
      task->leaf->task = task.get();
      ++live_;
    }
    tasks.push_back(task.get());
    pending_.push_back(std::move(task));
  }
  for (const TrieItem& item : items) {
    if (item.shared) continue;
    // Nodes whose first leaf is of the same request are its own, and those are the last
    // ones of the path, since equal prefixes have equal paths.
    std::int32_t own = item.parent, cached = item.begin;
    for (; own >= 0 && set[items[own].leaf]->owner == set[item.leaf]->owner;
         own = items[own].parent) {
      cached = items[own].begin;
    }
    set[item.leaf]->cached_tokens = cached;
  }
  for (Sequence* sequence : set) std::vector<std::int32_t>().swap(sequence->ids);
}

void Scheduler::drop(Sequence& sequence) {
  Task& task = *std::exchange(sequence.task, nullptr);
  task.leaf = nullptr;
  --live_;
  retire(task);
  sort_out();
}

std::span<Sequence* const> Scheduler::step() {
  ended_.clear();
  compose();
  if (batch_.sequences.empty()) {
    throw std::logic_error("Scheduler::step: nothing can run, " + std::to_string(live_) +
                           " sequences wait and " + std::to_string(kv_.free()) + " of " +
                           std::to_string(kv_.total()) + " pages are free");
  }
  counts_.peak_pages = std::max(counts_.peak_pages, kv_.total() - kv_.free());
  ++counts_.steps;
  std::vector<StepResult> results = stepper_.step(batch_);
  if (results.size() != batch_.heads.size()) {
    throw std::logic_error("Stepper::step: " + std::to_string(batch_.heads.size()) +
                           " heads asked, " + std::to_string(results.size()) + " answered");
  }
  collect(results);
  sort_out();
  return ended_;
}

void Scheduler::compose() {
  batch_.sequences.clear();
  batch_.heads.clear();
  plan_.clear();
  rows_left_ = max_rows_;
  plan_decodes();
  plan_prompts();
}

// Every decode had a row and a head of the step before this one, so all of them have
// room; in their order all the same, should a Stepper's limits ever shrink.
void Scheduler::plan_decodes() {
  for (const auto& task : decodes_) {
    if (rows_left_ == 0 || batch_.heads.size() >= static_cast<std::size_t>(max_heads_)) return;
    push(*task, {&task->next, 1}, 1);
  }
}

void Scheduler::plan_prompts() {
  for (const auto& task : prompts_) {
    if (rows_left_ == 0) return;
    plan_prompt(*task);
  }
  while (rows_left_ > 0) {
    Task* task = admit();
    if (task == nullptr) return;
    plan_prompt(*task);
  }
}

bool Scheduler::plan_prompt(Task& task) {
  if (!task.started) {
    if (task.parent != nullptr && task.parent->done < task.parent->end) return false;
    start(task);
  }
  std::int32_t rows = std::min(task.end - task.done, rows_left_);
  if (options_.prefill_chunk > 0) rows = std::min(rows, options_.prefill_chunk);
  const std::int32_t heads_left = max_heads_ - static_cast<std::int32_t>(batch_.heads.size());
  const std::int32_t headless = std::max(0, task.first_head() - task.done);
  rows = std::min(rows, headless + heads_left);
  if (rows == 0) return false;
  push(task, std::span(task.ids).subspan(task.done - task.begin, rows),
       std::max(0, rows - headless));
  return true;
}

// Strictly in order: a task that must wait for pages makes all later ones wait. How many
// may wait for their parents is bounded, so that a step never scans the whole set.
Task* Scheduler::admit() {
  while (!pending_.empty() && pending_.front()->retired) pending_.pop_front();
  const std::size_t most = 64 + 4 * static_cast<std::size_t>(max_rows_);
  if (pending_.empty() || prompts_.size() >= most) return nullptr;
  Task& task = *pending_.front();
  if (KvPages::fresh(task.begin, task.capacity) > kv_.free()) return nullptr;
  const auto prefix = task.parent != nullptr ? std::span<const std::int32_t>(task.parent->pages)
                                             : std::span<const std::int32_t>();
  task.pages = kv_.fork(prefix, task.begin, task.capacity);
  prompts_.push_back(std::move(pending_.front()));
  pending_.pop_front();
  return &task;
}

void Scheduler::start(Task& task) {
  task.started = true;
  if (task.parent == nullptr) return;
  if (task.begin % kernels::kPageTokens != 0) ++counts_.copies;
  KvPages::copy_tail(stepper_, task.parent->pages, task.pages, task.begin);
  leave_parent(task);
}

void Scheduler::push(Task& task, std::span<const std::int32_t> ids, std::int32_t heads) {
  const auto rows = static_cast<std::int32_t>(ids.size());
  const auto index = static_cast<std::int32_t>(batch_.sequences.size());
  batch_.sequences.push_back({ids, task.done, task.pages});
  plan_.push_back({&task, rows, heads});
  for (std::int32_t offset = rows - heads; offset < rows; ++offset) {
    StepHead& head = batch_.heads.emplace_back();
    task.leaf->ask(task.done + offset, head);
    head.sequence = index;
    head.offset = offset;
    head.top = std::min(head.top, vocab_);
  }
  rows_left_ -= rows;
}

void Scheduler::collect(std::span<StepResult> results) {
  std::size_t next = 0;
  for (const Planned& planned : plan_) {
    advance(planned, results.subspan(next, planned.heads));
    next += planned.heads;
  }
}

void Scheduler::advance(const Planned& planned, std::span<StepResult> results) {
  Task& task = *planned.task;
  counts_.rows += planned.rows;
  if (task.node) counts_.shared += planned.rows;
  const std::int32_t first = task.done + planned.rows - planned.heads;
  task.done += planned.rows;
  std::int32_t token = Sequence::kNone;
  for (std::int32_t i = 0; i < planned.heads; ++i) token = task.leaf->take(first + i, results[i]);
  if (task.node || task.done < task.end) return;
  if (token != Sequence::kNone) {
    if (task.done >= task.capacity) {
      throw std::logic_error("Scheduler: a sequence grew beyond its reservation of " +
                             std::to_string(task.capacity) + " positions");
    }
    task.next = token;
    return;
  }
  ended_.push_back(std::exchange(task.leaf, nullptr));
  ended_.back()->task = nullptr;
  --live_;
  retire(task);
}

// Moves tasks to where they belong after a step, and deletes the retired.
void Scheduler::sort_out() {
  const auto is_retired = [](const auto& task) { return task->retired; };
  for (auto& task : prompts_) {
    if (task->retired || task->done < task->end) continue;
    (task->node ? held_ : decodes_).push_back(std::move(task));
  }
  std::erase(prompts_, nullptr);
  if (!std::exchange(retired_, false)) return;
  for (Tasks* tasks : {&prompts_, &decodes_, &held_}) std::erase_if(*tasks, is_retired);
  if (live_ == 0) pending_.clear();
}

void Scheduler::leave_parent(Task& task) {
  Task* parent = std::exchange(task.parent, nullptr);
  if (parent != nullptr && --parent->children == 0) retire(*parent);
}

// A node goes when nobody is left to fork it; with it, perhaps, the one it continues.
void Scheduler::retire(Task& task) {
  for (Task* next = &task; next != nullptr;) {
    next->retired = retired_ = true;
    kv_.release(next->pages);
    std::vector<std::int32_t>().swap(next->ids);
    Task* parent = std::exchange(next->parent, nullptr);
    next = parent != nullptr && --parent->children == 0 ? parent : nullptr;
  }
}

}  // namespace moebius::engine
