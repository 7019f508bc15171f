// The harness's own time: multiple-choice questions through plan, judging and store, with an
// engine that answers at once.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "reports/store.h"
#include "runner/digest.h"
#include "runner/pipeline.h"
#include "tests/support/scripted_engine.h"
#include "tests/support/temp_dir.h"

namespace moebius::runner {
namespace {

constexpr std::int64_t kItems = 14'042;  // as MMLU

class BenchTask : public tasks::Task {
 public:
  const tasks::Info& info() const override { return info_; }
  std::vector<tasks::SampleSet> load(const tasks::Options&) const override { return {}; }

 private:
  tasks::Info info_{.name = "bench", .description = "questions of this benchmark"};
};

/// Hashes the prompt as a tokenizer's ids would be, and tokenizes nothing.
class TextAsker : public Asker {
 public:
  Asked ask(const PlannedSet&, const tasks::Sample& sample) const override {
    Asked asked;
    asked.prompt = sample.asks.front().text;
    asked.asked_sha256 = Digest().add(asked.prompt).hex();
    asked.prompt_sha256 = asked.asked_sha256;
    asked.prompt_tokens = static_cast<std::int32_t>(asked.prompt.size() / 4);
    asked.request.prompt.text = asked.prompt;
    asked.request.score.emplace();
    for (const std::string& text : sample.asks.front().continuations) {
      asked.request.score->continuations.push_back({.text = text});
    }
    return asked;
  }
};

PlannedSet questions(const tasks::Task& task, std::int64_t prompt_bytes) {
  PlannedSet set{.task = &task};
  set.record = {.task = "bench", .variant = "original", .metric = "accuracy", .items = kItems};
  set.set.variant = "original";
  for (std::int64_t i = 0; i < kItems; ++i) {
    const std::string id = "subject_" + std::to_string(i % 57) + "/" + std::to_string(i / 57);
    std::string prompt(static_cast<std::size_t>(prompt_bytes), 'q');
    prompt += id + "\nAnswer:";
    tasks::Sample sample{.item = id,
                         .cluster = "subject_" + std::to_string(i % 57),
                         .stratum = "stem",
                         .asks = {{.text = prompt, .continuations = {" A", " B", " C", " D"}}},
                         .target = "B"};
    sample.scorers = {scorers::make_choice_scorer(1, scorers::ChoiceNorm::kSum)};
    set.set.samples.push_back(std::move(sample));
  }
  return set;
}

engine::Completion answer(const engine::Request& request) {
  engine::Completion completion;
  const std::size_t best = request.prompt.text.size() % 4;
  for (std::size_t i = 0; i < request.score->continuations.size(); ++i) {
    completion.continuations.push_back(
        {.ids = {static_cast<std::int32_t>(i)}, .logprobs = {}, .sum = i == best ? -0.5 : -3.0});
  }
  return completion;
}

/// range(0): bytes of a prompt.
void multiple_choice(benchmark::State& state) {
  const BenchTask task;
  const std::vector<PlannedSet> plan = {questions(task, state.range(0))};
  for (auto _ : state) {
    const tests::TempDir directory;
    const auto store = reports::Store::open(directory.file("store.sqlite"));
    const reports::Begun begun =
        store->begin_run({.key = "k", .model = "scripted"}, {plan[0].record}, scorers_of(plan));
    tests::ScriptedEngine engine(answer);
    const Progress progress =
        run_pipeline(engine, TextAsker(), *store, plan, begun, {.fingerprint = "f", .build = "b"});
    if (progress.scored != kItems) state.SkipWithError("not every sample was scored");
    store->finish_run(begun.run.id, "complete", "");
  }
  state.SetItemsProcessed(state.iterations() * kItems);
}
BENCHMARK(multiple_choice)->Arg(300)->Arg(3000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moebius::runner
