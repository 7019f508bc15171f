// Samples per second through put() and the commits behind it: an item, a sample and a score each.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

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

}  // namespace
}  // namespace moebius::reports

BENCHMARK_MAIN();
