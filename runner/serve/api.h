// The dialect of OpenAI's API that the server speaks: a body to requests of the engine, refusals
// included. Knows nothing of HTTP but status codes.
// Source: OpenAI API reference, "Create chat completion" and "Create completion".
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"

namespace moebius::runner {

/// A call cannot be answered as asked. what() is one line for the client.
struct ApiError : std::runtime_error {
  ApiError(int http_status, const std::string& message, std::string error_code = "")
      : std::runtime_error(message), status(http_status), code(std::move(error_code)) {}
  int status;        // of HTTP
  std::string code;  // "context_length_exceeded" and such; empty: null
};

enum class Endpoint : std::uint8_t { kChat, kCompletions };

/// What a call is read against.
struct ApiContext {
  const engine::Tokenizer* tokenizer = nullptr;  // null: token ids only
  std::string model;                             // the name that calls may give
  std::int32_t default_max_tokens = 1024;        // of a chat that does not say
  std::int32_t max_context = 0;                  // tokens of a prompt; 0: not checked here
  std::size_t max_requests = 4096;               // of the engine, made of one call
  std::uint64_t fresh_seed = 0;                  // of a call that gives none
};

inline constexpr std::int32_t kMaxApiLogprobs = 20;  // as in OpenAI's chat
inline constexpr std::size_t kMaxApiPrompts = 2048;
inline constexpr std::int32_t kMaxApiChoices = 128;  // a prompt
inline constexpr std::size_t kMaxApiStops = 64;
inline constexpr std::size_t kMaxApiStopBytes = 1024;
inline constexpr std::size_t kMaxApiIds = std::size_t{1} << 25;  // of all requests of a call

struct ApiPrompt {
  std::vector<std::int32_t> ids;  // >= 1, BOS included
  std::string text;               // as given, or what the ids say; only with echo
  bool bos_added = false;         // ids[0] is a BOS that is not in the text
  int scored_by = -1;             // index of the request that scores all but its first token
};

/// A call understood. Choice c answers prompt c / n; the first prompts * n requests are the choices
/// in order if `generates`, those that score prompts follow.
struct ApiCall {
  Endpoint endpoint = Endpoint::kChat;
  std::vector<ApiPrompt> prompts;
  std::vector<engine::Request> requests;
  std::int32_t n = 1;
  bool generates = true;  // not with max_tokens 0, which echoes only
  bool echo = false;
  bool logprobs = false;
  std::int32_t top = 0;        // alternatives per token
  bool tokens_as_ids = false;  // tokens are named by id, not by text
  bool stream = false;
  bool stream_usage = false;

  std::size_t choices() const { return prompts.size() * static_cast<std::size_t>(n); }
};

/// Reads the body of a call, hostile until proven otherwise. Fields that would change the answer
/// and are not known are refused, never ignored. Throws ApiError: 400, or 404 for another model.
/// Whether prompt and answer together fit the model is the engine's to check.
ApiCall read_call(Endpoint endpoint, std::string_view body, const ApiContext& context);

}  // namespace moebius::runner
