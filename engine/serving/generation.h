// An answer being generated: draws, stops, text and log-probabilities of one sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/engine.h"
#include "engine/serving/answer_text.h"
#include "engine/serving/sequence.h"

namespace moebius::engine {

class Generation : public Sequence {
 public:
  /// `prompt`: >= 1 id. `room`: tokens to generate at most, >= 1; the rest of the context or
  /// Generate::max_new_tokens, whichever is less. `eos_ids` count unless ignore_eos.
  /// Writes its results to `out`, which must outlive it.
  Generation(const Request& request, std::vector<std::int32_t> prompt, std::int32_t room,
             std::vector<std::int32_t> eos_ids, const Tokenizer* tokenizer, Completion& out);

  void ask(std::int32_t position, StepHead& head) override;
  std::int32_t take(std::int32_t position, StepResult& result) override;

  /// Ends the answer: sets `finish`, and `text` and `stop` of what there is.
  void end(Finish finish);

 private:
  bool stops(std::int32_t id) const;
  bool append_text(std::int32_t id);
  void tell();

  const Tokenizer* tokenizer_;
  Completion& out_;
  StepDraw draw_;
  std::int32_t top_;
  std::int32_t room_;
  std::int32_t max_new_tokens_;
  std::int32_t min_new_tokens_;
  std::vector<std::int32_t> early_banned_;  // while fewer than min_new_tokens_
  std::vector<std::int32_t> stop_ids_;      // ascending
  AnswerText text_;
  std::uint64_t id_;
  std::function<void(const Growth&)> on_token_;
  std::size_t told_ = 0;  // bytes of the text that on_token_ has heard
};

}  // namespace moebius::engine
