#include "engine/serving/server.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/serving/generation.h"
#include "engine/serving/scoring.h"

namespace moebius::engine {

/// A request being served.
struct Server::Job {
  Completion completion;
  Sets::iterator set;
  Jobs::iterator self;
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::size_t left = 0;              // sequences not ended
  Generation* generation = nullptr;  // the one sequence of a generation
};

Server::Server(Stepper& stepper, const Tokenizer* tokenizer, const ServerOptions& options)
    : tokenizer_(tokenizer),
      eos_ids_(options.eos_ids),
      between_steps_(options.between_steps),
      died_(options.died),
      limits_{stepper.vocab(), stepper.max_context(), stepper.pages()},
      scheduler_(stepper, {options.prefill_chunk, options.share_prefixes}),
      pages_free_(stepper.pages()) {
  if (options.max_context > 0) limits_.context = std::min(limits_.context, options.max_context);
  if (limits_.vocab < 1 || limits_.context < 1 || options.max_context < 0) {
    throw std::invalid_argument("Server: vocabulary and context must be >= 1");
  }
  thread_ = std::jthread([this] { serve(); });
}

Server::~Server() {
  stop();
  thread_.join();
}

void Server::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
}

void Server::submit(std::vector<Request> requests, Engine::Done done) {
  if (requests.empty()) return;
  Command command;
  const std::size_t count = requests.size();
  command.set.push_back({std::move(done), count, Clock::now(), std::move(requests)});
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || error_) return;
    in_flight_ += count;
    inbox_.push_back(std::move(command));
  }
  work_.notify_one();
}

void Server::cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || error_) return;
    inbox_.push_back({{}, id});
  }
  work_.notify_one();
}

void Server::wait() {
  if (std::this_thread::get_id() == thread_.get_id()) {
    throw std::logic_error("Server::wait: called in `done`, which it would wait for");
  }
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return in_flight_ == 0 || error_; });
  if (error_) std::rethrow_exception(error_);
}

SchedulerCounts Server::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::int32_t Server::pages_free() const {
  const std::lock_guard lock(mutex_);
  return pages_free_;
}

// ---- the server's thread ----------------------------------------------------------------

void Server::serve() {
  try {
    std::vector<Command> commands;
    while (await(commands)) {
      for (Command& command : commands) take(command);
      if (scheduler_.idle()) continue;
      const std::span<Sequence* const> finished = scheduler_.step();
      if (between_steps_) between_steps_();
      for (Sequence* sequence : finished) finish_sequence(*sequence);
    }
    end_all(commands);
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      quiet_.notify_all();
    }
    if (died_) died_();
  }
}

bool Server::await(std::vector<Command>& commands) {
  std::unique_lock lock(mutex_);
  publish();
  work_.wait(lock, [this] { return stopping_ || !inbox_.empty() || !scheduler_.idle(); });
  commands.clear();
  commands.swap(inbox_);
  return !stopping_;
}

void Server::publish() {
  counts_ = scheduler_.counts();
  pages_free_ = scheduler_.pages().free();
}

void Server::take(Command& command) {
  if (command.set.empty()) {
    cancel_jobs(command.id);
  } else {
    take_set(command.set);
  }
}

void Server::take_set(Sets& arrived) {
  const auto set = arrived.begin();
  sets_.splice(sets_.end(), arrived);
  const std::vector<Request> requests = std::move(set->requests);
  std::vector<Job*> started;
  std::vector<Sequence*> sequences;
  for (const Request& request : requests) {
    Job& job = open_job(set, request);
    if (job.sequences.empty()) {
      answer(job);
      continue;
    }
    started.push_back(&job);
    for (const auto& sequence : job.sequences) sequences.push_back(sequence.get());
  }
  scheduler_.add(sequences);
  for (Job* job : started) {
    for (const auto& sequence : job->sequences) {
      job->completion.cached_tokens =
          std::max(job->completion.cached_tokens, sequence->cached_tokens);
    }
  }
}

// Without sequences the job is finished as it is.
Server::Job& Server::open_job(Sets::iterator set, const Request& request) {
  const auto self = jobs_.emplace(request.id, std::make_unique<Job>());
  Job& job = *self->second;
  job.self = self;
  job.set = set;
  job.completion.id = request.id;
  make_sequences(job, request);
  job.left = job.sequences.size();
  for (const auto& sequence : job.sequences) sequence->owner = &job;
  return job;
}

void Server::make_sequences(Job& job, const Request& request) {
  Completion& out = job.completion;
  Expansion expansion = expand(request, tokenizer_, limits_);
  if (!expansion.refusal.empty()) {
    out.finish = Finish::kRefused;
    out.error = std::move(expansion.refusal);
    return;
  }
  out.prompt_tokens = static_cast<std::int32_t>(expansion.prompt.size());
  if (request.score) {
    for (auto& ids : expansion.continuations) out.continuations.push_back({.ids = std::move(ids)});
    job.sequences = make_scorings(expansion.prompt, request.score->logprobs, out);
    return;
  }
  const std::int32_t room =
      answer_room(expansion.prompt.size(), request.generate->max_new_tokens, limits_);
  if (room < 1) {
    out.finish = Finish::kContextFull;
    return;
  }
  auto generation = std::make_unique<Generation>(request, std::move(expansion.prompt), room,
                                                 eos_ids_, tokenizer_, out);
  job.generation = generation.get();
  job.sequences.push_back(std::move(generation));
}

void Server::finish_sequence(Sequence& sequence) {
  Job& job = *static_cast<Job*>(sequence.owner);
  if (--job.left == 0) answer(job);
}

void Server::cancel_jobs(std::uint64_t id) {
  std::vector<Job*> cancelled;
  const auto [first, last] = jobs_.equal_range(id);
  for (auto job = first; job != last; ++job) cancelled.push_back(job->second.get());
  for (Job* job : cancelled) {
    for (const auto& sequence : job->sequences) {
      if (sequence->task != nullptr) scheduler_.drop(*sequence);
    }
    job->completion.finish = Finish::kCancelled;
    if (job->generation != nullptr) job->generation->end(Finish::kCancelled);
    for (ScoredContinuation& scored : job->completion.continuations) {
      scored.greedy = scored.greedy && scored.logprobs.size() == scored.ids.size();
    }
    answer(*job);
  }
}

void Server::end_all(std::vector<Command>& commands) {
  while (!jobs_.empty()) cancel_jobs(jobs_.begin()->first);
  for (Command& command : commands) {
    if (command.set.empty()) continue;
    const auto set = command.set.begin();
    sets_.splice(sets_.end(), command.set);
    const std::vector<Request> requests = std::move(set->requests);
    for (const Request& request : requests) {
      deliver(set, {.id = request.id, .finish = Finish::kCancelled});
    }
  }
}

void Server::answer(Job& job) {
  const auto set = job.set;
  Completion completion = std::move(job.completion);
  jobs_.erase(job.self);
  deliver(set, std::move(completion));
}

void Server::deliver(Sets::iterator set, Completion completion) {
  completion.latency_us =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - set->submitted).count();
  set->done(std::move(completion));
  if (--set->left == 0) sets_.erase(set);
  const std::lock_guard lock(mutex_);
  publish();
  if (--in_flight_ == 0) quiet_.notify_all();
}

}  // namespace moebius::engine
