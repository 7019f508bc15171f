// Rows of runs and sets: begun, found again, finished, read.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

using ScorerNames = std::vector<std::pair<std::string, int>>;

/// Store::begin_run, within the caller's transaction. Throws Error if a set is named twice, or
/// the stored run of that key has other sets.
Begun begin_run(Database& database, const Run& run, const std::vector<Set>& sets,
                const std::vector<ScorerNames>& scorers);

/// Store::finish_run, within the caller's transaction. Throws Error on an unknown run or state.
void finish_run(Database& database, std::int64_t run, const std::string& state,
                const std::string& sandbox);

/// Runs that say "running" although nobody can be writing: they were killed.
void mark_interrupted(Database& database);

/// `version`: of the tables, whose missing columns read as empty.
std::vector<Run> read_runs(Database& database, std::int64_t version);  // oldest first
std::vector<Set> read_sets(Database& database, std::int64_t run, std::int64_t version);

/// New rows, within the caller's transaction; their ids. The run is running; `started`: UTC.
std::int64_t insert_run(Database& database, const Run& run, const std::string& started);
std::int64_t insert_set(Database& database, std::int64_t run, std::int64_t position,
                        const Set& set);

}  // namespace moebius::reports
