// Rows of runs and sets: begun, found again, finished, read.
#include "reports/store/run_book.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "reports/store/remote_use.h"
#include "reports/store/schema.h"

namespace moebius::reports {
namespace {

constexpr std::int64_t kNewestVersion = INT64_MAX;  // of what is written
constexpr const char* kNow = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')";

std::string now(Database& database) {
  Statement clock(database, std::string("SELECT ") + kNow);
  clock.step();
  return clock.text(0);
}

std::string set_name(const Set& set) {
  return set.task + "/" + set.variant;
}

/// 0 if there is none.
std::int64_t find_key(Database& database, const std::string& key) {
  Statement find(database, "SELECT id FROM runs WHERE key = ?");
  return find.bind(1, key).step() ? find.integer(0) : 0;
}

void insert_environment(Database& database, std::int64_t run, const Run& asked,
                        const std::string& started) {
  Statement insert(database,
                   "INSERT INTO environments (run_id, started, pid, environment)"
                   " VALUES (?, ?, ?, ?)");
  insert.bind(1, run).bind(2, started).bind(3, std::int64_t{::getpid()});
  insert.bind(4, asked.environment).run();
}

/// What the run's key should have told apart; a difference means that it does not.
bool same_plan(const Set& a, const Set& b) {
  return a.task_version == b.task_version && a.data_sha256 == b.data_sha256 &&
         a.repeats == b.repeats && a.items == b.items && a.seed == b.seed &&
         a.temperature == b.temperature && a.top_p == b.top_p &&
         a.max_new_tokens == b.max_new_tokens;
}

std::string scorers_text(const ScorerNames& scorers) {
  std::string text;
  for (const auto& [name, version] : scorers) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(version);
  }
  return text;
}

void refuse_doubles(const Database& database, const std::vector<Set>& sets) {
  std::vector<std::string> names;
  for (const Set& set : sets) {
    if (set.repeats < 1) {
      throw Error(database.path() + ": " + set_name(set) + ": repeats must be at least 1, got " +
                  std::to_string(set.repeats));
    }
    names.push_back(set_name(set));
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw Error(database.path() + ": " + *twice + " is asked for twice in one run");
  }
}

void fill_ids(Database& database, std::vector<Set>& sets, std::int64_t run) {
  const std::vector<Set> stored = read_sets(database, run, kNewestVersion);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets[i].run = run;
    const auto known = std::find_if(stored.begin(), stored.end(), [&](const Set& other) {
      return other.task == sets[i].task && other.variant == sets[i].variant;
    });
    if (known == stored.end()) {
      sets[i].id = insert_set(database, run, static_cast<std::int64_t>(i), sets[i]);
    } else if (same_plan(*known, sets[i])) {
      sets[i].id = known->id;
    } else {
      throw Error(database.path() + ": run " + std::to_string(run) + ": " + set_name(sets[i]) +
                  " is stored with other data or sampling under the same run key");
    }
  }
}

void add_done(Database& database, std::int64_t set, const ScorerNames& scorers, Begun& begun) {
  std::string sql =
      "SELECT s.key, s.id FROM items AS i JOIN samples AS s ON s.item_id = i.id"
      " WHERE i.set_id = ? AND EXISTS (SELECT 1 FROM scores WHERE sample_id = s.id)";
  for (std::size_t i = 0; i < scorers.size(); ++i) {
    sql +=
        " AND EXISTS (SELECT 1 FROM scores WHERE sample_id = s.id AND scorer = ? AND"
        " version = ?)";
  }
  Statement find(database, sql);
  find.bind(1, set);
  for (std::size_t i = 0; i < scorers.size(); ++i) {
    const int column = static_cast<int>(2 + 2 * i);
    find.bind(column, scorers[i].first).bind(column + 1, std::int64_t{scorers[i].second});
  }
  while (find.step()) begun.done.emplace(find.text(0), find.integer(1));
}

}  // namespace

std::int64_t insert_run(Database& database, const Run& run, const std::string& started) {
  Statement insert(database,
                   "INSERT INTO runs (key, command, model, fingerprint, weights_hash,"
                   " tokenizer_hash, build, sandbox, started, finished, state, shard, shards,"
                   " whole_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', 'running', ?, ?, ?)");
  insert.bind(1, run.key).bind(2, run.command).bind(3, run.model).bind(4, run.fingerprint);
  insert.bind(5, run.weights_hash).bind(6, run.tokenizer_hash).bind(7, run.build);
  insert.bind(8, run.sandbox).bind(9, started);
  insert.bind(10, std::int64_t{run.shard}).bind(11, std::int64_t{run.shards});
  insert.bind(12, run.whole_key).run();
  return database.last_id();
}

std::int64_t insert_set(Database& database, std::int64_t run, std::int64_t position,
                        const Set& set) {
  Statement insert(database,
                   "INSERT INTO sets (run_id, position, task, task_version, variant, metric,"
                   " options, data_sha256, temperature, top_p, max_new_tokens, seed, repeats,"
                   " items, whole_items, questions_sha256, scorers)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, run).bind(2, position).bind(3, set.task);
  insert.bind(4, std::int64_t{set.task_version}).bind(5, set.variant).bind(6, set.metric);
  insert.bind(7, set.options).bind(8, set.data_sha256).bind(9, set.temperature);
  insert.bind(10, set.top_p).bind(11, std::int64_t{set.max_new_tokens});
  insert.bind(12, static_cast<std::int64_t>(set.seed)).bind(13, std::int64_t{set.repeats});
  insert.bind(14, set.items).bind(15, set.whole_items > 0 ? set.whole_items : set.items);
  insert.bind(16, set.questions_sha256).bind(17, set.scorers).run();
  return database.last_id();
}

Begun begin_run(Database& database, const Run& run, const std::vector<Set>& sets,
                const std::vector<ScorerNames>& scorers) {
  refuse_doubles(database, sets);
  if (run.key.empty()) throw Error(database.path() + ": a run needs a key");
  if (scorers.size() != sets.size()) {
    throw Error(database.path() + ": scorers of " + std::to_string(sets.size()) +
                " sets expected, got " + std::to_string(scorers.size()));
  }
  const std::string started = now(database);
  std::int64_t id = find_key(database, run.key);
  Begun begun;
  begun.resumed = id != 0;
  if (id == 0) id = insert_run(database, run, started);
  insert_environment(database, id, run, started);
  Statement reopen(database, "UPDATE runs SET state = 'running', finished = '' WHERE id = ?");
  reopen.bind(1, id).run();
  begun.sets = sets;
  for (std::size_t i = 0; i < sets.size(); ++i) begun.sets[i].scorers = scorers_text(scorers[i]);
  fill_ids(database, begun.sets, id);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    add_done(database, begun.sets[i].id, scorers[i], begun);
  }
  for (const Run& stored : read_runs(database, kNewestVersion)) {
    if (stored.id == id) begun.run = stored;
  }
  return begun;
}

void finish_run(Database& database, std::int64_t run, const std::string& state,
                const std::string& sandbox) {
  static constexpr std::array<const char*, 3> kStates = {"complete", "incomplete", "invalid"};
  if (std::find(kStates.begin(), kStates.end(), state) == kStates.end()) {
    throw Error(database.path() + ": run state complete, incomplete or invalid expected, got \"" +
                state + "\"");
  }
  // An attempt that had no code left to run does not unsay where the earlier one ran it.
  Statement update(database, std::string("UPDATE runs SET state = ?2, finished = CASE ?2 WHEN"
                                         " 'incomplete' THEN '' ELSE ") +
                                 kNow +
                                 " END, sandbox = CASE ?3 WHEN '' THEN sandbox ELSE ?3 END"
                                 " WHERE id = ?1");
  update.bind(1, run).bind(2, state).bind(3, sandbox).run();
  if (database.changes() == 0) {
    throw Error(database.path() + ": no run " + std::to_string(run));
  }
}

void mark_interrupted(Database& database) {
  database.run("UPDATE runs SET state = 'incomplete' WHERE state = 'running'");
}

std::vector<Run> read_runs(Database& database, std::int64_t version) {
  const std::string shards = version < kShardVersion ? "'', 0, 0" : "whole_key, shard, shards";
  Statement select(database,
                   "SELECT id, key, command, model, fingerprint, weights_hash, tokenizer_hash,"
                   " build, sandbox, started, finished, state, ifnull((SELECT environment FROM"
                   " environments WHERE run_id = runs.id ORDER BY id DESC LIMIT 1), ''), " +
                       shards + " FROM runs ORDER BY id");
  std::vector<Run> runs;
  while (select.step()) {
    Run run;
    run.id = select.integer(0);
    int column = 0;
    for (std::string* field :
         {&run.key, &run.command, &run.model, &run.fingerprint, &run.weights_hash,
          &run.tokenizer_hash, &run.build, &run.sandbox, &run.started, &run.finished, &run.state,
          &run.environment, &run.whole_key}) {
      *field = select.text(++column);
    }
    run.shard = static_cast<std::int32_t>(select.integer(++column));
    run.shards = static_cast<std::int32_t>(select.integer(++column));
    run.remote = read_remote(database, run.id);
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<Set> read_sets(Database& database, std::int64_t run, std::int64_t version) {
  const std::string whole =
      version < kShardVersion ? "items, '', ''" : "whole_items, questions_sha256, scorers";
  Statement select(database,
                   "SELECT id, task, task_version, variant, metric, options, data_sha256,"
                   " temperature, top_p, max_new_tokens, seed, repeats, items, " +
                       whole + " FROM sets WHERE run_id = ? ORDER BY position, id");
  select.bind(1, run);
  std::vector<Set> sets;
  while (select.step()) {
    Set set;
    set.id = select.integer(0);
    set.run = run;
    set.task = select.text(1);
    set.task_version = static_cast<int>(select.integer(2));
    set.variant = select.text(3);
    set.metric = select.text(4);
    set.options = select.text(5);
    set.data_sha256 = select.text(6);
    set.temperature = select.real(7);
    set.top_p = select.real(8);
    set.max_new_tokens = static_cast<std::int32_t>(select.integer(9));
    set.seed = static_cast<std::uint64_t>(select.integer(10));
    set.repeats = static_cast<std::int32_t>(select.integer(11));
    set.items = select.integer(12);
    set.whole_items = select.integer(13);
    set.questions_sha256 = select.text(14);
    set.scorers = select.text(15);
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace moebius::reports
