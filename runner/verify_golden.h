// model verify --golden: compares a loaded model with what a reference computed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/golden.h"

namespace moebius::runner {

/// Largest absolute difference of many. Anything not finite is counted apart and never
/// within any limit.
struct Deviation {
  double max = 0;
  std::int64_t values = 0;
  std::int64_t not_finite = 0;

  void add(double difference);
  void merge(const Deviation& other);
  bool within(double limit) const { return not_finite == 0 && max <= limit; }
};

/// How often something agreed.
struct Agreement {
  std::int64_t agree = 0;
  std::int64_t total = 0;
  std::int64_t ties = 0;  // of `agree`: another choice that the golden rates the same

  void merge(const Agreement& other);
  bool full() const { return agree == total; }
};

/// One case, or all of them together.
struct GoldenReport {
  std::string name;
  std::int64_t tokens = 0;
  Deviation next_logprob;  // of the tokens that follow in the case itself
  Deviation top_logprob;   // of the golden's best tokens at each position
  Deviation logits_last;   // in units of max(1, largest |logit| of the golden)
  Deviation hidden_l2;     // relative
  Deviation score_path;    // score and generate requests against the traced forward pass
  Agreement top1;
  Agreement routing;                    // positions times layers
  Agreement greedy;                     // cases
  std::int64_t greedy_without_eos = 0;  // of those that agree: only as a reference whose
                                        // minimum length held end-of-sequence ids back
  Agreement text;                       // cases whose text encodes to the golden's ids

  void merge(const GoldenReport& other);
};

struct GoldenLimits {
  double tolerance = 2e-4;  // of log-probabilities, scaled logits, relative norms
  double rounding = 5e-7;   // goldens are written with six decimals
  double path = 2e-5;       // between two ways through the engine itself
};

/// Compares one case. Throws InputError if the golden is for another model (vocabulary,
/// layers, context), engine::Error if the engine refuses.
GoldenReport compare_case(const GoldenCase& golden, engine::LocalEngine& engine);

/// One line for every criterion that `report` misses; empty if it passes.
std::vector<std::string> violations(const GoldenReport& report, const GoldenLimits& limits);

}  // namespace moebius::runner
