// Rows of one store copied into another. Each kind of row is read with what must agree first, then
// with what may differ from machine to machine, then with its place.
#include "reports/store/merge_rows.h"

#include <fmt/format.h>

#include "reports/store/merge_check.h"

namespace moebius::reports {
namespace {

constexpr const char* kMergeItem =
    "item, position, cluster, stratum, tags, target, prompt_sha256, prompt_tokens, prompt";
constexpr int kMergeItemColumns = 9;

// Clocks and shared prefixes last: cached_tokens, latency_us, stored_ms.
constexpr const char* kMergeSample =
    "repeat, key, finish, stop, output_sha256, output_tokens, choices, text, cached_tokens,"
    " latency_us, stored_ms";
constexpr int kMergeSampleColumns = 11;
constexpr int kMergeSampleSame = 8;

// Tests hold seconds, and reasons may.
constexpr const char* kMergeScore =
    "scorer, version, headline, verdict, value, extracted, reason, sandbox, tests";
constexpr int kMergeScoreColumns = 9;
constexpr int kMergeScoreSame = 6;

constexpr const char* kMergeFailure = "repeat, key, kind, message, stored_ms";
constexpr int kMergeFailureColumns = 5;

std::string merge_select(const char* columns, const char* rest) {
  return std::string("SELECT ") + columns + rest;
}

/// One place for what `insert` owns and one per column.
std::string merge_insert(const char* table, const char* owner, const char* columns, int count) {
  std::string sql =
      fmt::format("INSERT OR REPLACE INTO {} ({}, {}) VALUES (?", table, owner, columns);
  for (int i = 0; i < count; ++i) sql += ", ?";
  return sql + ")";
}

void copy_row(const Statement& row, int columns, std::int64_t owner, Statement& into) {
  into.bind(1, owner);
  for (int i = 0; i < columns; ++i) into.bind(2 + i, row, i);
  into.run();
}

std::string headlines_of(Database& database, std::int64_t set) {
  Statement select(database,
                   "SELECT DISTINCT sc.scorer, sc.version FROM items AS i"
                   " JOIN samples AS s ON s.item_id = i.id JOIN scores AS sc"
                   " ON sc.sample_id = s.id WHERE i.set_id = ? AND sc.headline ORDER BY 1, 2");
  select.bind(1, set);
  std::string text;
  while (select.step()) {
    text += (text.empty() ? "" : ", ") + select.text(0) + " " + select.text(1);
  }
  return text;
}

}  // namespace

/// For messages.
struct MergeRows::Where {
  std::string file;
  std::string set;
  std::string item;
  std::string more;  // " repeat 3"
};

MergeRows::MergeRows(Database& target)
    : target_(target),
      find_item_(target, merge_select(kMergeItem, ", id FROM items WHERE set_id = ? AND item = ?")),
      insert_item_(target, merge_insert("items", "set_id", kMergeItem, kMergeItemColumns)),
      find_sample_(
          target, merge_select(kMergeSample, ", id FROM samples WHERE item_id = ? AND repeat = ?")),
      insert_sample_(target, merge_insert("samples", "item_id", kMergeSample, kMergeSampleColumns)),
      find_score_(target, merge_select(kMergeScore,
                                       " FROM scores WHERE sample_id = ? AND scorer = ?"
                                       " AND version = ?")),
      insert_score_(target, merge_insert("scores", "sample_id", kMergeScore, kMergeScoreColumns)),
      find_failure_(target,
                    "SELECT EXISTS (SELECT 1 FROM samples WHERE item_id = ?1 AND"
                    " repeat = ?2) OR EXISTS (SELECT 1 FROM failures WHERE item_id = ?1"
                    " AND repeat = ?2 AND stored_ms >= ?3)"),
      insert_failure_(target,
                      merge_insert("failures", "item_id", kMergeFailure, kMergeFailureColumns)),
      delete_failure_(target, "DELETE FROM failures WHERE item_id = ? AND repeat = ?") {}

void MergeRows::add_set(Database& from, const Set& set, const Set& into) {
  Where where{.file = from.path(), .set = in_quotes(set.task + ":" + set.variant)};
  require_headlines(from, where, set.id, into.id);
  Statement items(
      from, merge_select(kMergeItem, ", id FROM items WHERE set_id = ? ORDER BY position, id"));
  Statement samples(
      from, merge_select(kMergeSample, ", id FROM samples WHERE item_id = ? ORDER BY repeat"));
  Statement scores(
      from, merge_select(kMergeScore, " FROM scores WHERE sample_id = ? ORDER BY scorer, version"));
  Statement failures(from, merge_select(kMergeFailure, " FROM failures WHERE item_id = ?"));
  items.bind(1, set.id);
  while (items.step()) {
    where.item = items.text(0);
    where.more.clear();
    const std::int64_t item = add_item(items, where, into.id);
    samples.bind(1, items.integer(kMergeItemColumns));
    while (samples.step()) {
      scores.bind(1, samples.integer(kMergeSampleColumns));
      add_sample(samples, scores, where, item);
      scores.reset();
    }
    samples.reset();
    failures.bind(1, items.integer(kMergeItemColumns));
    while (failures.step()) add_failure(failures, item);
    failures.reset();
  }
}

/// Shards that were judged again by different graders must not become one mean.
void MergeRows::require_headlines(Database& from, const Where& where, std::int64_t set,
                                  std::int64_t into) {
  const std::string theirs = headlines_of(from, set);
  const std::string ours = headlines_of(target_, into);
  if (theirs.empty() || ours.empty() || theirs == ours) return;
  throw Error(fmt::format("{}: {}: headline scorers {}, but {} in {} or a shard merged before",
                          where.file, where.set, in_quotes(theirs), in_quotes(ours),
                          target_.path()));
}

std::int64_t MergeRows::add_item(const Statement& item, const Where& where, std::int64_t into) {
  find_item_.bind(1, into).bind(2, item, 0);
  if (!find_item_.step()) {
    find_item_.reset();
    copy_row(item, kMergeItemColumns, into, insert_item_);
    return target_.last_id();
  }
  require_same(find_item_, item, kMergeItemColumns, where);
  const std::int64_t id = find_item_.integer(kMergeItemColumns);
  find_item_.reset();
  return id;
}

void MergeRows::add_sample(const Statement& sample, Statement& scores, Where& where,
                           std::int64_t item) {
  where.more = " repeat " + sample.text(0);
  find_sample_.bind(1, item).bind(2, sample, 0);
  std::int64_t id = 0;
  if (find_sample_.step()) {
    require_same(find_sample_, sample, kMergeSampleSame, where);
    id = find_sample_.integer(kMergeSampleColumns);
    ++found_;
  }
  find_sample_.reset();
  if (id == 0) {
    copy_row(sample, kMergeSampleColumns, item, insert_sample_);
    id = target_.last_id();
    ++added_;
    delete_failure_.bind(1, item).bind(2, sample, 0).run();
  }
  while (scores.step()) add_score(scores, where, id);
}

void MergeRows::add_score(const Statement& score, const Where& where, std::int64_t sample) {
  find_score_.bind(1, sample).bind(2, score, 0).bind(3, score, 1);
  const bool there = find_score_.step();
  if (there) require_same(find_score_, score, kMergeScoreSame, where);
  find_score_.reset();
  if (!there) copy_row(score, kMergeScoreColumns, sample, insert_score_);
}

void MergeRows::add_failure(const Statement& failure, std::int64_t item) {
  find_failure_.bind(1, item).bind(2, failure, 0).bind(3, failure, kMergeFailureColumns - 1);
  find_failure_.step();
  const bool settled = find_failure_.integer(0) != 0;
  find_failure_.reset();
  if (!settled) copy_row(failure, kMergeFailureColumns, item, insert_failure_);
}

void MergeRows::require_same(const Statement& stored, const Statement& other, int columns,
                             const Where& where) const {
  for (int i = 0; i < columns; ++i) {
    if (stored.same(i, other, i)) continue;
    throw Error(fmt::format("{}: {} {}{}: {} {}, but {} in {} or a shard merged before", where.file,
                            where.set, in_quotes(where.item), where.more, other.name(i),
                            in_quotes(other.text(i)), in_quotes(stored.text(i)), target_.path()));
  }
}

void MergeRows::add_attempts(Database& from, std::int64_t run, std::int64_t into) {
  Statement attempts(from,
                     "SELECT started, pid, environment FROM environments WHERE run_id = ?"
                     " ORDER BY id");
  Statement add(target_,
                "INSERT INTO environments (run_id, started, pid, environment)"
                " SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM environments"
                " WHERE (run_id, started, pid, environment) = (?1, ?2, ?3, ?4))");
  attempts.bind(1, run);
  while (attempts.step()) copy_row(attempts, 3, into, add);
}

}  // namespace moebius::reports
