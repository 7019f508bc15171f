// Reads the shards of a run, division by division; usually there is one division.
#include "reports/store/shard_list.h"

#include <fmt/format.h>

namespace moebius::reports {
namespace {

/// Shards come in order: what is left out between two of them is missing.
class ShardLister {
 public:
  void add(std::int64_t count, std::int64_t shard, const std::string& state) {
    if (count != count_) {
      close();
      count_ = count;
    }
    miss_until(shard);
    ++next_, ++merged_;
    if (state != "complete" && state != "invalid") list_.open.push_back(name(shard));
  }

  Shards take() {
    close();
    return std::move(list_);
  }

 private:
  void close() {
    if (count_ == 0) return;
    miss_until(count_ + 1);
    list_.merged += fmt::format("{}{} of {}", list_.merged.empty() ? "" : ", ", merged_, count_);
    next_ = 1, merged_ = 0;
  }

  void miss_until(std::int64_t end) {
    for (; next_ < end; ++next_) list_.missing.push_back(name(next_));
  }

  std::string name(std::int64_t shard) const { return fmt::format("{}/{}", shard, count_); }

  Shards list_;
  std::int64_t count_ = 0;
  std::int64_t next_ = 1;
  std::int64_t merged_ = 0;
};

}  // namespace

Shards list_shards(Database& database, std::int64_t run) {
  Statement select(database,
                   "SELECT shards, shard, state FROM merged_shards WHERE run_id = ?"
                   " AND shards BETWEEN 1 AND 100000 AND shard BETWEEN 1 AND shards"
                   " ORDER BY shards, shard");
  select.bind(1, run);
  ShardLister lister;
  while (select.step()) lister.add(select.integer(0), select.integer(1), select.text(2));
  return lister.take();
}

}  // namespace moebius::reports
