// What the server says: completions of the engine in the dialect of OpenAI's API, whole or as a
// stream of events.
#include "runner/serve/answer.h"

#include <algorithm>
#include <cmath>

namespace moebius::runner {
namespace {

bool is_chat(const ApiCall& asked) {
  return asked.endpoint == Endpoint::kChat;
}

const char* finish_reason(engine::Finish finish) {
  return finish == engine::Finish::kStop ? "stop" : "length";
}

Json head_json(const ApiCall& asked, const AnswerHead& head, bool chunk) {
  const char* object = !is_chat(asked) ? "text_completion"
                       : chunk         ? "chat.completion.chunk"
                                       : "chat.completion";
  return {{"id", (is_chat(asked) ? "chatcmpl-" : "cmpl-") + head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint}};
}

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

// ---- log-probabilities ------------------------------------------------------------------------

/// The value itself, not the shortest decimal that is read back as this float: clients read
/// doubles, and what they add up is then what the engine adds up.
Json exact(float value) {
  return std::isfinite(value) ? Json(static_cast<double>(value)) : Json(nullptr);
}

/// How this call's tokens are written.
struct Spelling {
  const engine::Tokenizer* tokenizer;  // may be null
  bool as_ids;
  std::string name(std::int32_t id) const { return token_name(id, as_ids ? nullptr : tokenizer); }
};

Json bytes_json(std::int32_t id, const engine::Tokenizer* tokenizer) {
  const auto text = token_bytes(id, tokenizer);
  if (!text) return nullptr;
  Json bytes = Json::array();
  for (const char c : *text) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

Json choice_json(std::int32_t id, float logprob, const Spelling& spelling) {
  return {{"token", spelling.name(id)},
          {"logprob", exact(logprob)},
          {"bytes", bytes_json(id, spelling.tokenizer)}};
}

/// One entry of a chat's "content".
Json chat_logprob(const engine::GeneratedToken& token, const Spelling& spelling) {
  Json entry = choice_json(token.id, token.logprob, spelling);
  entry["top_logprobs"] = Json::array();
  for (const engine::TokenChoice& other : token.top) {
    entry["top_logprobs"].push_back(choice_json(other.id, other.logprob, spelling));
  }
  return entry;
}

/// "logprobs" of a completion: four arrays of equal length.
class TokenArrays {
 public:
  /// `place`, where the first token begins, is moved on; it must outlive this.
  TokenArrays(const Spelling& spelling, TextPlace& place) : spelling_(spelling), place_(place) {}

  /// Of a prompt. `in_text`: the text has it.
  void add_first(std::int32_t id, bool in_text) {
    add_token(id, in_text);
    values_.push_back(nullptr);  // nothing stands before it
    tops_.push_back(nullptr);
  }

  void add(std::int32_t id, float logprob, std::span<const engine::TokenChoice> top, bool in_text) {
    add_token(id, in_text);
    values_.push_back(exact(logprob));
    Json best = Json::object();
    for (const engine::TokenChoice& other : top) {
      best.emplace(spelling_.name(other.id), exact(other.logprob));
    }
    best.emplace(spelling_.name(id), exact(logprob));
    tops_.push_back(std::move(best));
  }

  /// Of an answer, whose text leaves special tokens out.
  void add(const engine::GeneratedToken& token) {
    const engine::Tokenizer* tokenizer = spelling_.tokenizer;
    const bool known = token_bytes(token.id, tokenizer).has_value();
    add(token.id, token.logprob, token.top, known && !tokenizer->is_special(token.id));
  }

  Json json() && {
    return {{"tokens", std::move(tokens_)},
            {"token_logprobs", std::move(values_)},
            {"top_logprobs", std::move(tops_)},
            {"text_offset", std::move(offsets_)}};
  }

 private:
  void add_token(std::int32_t id, bool in_text) {
    tokens_.push_back(spelling_.name(id));
    offsets_.push_back(place_.now());
    if (in_text) place_.pass(token_bytes(id, spelling_.tokenizer).value_or(""));
  }

  const Spelling& spelling_;
  TextPlace& place_;
  Json tokens_ = Json::array();
  Json values_ = Json::array();
  Json tops_ = Json::array();
  Json offsets_ = Json::array();
};

void add_prompt(TokenArrays& arrays, const ApiPrompt& prompt,
                std::span<const engine::Completion> completions, std::int32_t top) {
  arrays.add_first(prompt.ids[0], !prompt.bos_added);
  if (prompt.scored_by < 0) return;
  const engine::ScoredContinuation& scored =
      completions[static_cast<std::size_t>(prompt.scored_by)].continuations.at(0);
  for (std::size_t i = 0; i < scored.ids.size(); ++i) {
    const std::size_t shown = std::min(scored.top[i].size(), static_cast<std::size_t>(top));
    arrays.add(scored.ids[i], scored.logprobs[i], std::span(scored.top[i]).first(shown), true);
  }
}

Json logprobs_json(const ApiCall& asked, std::size_t choice, const engine::Completion* completion,
                   std::span<const engine::Completion> completions,
                   const engine::Tokenizer* tokenizer) {
  if (!asked.logprobs) return nullptr;
  const Spelling spelling{tokenizer, asked.tokens_as_ids};
  if (is_chat(asked)) {
    Json content = Json::array();
    for (const auto& token : completion->tokens) content.push_back(chat_logprob(token, spelling));
    return {{"content", std::move(content)}, {"refusal", nullptr}};
  }
  TextPlace place;
  TokenArrays arrays(spelling, place);
  if (asked.echo) {
    const auto prompt = choice / static_cast<std::size_t>(asked.n);
    add_prompt(arrays, asked.prompts[prompt], completions, asked.top);
    place.end();
  }
  if (completion != nullptr) {
    for (const auto& token : completion->tokens) arrays.add(token);
  }
  return std::move(arrays).json();
}

/// `completion` null: nothing was generated.
Json choice_of(const ApiCall& asked, std::size_t choice, const engine::Completion* completion,
               std::span<const engine::Completion> completions,
               const engine::Tokenizer* tokenizer) {
  Json json = {{"index", choice}};
  std::string text;
  if (asked.echo) text = asked.prompts[choice / static_cast<std::size_t>(asked.n)].text;
  if (completion != nullptr) text += completion->text;
  if (is_chat(asked)) {
    json["message"] = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
  } else {
    json["text"] = text;
  }
  json["logprobs"] = logprobs_json(asked, choice, completion, completions, tokenizer);
  json["finish_reason"] = completion == nullptr ? "length" : finish_reason(completion->finish);
  return json;
}

std::string event_line(const Json& value) {
  return "data: " + json_line(value) + "\n";
}

}  // namespace

Json error_json(const ApiError& error) {
  const char* type = error.status == 401   ? "authentication_error"
                     : error.status == 429 ? "rate_limit_error"
                     : error.status >= 500 ? "server_error"
                                           : "invalid_request_error";
  return {{"error",
           {{"message", error.what()},
            {"type", type},
            {"param", nullptr},
            {"code", error.code.empty() ? Json(nullptr) : Json(error.code)}}}};
}

Usage usage_of(const ApiCall& asked, std::span<const engine::Completion> completions) {
  Usage usage;
  for (const ApiPrompt& prompt : asked.prompts) {
    usage.prompt_tokens += static_cast<std::int64_t>(prompt.ids.size());
  }
  if (!asked.generates) return usage;
  for (std::size_t choice = 0; choice < asked.choices(); ++choice) {
    const engine::Completion& completion = completions[choice];
    usage.completion_tokens += static_cast<std::int64_t>(completion.tokens.size());
    if (choice % static_cast<std::size_t>(asked.n) == 0) {
      usage.cached_tokens += completion.cached_tokens;
    }
  }
  return usage;
}

void require_answers(std::span<const engine::Completion> completions) {
  for (const engine::Completion& completion : completions) {
    if (completion.finish == engine::Finish::kCancelled) {
      throw ApiError(503, "the server is shutting down");
    }
    if (completion.finish != engine::Finish::kRefused) continue;
    // What is refused before it is begun counts no tokens; later it is the model that failed.
    if (completion.prompt_tokens > 0) throw ApiError(500, completion.error);
    throw ApiError(400, "request: " + completion.error);
  }
}

Json answer_json(const ApiCall& asked, std::span<const engine::Completion> completions,
                 const AnswerHead& head, const engine::Tokenizer* tokenizer) {
  Json json = head_json(asked, head, false);
  json["choices"] = Json::array();
  for (std::size_t choice = 0; choice < asked.choices(); ++choice) {
    const engine::Completion* completion = asked.generates ? &completions[choice] : nullptr;
    json["choices"].push_back(choice_of(asked, choice, completion, completions, tokenizer));
  }
  json["usage"] = usage_json(usage_of(asked, completions));
  return json;
}

// ---- streams ----------------------------------------------------------------------------------

AnswerStream::AnswerStream(const ApiCall& asked, const AnswerHead& head,
                           const engine::Tokenizer* tokenizer)
    : asked_(asked),
      head_(head),
      tokenizer_(tokenizer),
      sent_(asked.choices()),
      places_(asked.choices()) {}

Json AnswerStream::event(std::size_t choice, const std::string& text, Json logprobs,
                         Json finish) const {
  Json part = {{"index", choice}};
  if (is_chat(asked_)) {
    part["delta"] = Json::object();
    if (!text.empty() || !logprobs.is_null()) part["delta"]["content"] = text;
  } else {
    part["text"] = text;
  }
  part["logprobs"] = std::move(logprobs);
  part["finish_reason"] = std::move(finish);
  Json json = head_json(asked_, head_, true);
  json["choices"] = Json::array({std::move(part)});
  if (asked_.stream_usage) json["usage"] = nullptr;
  return json;
}

std::string AnswerStream::begin(std::size_t choice) {
  if (is_chat(asked_)) {
    Json json = event(choice, "", nullptr, nullptr);
    json["choices"][0]["delta"] = {{"role", "assistant"}, {"content", ""}};
    return event_line(json);
  }
  if (!asked_.echo) return "";
  const std::string& prompt = asked_.prompts[choice / static_cast<std::size_t>(asked_.n)].text;
  return event_line(event(choice, prompt, nullptr, nullptr));
}

std::string AnswerStream::token(std::size_t choice, const engine::GeneratedToken& token,
                                const std::string& text) {
  if (text.empty() && !asked_.logprobs) return "";
  sent_[choice] += text.size();
  const Spelling spelling{tokenizer_, asked_.tokens_as_ids};
  Json logprobs = nullptr;
  if (asked_.logprobs && is_chat(asked_)) {
    logprobs = {{"content", Json::array({chat_logprob(token, spelling)})}, {"refusal", nullptr}};
  } else if (asked_.logprobs) {
    TokenArrays arrays(spelling, places_[choice]);
    arrays.add(token);
    logprobs = std::move(arrays).json();
  }
  return event_line(event(choice, text, std::move(logprobs), nullptr));
}

std::string AnswerStream::end(std::size_t choice, const engine::Completion& completion) {
  const std::string rest = completion.text.substr(std::min(sent_[choice], completion.text.size()));
  return event_line(event(choice, rest, nullptr, finish_reason(completion.finish)));
}

std::string AnswerStream::close(const Usage& usage) const {
  std::string last;
  if (asked_.stream_usage) {
    Json json = head_json(asked_, head_, true);
    json["choices"] = Json::array();
    json["usage"] = usage_json(usage);
    last = event_line(json);
  }
  return last + "data: [DONE]\n\n";
}

std::string AnswerStream::fail(const ApiError& error) {
  return event_line(error_json(error));
}

}  // namespace moebius::runner
