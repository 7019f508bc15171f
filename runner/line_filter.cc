// JSON lines in, JSON lines out, in the same order, worked on by several threads.
#include "runner/line_filter.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "scorers/scorer.h"

namespace moebius::runner {
namespace {

struct Line {
  std::int64_t number = 0;
  std::string text;
  std::string where;
};

struct Result {
  std::string text;
  bool failed = false;
};

Json result_of(const Line& line, const LineWork& work, bool& failed) {
  const nlohmann::json parsed = parse_json(line.text, line.where);
  if (!parsed.is_object()) throw InputError(line.where + ": expected a JSON object");
  const Fields fields(parsed, line.where);
  Json json = Json::object();
  for (const char* name : {"id", "task_id", "question_id"}) {
    if (parsed.contains(name)) json[name] = parsed[name];
  }
  try {
    json.update(work(fields));
  } catch (const scorers::Error& error) {
    json["error"] = error.what();
    failed = true;
  }
  return json;
}

class Filter {
 public:
  Filter(const std::string& path, int threads, const LineWork& work, Output& out)
      : reader_(path), work_(work), out_(out), window_(static_cast<std::size_t>(threads) * 8) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
  }

  ~Filter() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  std::int64_t run() {
    std::int64_t number = 0;
    for (std::string text; reader_.next(text);) {
      put({number++, std::move(text), reader_.where()});
      write_ready(window_);
    }
    while (written_ < number) write_ready(0);
    return failed_;
  }

 private:
  void put(Line line) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(line));
    ++open_;
    changed_.notify_all();
  }

  /// Writes what is next in order; waits while more than `most` lines are under way.
  void write_ready(std::size_t most) {
    std::unique_lock lock(mutex_);
    while (!error_) {
      const auto next = results_.find(written_);
      if (next != results_.end()) {
        const Result result = std::move(next->second);
        results_.erase(next);
        ++written_, --open_;
        failed_ += result.failed ? 1 : 0;
        lock.unlock();
        out_.write(result.text);
        lock.lock();
      } else if (open_ > most) {
        changed_.wait(lock);
      } else {
        return;
      }
    }
    std::rethrow_exception(error_);
  }

  void loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return over_ || error_ || !waiting_.empty(); });
      if (over_ || error_) return;
      const Line line = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work_on(line);
    }
  }

  void work_on(const Line& line) {
    Result result;
    std::exception_ptr error;
    try {
      result.text = json_line(result_of(line, work_, result.failed));
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = error;
    results_.emplace(line.number, std::move(result));
    changed_.notify_all();
  }

  LineReader reader_;
  const LineWork& work_;
  Output& out_;
  std::size_t window_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Line> waiting_;
  std::map<std::int64_t, Result> results_;
  std::size_t open_ = 0;
  std::int64_t written_ = 0;
  std::int64_t failed_ = 0;
  bool over_ = false;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;  // last: they use all the others
};

}  // namespace

std::int64_t filter_lines(const std::string& path, int threads, const LineWork& work, Output& out) {
  return Filter(path, std::max(threads, 1), work, out).run();
}

}  // namespace moebius::runner
