// What writes rows: prepared statements and the ids they need, on one connection and one thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// New judgements of a stored generation.
struct Rejudged {
  std::int64_t sample = 0;
  std::vector<StoredScore> scores;
};

/// Router decisions of a set, to be added.
struct Loads {
  std::int64_t set = 0;
  std::vector<std::vector<std::int64_t>> loads;  // [layer][expert]
};

/// Figures of kernels, to be added.
struct RunProfile {
  std::int64_t run = 0;
  Profile profile;
};

/// What an attempt at a run has used of a server.
struct RunRemote {
  std::int64_t run = 0;
  RemoteUse use;
};

using Job = std::variant<Sample, Rejudged, Loads, RunProfile, RunRemote>;

/// Bytes of text in a job, for bounding a queue of them.
std::size_t job_bytes(const Job& job);

class Writer {
 public:
  explicit Writer(Database& database);  // the schema must be current

  /// Makes a set's stored items and failures known; must precede its samples.
  void load_set(std::int64_t set);

  /// All within the caller's transaction. Throw Error; the caller rolls back and stops using
  /// this object, whose ids may then be wrong.
  void write(const Sample& sample, std::int64_t now_ms);
  void write(const Rejudged& rejudged);
  void write(const Loads& loads);
  void write(const RunProfile& profile);
  void write(const RunRemote& remote);

 private:
  struct KnownSet {
    std::unordered_map<std::string, std::int64_t> items;
    std::set<std::pair<std::int64_t, std::int32_t>> failed;  // item id, repeat
  };
  std::int64_t item_id(KnownSet& known, std::int64_t set, const Item& item);
  void write_failure(KnownSet& known, std::int64_t item, const Sample& sample, std::int64_t now_ms);
  /// Id of the row, and whether it is new.
  std::pair<std::int64_t, bool> sample_id(std::int64_t item, const Sample& sample,
                                          std::int64_t now_ms);
  std::int64_t replace_sample(std::int64_t item, const Sample& sample, std::int64_t now_ms);
  void bind_generation(Statement& to, int first, const Sample& sample, std::int64_t now_ms);
  void write_score(Statement& to, std::int64_t sample, const StoredScore& score);

  Database& database_;
  std::unordered_map<std::int64_t, KnownSet> sets_;
  std::string choices_;  // lives until the statement that it is bound to has run
  Statement insert_item_, insert_sample_, find_sample_, update_sample_, delete_scores_;
  Statement insert_score_, replace_score_, demote_scores_, insert_failure_, delete_failure_,
      has_sample_;
  Statement add_load_;
};

}  // namespace moebius::reports
