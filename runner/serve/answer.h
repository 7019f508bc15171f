// What the server says: completions of the engine in the dialect of OpenAI's API, whole or as a
// stream of events. Pure: the clock and the ids are the caller's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runner/output.h"
#include "runner/serve/api.h"
#include "runner/serve/token_text.h"

namespace moebius::runner {

/// What every part of one answer names.
struct AnswerHead {
  std::string id;            // without "chatcmpl-" or "cmpl-"
  std::int64_t created = 0;  // seconds since 1970
  std::string model;
  std::string fingerprint;  // of weights, tokenizer and arithmetic
};

/// {"error": {...}} of a status.
Json error_json(const ApiError& error);

/// Tokens of all choices; a prompt counts once, however many choices it has.
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of those
  std::int64_t completion_tokens = 0;
};
Usage usage_of(const ApiCall& asked, std::span<const engine::Completion> completions);

/// Throws ApiError if any of the completions is no answer: refused by the engine (400), logits that
/// are not finite (500), cancelled (503).
void require_answers(std::span<const engine::Completion> completions);

/// The whole answer. `completions`: of asked.requests, in their order; answers, all of them.
/// `tokenizer` may be null.
Json answer_json(const ApiCall& asked, std::span<const engine::Completion> completions,
                 const AnswerHead& head, const engine::Tokenizer* tokenizer);

/// The events of a streamed answer, each "data: {...}\n\n".
class AnswerStream {
 public:
  /// All must outlive it.
  AnswerStream(const ApiCall& asked, const AnswerHead& head, const engine::Tokenizer* tokenizer);

  /// Before everything else of `choice`: the role, or the prompt to be echoed. May be empty.
  std::string begin(std::size_t choice);
  /// A token of `choice`: `text` as engine::Growth has it. Empty if there is nothing to show yet.
  std::string token(std::size_t choice, const engine::GeneratedToken& token,
                    const std::string& text);
  /// The rest of its text, and why it ended.
  std::string end(std::size_t choice, const engine::Completion& completion);
  /// After all choices.
  std::string close(const Usage& usage) const;
  /// Instead, when something went wrong half-way.
  static std::string fail(const ApiError& error);

 private:
  Json event(std::size_t choice, const std::string& text, Json logprobs, Json finish) const;

  const ApiCall& asked_;
  const AnswerHead& head_;
  const engine::Tokenizer* tokenizer_;
  std::vector<std::size_t> sent_;  // bytes of each choice's text
  std::vector<TextPlace> places_;  // of each choice's next token
};

}  // namespace moebius::runner
