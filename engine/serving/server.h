// The serving core: answers requests with a Stepper, as engine.h promises.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/forward/stepper.h"
#include "engine/serving/expand.h"
#include "engine/serving/scheduler.h"

namespace moebius::engine {

struct ServerOptions {
  std::int32_t prefill_chunk = 0;  // at most so many tokens of one prompt a step; 0: no limit
  bool share_prefixes = true;
  std::vector<std::int32_t> eos_ids;    // end a generation unless it says ignore_eos
  std::int32_t max_context = 0;         // tokens; 0: the Stepper's. The lesser of the two counts
  std::function<void()> between_steps;  // called by the server's thread after each step, before
                                        // it answers
  std::function<void()> died;           // called by the server's thread when an exception has
                                        // ended the server; must not throw
};

/// Engine's submit, cancel and wait, in a thread of its own that runs the Stepper's steps.
/// All functions may be called from any thread, from `done` too, except that wait() and the
/// destructor may not.
///
/// An exception from the Stepper or from `done` ends the server: requests that are not
/// answered yet never will be, later ones are ignored, and wait() throws it each time.
class Server {
 public:
  /// `stepper` and `tokenizer` (may be null: ids only) must outlive the server.
  /// std::invalid_argument if the Stepper or an option is out of range.
  Server(Stepper& stepper, const Tokenizer* tokenizer, const ServerOptions& options);

  /// Answers what is unfinished with kCancelled; ignores what `done` submits meanwhile.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// See Engine. A set is expanded, refusals included, in the server's thread. Sets are
  /// served in the order they come; prefixes are shared within a set.
  void submit(std::vector<Request> requests, Engine::Done done);
  void cancel(std::uint64_t id);  // every unfinished request submitted so far that has this id
  void wait();                    // std::logic_error in `done`

  /// Takes nothing more and answers what is unfinished with kCancelled after the step in
  /// progress, without waiting for it.
  void stop();

  SchedulerCounts counts() const;   // up to the last step, all of them after wait()
  std::int32_t pages_free() const;  // of the KV cache, likewise

 private:
  using Clock = std::chrono::steady_clock;
  struct Job;
  using Jobs = std::multimap<std::uint64_t, std::unique_ptr<Job>>;  // by Request::id
  struct Set {
    Engine::Done done;
    std::size_t left = 0;  // requests not answered
    Clock::time_point submitted;
    std::vector<Request> requests;  // until they are taken
  };
  using Sets = std::list<Set>;
  struct Command {  // a set to take, or an id to cancel
    Sets set;       // one or none
    std::uint64_t id = 0;
  };

  void serve();
  bool await(std::vector<Command>& commands);  // false at the end
  void publish();                              // under the mutex
  void take(Command& command);
  void take_set(Sets& arrived);
  Job& open_job(Sets::iterator set, const Request& request);
  void make_sequences(Job& job, const Request& request);
  void finish_sequence(Sequence& sequence);
  void cancel_jobs(std::uint64_t id);
  void end_all(std::vector<Command>& commands);
  void answer(Job& job);
  void deliver(Sets::iterator set, Completion completion);

  const Tokenizer* tokenizer_;
  std::vector<std::int32_t> eos_ids_;
  std::function<void()> between_steps_;
  std::function<void()> died_;
  Limits limits_;

  // The server's thread alone:
  Sets sets_;
  Jobs jobs_;
  Scheduler scheduler_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable work_;
  std::condition_variable quiet_;
  std::vector<Command> inbox_;
  std::size_t in_flight_ = 0;
  bool stopping_ = false;
  std::exception_ptr error_;
  SchedulerCounts counts_;
  std::int32_t pages_free_ = 0;

  std::jthread thread_;
};

}  // namespace moebius::engine
