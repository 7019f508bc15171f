// Memory per sample of a report: what a store of a million samples takes is told from a small one.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "reports/leaderboard.h"
#include "reports/store.h"
#include "reports/store/sample_cases.h"
#include "tests/support/temp_dir.h"

namespace {

std::atomic<std::int64_t> live_bytes{0};
std::atomic<std::int64_t> most_bytes{0};

[[gnu::noinline]] void* counted(std::size_t bytes) {
  void* const at = std::malloc(bytes);
  if (at == nullptr) throw std::bad_alloc();
  const std::int64_t live = live_bytes += static_cast<std::int64_t>(malloc_usable_size(at));
  std::int64_t most = most_bytes;
  while (live > most && !most_bytes.compare_exchange_weak(most, live)) {
  }
  return at;
}

[[gnu::noinline]] void uncounted(void* at) {
  if (at == nullptr) return;
  live_bytes -= static_cast<std::int64_t>(malloc_usable_size(at));
  std::free(at);
}

}  // namespace

// Of the whole program, not inlined, so that no free() is seen to meet a new; what SQLite takes is
// not counted, and bounded by its cache.
void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept try {
  return counted(bytes);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void operator delete(void* at) noexcept {
  uncounted(at);
}
void operator delete[](void* at) noexcept {
  uncounted(at);
}
void operator delete(void* at, std::size_t) noexcept {
  uncounted(at);
}
void operator delete[](void* at, std::size_t) noexcept {
  uncounted(at);
}

namespace moebius::reports {
namespace {

/// The most that was allocated at a time while `work` ran, beyond what was there before.
template <typename Work>
std::int64_t peak_of(Work work) {
  const std::int64_t before = live_bytes;
  most_bytes = before;
  work();
  return most_bytes - before;
}

class LargeStore : public testing::Test {
 protected:
  /// Answers come as they finish, which is not the order in which they were asked.
  static int asked(int i, int count) { return static_cast<int>(std::int64_t{i} * 7919 % count); }

  std::string write(int questions, std::int32_t repeats) {
    const std::string path = directory_.file("store" + std::to_string(questions) + ".sqlite");
    const auto store = Store::open(path);
    const Begun begun = store->begin_run(cases::run(), {cases::set("mmlu", questions, repeats)},
                                         cases::one_scorer());
    for (int i = 0; i < questions; ++i) {
      for (std::int32_t k = 0; k < repeats; ++k) {
        Sample sample = cases::sample(begun.sets[0].id, asked(i, questions), k);
        sample.text = std::string(500, 'x');
        store->put(std::move(sample));
      }
    }
    store->flush();
    store->finish_run(begun.run.id, "complete", "");
    return path;
  }

  tests::TempDir directory_;
};

TEST_F(LargeStore, AReportTakesLessThan400BytesASample) {
  for (const std::int32_t repeats : {1, 10}) {
    const int samples = 30'000;
    const auto reader = Reader::open(write(samples / repeats, repeats));
    const auto run = reader->find_run("last");
    Summary summary;
    const std::int64_t peak = peak_of([&] { summary = summarize(*reader, run, 0.01); });
    EXPECT_TRUE(summary.valid) << summary.why_invalid;
    EXPECT_EQ(summary.rows.at(0).samples, samples);
    // A million samples in 400 MB; blocks of texts and rows of the report come once.
    EXPECT_LT(peak, 400 * samples + 1'000'000) << repeats;
    EXPECT_GT(peak, 50 * samples);  // it is counted at all
  }
}

TEST_F(LargeStore, QuestionsComeInTheirOrderHoweverTheyWereStored) {
  const auto reader = Reader::open(write(1000, 1));
  const auto run = reader->find_run("last");
  std::int64_t last = -1;
  bool ordered = true;
  reader->each_judgement(run.id, [&](const SampleRow& row) {
    ordered = ordered && row.sample.item.position > last;
    last = row.sample.item.position;
  });
  EXPECT_FALSE(ordered);  // that the rows lie in another order is what is tested
  const Summary summary = summarize(*reader, run, 0.01);
  ASSERT_EQ(summary.rows.size(), 5U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(summary.rows[static_cast<std::size_t>(i) + 1].part, "stratum " + std::to_string(i));
  }
}

}  // namespace
}  // namespace moebius::reports
