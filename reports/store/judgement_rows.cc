// One statement goes over the items as they lie, with their samples and scores beside them: a
// lookup by id for each of a million samples would take longer than all else.
#include "reports/store/judgement_rows.h"

#include <algorithm>
#include <vector>

#include "reports/store/row_codec.h"

namespace moebius::reports {
namespace {

/// Items of other sets that are read and thrown away rather than sought around.
constexpr std::int64_t kWidestGap = 8;

/// Ids from `low` to `high` of which few are another set's.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

std::vector<IdRange> item_ranges(Database& database, std::int64_t set) {
  Statement select(database, "SELECT id FROM items WHERE set_id = ?");  // of the index alone
  select.bind(1, set);
  std::vector<std::int64_t> ids;
  while (select.step()) ids.push_back(select.integer(0));
  std::sort(ids.begin(), ids.end());
  std::vector<IdRange> ranges;
  for (const std::int64_t id : ids) {
    if (ranges.empty() || id - ranges.back().high > kWidestGap) ranges.push_back({id, id});
    ranges.back().high = id;
  }
  return ranges;
}

constexpr const char* kJudgementColumns =
    "SELECT i.id, i.item, i.position, i.cluster, i.stratum, i.tags, i.prompt_sha256,"
    " i.prompt_tokens, s.id, s.repeat, s.finish, s.output_tokens, s.latency_us, s.stored_ms,"
    " c.scorer, c.version, c.headline, c.verdict, c.value, c.sandbox,"
    " CASE c.sandbox WHEN '' THEN c.extracted END"
    " FROM items AS i LEFT JOIN samples AS s ON s.item_id = i.id"
    " LEFT JOIN scores AS c ON c.sample_id = s.id"
    " WHERE i.id BETWEEN ?1 AND ?2 AND +i.set_id = ?3 ORDER BY i.id, s.repeat";
enum JudgementColumn {
  kItemId,
  kItem,
  kPosition,
  kCluster,
  kStratum,
  kTags,
  kPromptSha256,
  kPromptTokens,
  kSampleId,
  kRepeat,
  kFinish,
  kOutputTokens,
  kLatency,
  kStored,
  kScorer,
  kVersion,
  kHeadline,
  kVerdict,
  kValue,
  kSandbox,
  kExtracted
};

class JudgementReader {
 public:
  JudgementReader(Database& database, std::int64_t set, SampleRow& row,
                  const std::function<void(const SampleRow&)>& visit)
      : rows_(database, kJudgementColumns),
        failures_(database,
                  "SELECT item_id, repeat, kind FROM failures WHERE item_id BETWEEN ? AND ?"
                  " ORDER BY item_id, repeat"),
        set_(set),
        row_(row),
        visit_(visit) {}

  void read(const IdRange& range) {
    failures_.bind(1, range.low).bind(2, range.high);
    failed_ = failures_.step();
    rows_.bind(1, range.low).bind(2, range.high).bind(3, set_);
    item_ = sample_ = 0;
    while (rows_.step()) {
      const std::int64_t item = rows_.integer(kItemId);
      if (item != item_) {
        end_item();
        begin_item(item);
      }
      const std::int64_t sample = rows_.integer(kSampleId);
      if (sample == 0) continue;  // none yet
      if (sample != sample_) {
        end_sample();
        begin_sample(sample);
      }
      if (!rows_.empty(kScorer)) add_score();
    }
    end_item();
    rows_.reset();
    failures_.reset();
  }

 private:
  void begin_item(std::int64_t id) {
    item_ = id;
    Item& item = row_.sample.item;
    item.item = rows_.view(kItem);
    item.position = rows_.integer(kPosition);
    item.cluster = rows_.view(kCluster);
    item.stratum = rows_.view(kStratum);
    item.tags = rows_.view(kTags);
    item.prompt_sha256 = rows_.view(kPromptSha256);
    item.prompt_tokens = static_cast<std::int32_t>(rows_.integer(kPromptTokens));
  }

  void begin_sample(std::int64_t id) {
    sample_ = row_.id = id;
    Sample& sample = row_.sample;
    sample.repeat = static_cast<std::int32_t>(rows_.integer(kRepeat));
    sample.finish = rows_.view(kFinish);
    sample.output_tokens = static_cast<std::int32_t>(rows_.integer(kOutputTokens));
    sample.latency_us = rows_.integer(kLatency);
    sample.stored_ms = rows_.integer(kStored);
    sample.failure.clear();
    sample.scores.clear();
  }

  void add_score() {
    StoredScore& score = row_.sample.scores.emplace_back();
    score.scorer = rows_.view(kScorer);
    score.version = static_cast<int>(rows_.integer(kVersion));
    score.headline = rows_.integer(kHeadline) != 0;
    score.score.verdict = decode_verdict(rows_.view(kVerdict));
    score.score.value = rows_.real(kValue);
    score.score.sandbox = rows_.view(kSandbox);
    score.score.extracted = rows_.view(kExtracted);
  }

  void end_sample() {
    if (sample_ != 0) visit_(row_);
    sample_ = 0;
  }

  /// The item's failures come after its answers.
  void end_item() {
    end_sample();
    while (failed_ && failures_.integer(0) <= item_) {
      if (failures_.integer(0) == item_) {
        Item item = std::move(row_.sample.item);
        row_.id = 0;
        row_.sample = Sample{.set = row_.sample.set,
                             .item = std::move(item),
                             .repeat = static_cast<std::int32_t>(failures_.integer(1)),
                             .failure = failures_.text(2)};
        visit_(row_);
      }
      failed_ = failures_.step();
    }
  }

  Statement rows_;
  Statement failures_;
  const std::int64_t set_;
  SampleRow& row_;
  const std::function<void(const SampleRow&)>& visit_;
  std::int64_t item_ = 0;
  std::int64_t sample_ = 0;
  bool failed_ = false;  // failures_ stands on a row
};

}  // namespace

void each_judgement_of(Database& database, std::int64_t set, SampleRow& row,
                       const std::function<void(const SampleRow&)>& visit) {
  const std::vector<IdRange> ranges = item_ranges(database, set);
  JudgementReader reader(database, set, row, visit);
  for (const IdRange& range : ranges) reader.read(range);
}

}  // namespace moebius::reports
