// Engine's submit, cancel and wait over servers that hold the same model, one for each device.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/engine.h"
#include "engine/serving/server.h"

namespace moebius::engine {

/// When one server dies, the others answer what they have left with kCancelled and take nothing
/// more: half a machine would go on with half of the answers.
class Replicas {
 public:
  /// The steppers and the tokenizer (may be null) must outlive this. At least one stepper.
  Replicas(const std::vector<Stepper*>& steppers, const Tokenizer* tokenizer,
           const ServerOptions& options);
  ~Replicas();

  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  /// See Engine. `done` hears from one server at a time.
  void submit(std::vector<Request> requests, Engine::Done done);
  void cancel(std::uint64_t id);
  /// When it returns or throws, no `done` is running, nor will be before the next submit().
  /// Throws what ended the first server that died.
  void wait();

 private:
  void stop_all();

  std::mutex answering_;
  std::mutex ending_mutex_;                       // guards ending_
  bool ending_ = false;                           // servers are being destroyed
  std::vector<std::unique_ptr<Server>> servers_;  // last: their threads use all the others
};

}  // namespace moebius::engine
