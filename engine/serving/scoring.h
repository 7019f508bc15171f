// Continuations being scored: log-probabilities of given tokens after a context.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/serving/sequence.h"

namespace moebius::engine {

/// One multi-token continuation, or all single-token ones, which are targets of one row.
class Scoring : public Sequence {
 public:
  /// `outs`: some of `completion`'s continuations, each with its ids set; equally long, and more
  /// than one only if that is 1. They must outlive this. `logprobs`: of Score.
  Scoring(std::span<const std::int32_t> context, std::vector<ScoredContinuation*> outs,
          std::int32_t logprobs, Completion& completion);

  void ask(std::int32_t position, StepHead& head) override;
  std::int32_t take(std::int32_t position, StepResult& result) override;

 private:
  std::vector<ScoredContinuation*> outs_;
  std::int32_t logprobs_;
  Completion& completion_;
};

/// The sequences that score every continuation of `completion` after `context`, which has >= 1 id.
std::vector<std::unique_ptr<Sequence>> make_scorings(std::span<const std::int32_t> context,
                                                     std::int32_t logprobs, Completion& completion);

}  // namespace moebius::engine
