// What is read back: beside a living writer, or from a file nobody can write.
#include <algorithm>
#include <unordered_map>

#include "reports/store.h"
#include "reports/store/database.h"
#include "reports/store/expert_rows.h"
#include "reports/store/judgement_rows.h"
#include "reports/store/open.h"
#include "reports/store/profile_rows.h"
#include "reports/store/row_codec.h"
#include "reports/store/run_book.h"
#include "reports/store/schema.h"
#include "reports/store/shard_list.h"
#include "reports/store/store_lock.h"

namespace moebius::reports {
namespace {

/// A sample's place in a listing: of the set, then of its rows.
struct Place {
  std::int64_t position;
  std::int64_t item;
  std::int32_t repeat;
  std::int64_t sample;  // 0: a failure
};

bool operator<(const Place& a, const Place& b) {
  return std::tie(a.position, a.item, a.repeat) < std::tie(b.position, b.item, b.repeat);
}

/// Reads whole samples by id; remembers the last item, which repeats share.
class RowReader {
 public:
  explicit RowReader(Database& database)
      : item_(database,
              "SELECT item, position, cluster, stratum, tags, prompt_sha256, prompt_tokens, target,"
              " prompt FROM items WHERE id = ?"),
        sample_(database,
                "SELECT repeat, key, finish, stop, output_sha256, output_tokens, cached_tokens,"
                " latency_us, choices, text, stored_ms FROM samples WHERE id = ?"),
        scores_(database,
                "SELECT scorer, version, headline, verdict, value, sandbox, extracted, reason,"
                " tests FROM scores WHERE sample_id = ? ORDER BY headline DESC, scorer, version"),
        failure_(database,
                 "SELECT key, kind, message FROM failures WHERE item_id = ? AND repeat = ?") {}

  void read(const Place& place, SampleRow& row) {
    if (place.item != item_id_) read_item(place.item, row.sample.item);
    row.id = place.sample;
    row.sample.repeat = place.repeat;
    place.sample != 0 ? read_answer(place.sample, row.sample) : read_failure(place, row.sample);
  }

 private:
  void read_item(std::int64_t id, Item& item) {
    item_.bind(1, id).step();
    item.item = item_.text(0);
    item.position = item_.integer(1);
    item.cluster = item_.text(2);
    item.stratum = item_.text(3);
    item.tags = item_.text(4);
    item.prompt_sha256 = item_.text(5);
    item.prompt_tokens = static_cast<std::int32_t>(item_.integer(6));
    item.target = item_.text(7);
    item.prompt = item_.text(8);
    item_.reset();
    item_id_ = id;
  }

  void read_answer(std::int64_t id, Sample& sample) {
    sample.failure.clear(), sample.message.clear();
    sample_.bind(1, id).step();
    sample.key = sample_.text(1);
    sample.finish = sample_.text(2);
    sample.stop = sample_.text(3);
    sample.output_sha256 = sample_.text(4);
    sample.output_tokens = static_cast<std::int32_t>(sample_.integer(5));
    sample.cached_tokens = static_cast<std::int32_t>(sample_.integer(6));
    sample.latency_us = sample_.integer(7);
    sample.choices = decode_choices(sample_.text(8));
    sample.text = sample_.text(9);
    sample.stored_ms = sample_.integer(10);
    sample_.reset();
    sample.scores.clear();
    scores_.bind(1, id);
    while (scores_.step()) sample.scores.push_back(read_score());
    scores_.reset();
  }

  StoredScore read_score() {
    StoredScore score;
    score.scorer = scores_.text(0);
    score.version = static_cast<int>(scores_.integer(1));
    score.headline = scores_.integer(2) != 0;
    score.score.verdict = decode_verdict(scores_.text(3));
    score.score.value = scores_.real(4);
    score.score.sandbox = scores_.text(5);
    score.score.extracted = scores_.text(6);
    score.score.reason = scores_.text(7);
    score.score.tests = decode_tests(scores_.text(8));
    return score;
  }

  void read_failure(const Place& place, Sample& sample) {
    Item item = std::move(sample.item);
    sample = Sample{.set = sample.set, .item = std::move(item), .repeat = place.repeat};
    failure_.bind(1, place.item).bind(2, std::int64_t{place.repeat}).step();
    sample.key = failure_.text(0);
    sample.failure = failure_.text(1);
    sample.message = failure_.text(2);
    failure_.reset();
  }

  std::int64_t item_id_ = 0;
  Statement item_, sample_, scores_, failure_;
};

class SqliteReader final : public Reader {
 public:
  explicit SqliteReader(const std::string& path)
      : database_(open_for_reading(path)), version_(readable_version(*database_)) {}

  std::vector<Run> runs() override {
    const bool living = StoreLock::held(database_->path());
    std::vector<Run> runs = read_runs(*database_, version_);
    for (Run& run : runs) {
      if (run.state == "running" && !living) run.state = "incomplete";
    }
    return runs;
  }

  Run find_run(const std::string& which) override;

  std::vector<Set> sets(std::int64_t run) override { return read_sets(*database_, run, version_); }

  Shards shards(std::int64_t run) override {
    return version_ < kShardVersion ? Shards() : list_shards(*database_, run);
  }

  std::vector<Profile> profiles(std::int64_t run) override {
    return version_ < kProfileVersion ? std::vector<Profile>() : read_profiles(*database_, run);
  }

  void each_sample(std::int64_t run, const std::string& item,
                   const std::function<void(const SampleRow&)>& visit) override {
    Transaction snapshot(*database_, false);
    RowReader reader(*database_);
    each_set(run, [&](SampleRow& row) {
      for (const Place& place : places(row.sample.set, item)) {
        reader.read(place, row);
        visit(row);
      }
    });
  }

  void each_judgement(std::int64_t run,
                      const std::function<void(const SampleRow&)>& visit) override {
    Transaction snapshot(*database_, false);
    each_set(run,
             [&](SampleRow& row) { each_judgement_of(*database_, row.sample.set, row, visit); });
  }

  std::vector<ExpertLoad> expert_loads(std::int64_t run) override {
    return read_expert_loads(*database_, run);
  }

  std::vector<std::int64_t> attempts(std::int64_t run) override {
    Statement select(*database_,
                     "SELECT 1000 * CAST(strftime('%s', started) AS INTEGER) FROM environments"
                     " WHERE run_id = ? ORDER BY 1");
    select.bind(1, run);
    std::vector<std::int64_t> starts;
    while (select.step()) starts.push_back(select.integer(0));
    return starts;
  }

 private:
  /// Calls `each` with an empty row of every set.
  void each_set(std::int64_t run, const std::function<void(SampleRow&)>& each) {
    for (const Set& set : sets(run)) {
      SampleRow row{.task = set.task, .variant = set.variant, .sample = {.set = set.id}};
      each(row);
    }
  }

  std::vector<Place> places(std::int64_t set, const std::string& item) {
    // One item alone is found by the index, which an OR would keep from being used.
    const std::string where =
        std::string(" WHERE i.set_id = ?1 AND ") + (item.empty() ? "?2 = ''" : "i.item = ?2");
    Statement find(*database_,
                   "SELECT i.position, i.id, s.repeat, s.id FROM items AS i"
                   " JOIN samples AS s ON s.item_id = i.id" +
                       where +
                       " UNION ALL SELECT i.position, i.id, f.repeat, 0 FROM items AS i"
                       " JOIN failures AS f ON f.item_id = i.id" +
                       where);
    find.bind(1, set).bind(2, item);
    std::vector<Place> found;
    while (find.step()) {
      found.push_back({find.integer(0), find.integer(1), static_cast<std::int32_t>(find.integer(2)),
                       find.integer(3)});
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::unique_ptr<Database> database_;
  const std::int64_t version_;  // of the tables
};

std::string describe(const std::vector<const Run*>& runs) {
  std::string text;
  for (const Run* run : runs) {
    text +=
        (text.empty() ? "" : ", ") + std::to_string(run->id) + " (" + run->key.substr(0, 12) + ")";
  }
  return text;
}

Run SqliteReader::find_run(const std::string& which) {
  constexpr std::size_t kShortest = 6;
  const std::vector<Run> all = runs();
  if (all.empty()) throw Error(database_->path() + ": no run is stored here");
  if (which == "last") {
    // The newest attempt, which is not always the newest run.
    const std::int64_t id =
        database_->integer("SELECT run_id FROM environments ORDER BY id DESC LIMIT 1");
    const auto last =
        std::find_if(all.begin(), all.end(), [&](const Run& r) { return r.id == id; });
    return last != all.end() ? *last : all.back();
  }
  std::vector<const Run*> matches;
  for (const Run& run : all) {
    if (std::to_string(run.id) == which) return run;
    if (which.size() >= kShortest && run.key.starts_with(which)) matches.push_back(&run);
  }
  if (matches.size() == 1) return *matches.front();
  if (!matches.empty()) {
    throw Error(database_->path() + ": run \"" + which + "\" is ambiguous: " + describe(matches));
  }
  throw Error(database_->path() + ": no run \"" + which +
              "\": an id, the beginning of a key (6 characters or more) or \"last\" expected, "
              "known are ids " +
              std::to_string(all.front().id) + " to " + std::to_string(all.back().id));
}

}  // namespace

std::unique_ptr<Reader> Reader::open(const std::string& path) {
  return std::make_unique<SqliteReader>(path);
}

}  // namespace moebius::reports
