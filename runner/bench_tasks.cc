// What `bench engine --tasks` measures: the questions of benchmarks on their way through the
// pipeline, without judges and without a store.
#include "runner/bench_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "runner/input.h"
#include "runner/pipeline.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

constexpr std::size_t kWarmUpItems = 64;

/// Counts what it is given and keeps nothing.
class CountingStore : public reports::Store {
 public:
  reports::Begun begin_run(const reports::Run&, const std::vector<reports::Set>&,
                           const std::vector<std::vector<std::pair<std::string, int>>>&) override {
    return {};
  }
  void put(reports::Sample sample) override {
    const std::lock_guard lock(mutex_);
    if (!sample.failure.empty()) {
      if (count_.refused++ == 0) count_.refusal = std::move(sample.message);
      return;
    }
    ++count_.items;
    count_.prompt_bytes += std::ssize(sample.item.prompt);
    count_.prompt_tokens += sample.item.prompt_tokens;
    count_.computed_tokens += sample.item.prompt_tokens - sample.cached_tokens;
  }
  void flush() override {}
  void put_scores(std::int64_t, const std::vector<reports::StoredScore>&) override {}
  void add_expert_loads(std::int64_t, const std::vector<std::vector<std::int64_t>>&) override {}
  void add_profile(std::int64_t, const reports::Profile&) override {}
  void note_remote(std::int64_t, const reports::RemoteUse&) override {}
  void finish_run(std::int64_t, const std::string&, const std::string&) override {}

  const TaskSpeed& count() const { return count_; }  // after the pipeline

 private:
  std::mutex mutex_;
  TaskSpeed count_;
};

TaskSpeed ask(engine::LocalEngine& engine, const Asker& asker,
              const std::vector<PlannedSet>& plan) {
  CountingStore store;
  reports::Begun begun;
  begun.sets.resize(plan.size());
  const auto start = std::chrono::steady_clock::now();
  run_pipeline(engine, asker, store, plan, begun, {.fingerprint = "bench", .build = "bench"});
  TaskSpeed speed = store.count();
  speed.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return speed;
}

/// A few questions of the first set.
std::vector<PlannedSet> warm_up_of(const std::vector<PlannedSet>& plan) {
  std::vector<PlannedSet> few = {{plan[0].task, {}, plan[0].record, plan[0].max_new_tokens}};
  const auto& samples = plan[0].set.samples;
  const auto count = static_cast<std::ptrdiff_t>(std::min(samples.size(), kWarmUpItems));
  few[0].set.samples.assign(samples.begin(), samples.begin() + count);
  few[0].record.items = count;
  return few;
}

double per_second(std::int64_t count, double seconds) {
  return static_cast<double>(count) / std::max(seconds, 1e-9);
}

double bytes_per_token(const TaskSpeed& speed) {
  return static_cast<double>(speed.prompt_bytes) /
         static_cast<double>(std::max<std::int64_t>(speed.prompt_tokens, 1));
}

}  // namespace

double TaskSpeed::saved_percent() const {
  return prompt_tokens == 0 ? 0
                            : 100 * static_cast<double>(prompt_tokens - computed_tokens) /
                                  static_cast<double>(prompt_tokens);
}

TaskSpeed measure_tasks(engine::LocalEngine& engine, const Asker& asker,
                        std::vector<PlannedSet>& plan, bool profile) {
  for (PlannedSet& set : plan) {
    for (tasks::Sample& sample : set.set.samples) {
      if (sample.asks.front().continuations.empty()) {
        throw InputError(fmt::format(
            "bench engine: --tasks: expected log-probability questions, {}:{} generates answers",
            set.record.task, set.record.variant));
      }
      sample.scorers.clear();
    }
  }
  ask(engine, asker, warm_up_of(plan));
  if (profile) engine.take_profile();
  TaskSpeed speed = ask(engine, asker, plan);
  if (profile) speed.profile = engine.take_profile();
  return speed;
}

std::string tasks_text(const TaskSpeed& speed, const std::string& name,
                       const std::string& tokenizer, const engine::ModelInfo& info) {
  Table table({"items", "seconds", "items/s", "prompt tokens", "computed", "saved", "computed/s"});
  table.add({fmt::to_string(speed.items), fmt::format("{:.3f}", speed.seconds),
             fmt::format("{:.1f}", per_second(speed.items, speed.seconds)),
             fmt::to_string(speed.prompt_tokens), fmt::to_string(speed.computed_tokens),
             fmt::format("{:.2f} %", speed.saved_percent()),
             fmt::format("{:.1f}", per_second(speed.computed_tokens, speed.seconds))});
  std::string text =
      fmt::format("{} on {}, tokenizer {}: {:.2f} bytes per token\n{}", one_line(name),
                  one_line(info.path), one_line(tokenizer), bytes_per_token(speed), table.text());
  if (speed.refused > 0) {
    text +=
        fmt::format("{} items could not be asked: {}\n", speed.refused, one_line(speed.refusal));
  }
  return text;
}

Json tasks_json(const TaskSpeed& speed, const std::string& name, const std::string& tokenizer,
                const engine::ModelInfo& info) {
  return {{"model", info.path},
          {"tasks", name},
          {"tokenizer", tokenizer},
          {"bytes_per_token", bytes_per_token(speed)},
          {"items", speed.items},
          {"refused", speed.refused},
          {"refusal", speed.refusal},
          {"seconds", speed.seconds},
          {"items_s", per_second(speed.items, speed.seconds)},
          {"prompt_tokens", speed.prompt_tokens},
          {"computed_tokens", speed.computed_tokens},
          {"saved_percent", speed.saved_percent()},
          {"computed_tokens_s", per_second(speed.computed_tokens, speed.seconds)}};
}

}  // namespace moebius::runner
