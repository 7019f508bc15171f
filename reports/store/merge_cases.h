// An evaluation whole and in shards, for the tests of merging.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "reports/store.h"
#include "reports/store/database.h"
#include "reports/store/sample_cases.h"

namespace moebius::reports::cases {

/// What `action` throws, which must be an Error of one line.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos) << text;
    return text;
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

/// All rows of all tables.
inline std::string dump(const std::string& path) {
  Database database(path, Database::Mode::kRead);
  Statement tables(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  std::string text;
  while (tables.step()) {
    Statement rows(database, "SELECT * FROM " + tables.text(0));
    text += "== " + tables.text(0) + "\n";
    while (rows.step()) {
      for (int i = 0; i < rows.columns(); ++i) text += rows.text(i) + "|";
      text += "\n";
    }
  }
  return text;
}

/// The rows as they are exported.
inline std::vector<std::string> rows_of(const std::string& path, const std::string& run = "last") {
  const auto reader = Reader::open(path);
  std::vector<std::string> rows;
  reader->each_sample(reader->find_run(run).id, "",
                      [&](const SampleRow& row) { rows.push_back(sample_json(row)); });
  return rows;
}

/// An evaluation of two sets, any of whose samples may fail.
struct Evaluation {
  int items = 30;
  int repeats = 2;
  std::function<bool(int item, int repeat)> fails = [](int, int) { return false; };
  std::function<void(Run&)> change_run = [](Run&) {};
  std::function<void(Set&)> change_set = [](Set&) {};
  std::function<void(Sample&)> change_sample = [](Sample&) {};
  std::string scorer = "choice";

  Set set(const std::string& task, int own) const {
    Set result = cases::set(task, own, repeats);
    result.whole_items = items;
    result.questions_sha256 = "q";
    change_set(result);
    return result;
  }

  /// Stores those questions for which `own` holds.
  void store(const std::string& path, Run run, const std::function<bool(int)>& own,
             const std::string& state = "complete") const {
    change_run(run);
    int count = 0;
    for (int i = 0; i < items; ++i) count += own(i) ? 1 : 0;
    const auto store = Store::open(path);
    const cases::Scorers scorers(2, {{scorer, 1}});
    const Begun begun = store->begin_run(run, {set("a", count), set("b", count)}, scorers);
    for (const Set& each : begun.sets) {
      for (int i = 0; i < items; ++i) {
        for (int r = 0; own(i) && r < repeats; ++r) store->put(sample(each.id, i, r));
      }
    }
    store->finish_run(begun.run.id, state, "");
  }

  void store_whole(const std::string& path) const {
    store(path, cases::run("whole-key"), [](int) { return true; });
  }

  void store_shard(const std::string& path, int shard, int shards,
                   const std::string& state = "complete") const {
    store(
        path, shard_run(shard, shards), [=](int i) { return owner(i, shards) == shard; }, state);
  }

  static Run shard_run(int shard, int shards) {
    const std::string name = std::to_string(shard) + "/" + std::to_string(shards);
    Run run = cases::run("key of " + name);
    run.shard = shard, run.shards = shards, run.whole_key = "whole-key";
    return run;
  }

  /// Any function of the item does.
  static int owner(int item, int shards) { return (item * 7919 + 13) % 1009 % shards + 1; }

 private:
  Sample sample(std::int64_t set, int i, int repeat) const {
    if (fails(i, repeat)) return cases::failed(set, i, repeat);
    Sample result = cases::sample(set, i, repeat);
    result.scores[0].scorer = scorer;
    change_sample(result);
    return result;
  }
};

/// Writes all shards of a division into `folder`; their paths.
inline std::vector<std::string> store_shards(const Evaluation& evaluation,
                                             const std::string& folder, int shards) {
  std::vector<std::string> paths;
  for (int shard = 1; shard <= shards; ++shard) {
    paths.push_back(folder + "/shard" + std::to_string(shard) + ".sqlite");
    evaluation.store_shard(paths.back(), shard, shards);
  }
  return paths;
}

}  // namespace moebius::reports::cases
