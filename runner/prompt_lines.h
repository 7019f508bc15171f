// JSON lines from outside as requests: prompts to continue, continuations to score.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "runner/output.h"

namespace moebius::runner {

/// What is asked of every prompt unless its own line says otherwise.
struct GenerateSettings {
  engine::Generate generate;
  std::int32_t samples = 1;
  bool chat = false;    // a text prompt is the user's turn of a conversation
  bool special = true;  // special tokens written in a text prompt are read as such
  std::string system;   // first turn of a chat; empty for none
};

/// One prompt and what is asked of it.
struct GenerateJob {
  Json id;                                // the line's own, or its number
  engine::Prompt prompt;                  // of text or ids
  std::vector<engine::Message> messages;  // instead, if not empty
  engine::Generate generate;
  std::int32_t samples = 1;
};

struct ScoreJob {
  Json id;
  engine::Prompt context;
  std::vector<engine::Prompt> continuations;
};

inline constexpr std::int32_t kMaxNewTokens = 1 << 24;
inline constexpr std::int32_t kMaxSamples = 1 << 16;
inline constexpr std::int32_t kMaxLogprobs = 1024;  // of engine::Generate

/// A job for a prompt given on the command line.
GenerateJob text_job(const std::string& text, const GenerateSettings& settings);

/// {"id"?, "prompt" | "ids" | "messages", "max_new_tokens"?, "temperature"?, "top_p"?, "top_k"?,
/// "min_p"?, "seed"?, "stop"?, "logprobs"?, "samples"?} a line; other fields are left alone, so
/// that benchmark files can be used as they are. Throws InputError("FILE:3: ...").
std::vector<GenerateJob> read_generate_jobs(const std::string& path,
                                            const GenerateSettings& settings);

/// {"id"?, "context", "continuations": [...]} a line, each text or an array of token ids.
std::vector<ScoreJob> read_score_jobs(const std::string& path);

/// [{"role", "content"}, ...], at least one.
std::vector<engine::Message> json_messages(const nlohmann::json& value, const std::string& where);

/// The job's requests, one a sample, chats rendered with the engine's tokenizer.
std::vector<engine::Request> to_requests(const GenerateJob& job, const engine::LocalEngine& engine);

engine::Request to_request(const ScoreJob& job);

}  // namespace moebius::runner
