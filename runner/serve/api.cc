// The dialect of OpenAI's API that the server speaks: a body to requests of the engine, refusals
// included.
#include "runner/serve/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "runner/input.h"
#include "runner/prompt_lines.h"
#include "runner/serve/token_text.h"

namespace moebius::runner {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "request";

[[noreturn]] void refuse(const std::string& why) {
  throw InputError(fmt::format("{}: {}", kWhere, why));
}

// ---- which fields there may be ----------------------------------------------------------------

constexpr std::array kCommonFields = {"model",          "stream",
                                      "stream_options", "n",
                                      "seed",           "temperature",
                                      "top_p",          "top_k",
                                      "min_p",          "stop",
                                      "max_tokens",     "logprobs",
                                      "ignore_eos",     "stop_token_ids",
                                      "min_tokens",     "return_tokens_as_token_ids",
                                      "user",           "presence_penalty",
                                      "logit_bias",     "frequency_penalty"};
constexpr std::array kChatFields = {"messages",
                                    "top_logprobs",
                                    "max_completion_tokens",
                                    "tools",
                                    "tool_choice",
                                    "response_format",
                                    "metadata",
                                    "store",
                                    "service_tier",
                                    "parallel_tool_calls"};
constexpr std::array kCompletionFields = {"prompt", "echo", "best_of", "suffix",
                                          "add_special_tokens"};

template <std::size_t kSize>
bool holds(const std::array<const char*, kSize>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_names(const json& call, Endpoint endpoint) {
  for (const auto& field : call.items()) {
    const std::string& name = field.key();
    const bool known =
        holds(kCommonFields, name) ||
        (endpoint == Endpoint::kChat ? holds(kChatFields, name) : holds(kCompletionFields, name));
    if (!known) refuse(fmt::format("unknown field \"{}\"", name.substr(0, 64)));
  }
}

bool flag(const Fields& fields, const char* name, bool fallback = false) {
  if (!fields.has(name)) return fallback;
  const json& value = fields.at(name);
  if (value.is_boolean()) return value.get<bool>();
  refuse(fmt::format("\"{}\": expected true or false, found {}", name, value.type_name()));
}

std::int32_t integer(const Fields& fields, const char* name, std::int32_t low, std::int32_t high,
                     std::int32_t fallback) {
  return fields.has(name) ? static_cast<std::int32_t>(fields.integer(name, low, high)) : fallback;
}

float number(const Fields& fields, const char* name, double low, double high, float fallback) {
  return fields.has(name) ? static_cast<float>(fields.number(name, low, high)) : fallback;
}

/// Features of the API that this server does not have may be there only if they ask for nothing.
void check_absent(const Fields& fields) {
  for (const char* name : {"presence_penalty", "frequency_penalty"}) {
    if (number(fields, name, -2, 2, 0) != 0) refuse(fmt::format("\"{}\" is not supported", name));
  }
  for (const char* name : {"logit_bias", "tools", "suffix"}) {
    if (fields.has(name) && !fields.at(name).empty()) {
      refuse(fmt::format("\"{}\" is not supported", name));
    }
  }
  if (fields.has("tool_choice") && fields.at("tool_choice") != "none") {
    refuse("\"tool_choice\" is not supported");
  }
  if (fields.has("response_format") &&
      Fields(fields.at("response_format"), "request: \"response_format\"").text("type") != "text") {
    refuse("\"response_format\" other than text is not supported");
  }
}

// ---- how to answer ----------------------------------------------------------------------------

engine::Sampling read_sampling(const Fields& fields, const ApiContext& context) {
  constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
  engine::Sampling sampling;
  sampling.temperature = number(fields, "temperature", 0, 1e6, 1);
  sampling.top_p = number(fields, "top_p", 1e-9, 1, 1);
  sampling.min_p = number(fields, "min_p", 0, 1, 0);
  sampling.top_k = integer(fields, "top_k", 0, kMax, 0);
  sampling.seed = context.fresh_seed;
  if (fields.has("seed")) {
    // Any 64-bit integer, as in OpenAI's own; the bits are what counts.
    sampling.seed =
        static_cast<std::uint64_t>(fields.integer("seed", std::numeric_limits<std::int64_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max()));
  }
  return sampling;
}

std::vector<std::string> read_stops(const Fields& fields) {
  std::vector<std::string> stops;
  if (!fields.has("stop")) return stops;
  if (fields.at("stop").is_string()) {
    stops.push_back(fields.text("stop"));
  } else {
    stops = fields.texts("stop");
  }
  if (stops.size() > kMaxApiStops) {
    refuse(fmt::format("\"stop\": expected at most {}, found {}", kMaxApiStops, stops.size()));
  }
  for (const std::string& stop : stops) {
    if (stop.empty() || stop.size() > kMaxApiStopBytes) {
      refuse(
          fmt::format("\"stop\": expected 1 .. {} bytes, found {}", kMaxApiStopBytes, stop.size()));
    }
  }
  return stops;
}

/// Absent with "max_tokens": 0.
std::optional<engine::Generate> read_generate(const Fields& fields, const ApiContext& context,
                                              const ApiCall& asked) {
  engine::Generate generate;
  const bool chat = asked.endpoint == Endpoint::kChat;
  generate.max_new_tokens = integer(fields, "max_tokens", asked.echo ? 0 : 1, kMaxNewTokens,
                                    chat ? context.default_max_tokens : 16);
  generate.max_new_tokens =
      integer(fields, "max_completion_tokens", 1, kMaxNewTokens, generate.max_new_tokens);
  generate.min_new_tokens =
      integer(fields, "min_tokens", 0, std::max(generate.max_new_tokens, 0), 0);
  generate.sampling = read_sampling(fields, context);
  generate.stop = read_stops(fields);
  if (fields.has("stop_token_ids")) {
    generate.stop_ids = json_ids(fields.at("stop_token_ids"), "request: \"stop_token_ids\"");
  }
  generate.ignore_eos = flag(fields, "ignore_eos");
  generate.logprobs = asked.top;
  if (generate.max_new_tokens == 0 && asked.stream) refuse("\"stream\" needs \"max_tokens\" > 0");
  if (generate.max_new_tokens == 0) return std::nullopt;
  return generate;
}

void read_logprobs(const Fields& fields, ApiCall& asked) {
  asked.tokens_as_ids = flag(fields, "return_tokens_as_token_ids");
  if (asked.endpoint == Endpoint::kChat) {
    asked.logprobs = flag(fields, "logprobs");
    asked.top = integer(fields, "top_logprobs", 0, kMaxApiLogprobs, 0);
    if (asked.top > 0 && !asked.logprobs) refuse("\"top_logprobs\" needs \"logprobs\": true");
    return;
  }
  asked.logprobs = fields.has("logprobs");
  asked.top = integer(fields, "logprobs", 0, kMaxApiLogprobs, 0);
}

void read_shape(const Fields& fields, ApiCall& asked) {
  asked.n = integer(fields, "n", 1, kMaxApiChoices, 1);
  if (integer(fields, "best_of", 1, kMaxApiChoices, asked.n) != asked.n) {
    refuse("\"best_of\" other than \"n\" is not supported");
  }
  asked.echo = flag(fields, "echo");
  asked.stream = flag(fields, "stream");
  if (fields.has("stream_options")) {
    const Fields options(fields.at("stream_options"), "request: \"stream_options\"");
    if (!asked.stream) refuse("\"stream_options\" needs \"stream\": true");
    asked.stream_usage = flag(options, "include_usage");
  }
  read_logprobs(fields, asked);
  if (asked.stream && asked.echo && asked.logprobs) {
    refuse("\"stream\" with both \"echo\" and \"logprobs\" is not supported");
  }
}

// ---- what to answer ---------------------------------------------------------------------------

/// Text, or [{"type": "text", "text": ...}, ...].
std::string read_content(const Fields& message) {
  const json& content = message.at("content");
  if (!content.is_array()) return message.text("content");
  std::string text;
  for (const json& part : content) {
    const Fields fields(part, message.where() + ": \"content\"");
    if (fields.text("type") != "text") {
      throw InputError(fields.where() + ": only parts of type \"text\" are supported");
    }
    text += fields.text("text");
  }
  return text;
}

engine::Prompt read_messages(const Fields& fields, const ApiContext& context) {
  std::vector<engine::Message> messages;
  for (const json& item : fields.array("messages")) {
    const Fields message(item, fmt::format("request: \"messages\"[{}]", messages.size()));
    for (const char* name : {"tool_calls", "function_call", "audio"}) {
      if (message.has(name)) refuse(fmt::format("\"{}\" is not supported", name));
    }
    messages.push_back({message.text("role"), read_content(message)});
  }
  if (messages.empty()) refuse("\"messages\" is empty");
  if (context.tokenizer == nullptr) refuse("this model has no tokenizer, and so no chat");
  // A chat template writes its own BOS, where the model wants one.
  return {.text = engine::render_chat(*context.tokenizer, messages), .add_bos = false};
}

/// "prompt" may be text, texts, token ids or arrays of those.
std::vector<engine::Prompt> read_prompts(const Fields& fields) {
  const json& value = fields.at("prompt");
  const bool add_bos = flag(fields, "add_special_tokens", true);
  if (value.is_string()) return {{.text = value.get<std::string>(), .add_bos = add_bos}};
  const std::string where = "request: \"prompt\"";
  const json& array = fields.array("prompt");
  if (array.empty()) refuse("\"prompt\" is empty");
  if (array[0].is_number()) return {{.ids = json_ids(array, where)}};
  if (array.size() > kMaxApiPrompts) {
    refuse(fmt::format("\"prompt\": expected at most {} of them, found {}", kMaxApiPrompts,
                       array.size()));
  }
  std::vector<engine::Prompt> prompts;
  for (const json& item : array) {
    if (item.is_string()) {
      prompts.push_back({.text = item.get<std::string>(), .add_bos = add_bos});
      continue;
    }
    prompts.push_back({.ids = json_ids(item, fmt::format("{}[{}]", where, prompts.size()))});
    if (prompts.back().ids.empty()) refuse("\"prompt\" holds an empty array");
  }
  return prompts;
}

/// What `prompt` says, for echo: ids that the tokenizer does not know say nothing.
std::string prompt_text(const engine::Prompt& prompt, const engine::Tokenizer* tokenizer) {
  if (prompt.ids.empty()) return prompt.text;
  std::string text;
  engine::Utf8Stream stream;
  for (const std::int32_t id : prompt.ids) {
    text += stream.push(token_bytes(id, tokenizer).value_or(""));
  }
  return text + stream.finish();
}

ApiPrompt to_ids(const engine::Prompt& prompt, const ApiContext& context, bool echo) {
  ApiPrompt asked;
  if (echo) asked.text = prompt_text(prompt, context.tokenizer);
  if (!prompt.ids.empty()) {
    asked.ids = prompt.ids;
  } else if (context.tokenizer == nullptr) {
    refuse("\"prompt\" is text, and this model has no tokenizer");
  } else {
    const engine::Tokenizer& tokenizer = *context.tokenizer;
    engine::Request request{.prompt = prompt, .generate = engine::Generate{}};
    asked.ids = tokenized(std::move(request), tokenizer).prompt.ids;
    asked.bos_added = !asked.ids.empty() && asked.ids[0] == tokenizer.bos() &&
                      !prompt.text.starts_with(tokenizer.bytes(tokenizer.bos()));
  }
  return asked;
}

void check_size(const ApiCall& asked, const ApiContext& context) {
  std::size_t ids = 0;
  if (asked.choices() > context.max_requests) {
    refuse(fmt::format("{} prompts with \"n\" {} are {} answers, at most {} allowed",
                       asked.prompts.size(), asked.n, asked.choices(), context.max_requests));
  }
  for (const ApiPrompt& prompt : asked.prompts) {
    ids += prompt.ids.size() * static_cast<std::size_t>(asked.n);
    if (context.max_context < 1 || std::ssize(prompt.ids) <= context.max_context) continue;
    throw ApiError(400,
                   fmt::format("request: prompt has {} tokens, the context is {}",
                               prompt.ids.size(), context.max_context),
                   "context_length_exceeded");
  }
  if (ids > kMaxApiIds) {
    refuse(fmt::format("{} tokens in the prompts of all answers, at most {} allowed", ids,
                       kMaxApiIds));
  }
}

// ---- requests ---------------------------------------------------------------------------------

void add_choices(ApiCall& asked, const engine::Generate& generate) {
  for (const ApiPrompt& prompt : asked.prompts) {
    for (std::int32_t sample = 0; sample < asked.n; ++sample) {
      asked.requests.push_back({.sample = static_cast<std::uint64_t>(sample),
                                .prompt = {.ids = prompt.ids},
                                .generate = generate});
    }
  }
}

/// The first token has nothing before it that could make it likely.
void add_scores(ApiCall& asked) {
  for (ApiPrompt& prompt : asked.prompts) {
    if (prompt.ids.size() < 2) continue;
    prompt.scored_by = static_cast<int>(asked.requests.size());
    engine::Score score{.continuations = {{.ids = {prompt.ids.begin() + 1, prompt.ids.end()}}},
                        .logprobs = std::max(1, asked.top)};
    asked.requests.push_back({.prompt = {.ids = {prompt.ids[0]}}, .score = std::move(score)});
  }
}

void check_model(const Fields& fields, const ApiContext& context) {
  if (!fields.has("model") || fields.text("model") == context.model) return;
  throw ApiError(404,
                 fmt::format("model \"{}\" is not served here, \"{}\" is",
                             fields.text("model").substr(0, 256), context.model),
                 "model_not_found");
}

ApiCall understand(Endpoint endpoint, std::string_view body, const ApiContext& context) {
  const json call = parse_json(body, kWhere);
  const Fields fields(call, kWhere);
  check_model(fields, context);
  check_names(call, endpoint);
  check_absent(fields);
  ApiCall asked{.endpoint = endpoint};
  read_shape(fields, asked);
  const auto generate = read_generate(fields, context, asked);
  asked.generates = generate.has_value();
  if (endpoint == Endpoint::kChat) {
    asked.prompts.push_back(to_ids(read_messages(fields, context), context, false));
  } else {
    for (const engine::Prompt& prompt : read_prompts(fields)) {
      asked.prompts.push_back(to_ids(prompt, context, asked.echo));
    }
  }
  check_size(asked, context);
  if (generate) add_choices(asked, *generate);
  if (asked.echo && asked.logprobs) add_scores(asked);
  return asked;
}

}  // namespace

ApiCall read_call(Endpoint endpoint, std::string_view body, const ApiContext& context) {
  try {
    return understand(endpoint, body, context);
  } catch (const InputError& error) {
    throw ApiError(400, error.what());
  } catch (const engine::Error& error) {
    throw ApiError(400, error.what());
  }
}

}  // namespace moebius::runner
