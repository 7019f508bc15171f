// What a server's protocol is: how to ask, how to read what it says. One file per dialect; all of
// it pure functions over bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/remote/pacing.h"
#include "engine/remote/sse.h"

namespace moebius::engine::remote {

/// What a server said so far. Tokens have no ids (-1): servers send texts.
struct Answer {
  std::string reasoning;
  std::string text;
  std::string finish;   // as sent; empty: it has not ended
  bool closed = false;  // the stream's own end mark came
  std::vector<GeneratedToken> tokens;
  std::string model;
  std::string system_fingerprint;
  std::int64_t prompt_tokens = -1;  // -1: not told
  std::int64_t output_tokens = -1;
  std::int64_t cached_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  std::int64_t pieces = 0;  // events that brought text or reasoning
  std::string last_id;      // of the events
};

/// The server said that it failed, in an answer or instead of one.
struct ServerError : Error {
  ServerError(ErrorClass kind, const std::string& message) : Error(message), error(kind) {}
  ErrorClass error;
};

struct Asking {
  std::string model;
  bool stream = false;
  bool prompt_logprobs = false;  // Score by vLLM's prompt_logprobs, not by echo
};

struct Dialect {
  std::string_view name;
  std::string_view default_endpoint;  // empty: must be given
  std::string_view key_variable;      // where the key is in the environment
  std::vector<std::string> (*headers)(const std::string& key);

  /// Path and JSON of one question; a Score's is about continuation `leg`. Throws Error with the
  /// reason if this dialect cannot ask that.
  std::string (*path)(const Request& request);
  std::string (*body)(const Request& request, std::size_t leg, const Asking& asking);

  /// A whole answer. Throws Error if it is not what the dialect says, ServerError.
  void (*read)(std::string_view json, Answer& answer);
  /// One event of a stream. The same errors.
  void (*event)(const SseEvent& event, Answer& answer);
};

const Dialect& compatible_dialect();  // vLLM, SGLang, llama.cpp server, ...
const Dialect& openai_dialect();
const Dialect& deepseek_dialect();
const Dialect& anthropic_dialect();

/// "compatible", "openai", "deepseek", "anthropic". Throws Error that lists them.
const Dialect& find_dialect(std::string_view name);

/// What an answer with this status means; `json`: the body, perhaps not JSON. `kNone` is 200, and
/// a content filter that answers with an error (`filtered`).
struct StatusMeaning {
  ErrorClass error = ErrorClass::kNone;
  bool filtered = false;
  std::string message;  // one line, with the server's own words
};
StatusMeaning read_status(int status, std::string_view json);

/// A finished answer as a completion: thinking in <think> tags, the ways to end kept apart. Throws
/// Error if the answer contradicts itself or has not ended, ServerError if the server gave up.
Completion to_completion(const Answer& answer, const Request& request, bool streamed);

/// Log-probabilities of continuation `leg` in the answer to a Score. Throws Error if there are
/// none, or if tokens and continuation do not line up: nothing is guessed.
ScoredContinuation read_scored(std::string_view json, const Request& request, std::size_t leg);

}  // namespace moebius::engine::remote
