// The single writer: a bounded queue in front of one thread that commits in groups.
#include "reports/store.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "reports/store/database.h"
#include "reports/store/open.h"
#include "reports/store/run_book.h"
#include "reports/store/store_lock.h"
#include "reports/store/writer.h"

namespace moebius::reports {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLinger = std::chrono::milliseconds(50);  // a killed process loses at most this much
constexpr std::size_t kGroup = 1024;                     // jobs that are committed without waiting
constexpr std::size_t kQueueJobs = 8192;
constexpr std::size_t kQueueBytes = std::size_t{64} << 20;

std::int64_t now_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

void check_sample(const std::string& path, const Sample& sample) {
  const auto refuse = [&](const std::string& what) {
    throw Error(path + ": sample " + sample.item.item + ": " + what);
  };
  if (sample.failure.empty() == sample.scores.empty()) {
    refuse("either scores or a failure expected, found " +
           std::string(sample.failure.empty() ? "neither" : "both"));
  }
  if (sample.repeat < 0) refuse("repeat must not be negative");
  for (std::size_t i = 0; i < sample.scores.size(); ++i) {
    const StoredScore& score = sample.scores[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (sample.scores[j].scorer == score.scorer && sample.scores[j].version == score.version) {
        refuse("two scores by " + score.scorer + " version " + std::to_string(score.version));
      }
    }
    if (!(score.score.value >= 0 && score.score.value <= 1)) {
      refuse("score of " + score.scorer + " must be in 0 .. 1, got " +
             std::to_string(score.score.value));
    }
  }
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(const std::string& path)
      : path_(path), lock_(path), database_(open_for_writing(path)), writer_(*database_) {
    thread_ = std::thread([this] { serve(); });
  }

  ~SqliteStore() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_writer_.notify_all();
    thread_.join();
  }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Begun begin_run(const Run& run, const std::vector<Set>& sets,
                  const std::vector<ScorerNames>& scorers) override {
    flush_queue();
    const std::lock_guard using_database(database_mutex_);
    Transaction transaction(*database_, true);
    Begun begun = reports::begin_run(*database_, run, sets, scorers);
    transaction.commit();
    for (const Set& set : begun.sets) writer_.load_set(set.id);
    const std::lock_guard lock(mutex_);
    for (const Set& set : begun.sets) begun_.insert(set.id);
    return begun;
  }

  void put(Sample sample) override {
    check_sample(path_, sample);
    enqueue(std::move(sample));
  }

  void put_scores(std::int64_t sample, const std::vector<StoredScore>& scores) override {
    enqueue(Rejudged{sample, scores});
  }

  void add_expert_loads(std::int64_t set,
                        const std::vector<std::vector<std::int64_t>>& loads) override {
    enqueue(Loads{set, loads});
  }

  void add_profile(std::int64_t run, const Profile& profile) override {
    enqueue(RunProfile{run, profile});
  }

  void note_remote(std::int64_t run, const RemoteUse& use) override {
    enqueue(RunRemote{run, use});
  }

  void flush() override {
    flush_queue();
    checkpoint();
  }

  void finish_run(std::int64_t run, const std::string& state, const std::string& sandbox) override {
    flush_queue();
    {
      const std::lock_guard using_database(database_mutex_);
      Transaction transaction(*database_, true);
      reports::finish_run(*database_, run, state, sandbox);
      transaction.commit();
    }
    checkpoint();
  }

 private:
  void throw_if_failed() const {
    if (!error_.empty()) throw Error(error_);
  }

  void enqueue(Job job) {
    const std::size_t bytes = job_bytes(job);
    std::unique_lock lock(mutex_);
    if (const auto* sample = std::get_if<Sample>(&job)) {
      if (begun_.count(sample->set) == 0) {
        throw Error(path_ + ": sample " + sample->item.item + ": set " +
                    std::to_string(sample->set) + " was not begun");
      }
    }
    room_.wait(lock, [&] {
      const bool fits = queue_.size() < kQueueJobs && queued_bytes_ + bytes <= kQueueBytes;
      return fits || queue_.empty() || !error_.empty();
    });
    throw_if_failed();
    if (queue_.empty()) oldest_ = Clock::now();
    queue_.push_back(std::move(job));
    queued_bytes_ += bytes;
    ++put_;
    const bool wake =
        queue_.size() == 1 || queue_.size() == kGroup || queued_bytes_ >= kQueueBytes / 2;
    lock.unlock();
    if (wake) wake_writer_.notify_one();
  }

  /// Until all that was put before has been committed.
  void flush_queue() {
    std::unique_lock lock(mutex_);
    const std::int64_t target = put_;
    ++flushers_;
    wake_writer_.notify_one();
    committed_changed_.wait(lock, [&] { return committed_ >= target || !error_.empty(); });
    --flushers_;
    throw_if_failed();
  }

  /// WAL frames into the file and both to the disk, as far as readers allow: what survives a
  /// power failure, not only the death of the process.
  void checkpoint() {
    const std::lock_guard using_database(database_mutex_);
    const int code = sqlite3_wal_checkpoint_v2(database_->handle(), nullptr,
                                               SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) database_->fail(code);
  }

  void serve() {
    std::vector<Job> group;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_writer_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      wake_writer_.wait_until(lock, oldest_ + kLinger, [&] {
        return stop_ || flushers_ > 0 || queue_.size() >= kGroup ||
               queued_bytes_ >= kQueueBytes / 2;
      });
      group.swap(queue_);
      queued_bytes_ = 0;
      lock.unlock();
      room_.notify_all();
      const std::string error = commit(group);
      const auto count = static_cast<std::int64_t>(group.size());
      group.clear();
      lock.lock();
      committed_ += count;
      if (!error.empty()) return give_up(error);
      committed_changed_.notify_all();
    }
  }

  /// With mutex_ held. Ids known to writer_ may be wrong now, so nothing more is written.
  void give_up(const std::string& error) {
    error_ = error;
    queue_.clear();
    committed_changed_.notify_all();
    room_.notify_all();
  }

  /// Empty if all is well.
  std::string commit(const std::vector<Job>& group) {
    const std::lock_guard using_database(database_mutex_);
    try {
      Transaction transaction(*database_, true);
      const std::int64_t now = now_ms();
      for (const Job& job : group) {
        if (const auto* sample = std::get_if<Sample>(&job)) writer_.write(*sample, now);
        if (const auto* rejudged = std::get_if<Rejudged>(&job)) writer_.write(*rejudged);
        if (const auto* loads = std::get_if<Loads>(&job)) writer_.write(*loads);
        if (const auto* profile = std::get_if<RunProfile>(&job)) writer_.write(*profile);
        if (const auto* remote = std::get_if<RunRemote>(&job)) writer_.write(*remote);
      }
      transaction.commit();
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }

  const std::string path_;
  StoreLock lock_;  // before the database: nothing is opened without it
  std::unique_ptr<Database> database_;
  Writer writer_;
  std::mutex database_mutex_;  // guards database_ and writer_; taken before mutex_, never after

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_writer_, room_, committed_changed_;
  std::vector<Job> queue_;
  std::unordered_set<std::int64_t> begun_;
  std::size_t queued_bytes_ = 0;
  Clock::time_point oldest_;  // when the first job of the queue was put
  std::int64_t put_ = 0;
  std::int64_t committed_ = 0;
  int flushers_ = 0;
  bool stop_ = false;
  std::string error_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Store> Store::open(const std::string& path) {
  return std::make_unique<SqliteStore>(path);
}

}  // namespace moebius::reports
