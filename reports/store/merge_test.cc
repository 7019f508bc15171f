// Shards put together equal the run that was never divided, and say what is missing.
#include <algorithm>

#include "reports/store/merge_cases.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

using cases::dump;
using cases::Evaluation;
using cases::rows_of;

/// Stores in a folder of the test's own.
class MergeTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return dir.file(name + ".sqlite"); }

  std::vector<std::string> store_shards(const Evaluation& evaluation, int shards) const {
    return cases::store_shards(evaluation, dir.path(), shards);
  }

  tests::TempDir dir;
};

TEST_F(MergeTest, RandomDivisionsInRandomOrdersEqualTheWhole) {
  tests::Random random(tests::seed_or(20261122));
  const auto below = [&](int end) {
    return static_cast<int>(random.next() % static_cast<unsigned>(end));
  };
  for (int round = 0; round < 6; ++round) {
    const int salt = below(1000);
    Evaluation evaluation{.items = 1 + below(40), .repeats = 1 + below(3)};
    evaluation.fails = [=](int i, int r) { return (i * 31 + r * 17 + salt) % 11 == 0; };
    const std::string name = "round" + std::to_string(round);
    evaluation.store_whole(file(name + "whole"));

    // Some shards twice, and some of another division that overlaps with all of them.
    const int shards = 1 + below(9);
    std::vector<std::string> paths;
    for (int shard = 1; shard <= shards; ++shard) {
      paths.push_back(file(name + "shard" + std::to_string(shard)));
      evaluation.store_shard(paths.back(), shard, shards);
      if (below(3) == 0) paths.push_back(paths.back());
    }
    if (below(2) == 0) {
      paths.push_back(file(name + "other"));
      evaluation.store_shard(paths.back(), 2, 3);
    }
    for (std::size_t i = paths.size(); i > 1; --i) {
      std::swap(paths[i - 1], paths[static_cast<std::size_t>(below(static_cast<int>(i)))]);
    }
    const std::string all = file(name + "all");
    Merged merged;
    while (!paths.empty()) {
      const int group = 1 + below(static_cast<int>(paths.size()));
      merged = merge_shards(all, {paths.end() - group, paths.end()}, 1);
      paths.resize(paths.size() - static_cast<std::size_t>(group));
    }
    ASSERT_EQ(rows_of(all), rows_of(file(name + "whole"))) << "round " << round;
    EXPECT_EQ(merged.run.state, "complete");
    EXPECT_EQ(merged.run.key, "whole-key");
    EXPECT_TRUE(merged.shards.missing.empty());
    const auto reader = Reader::open(all);
    const auto whole = Reader::open(file(name + "whole"));
    EXPECT_EQ(reader->runs().size(), 1U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(reader->sets(1)[i].task, whole->sets(1)[i].task);
      EXPECT_EQ(reader->sets(1)[i].items, evaluation.items);
    }
  }
}

TEST_F(MergeTest, TheReportIsThatOfTheWhole) {
  const Evaluation evaluation;
  evaluation.store_whole(file("whole"));
  merge_shards(file("all"), store_shards(evaluation, 4), 0.01);
  const auto report = [&](const std::string& name) {
    const auto reader = Reader::open(file(name));
    Summary summary = summarize(*reader, reader->find_run("last"), 0.01);
    EXPECT_TRUE(summary.valid) << summary.why_invalid;
    summary.run = {};
    return render_json({summary});
  };
  EXPECT_EQ(report("all"), report("whole"));
}

TEST_F(MergeTest, TheSameShardAgainChangesNothing) {
  Evaluation evaluation;
  evaluation.fails = [](int i, int) { return i == 3; };
  const std::vector<std::string> shards = store_shards(evaluation, 3);
  const std::string all = file("all");
  const Merged first = merge_shards(all, shards, 0.1);
  EXPECT_EQ(first.added, 116);
  EXPECT_EQ(first.found, 0);
  const std::string before = dump(all);
  const Merged again = merge_shards(all, {shards[1], shards[1], shards[0]}, 0.1);
  EXPECT_EQ(again.added, 0);
  EXPECT_GT(again.found, 0);
  EXPECT_EQ(dump(all), before);
}

TEST_F(MergeTest, SaysWhatIsMissing) {
  const Evaluation evaluation;
  const std::vector<std::string> shards = store_shards(evaluation, 5);
  const std::string all = file("all");
  const Merged part = merge_shards(all, {shards[3], shards[0]}, 0.01);
  EXPECT_EQ(part.run.state, "incomplete");
  EXPECT_EQ(part.run.finished, "");
  EXPECT_EQ(part.shards.missing, (std::vector<std::string>{"2/5", "3/5", "5/5"}));
  ASSERT_EQ(part.sets.size(), 2U);
  EXPECT_GT(part.sets[0].missing, 0);
  EXPECT_EQ(part.sets[0].answered + part.sets[0].missing, 60);
  const auto reader = Reader::open(all);
  const Summary summary = summarize(*reader, part.run, 0.01);
  EXPECT_FALSE(summary.valid);
  EXPECT_NE(summary.why_invalid.find("samples missing"), std::string::npos) << summary.why_invalid;
  for (const Row& row : summary.rows) EXPECT_FALSE(row.value.has_value());

  const Merged whole = merge_shards(all, {shards[1], shards[2], shards[4]}, 0.01);
  EXPECT_EQ(whole.run.state, "complete");
  EXPECT_NE(whole.run.finished, "");
  EXPECT_EQ(whole.sets[1].answered, 60);
}

TEST_F(MergeTest, AShardThatGoesOnIsMergedAgain) {
  const Evaluation evaluation;
  Evaluation begun = evaluation;
  begun.fails = [](int i, int) { return i % 2 == 0; };
  begun.store_shard(file("one"), 1, 2, "incomplete");
  evaluation.store_shard(file("two"), 2, 2);
  const std::string all = file("all");
  const Merged first = merge_shards(all, {file("one"), file("two")}, 0.01);
  EXPECT_EQ(first.run.state, "invalid") << "failures above the budget";
  evaluation.store_shard(file("one"), 1, 2);  // answers replace the failures
  EXPECT_EQ(merge_shards(all, {file("one")}, 0.01).run.state, "complete");
  evaluation.store_whole(file("whole"));
  EXPECT_EQ(rows_of(all), rows_of(file("whole")));
}

TEST_F(MergeTest, TheOrdinaryCommandGoesOn) {
  Evaluation failing;
  failing.fails = [](int i, int repeat) { return i == 4 && repeat == 1; };
  const std::vector<std::string> shards = store_shards(failing, 2);
  const std::string all = file("all");
  merge_shards(all, shards, 0.1);
  const Evaluation evaluation;
  {
    const auto store = Store::open(all);
    const Begun begun =
        store->begin_run(cases::run("whole-key"),
                         {evaluation.set("a", 30), evaluation.set("b", 30)}, cases::one_scorer(2));
    EXPECT_TRUE(begun.resumed);
    for (const Set& set : begun.sets) store->put(cases::sample(set.id, 4, 1));
    store->finish_run(begun.run.id, "complete", "");
  }
  evaluation.store_whole(file("whole"));
  EXPECT_EQ(rows_of(all), rows_of(file("whole")));
  // The shard's old failure does not come back.
  merge_shards(all, shards, 0.1);
  EXPECT_EQ(rows_of(all), rows_of(file("whole")));
}

TEST_F(MergeTest, MachinesMayDiffer) {
  Evaluation slow;
  slow.change_sample = [](Sample& s) { s.latency_us += 1000, s.cached_tokens = 7; };
  const Evaluation evaluation;
  evaluation.store_shard(file("one"), 1, 2);
  slow.store_shard(file("slow"), 1, 3);
  merge_shards(file("all"), {file("one"), file("slow")}, 0.01);
}

TEST_F(MergeTest, ShardsWithoutAQuestionCount) {
  Evaluation evaluation{.items = 2, .repeats = 1};
  const std::vector<std::string> shards = store_shards(evaluation, 8);
  EXPECT_EQ(merge_shards(file("all"), shards, 0.01).run.state, "complete");
  const auto reader = Reader::open(shards[0]);
  summarize(*reader, reader->find_run("last"), 0.01);
}

TEST_F(MergeTest, AShardsReportIsNeverTheWhole) {
  const Evaluation evaluation;
  evaluation.store_shard(file("one"), 1, 2);
  const auto reader = Reader::open(file("one"));
  const Summary summary = summarize(*reader, reader->find_run("last"), 0.01);
  ASSERT_FALSE(summary.rows.empty());
  for (const Row& row : summary.rows) {
    EXPECT_TRUE(row.part.starts_with("shard 1/2")) << row.part;
    EXPECT_LT(row.planned, 60);
  }
  EXPECT_NE(render_text({summary}).find("SHARD 1 of 2"), std::string::npos);
  EXPECT_NE(render_markdown({summary}).find("SHARD 1 of 2"), std::string::npos);
  EXPECT_NE(render_csv({summary}).find(",shard 1/2,"), std::string::npos);
  EXPECT_NE(render_json({summary}).find("\"whole_key\": \"whole-key\""), std::string::npos);
  Database database(file("one"), Database::Mode::kRead);
  EXPECT_EQ(database.integer("SELECT count(*) FROM v_results WHERE shard <> '1/2'"), 0);
  EXPECT_GT(database.integer("SELECT count(*) FROM v_results"), 0);
}

}  // namespace
}  // namespace moebius::reports
