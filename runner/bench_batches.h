// What `bench engine` measures with token ids of its own: batches of prompts, and whole sets of
// requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/output.h"

namespace moebius::runner {

/// Prompts of random ids, each answered at full length.
struct Workload {
  std::int32_t prompt_tokens = 512;
  std::int32_t new_tokens = 32;
  std::int32_t repetitions = 3;
  std::uint64_t seed = 1;
  bool profile = false;
};

/// So many prompts at once: medians.
struct BatchSpeed {
  std::int32_t batch = 0;
  double prefill_tokens_s = 0;
  double decode_tokens_s = 0;
  std::optional<engine::KernelProfile> profile;  // of all its repetitions
};

/// So many requests submitted together: the median time until the last one is answered.
struct SetSpeed {
  std::int64_t requests = 0;
  double seconds = 0;
  double requests_s = 0;
  double prompt_tokens_s = 0;
  double new_tokens_s = 0;
  std::optional<engine::KernelProfile> profile;  // of all repetitions
};

/// Times whole sets of requests on one engine.
class Stopwatch {
 public:
  /// Throws InputError if a prompt and its answer exceed the context. `engine` must outlive it.
  Stopwatch(engine::LocalEngine& engine, const Workload& work);

  /// Each throws engine::Error if a request is refused.
  BatchSpeed measure_batch(std::int32_t batch);
  SetSpeed measure_set(std::int64_t requests);

 private:
  std::int32_t next_id();
  double seconds(std::int64_t requests, std::int32_t prompt_tokens, std::int32_t new_tokens);
  std::optional<engine::KernelProfile> profile();

  engine::LocalEngine& engine_;
  Workload work_;
  std::uint64_t state_;
  std::int32_t vocab_ = 0;
};

std::string batches_text(const std::vector<BatchSpeed>& speeds, const Workload& work,
                         const engine::ModelInfo& info, const engine::EngineLimits& limits);
Json batches_json(const std::vector<BatchSpeed>& speeds, const Workload& work,
                  const engine::ModelInfo& info, const engine::EngineLimits& limits);

std::string set_text(const SetSpeed& speed, const Workload& work, const engine::ModelInfo& info);
Json set_json(const SetSpeed& speed, const Workload& work, const engine::ModelInfo& info);

/// What the kernels took, the costliest first; `of`: "batch 8".
std::string profile_text(const std::string& of, const engine::KernelProfile& profile);

}  // namespace moebius::runner
