// The door: open(), and workers handed out to callers.
#include "scorers/sandbox/sandbox.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "scorers/sandbox/gate.h"
#include "scorers/sandbox/session.h"
#include "scorers/sandbox/worker.h"

namespace moebius::scorers::sandbox {
namespace {

// Setting a program up and tearing it down waits more than it works.
constexpr int kWorkersPerCore = 4;

class Pool {
 public:
  explicit Pool(const Setting& setting) : setting_(setting) {}

  std::unique_ptr<Worker> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Worker>(setting_, made_++);
    std::unique_ptr<Worker> worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }
  void give_back(std::unique_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
  }

 private:
  const Setting& setting_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
  int made_ = 0;
};

/// A worker for as long as it is needed.
class Lease {
 public:
  Lease(Gate& gate, Pool& pool, bool alone)
      : pass_(gate, alone), pool_(pool), worker_(pool.take()) {}
  ~Lease() { pool_.give_back(std::move(worker_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Worker& worker() { return *worker_; }

 private:
  Gate::Pass pass_;
  Pool& pool_;
  std::unique_ptr<Worker> worker_;
};

class LeasedSession : public Session {
 public:
  LeasedSession(Gate& gate, Pool& pool, bool alone, const Program& program)
      : lease_(gate, pool, alone),
        session_(std::in_place, lease_.worker(), with_channel(program)) {}

  bool send(std::string_view frame) override { return session_ && session_->send(frame); }
  Heard receive(std::string& frame, double cpu_seconds, std::size_t max_bytes) override {
    if (!session_) return Heard::kEnded;
    return session_->receive(frame, cpu_seconds, max_bytes);
  }
  Outcome finish() override {
    if (!session_) throw Error("sandbox: a session was finished twice");
    Outcome outcome = session_->finish();
    session_.reset();
    return outcome;
  }

 private:
  static Program with_channel(Program program) {
    program.channel = true;
    return program;
  }

  Lease lease_;
  std::optional<ChannelSession> session_;
};

class RealSandbox : public Sandbox {
 public:
  explicit RealSandbox(const Options& options)
      : setting_{options, compile_filter(), find_groups()},
        workers_(options.workers > 0
                     ? options.workers
                     : kWorkersPerCore *
                           static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))),
        gate_(workers_),
        pool_(setting_) {
    prove();
  }

  Outcome run(const Program& program) override { return run(program, false); }
  Outcome run_alone(const Program& program) override { return run(program, true); }
  std::unique_ptr<Session> start(const Program& program) override {
    return std::make_unique<LeasedSession>(gate_, pool_, false, program);
  }
  std::unique_ptr<Session> start_alone(const Program& program) override {
    return std::make_unique<LeasedSession>(gate_, pool_, true, program);
  }
  int workers() const override { return workers_; }
  const std::string& stamp() const override { return stamp_; }

 private:
  Outcome run(const Program& program, bool alone) {
    Lease lease(gate_, pool_, alone);
    Running running(lease.worker(), program);
    while (!running.over()) running.step(0, Running::Clock::now() + std::chrono::seconds(60));
    return running.outcome(Killed::kFinished);
  }

  /// One program through every layer, before anyone relies on them.
  void prove() {
    Lease lease(gate_, pool_, false);
    const std::string versions = lease.worker().zygote().versions();
    Running running(lease.worker(), {"print('ready')", "", false, {}});
    while (!running.over()) running.step(0, Running::Clock::now() + std::chrono::seconds(60));
    const Outcome outcome = running.outcome(Killed::kFinished);
    if (outcome.end != End::kExited || outcome.code != 0 || outcome.out != "ready\n")
      throw Error("sandbox: a trivial program does not run: " + outcome.err.substr(0, 200) +
                  " Model-written code will NOT be run.");
    const std::size_t space = versions.find(' ');
    const bool none = setting_.options.level == Level::kNone;
    stamp_ = std::string(none ? "UNSANDBOXED " : "") +
             "sandbox=" + level_name(setting_.options.level) +
             " python=" + versions.substr(0, space) + " numpy=" + versions.substr(space + 1) +
             " filter=" + (none ? "-" : setting_.filter.hash) +
             " limits=" + (setting_.groups ? setting_.groups->name() : "rlimits");
  }

  const Setting setting_;
  const int workers_;
  Gate gate_;
  Pool pool_;
  std::string stamp_;
};

}  // namespace

const char* level_name(Level level) {
  switch (level) {
    case Level::kFull:
      return "full";
    case Level::kLandlock:
      return "landlock";
    case Level::kNone:
      return "none";
  }
  return "?";
}

std::shared_ptr<Sandbox> open(const Options& options) {
  return std::make_shared<RealSandbox>(options);
}

const std::string& stamp(const Sandbox& sandbox) {
  return sandbox.stamp();
}

}  // namespace moebius::scorers::sandbox
