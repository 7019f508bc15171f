// DeepSeek's API: OpenAI's protocol with reasoning_content and an end of its own.
#include "engine/remote/openai.h"

namespace moebius::engine::remote {
namespace {

/// Source: api-docs.deepseek.com, create-chat-completion: no seed, and finish_reason
/// "insufficient_system_resource" for an answer that the server broke off.
std::string deepseek_body(const Request& request, std::size_t leg, const Asking& asking) {
  refuse_extensions(request, "deepseek");
  if (request.score || request.prompt.chat.empty()) {
    throw Error("deepseek: the server answers chats, it continues no text and scores none");
  }
  Json body = openai_body(request, leg, asking);
  body.erase("seed");
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void refuse_broken_off(const Answer& answer) {
  if (answer.finish == "insufficient_system_resource") {
    throw ServerError(ErrorClass::kOverloaded, "the server broke off: " + answer.finish);
  }
}

void deepseek_read(std::string_view json, Answer& answer) {
  openai_read(json, answer);
  refuse_broken_off(answer);
}

void deepseek_event(const SseEvent& event, Answer& answer) {
  openai_event(event, answer);
  refuse_broken_off(answer);
}

}  // namespace

const Dialect& deepseek_dialect() {
  static const Dialect dialect = {.name = "deepseek",
                                  .default_endpoint = "https://api.deepseek.com",
                                  .key_variable = "DEEPSEEK_API_KEY",
                                  .headers = bearer_headers,
                                  .path = openai_path,
                                  .body = deepseek_body,
                                  .read = deepseek_read,
                                  .event = deepseek_event};
  return dialect;
}

}  // namespace moebius::engine::remote
