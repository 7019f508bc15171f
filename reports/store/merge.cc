// Shards put together: rows of one store copied into another, each compared with what is there.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "reports/store.h"
#include "reports/store/merge_check.h"
#include "reports/store/merge_rows.h"
#include "reports/store/open.h"
#include "reports/store/run_book.h"
#include "reports/store/schema.h"
#include "reports/store/shard_list.h"
#include "reports/store/store_lock.h"

namespace moebius::reports {
namespace {

// Bound what a damaged or hostile store can make us list and multiply.
constexpr std::int32_t kMostShards = 100'000;
constexpr std::int32_t kMostRepeats = 1'000'000;
constexpr std::int64_t kMostItems = 1'000'000'000;

/// A store that is read, at one moment, until this is destroyed.
struct Source {
  explicit Source(const std::string& path)
      : database(open_for_reading(path)), snapshot(*database, false) {}
  std::unique_ptr<Database> database;
  Transaction snapshot;
  std::vector<StoredRun> shards;
};

StoredRun stored_run(Database& database, const Run& run, std::int64_t version) {
  return {database.path(), run, read_sets(database, run.id, version)};
}

void refuse_target(const std::string& target, const std::string& source) {
  struct stat a {};
  struct stat b {};
  if (::stat(target.c_str(), &a) != 0 || ::stat(source.c_str(), &b) != 0) return;
  if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
    throw Error(source + ": is the store to be merged into; a shard needs a store of its own");
  }
}

void require_shard(const std::string& path, const Run& run) {
  if (run.shards >= 1 && run.shards <= kMostShards && run.shard >= 1 && run.shard <= run.shards &&
      !run.whole_key.empty()) {
    return;
  }
  throw Error(fmt::format("{}: run {} is not a shard; a run of moebius eval --shard I/N expected",
                          path, run.id));
}

void require_sensible(const StoredRun& shard) {
  for (const Set& set : shard.sets) {
    if (set.repeats >= 1 && set.repeats <= kMostRepeats && set.items >= 0 &&
        set.items <= set.whole_items && set.whole_items <= kMostItems) {
      continue;
    }
    throw Error(fmt::format("{}: run {}: {} has {} questions of {}, {} times each: damaged",
                            shard.file, shard.run.id, in_quotes(set.task + ":" + set.variant),
                            set.items, set.whole_items, set.repeats));
  }
}

std::unique_ptr<Source> open_source(const std::string& path) {
  auto source = std::make_unique<Source>(path);
  const std::int64_t version = readable_version(*source->database);
  const bool living = StoreLock::held(path);
  for (Run& run : read_runs(*source->database, version)) {
    require_shard(path, run);
    if (run.state == "running" && !living) run.state = "incomplete";
    source->shards.push_back(stored_run(*source->database, run, version));
    require_sensible(source->shards.back());
  }
  if (source->shards.empty()) throw Error(path + ": no run is stored here");
  return source;
}

/// Rows that a damaged index hides would look like questions that were never asked, and a table
/// that is not strict could hold anything.
void require_sound(Database& database) {
  Statement tables(database,
                   "SELECT column1 FROM (VALUES ('runs'), ('sets'), ('items'), ('samples'),"
                   " ('scores'), ('failures'), ('environments')) WHERE NOT EXISTS (SELECT 1 FROM"
                   " pragma_table_list AS t WHERE t.name = column1 AND t.type = 'table' AND"
                   " t.schema = 'main' AND t.strict)");
  if (tables.step()) {
    throw Error(database.path() + ": not a moebius store: no strict table " + tables.text(0));
  }
  Statement check(database, "PRAGMA quick_check(1)");
  if (check.step() && check.text(0) == "ok") return;
  throw Error(fmt::format("{}: damaged: {}; restore a copy, or evaluate this shard again",
                          database.path(), in_quotes(check.text(0))));
}

/// Looks at every source before the target is touched, or even made; what they agree in. One is
/// open at a time: there may be more of them than a process may have files.
StoredRun examine(const std::string& target, const std::vector<std::string>& sources) {
  StoredRun first;
  for (const std::string& path : sources) {
    refuse_target(target, path);
    const auto source = open_source(path);
    require_sound(*source->database);
    if (first.file.empty()) first = source->shards.front();
    for (const StoredRun& shard : source->shards) require_same_evaluation(first, shard);
  }
  return first;
}

class Merge {
 public:
  Merge(Database& target, double fail_budget)
      : target_(target), fail_budget_(fail_budget), rows_(target) {}

  /// Finds the run that `shard` is a part of, or makes it.
  void begin(const StoredRun& shard) {
    for (const Run& run : read_runs(target_, kShardVersion)) {
      const StoredRun stored = stored_run(target_, run, kShardVersion);
      require_sensible(stored);
      require_same_evaluation(stored, shard);
      if (run.shards == 0) run_ = stored;
    }
    if (run_.run.id == 0) make_run(shard);
  }

  void add(Database& from, const StoredRun& shard) {
    for (std::size_t i = 0; i < shard.sets.size(); ++i) {
      rows_.add_set(from, shard.sets[i], run_.sets[i]);
    }
    rows_.add_attempts(from, shard.run.id, run_.run.id);
    note_shard(shard.run);
    note_times(shard.run);
  }

  /// Says what the run lacks, and writes its state if it changed.
  Merged finish() {
    Merged merged{.added = rows_.added(), .found = rows_.found()};
    for (const Set& set : run_.sets) merged.sets.push_back(health(set));
    const auto missing = [](const MergedSet& set) { return set.missing > 0; };
    const bool whole = std::none_of(merged.sets.begin(), merged.sets.end(), missing);
    write_state(whole ? (within_budget(merged.sets) ? "complete" : "invalid") : "incomplete");
    if (!whole) merged.shards = list_shards(target_, run_.run.id);
    for (const Run& run : read_runs(target_, kShardVersion)) {
      if (run.id == run_.run.id) merged.run = run;
    }
    return merged;
  }

 private:
  void make_run(const StoredRun& shard) {
    Run run = shard.run;
    run.key = shard.run.whole_key;
    run.shard = run.shards = 0;
    run.whole_key.clear();
    run.id = insert_run(target_, run, run.started);
    for (std::size_t i = 0; i < shard.sets.size(); ++i) {
      Set set = shard.sets[i];
      set.items = set.whole_items;
      insert_set(target_, run.id, static_cast<std::int64_t>(i), set);
    }
    run_ = stored_run(target_, run, kShardVersion);
  }

  void note_shard(const Run& shard) {
    Statement note(target_,
                   "INSERT INTO merged_shards (run_id, shards, shard, key, command, state)"
                   " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                   " key = excluded.key, command = excluded.command, state = excluded.state"
                   " WHERE (key, command, state) IS NOT"
                   " (excluded.key, excluded.command, excluded.state)");
    note.bind(1, run_.run.id).bind(2, std::int64_t{shard.shards});
    note.bind(3, std::int64_t{shard.shard}).bind(4, shard.key).bind(5, shard.command);
    note.bind(6, shard.state).run();
  }

  /// From the first start to the last end, and every sandbox that code was run under.
  void note_times(const Run& shard) {
    Run& run = run_.run;
    run.started = std::min(run.started, shard.started);
    run.finished = std::max(run.finished, shard.finished);
    if (run.sandbox.find(shard.sandbox) == std::string::npos) {
      run.sandbox += (run.sandbox.empty() ? "" : " | ") + shard.sandbox;
    }
  }

  MergedSet health(const Set& set) {
    const auto count = [&](const char* sql) {
      Statement select(target_, sql);
      return select.bind(1, set.id).step() ? select.integer(0) : 0;
    };
    MergedSet result{.set = set};
    result.answered = count(
        "SELECT count(*) FROM items AS i JOIN samples AS s ON s.item_id = i.id WHERE i.set_id = ?"
        " AND EXISTS (SELECT 1 FROM scores WHERE sample_id = s.id AND headline)");
    result.failed = count(
        "SELECT count(*) FROM items AS i JOIN failures AS f ON f.item_id = i.id"
        " WHERE i.set_id = ?");
    result.missing = set.items * set.repeats - result.answered - result.failed;
    if (result.missing < 0) {
      throw Error(
          fmt::format("{}: {} would have {} samples, but {} were asked for: a shard has"
                      " rows that are not its own",
                      target_.path(), in_quotes(set.task + ":" + set.variant),
                      result.answered + result.failed, set.items * set.repeats));
    }
    return result;
  }

  /// As summarize() has it: of every set, and of all together.
  bool within_budget(const std::vector<MergedSet>& sets) const {
    const auto within = [&](std::int64_t failed, std::int64_t planned) {
      return static_cast<double>(failed) <= fail_budget_ * static_cast<double>(planned);
    };
    std::int64_t failed = 0;
    std::int64_t planned = 0;
    for (const MergedSet& each : sets) {
      const std::int64_t own = each.set.items * each.set.repeats;
      if (!within(each.failed, own)) return false;
      failed += each.failed, planned += own;
    }
    return within(failed, planned);
  }

  void write_state(const std::string& state) {
    const Run& run = run_.run;
    Statement update(target_,
                     "UPDATE runs SET state = ?2, started = ?3, finished = ?4, sandbox = ?5"
                     " WHERE id = ?1 AND (state, started, finished, sandbox) IS NOT"
                     " (?2, ?3, ?4, ?5)");
    const std::string finished = state == "incomplete" ? "" : run.finished;
    update.bind(1, run.id).bind(2, state).bind(3, run.started).bind(4, finished);
    update.bind(5, run.sandbox).run();
  }

  Database& target_;
  const double fail_budget_;
  MergeRows rows_;
  StoredRun run_;
};

}  // namespace

Merged merge_shards(const std::string& target, const std::vector<std::string>& sources,
                    double fail_budget) {
  if (sources.empty()) throw Error(target + ": no shard to merge was named");
  const StoredRun first = examine(target, sources);
  const StoreLock lock(target);
  const std::unique_ptr<Database> database = open_for_writing(target);
  Transaction transaction(*database, true);
  Merge merge(*database, fail_budget);
  merge.begin(first);
  for (const std::string& path : sources) {
    const auto source = open_source(path);
    for (const StoredRun& shard : source->shards) {
      require_same_evaluation(first, shard);  // it may have been written since
      merge.add(*source->database, shard);
    }
  }
  Merged merged = merge.finish();
  transaction.commit();
  return merged;
}

}  // namespace moebius::reports
