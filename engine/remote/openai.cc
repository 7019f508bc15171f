// OpenAI's chat completions and completions, and the servers that speak the same.
#include "engine/remote/openai.h"

#include <cmath>

namespace moebius::engine::remote {
namespace {

/// Other draws for each sample; servers take 31 bits everywhere.
std::int64_t draw_seed(const Request& request) {
  std::uint64_t z = request.generate->sampling.seed + 0x9E3779B97F4A7C15ULL * (request.sample + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<std::int64_t>((z ^ (z >> 31)) & 0x7FFFFFFF);
}

void add_prompt(const Request& request, Json& body) {
  if (!request.prompt.chat.empty()) {
    Json messages = Json::array();
    for (const Message& message : request.prompt.chat) {
      messages.push_back({{"role", message.role}, {"content", message.content}});
    }
    body["messages"] = std::move(messages);
  } else if (!request.prompt.ids.empty()) {
    body["prompt"] = request.prompt.ids;
  } else {
    body["prompt"] = request.prompt.text;
  }
}

void add_generate(const Request& request, const Asking& asking, Json& body) {
  const Generate& generate = *request.generate;
  body["max_tokens"] = generate.max_new_tokens;
  body["temperature"] = generate.sampling.temperature;
  if (generate.sampling.temperature > 0) {
    body["top_p"] = generate.sampling.top_p;
    body["seed"] = draw_seed(request);
  }
  if (!generate.stop.empty()) body["stop"] = generate.stop;
  if (generate.logprobs > 0 && request.prompt.chat.empty()) body["logprobs"] = generate.logprobs;
  if (generate.logprobs > 0 && !request.prompt.chat.empty()) {
    body["logprobs"] = true;
    body["top_logprobs"] = generate.logprobs;
  }
  body["stream"] = asking.stream;
  if (asking.stream) body["stream_options"] = {{"include_usage", true}};
}

void add_score(const Request& request, std::size_t leg, const Asking& asking, Json& body) {
  const Prompt& continuation = request.score->continuations.at(leg);
  if (!request.prompt.chat.empty()) {
    throw Error("chat completions have no log-probabilities of a prompt: ask by completions");
  }
  if (request.prompt.ids.empty() != continuation.ids.empty()) {
    throw Error("expected prompt and continuation both as text or both as ids");
  }
  if (request.prompt.ids.empty()) {
    body["prompt"] = request.prompt.text + continuation.text;
  } else {
    std::vector<std::int32_t> ids = request.prompt.ids;
    ids.insert(ids.end(), continuation.ids.begin(), continuation.ids.end());
    body["prompt"] = std::move(ids);
  }
  body["max_tokens"] = 1;  // 0 is refused by some; what is generated is not read
  body["temperature"] = 0;
  if (asking.prompt_logprobs) {
    body["prompt_logprobs"] = 1;
  } else {
    body["echo"] = true;
    body["logprobs"] = 1;
  }
}

/// vLLM's and SGLang's own fields, only where they are needed.
std::string compatible_body(const Request& request, std::size_t leg, const Asking& asking) {
  Json body = openai_body(request, leg, asking);
  if (request.generate) {
    const Generate& generate = *request.generate;
    if (generate.sampling.top_k > 0) body["top_k"] = generate.sampling.top_k;
    if (generate.sampling.min_p > 0) body["min_p"] = generate.sampling.min_p;
    if (!generate.stop_ids.empty()) body["stop_token_ids"] = generate.stop_ids;
    if (generate.ignore_eos) body["ignore_eos"] = true;
    if (generate.min_new_tokens > 0) body["min_tokens"] = generate.min_new_tokens;
  }
  if (request.prompt.chat.empty() && request.prompt.ids.empty()) {
    body["add_special_tokens"] = request.prompt.add_bos;
  }
  if (request.score) body["return_tokens_as_token_ids"] = !request.prompt.ids.empty();
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string openai_official_body(const Request& request, std::size_t leg, const Asking& asking) {
  refuse_extensions(request, "openai");
  Json body = openai_body(request, leg, asking);
  if (!request.prompt.chat.empty()) {  // models that think take no other name
    body["max_completion_tokens"] = body["max_tokens"];
    body.erase("max_tokens");
  }
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// ---- reading -----------------------------------------------------------------------------

float logprob_of(const Json& value) {
  return static_cast<float>(number_of(value, "logprob"));
}

void read_chat_logprobs(const Json& logprobs, Answer& answer) {
  const Json* content = member(logprobs, "content");
  if (content == nullptr) return;
  if (!content->is_array()) wrong_type("content", "an array", *content);
  for (const Json& each : *content) {
    GeneratedToken token{.id = -1, .logprob = logprob_of(need(each, "logprob"))};
    if (const Json* top = member(each, "top_logprobs"); top != nullptr && top->is_array()) {
      for (const Json& other : *top) {
        token.top.push_back({.id = -1, .logprob = logprob_of(need(other, "logprob"))});
      }
    }
    answer.tokens.push_back(std::move(token));
  }
}

void read_completion_logprobs(const Json& logprobs, Answer& answer) {
  const Json* values = member(logprobs, "token_logprobs");
  if (values == nullptr) return;
  if (!values->is_array()) wrong_type("token_logprobs", "an array", *values);
  for (const Json& value : *values) {
    if (value.is_null() && answer.tokens.empty()) continue;  // the first of an echoed prompt
    answer.tokens.push_back({.id = -1, .logprob = logprob_of(value)});
  }
}

void read_usage(const Json& root, Answer& answer) {
  const Json* usage = member(root, "usage");
  if (usage == nullptr) return;
  answer.prompt_tokens = count_at(*usage, "prompt_tokens", answer.prompt_tokens);
  answer.output_tokens = count_at(*usage, "completion_tokens", answer.output_tokens);
  answer.cached_tokens = count_at(*usage, "prompt_cache_hit_tokens", answer.cached_tokens);
  if (const Json* details = member(*usage, "prompt_tokens_details")) {
    answer.cached_tokens = count_at(*details, "cached_tokens", answer.cached_tokens);
  }
  if (const Json* details = member(*usage, "completion_tokens_details")) {
    answer.reasoning_tokens = count_at(*details, "reasoning_tokens", answer.reasoning_tokens);
  }
}

void read_root(const Json& root, Answer& answer) {
  if (const Json* error = member(root, "error")) {
    const Json wrapped = {{"error", *error}};
    const StatusMeaning meaning = read_status(500, wrapped.dump());
    throw ServerError(meaning.error, meaning.message);
  }
  if (answer.model.empty()) answer.model = text_at(root, "model");
  if (answer.system_fingerprint.empty()) {
    answer.system_fingerprint = text_at(root, "system_fingerprint");
  }
  read_usage(root, answer);
}

/// `part`: "message" or "delta" of chats. Completions have their text in the choice itself.
void read_choice(const Json& choice, const char* part, Answer& answer) {
  if (count_at(choice, "index", 0) != 0) throw Error("answer: expected one choice, found more");
  std::string text = text_at(choice, "text");
  std::string reasoning;
  const Json* message = member(choice, part);
  if (message != nullptr) {
    text += text_at(*message, "content");
    text += text_at(*message, "refusal");
    reasoning = text_at(*message, "reasoning_content");
    if (reasoning.empty()) reasoning = text_at(*message, "reasoning");
  }
  if (!text.empty() || !reasoning.empty()) {
    if (!answer.finish.empty()) throw Error("answer: text after its end");
    ++answer.pieces;
  }
  answer.text += text;
  answer.reasoning += reasoning;
  if (const Json* logprobs = member(choice, "logprobs"); logprobs && logprobs->is_object()) {
    read_chat_logprobs(*logprobs, answer);
    read_completion_logprobs(*logprobs, answer);
  }
  const std::string finish = text_at(choice, "finish_reason");
  if (!finish.empty() && !answer.finish.empty()) throw Error("answer: ends twice");
  if (!finish.empty()) answer.finish = finish;
}

const Json& choices_of(const Json& root) {
  const Json& choices = need(root, "choices");
  if (!choices.is_array() || choices.size() > 1) {
    wrong_type("choices", "an array of one", choices);
  }
  return choices;
}

}  // namespace

std::vector<std::string> bearer_headers(const std::string& key) {
  if (key.empty()) return {};
  return {"Authorization: Bearer " + key};
}

std::string openai_path(const Request& request) {
  return request.prompt.chat.empty() ? "/completions" : "/chat/completions";
}

Json openai_body(const Request& request, std::size_t leg, const Asking& asking) {
  Json body = {{"model", asking.model}};
  add_prompt(request, body);
  if (request.generate) add_generate(request, asking, body);
  if (request.score) add_score(request, leg, asking, body);
  return body;
}

void refuse_extensions(const Request& request, const char* dialect) {
  const char* what = nullptr;
  if (request.generate) {
    const Generate& generate = *request.generate;
    if (generate.sampling.top_k > 0) what = "top_k";
    if (generate.sampling.min_p > 0) what = "min_p";
    if (!generate.stop_ids.empty()) what = "stop ids";
    if (generate.ignore_eos) what = "ignore_eos";
    if (generate.min_new_tokens > 0) what = "min_new_tokens";
  }
  if (what != nullptr) throw Error(std::string(dialect) + ": the server has no " + what);
}

void openai_read(std::string_view json, Answer& answer) {
  const Json root = parse_json(json, "answer");
  read_root(root, answer);
  const Json& choices = choices_of(root);
  if (choices.empty()) throw Error("answer: expected one choice, found none");
  read_choice(choices[0], "message", answer);
  answer.closed = true;
}

void openai_event(const SseEvent& event, Answer& answer) {
  if (answer.closed) throw Error("answer: an event after its end");
  if (event.data == "[DONE]") {
    answer.closed = true;
    return;
  }
  const Json root = parse_json(event.data, "answer");
  read_root(root, answer);
  const Json& choices = choices_of(root);
  if (!choices.empty()) read_choice(choices[0], "delta", answer);
}

const Dialect& compatible_dialect() {
  static const Dialect dialect = {.name = "compatible",
                                  .default_endpoint = "",
                                  .key_variable = "MOEBIUS_API_KEY",
                                  .headers = bearer_headers,
                                  .path = openai_path,
                                  .body = compatible_body,
                                  .read = openai_read,
                                  .event = openai_event};
  return dialect;
}

const Dialect& openai_dialect() {
  static const Dialect dialect = {.name = "openai",
                                  .default_endpoint = "https://api.openai.com/v1",
                                  .key_variable = "OPENAI_API_KEY",
                                  .headers = bearer_headers,
                                  .path = openai_path,
                                  .body = openai_official_body,
                                  .read = openai_read,
                                  .event = openai_event};
  return dialect;
}

}  // namespace moebius::engine::remote
