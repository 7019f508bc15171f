// What writes rows. One rule decides every conflict: an answer outlives a failure, and judgements
// outlive a repeated generation only if that generation is the same text.
#include "reports/store/writer.h"

#include "reports/store/profile_rows.h"
#include "reports/store/remote_use.h"
#include "reports/store/row_codec.h"

namespace moebius::reports {

namespace {

constexpr const char* kScoreColumns =
    " INTO scores (sample_id, scorer, version, headline, verdict, value, extracted, reason,"
    " sandbox, tests) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

}  // namespace

std::size_t job_bytes(const Job& job) {
  std::size_t bytes = 512;
  if (const auto* sample = std::get_if<Sample>(&job)) {
    bytes += sample->text.size() + sample->item.prompt.size() + sample->item.target.size();
    for (const StoredScore& score : sample->scores) bytes += score.score.extracted.size();
  }
  return bytes;
}

Writer::Writer(Database& database)
    : database_(database),
      insert_item_(database,
                   "INSERT INTO items (set_id, item, position, cluster, stratum, tags, target,"
                   " prompt_sha256, prompt_tokens, prompt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_sample_(database,
                     "INSERT INTO samples (item_id, repeat, key, finish, stop, output_sha256,"
                     " output_tokens, cached_tokens, latency_us, stored_ms, choices, text)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                     " ON CONFLICT (item_id, repeat) DO NOTHING"),
      find_sample_(database,
                   "SELECT id, output_sha256 = ?3 AND text = ?4 AND choices = ?5 FROM samples"
                   " WHERE item_id = ?1 AND repeat = ?2"),
      update_sample_(database,
                     "UPDATE samples SET key = ?2, finish = ?3, stop = ?4, output_sha256 = ?5,"
                     " output_tokens = ?6, cached_tokens = ?7, latency_us = ?8, stored_ms = ?9,"
                     " choices = ?10, text = ?11 WHERE id = ?1"),
      delete_scores_(database, "DELETE FROM scores WHERE sample_id = ?"),
      insert_score_(database, std::string("INSERT") + kScoreColumns),
      replace_score_(database, std::string("INSERT OR REPLACE") + kScoreColumns),
      demote_scores_(database, "UPDATE scores SET headline = 0 WHERE sample_id = ? AND headline"),
      insert_failure_(database,
                      "INSERT OR REPLACE INTO failures (item_id, repeat, key, kind, message,"
                      " stored_ms) VALUES (?, ?, ?, ?, ?, ?)"),
      delete_failure_(database, "DELETE FROM failures WHERE item_id = ? AND repeat = ?"),
      has_sample_(database, "SELECT 1 FROM samples WHERE item_id = ? AND repeat = ?"),
      add_load_(database,
                "INSERT INTO expert_loads (set_id, layer, expert, tokens) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens") {}

void Writer::load_set(std::int64_t set) {
  KnownSet& known = sets_[set];
  Statement items(database_, "SELECT item, id FROM items WHERE set_id = ?");
  items.bind(1, set);
  while (items.step()) known.items.emplace(items.text(0), items.integer(1));
  Statement failures(database_,
                     "SELECT f.item_id, f.repeat FROM items AS i JOIN failures AS f"
                     " ON f.item_id = i.id WHERE i.set_id = ?");
  failures.bind(1, set);
  while (failures.step()) {
    known.failed.emplace(failures.integer(0), static_cast<std::int32_t>(failures.integer(1)));
  }
}

std::int64_t Writer::item_id(KnownSet& known, std::int64_t set, const Item& item) {
  const auto found = known.items.find(item.item);
  if (found != known.items.end()) return found->second;
  insert_item_.bind(1, set)
      .bind(2, item.item)
      .bind(3, item.position)
      .bind(4, item.cluster)
      .bind(5, item.stratum)
      .bind(6, item.tags)
      .bind(7, item.target)
      .bind(8, item.prompt_sha256)
      .bind(9, std::int64_t{item.prompt_tokens})
      .bind(10, item.prompt)
      .run();
  const std::int64_t id = database_.last_id();
  known.items.emplace(item.item, id);
  return id;
}

void Writer::write(const Sample& sample, std::int64_t now_ms) {
  KnownSet& known = sets_.at(sample.set);
  const std::int64_t item = item_id(known, sample.set, sample.item);
  if (!sample.failure.empty()) return write_failure(known, item, sample, now_ms);
  const auto [id, fresh] = sample_id(item, sample, now_ms);
  // Plain INSERT is a third cheaper and enough where nothing can be in the way.
  Statement& statement = fresh ? insert_score_ : replace_score_;
  for (const StoredScore& score : sample.scores) write_score(statement, id, score);
  if (!known.failed.empty() && known.failed.erase({item, sample.repeat}) > 0) {
    delete_failure_.bind(1, item).bind(2, std::int64_t{sample.repeat}).run();
  }
}

void Writer::write_failure(KnownSet& known, std::int64_t item, const Sample& sample,
                           std::int64_t now_ms) {
  has_sample_.bind(1, item).bind(2, std::int64_t{sample.repeat});
  const bool answered = has_sample_.step();
  has_sample_.reset();
  if (answered) return;
  insert_failure_.bind(1, item)
      .bind(2, std::int64_t{sample.repeat})
      .bind(3, sample.key)
      .bind(4, sample.failure)
      .bind(5, sample.message)
      .bind(6, now_ms)
      .run();
  known.failed.emplace(item, sample.repeat);
}

void Writer::bind_generation(Statement& to, int first, const Sample& sample, std::int64_t now_ms) {
  to.bind(first, sample.key)
      .bind(first + 1, sample.finish)
      .bind(first + 2, sample.stop)
      .bind(first + 3, sample.output_sha256)
      .bind(first + 4, std::int64_t{sample.output_tokens})
      .bind(first + 5, std::int64_t{sample.cached_tokens})
      .bind(first + 6, sample.latency_us)
      .bind(first + 7, now_ms)
      .bind(first + 8, choices_)
      .bind(first + 9, sample.text);
}

std::pair<std::int64_t, bool> Writer::sample_id(std::int64_t item, const Sample& sample,
                                                std::int64_t now_ms) {
  choices_ = encode_choices(sample.choices);
  insert_sample_.bind(1, item).bind(2, std::int64_t{sample.repeat});
  bind_generation(insert_sample_, 3, sample, now_ms);
  insert_sample_.run();
  if (database_.changes() > 0) return {database_.last_id(), true};
  return {replace_sample(item, sample, now_ms), false};
}

std::int64_t Writer::replace_sample(std::int64_t item, const Sample& sample, std::int64_t now_ms) {
  find_sample_.bind(1, item)
      .bind(2, std::int64_t{sample.repeat})
      .bind(3, sample.output_sha256)
      .bind(4, sample.text)
      .bind(5, choices_);
  find_sample_.step();
  const std::int64_t id = find_sample_.integer(0);
  const bool same = find_sample_.integer(1) != 0;
  find_sample_.reset();
  if (!same) delete_scores_.bind(1, id).run();
  update_sample_.bind(1, id);
  bind_generation(update_sample_, 2, sample, now_ms);
  update_sample_.run();
  demote_scores_.bind(1, id).run();
  return id;
}

void Writer::write_score(Statement& to, std::int64_t sample, const StoredScore& score) {
  const std::string tests = encode_tests(score.score.tests);
  to.bind(1, sample)
      .bind(2, score.scorer)
      .bind(3, std::int64_t{score.version})
      .bind(4, std::int64_t{score.headline ? 1 : 0})
      .bind(5, scorers::verdict_name(score.score.verdict))
      .bind(6, score.score.value)
      .bind(7, score.score.extracted)
      .bind(8, score.score.reason)
      .bind(9, score.score.sandbox)
      .bind(10, tests)
      .run();
}

void Writer::write(const Rejudged& rejudged) {
  for (const StoredScore& score : rejudged.scores) {
    if (score.headline) demote_scores_.bind(1, rejudged.sample).run();
  }
  for (const StoredScore& score : rejudged.scores)
    write_score(replace_score_, rejudged.sample, score);
}

void Writer::write(const Loads& loads) {
  for (std::size_t layer = 0; layer < loads.loads.size(); ++layer) {
    for (std::size_t expert = 0; expert < loads.loads[layer].size(); ++expert) {
      add_load_.bind(1, loads.set)
          .bind(2, static_cast<std::int64_t>(layer))
          .bind(3, static_cast<std::int64_t>(expert))
          .bind(4, loads.loads[layer][expert])
          .run();
    }
  }
}

void Writer::write(const RunProfile& profile) {
  add_profile(database_, profile.run, profile.profile);
}

void Writer::write(const RunRemote& remote) {
  note_remote(database_, remote.run, remote.use);
}

}  // namespace moebius::reports
