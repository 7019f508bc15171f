// Samples per second through put() and the commits behind it: an item, a sample and a score each;
// then what is made of large stores: a report, a leaderboard, a comparison, a merge.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "reports/compare.h"
#include "reports/leaderboard.h"
#include "reports/store.h"
#include "reports/store/sample_cases.h"

namespace moebius::reports {
namespace {

std::string fresh_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "moebius-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

/// Arguments: samples, bytes of each prompt.
void put_and_commit(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const std::string prompt(static_cast<std::size_t>(state.range(1)), 'x');
  for (auto _ : state) {
    state.PauseTiming();
    const std::string folder = fresh_folder();
    {
      const auto store = Store::open(folder + "/results.sqlite");
      const Begun begun =
          store->begin_run(cases::run(), {cases::set("mmlu", count)}, cases::one_scorer());
      std::vector<Sample> samples;
      for (int i = 0; i < count; ++i) {
        samples.push_back(cases::sample(begun.sets[0].id, i));
        samples.back().item.prompt = prompt;
      }
      state.ResumeTiming();
      for (Sample& sample : samples) store->put(std::move(sample));
      store->flush();
      state.PauseTiming();
      state.counters["bytes/sample"] = benchmark::Counter(
          static_cast<double>(std::filesystem::file_size(folder + "/results.sqlite")) / count);
    }
    std::filesystem::remove_all(folder);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(put_and_commit)
    ->Args({14042, 100})
    ->Args({14042, 3000})
    ->Args({100000, 100})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// Folders that are gone when the program ends.
class Folders {
 public:
  ~Folders() {
    for (const std::string& path : paths_) std::filesystem::remove_all(path);
  }
  std::string make() { return paths_.emplace_back(fresh_folder()); }

 private:
  std::vector<std::string> paths_;
};

/// A store of one whole run of `count` questions with answers of 500 bytes, in an order that is not
/// the set's; question i of `run` is right unless i % 7 is its number. `shard` of `shards`, if any.
std::string write_store(const std::string& path, int count, int run, int shard = 0,
                        int shards = 0) {
  const auto store = Store::open(path);
  Run record = cases::run(std::to_string(run) + std::to_string(shard) + "0123456789abcdef");
  Set set = cases::set("mmlu", count);
  if (shards > 0) {
    record.shard = shard, record.shards = shards, record.whole_key = "whole0123456789";
    set.items = count / shards, set.whole_items = count, set.questions_sha256 = "q";
  }
  const Begun begun = store->begin_run(record, {set}, cases::one_scorer());
  for (int i = 0; i < count; ++i) {
    const int question = static_cast<int>(std::int64_t{i} * 7919 % count);
    if (shards > 0 && question % shards + 1 != shard) continue;
    Sample sample = cases::sample(begun.sets[0].id, question);
    sample.scores = {cases::score(question % 7 == run ? 0 : 1)};
    sample.text = std::string(500, 'x');
    store->put(std::move(sample));
  }
  store->flush();
  store->finish_run(begun.run.id, "complete", "");
  return path;
}

/// Peak of the process: meaningful with --benchmark_filter, which keeps the other benchmarks out.
void note_memory(benchmark::State& state) {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}

void report_of(benchmark::State& state) {
  Folders folders;
  const std::string path =
      write_store(folders.make() + "/r.sqlite", static_cast<int>(state.range(0)), 0);
  for (auto _ : state) {
    const auto reader = Reader::open(path);
    benchmark::DoNotOptimize(render_text({summarize(*reader, reader->find_run("last"), 0.01)}));
  }
  note_memory(state);
}
BENCHMARK(report_of)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void leaderboard_of(benchmark::State& state) {
  Folders folders;
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<BoardSource> sources;
  for (int run = 0; run < state.range(1); ++run) {
    const std::string path =
        write_store(folders.make() + "/l.sqlite", static_cast<int>(state.range(0)), run);
    readers.push_back(Reader::open(path));
    sources.push_back({readers.back().get(), readers.back()->find_run("last"), path});
  }
  for (auto _ : state) benchmark::DoNotOptimize(render_text(make_leaderboard(sources)));
  note_memory(state);
}
BENCHMARK(leaderboard_of)
    ->Args({14042, 6})
    ->Args({100'000, 4})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void compare_of(benchmark::State& state) {
  Folders folders;
  const auto count = static_cast<int>(state.range(0));
  const auto base = Reader::open(write_store(folders.make() + "/a.sqlite", count, 0));
  const auto candidate = Reader::open(write_store(folders.make() + "/b.sqlite", count, 1));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        compare(*base, base->find_run("last"), *candidate, candidate->find_run("last")));
  }
  note_memory(state);
}
BENCHMARK(compare_of)->Arg(14042)->Arg(100'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void merge_of(benchmark::State& state) {
  Folders folders;
  const auto count = static_cast<int>(state.range(0));
  constexpr int kShards = 4;
  std::vector<std::string> shards;
  for (int i = 1; i <= kShards; ++i) {
    shards.push_back(write_store(folders.make() + "/s.sqlite", count, 0, i, kShards));
  }
  const std::string target = folders.make() + "/t.sqlite";
  for (auto _ : state) benchmark::DoNotOptimize(merge_shards(target, shards, 0.01));
  note_memory(state);
}
BENCHMARK(merge_of)->Arg(100'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace moebius::reports

BENCHMARK_MAIN();
