#include "engine/local/replicas.h"

#include <exception>
#include <utility>

#include "engine/local/deal.h"

namespace moebius::engine {

Replicas::Replicas(const std::vector<Stepper*>& steppers, const Tokenizer* tokenizer,
                   const ServerOptions& options) {
  ServerOptions mine = options;
  mine.died = [this] { stop_all(); };
  for (Stepper* stepper : steppers) {
    servers_.push_back(std::make_unique<Server>(*stepper, tokenizer, mine));
  }
}

Replicas::~Replicas() {
  stop_all();  // together: none goes on while another finishes its step
  const std::lock_guard lock(ending_mutex_);
  ending_ = true;
}

void Replicas::submit(std::vector<Request> requests, Engine::Done done) {
  if (servers_.size() == 1) return servers_[0]->submit(std::move(requests), std::move(done));
  const Engine::Done one_at_a_time = [this, done = std::move(done)](Completion completion) {
    const std::lock_guard lock(answering_);
    done(std::move(completion));
  };
  auto parts = deal(std::move(requests), servers_.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    servers_[i]->submit(std::move(parts[i]), one_at_a_time);
  }
}

void Replicas::cancel(std::uint64_t id) {
  for (const auto& server : servers_) server->cancel(id);
}

void Replicas::wait() {
  std::exception_ptr first;
  for (const auto& server : servers_) {
    try {
      server->wait();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

void Replicas::stop_all() {
  const std::lock_guard lock(ending_mutex_);
  if (ending_) return;
  for (const auto& server : servers_) server->stop();
}

}  // namespace moebius::engine
