// Anthropic's Messages API.
// Source: docs.anthropic.com, Messages and Streaming Messages, version 2023-06-01.
#include <array>

#include "engine/remote/openai.h"

namespace moebius::engine::remote {
namespace {

std::vector<std::string> anthropic_headers(const std::string& key) {
  std::vector<std::string> headers = {"anthropic-version: 2023-06-01"};
  if (!key.empty()) headers.push_back("x-api-key: " + key);
  return headers;
}

std::string anthropic_path(const Request&) {
  return "/messages";
}

std::string anthropic_body(const Request& request, std::size_t, const Asking& asking) {
  refuse_extensions(request, "anthropic");
  if (!request.generate || request.prompt.chat.empty() || request.generate->logprobs > 0) {
    throw Error("anthropic: the server answers chats; it has no log-probabilities");
  }
  Json body = {{"model", asking.model},
               {"max_tokens", request.generate->max_new_tokens},
               {"temperature", request.generate->sampling.temperature},
               {"stream", asking.stream}};
  const Sampling& sampling = request.generate->sampling;
  if (sampling.temperature > 0 && sampling.top_p < 1) body["top_p"] = sampling.top_p;
  if (!request.generate->stop.empty()) body["stop_sequences"] = request.generate->stop;
  std::string system;
  Json messages = Json::array();
  for (const Message& message : request.prompt.chat) {
    if (message.role == "system") {
      system += (system.empty() ? "" : "\n\n") + message.content;
    } else {
      messages.push_back({{"role", message.role}, {"content", message.content}});
    }
  }
  if (!system.empty()) body["system"] = system;
  body["messages"] = std::move(messages);
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void read_error(const Json& root) {
  const Json* error = member(root, "error");
  if (error == nullptr) return;
  const std::string kind = text_at(*error, "type");
  const bool overloaded = kind == "overloaded_error" || kind == "rate_limit_error";
  throw ServerError(overloaded ? ErrorClass::kOverloaded : ErrorClass::kServerError,
                    kind + ": " + quote(text_at(*error, "message"), 200));
}

void read_usage(const Json& owner, Answer& answer) {
  const Json* usage = member(owner, "usage");
  if (usage == nullptr) return;
  const std::int64_t cached = count_at(*usage, "cache_read_input_tokens", 0);
  const std::int64_t written = count_at(*usage, "cache_creation_input_tokens", 0);
  if (const Json* input = member(*usage, "input_tokens"); input != nullptr) {
    answer.cached_tokens = cached;
    answer.prompt_tokens = count_at(*usage, "input_tokens", 0) + cached + written;
  }
  answer.output_tokens = count_at(*usage, "output_tokens", answer.output_tokens);
}

void anthropic_read(std::string_view json, Answer& answer) {
  const Json root = parse_json(json, "answer");
  read_error(root);
  answer.model = text_at(root, "model");
  const Json& content = need(root, "content");
  if (!content.is_array()) wrong_type("content", "an array", content);
  for (const Json& block : content) {
    answer.text += text_at(block, "text");
    answer.reasoning += text_at(block, "thinking");
  }
  answer.finish = text_at(root, "stop_reason");
  read_usage(root, answer);
  answer.closed = true;
}

/// Blocks come in order and one at a time; a repeated or reordered event breaks that. The block
/// that is open is kept in last_id: "open 3", "done 3".
void read_block(const std::string& type, const Json& root, Answer& answer) {
  const std::int64_t index = count_at(root, "index", -1);
  const std::string open = "open " + std::to_string(index);
  const bool starts = type == "content_block_start";
  const std::string wanted =
      !starts ? open : (index == 0 ? "started" : "done " + std::to_string(index - 1));
  if (answer.last_id != wanted || !answer.finish.empty()) {
    throw Error("answer: " + type + " " + std::to_string(index) + " after \"" + answer.last_id +
                "\"");
  }
  if (starts) answer.last_id = open;
  if (type == "content_block_stop") answer.last_id = "done " + std::to_string(index);
  const Json* part = member(root, starts ? "content_block" : "delta");
  if (part == nullptr) return;
  const std::string text = text_at(*part, "text");
  const std::string thinking = text_at(*part, "thinking");
  answer.pieces += !text.empty() || !thinking.empty();
  answer.text += text;
  answer.reasoning += thinking;
}

void read_message_event(const std::string& type, const Json& root, Answer& answer) {
  if (type == "message_start") {
    if (!answer.last_id.empty()) throw Error("answer: starts twice");
    answer.last_id = "started";
    const Json& message = need(root, "message");
    answer.model = text_at(message, "model");
    read_usage(message, answer);
  } else if (type == "message_delta") {
    if (!answer.finish.empty()) throw Error("answer: ends twice");
    if (answer.last_id != "started" && !answer.last_id.starts_with("done ")) {
      throw Error("answer: ends within a block");
    }
    answer.finish = text_at(need(root, "delta"), "stop_reason");
    read_usage(root, answer);
  } else if (type == "message_stop") {
    answer.closed = true;
  }
}

void anthropic_event(const SseEvent& event, Answer& answer) {
  if (answer.closed) throw Error("answer: an event after its end");
  const Json root = parse_json(event.data, "answer");
  const std::string type = text_at(root, "type");
  if (type == "error") read_error(root);
  if (type.starts_with("content_block_")) return read_block(type, root, answer);
  read_message_event(type, root, answer);
}

}  // namespace

const Dialect& anthropic_dialect() {
  static const Dialect dialect = {.name = "anthropic",
                                  .default_endpoint = "https://api.anthropic.com/v1",
                                  .key_variable = "ANTHROPIC_API_KEY",
                                  .headers = anthropic_headers,
                                  .path = anthropic_path,
                                  .body = anthropic_body,
                                  .read = anthropic_read,
                                  .event = anthropic_event};
  return dialect;
}

const Dialect& find_dialect(std::string_view name) {
  static const std::array<const Dialect*, 4> all = {&compatible_dialect(), &openai_dialect(),
                                                    &deepseek_dialect(), &anthropic_dialect()};
  std::string names;
  for (const Dialect* each : all) {
    if (each->name == name) return *each;
    names += (names.empty() ? "" : ", ") + std::string(each->name);
  }
  throw Error("dialect: expected one of " + names + ", found " + quote(name));
}

}  // namespace moebius::engine::remote
