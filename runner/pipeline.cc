// Generates, scores and stores as one pipeline: the threads and what they hand to each other.
#include "runner/pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "runner/judge.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

constexpr std::size_t kChunk = 512;  // samples submitted together: they share prefixes

/// A sample on its way: asked, and not stored yet.
struct Flight {
  std::size_t set = 0;
  const tasks::Sample* sample = nullptr;
  std::int32_t repeat = 0;
  std::string key;
  Asker::Asked asked;
  engine::Completion completion;
};

/// One question, prepared for all its repeats.
struct Prepared {
  std::size_t set = 0;
  std::size_t position = 0;
  Asker::Asked asked;
  std::vector<std::pair<std::int32_t, std::string>> wanted;  // repeat, key; not in the store
};

std::string tags_json(const tasks::Sample& sample) {
  return Json(sample.tags).dump(-1, ' ', false, Json::error_handler_t::replace);
}

int usable_cores() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

class Pipeline {
 public:
  Pipeline(engine::Engine& engine, const Asker& asker, reports::Store& store,
           const std::vector<PlannedSet>& plan, const reports::Begun& begun,
           const PipelineOptions& options)
      : engine_(engine),
        asker_(asker),
        store_(store),
        plan_(plan),
        begun_(begun),
        options_(options) {
    for (const PlannedSet& set : plan) {
      progress_.planned += set.record.items * set.record.repeats;
    }
  }

  Progress run() {
    {
      const int threads =
          options_.scoring_threads > 0 ? options_.scoring_threads : 4 * usable_cores();
      std::vector<std::jthread> scoring;
      for (int i = 0; i < threads; ++i) scoring.emplace_back([this] { score_loop(); });
      std::jthread watching([this] { watch_engine(); });
      std::jthread reporting([this] { report_loop(); });
      feed_guarded();
      drain();
    }
    if (error_ || engine_error_) settle_engine();
    if (error_) std::rethrow_exception(error_);
    store_.flush();
    if (engine_error_) std::rethrow_exception(engine_error_);
    return progress_;
  }

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  /// Judging or storing is over.
  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    changed_.notify_all();
    work_.notify_all();
  }

  /// The engine answers no more. What it did answer is still judged and stored.
  void engine_failed(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!engine_error_) engine_error_ = error;
    changed_.notify_all();
  }

  /// With mutex_ held: nothing more is to be asked.
  bool ended() const { return error_ || engine_error_ || stopped(); }

  /// After an error: nothing may call back once this object is gone.
  void settle_engine() {
    cancel_all();
    try {
      engine_.wait();
    } catch (const std::exception&) {  // NOLINT: it is dead, which is what is thrown already
    }
  }

  // ---- feeding: questions to the engine -------------------------------------------------

  void feed_guarded() {
    try {
      feed();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  /// Questions of all sets, in order, a chunk of samples at a time.
  void feed() {
    std::vector<Prepared> chunk;
    std::size_t samples = 0;
    for (std::size_t s = 0; s < plan_.size(); ++s) {
      set_now(s);
      for (std::size_t i = 0; i < plan_[s].set.samples.size(); ++i) {
        if (!in_shard(plan_[s].set.samples[i].item, plan_[s].shard)) continue;
        chunk.push_back({.set = s, .position = i});
        samples += static_cast<std::size_t>(plan_[s].record.repeats);
        if (samples < kChunk) continue;
        if (!feed_chunk(chunk)) return;
        chunk.clear(), samples = 0;
      }
      // A set ends a chunk: its questions have nothing in common with the next one's.
      if (!chunk.empty() && !feed_chunk(chunk)) return;
      chunk.clear(), samples = 0;
      if (options_.set_computed && !settle(s)) return;
    }
  }

  /// Waits until the engine has nothing to do. False if there is no use in going on.
  bool settle(std::size_t set) {
    {
      std::unique_lock lock(mutex_);
      while (submitted_ > 0) {
        if (ended()) return false;
        changed_.wait_for(lock, std::chrono::milliseconds(100));
      }
      if (error_ || engine_error_) return false;
    }
    options_.set_computed(set);
    return !stopped();
  }

  /// False if there is no use in going on.
  bool feed_chunk(std::vector<Prepared>& chunk) {
    prepare(chunk);
    std::vector<engine::Request> requests;
    for (Prepared& prepared : chunk) {
      if (!launch(prepared, requests)) return false;
    }
    return submit(std::move(requests));
  }

  void prepare(std::vector<Prepared>& chunk) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr error;
    std::mutex error_mutex;
    const auto work = [&] {
      for (std::size_t i = next++; i < chunk.size(); i = next++) {
        try {
          prepare(chunk[i]);
        } catch (...) {
          const std::lock_guard lock(error_mutex);
          error = std::current_exception();
        }
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (int i = 1; i < usable_cores(); ++i) helpers.emplace_back(work);
      work();
    }
    if (error) std::rethrow_exception(error);
  }

  void prepare(Prepared& prepared) const {
    const PlannedSet& set = plan_[prepared.set];
    const tasks::Sample& sample = set.set.samples[prepared.position];
    prepared.asked = asker_.ask(set, sample);
    for (std::int32_t repeat = 0; repeat < set.record.repeats; ++repeat) {
      std::string key = sample_key(options_.fingerprint, options_.build, set, sample,
                                   prepared.asked.asked_sha256, repeat);
      if (!begun_.done.contains(key)) prepared.wanted.emplace_back(repeat, std::move(key));
    }
  }

  /// Puts the question's samples in flight. False if there is no use in going on.
  bool launch(Prepared& prepared, std::vector<engine::Request>& requests) {
    const PlannedSet& set = plan_[prepared.set];
    note_found(set.record.repeats - std::ssize(prepared.wanted));
    for (auto& [repeat, key] : prepared.wanted) {
      Flight flight{.set = prepared.set,
                    .sample = &set.set.samples[prepared.position],
                    .repeat = repeat,
                    .key = std::move(key),
                    .asked = prepared.asked};
      if (!prepared.asked.refusal.empty()) {
        store_refusal(flight, prepared.position);
        continue;
      }
      engine::Request request = prepared.asked.request;
      request.sample = static_cast<std::uint64_t>(repeat);
      if (!take_slot(std::move(flight), requests, request)) return false;
      requests.push_back(std::move(request));
    }
    return true;
  }

  void store_refusal(const Flight& flight, std::size_t position) {
    reports::Sample stored;
    stored.failure = "refused";
    stored.message = flight.asked.refusal;
    complete(stored, flight, position);
    store_.put(std::move(stored));
    count(true);
  }

  /// Waits for room; what is collected goes to the engine first, or room would never come. Then
  /// for room for many: each sample that goes to the engine alone would compute its whole prefix.
  bool take_slot(Flight flight, std::vector<engine::Request>& requests, engine::Request& request) {
    std::unique_lock lock(mutex_);
    if (flights_.size() >= options_.in_flight) {
      if (!requests.empty()) {
        lock.unlock();
        if (!submit(std::exchange(requests, {}))) return false;
        lock.lock();
      }
      const std::size_t room = std::min(kChunk, (options_.in_flight + 1) / 2);
      while (flights_.size() + room > options_.in_flight) {
        if (ended()) return false;
        changed_.wait_for(lock, std::chrono::milliseconds(100));
      }
    }
    if (ended()) return false;
    request.id = next_id_++;
    flights_.emplace(request.id, std::move(flight));
    return true;
  }

  bool submit(std::vector<engine::Request> requests) {
    if (requests.empty()) return !stopped();
    const std::size_t count = requests.size();
    {
      const std::lock_guard lock(mutex_);
      if (error_ || engine_error_) return false;
      submitted_ += count;
    }
    changed_.notify_all();
    try {
      engine_.submit(std::move(requests),
                     [this](engine::Completion completion) { answered(std::move(completion)); });
    } catch (...) {
      engine_failed(std::current_exception());
      return false;
    }
    return !stopped();
  }

  // ---- the engine's side -------------------------------------------------------------------

  void answered(engine::Completion completion) {
    if (options_.answered) options_.answered(completion);
    const std::lock_guard lock(mutex_);
    --submitted_;
    progress_.prompt_tokens += completion.prompt_tokens;
    progress_.cached_tokens += completion.cached_tokens;
    const auto found = flights_.find(completion.id);
    if (found == flights_.end()) return;
    found->second.completion = std::move(completion);
    to_score_.push_back(found->first);
    work_.notify_one();
    if (submitted_ == 0) changed_.notify_all();
  }

  /// wait() is the only word of an engine that died; somebody must be listening.
  void watch_engine() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return submitted_ > 0 || fed_ || error_ || engine_error_; });
        if (submitted_ == 0 || error_ || engine_error_) return;
      }
      try {
        engine_.wait();
      } catch (...) {
        return engine_failed(std::current_exception());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void cancel_all() {
    std::vector<std::uint64_t> ids;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, flight] : flights_) ids.push_back(id);
    }
    for (const std::uint64_t id : ids) engine_.cancel(id);
  }

  /// Nothing more is asked; waits until all that was is stored.
  void drain() {
    if (stopped()) cancel_all();
    std::unique_lock lock(mutex_);
    fed_ = true;
    changed_.notify_all();
    bool cancelled = stopped();
    const auto expected = [this] { return submitted_ > 0 && !engine_error_; };
    while (!error_ && (expected() || !to_score_.empty() || scoring_ > 0)) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      if (!stopped() || cancelled) continue;
      cancelled = true;
      lock.unlock();
      cancel_all();
      lock.lock();
    }
    over_ = true;
    work_.notify_all();
    report_.notify_all();
  }

  // ---- judging -------------------------------------------------------------------------

  void score_loop() {
    for (;;) {
      std::uint64_t id = 0;
      Flight* flight = nullptr;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [&] { return !to_score_.empty() || over_ || error_; });
        if (to_score_.empty() || error_) return;
        id = to_score_.front();
        to_score_.pop_front();
        flight = &flights_.at(id);  // stays where it is until it is erased below
        ++scoring_;
      }
      try {
        score(*flight);
      } catch (...) {
        fail(std::current_exception());
      }
      const std::lock_guard lock(mutex_);
      --scoring_;
      flights_.erase(id);
      changed_.notify_all();
    }
  }

  void score(Flight& flight) {
    if (flight.completion.finish == engine::Finish::kCancelled) return;
    // Only the server of a remote model knows its tokens.
    if (flight.completion.served) flight.asked.prompt_tokens = flight.completion.prompt_tokens;
    reports::Sample stored =
        judge(*flight.sample, flight.asked.request, std::move(flight.completion));
    const auto& samples = plan_[flight.set].set.samples;
    complete(stored, flight, static_cast<std::size_t>(flight.sample - samples.data()));
    const bool failed = !stored.failure.empty();
    store_.put(std::move(stored));
    count(failed);
  }

  std::int64_t position_of(std::size_t set, std::size_t place) const {
    if (options_.positions.empty()) return static_cast<std::int64_t>(place);
    return options_.positions.at(set).at(place);
  }

  /// What does not depend on the answer.
  void complete(reports::Sample& stored, const Flight& flight, std::size_t position) const {
    const tasks::Sample& sample = *flight.sample;
    stored.set = begun_.sets[flight.set].id;
    stored.repeat = flight.repeat;
    stored.key = flight.key;
    stored.item = {.item = sample.item,
                   .position = position_of(flight.set, position),
                   .cluster = sample.cluster,
                   .stratum = sample.stratum,
                   .tags = tags_json(sample),
                   .target = sample.target,
                   .prompt = flight.asked.prompt,
                   .prompt_sha256 = flight.asked.prompt_sha256,
                   .prompt_tokens = flight.asked.prompt_tokens};
  }

  // ---- reporting -----------------------------------------------------------------------

  void set_now(std::size_t set) {
    const std::lock_guard lock(mutex_);
    progress_.now = plan_[set].record.task + ":" + plan_[set].record.variant;
  }
  void note_found(std::int64_t count) {
    const std::lock_guard lock(mutex_);
    progress_.found += count;
  }
  void count(bool failed) {
    const std::lock_guard lock(mutex_);
    ++(failed ? progress_.failed : progress_.scored);
  }

  void report_loop() {
    std::unique_lock lock(mutex_);
    while (!over_) {
      report_.wait_for(lock, std::chrono::milliseconds(200), [&] { return over_; });
      if (!options_.progress) continue;
      const Progress now = progress_;
      lock.unlock();
      options_.progress(now);
      lock.lock();
    }
  }

  engine::Engine& engine_;
  const Asker& asker_;
  reports::Store& store_;
  const std::vector<PlannedSet>& plan_;
  const reports::Begun& begun_;
  const PipelineOptions& options_;

  std::mutex mutex_;                 // guards all below
  std::condition_variable changed_;  // the feeder, the watcher and drain() look again
  std::condition_variable work_;     // there is something to judge
  std::condition_variable report_;
  std::unordered_map<std::uint64_t, Flight> flights_;
  std::deque<std::uint64_t> to_score_;
  std::uint64_t next_id_ = 0;
  std::size_t submitted_ = 0;  // to the engine, not answered yet
  std::size_t scoring_ = 0;
  bool fed_ = false;   // nothing more will be asked
  bool over_ = false;  // everything is stored, or given up
  std::exception_ptr error_;
  std::exception_ptr engine_error_;
  Progress progress_;
};

}  // namespace

Progress run_pipeline(engine::Engine& engine, const Asker& asker, reports::Store& store,
                      const std::vector<PlannedSet>& plan, const reports::Begun& begun,
                      const PipelineOptions& options) {
  return Pipeline(engine, asker, store, plan, begun, options).run();
}

}  // namespace moebius::runner
