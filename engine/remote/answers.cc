// Answers, whatever the dialect: what a status means, how an answer ends, what it scored.
#include <algorithm>
#include <cmath>

#include "engine/remote/dialect.h"
#include "engine/remote/json_fields.h"

namespace moebius::engine::remote {
namespace {

constexpr std::size_t kQuoted = 300;  // bytes of a server's words in a message

ErrorClass class_of(int status) {
  if (status == 200) return ErrorClass::kNone;
  if (status == 429 || status == 503 || status == 529) return ErrorClass::kOverloaded;
  if (status == 401 || status == 402) return ErrorClass::kFatal;
  if (status == 408 || status == 425) return ErrorClass::kTimeout;
  if (status >= 500) return ErrorClass::kServerError;
  if (status >= 300) return ErrorClass::kRejected;
  return ErrorClass::kMalformed;
}

/// message, code and type of an error in the shapes that servers use; empty where there are none.
struct Words {
  std::string message;
  std::string code;
};
Words words_of(std::string_view body) {
  Words words{.message = std::string(body)};
  try {
    const Json root = parse_json(body, "error");
    const Json* error = member(root, "error");
    const Json& owner = error != nullptr && error->is_object() ? *error : root;
    for (const char* key : {"message", "detail"}) {
      const auto found = owner.find(key);
      if (found != owner.end() && found->is_string()) words.message = found->get<std::string>();
    }
    for (const char* key : {"type", "code"}) {
      const auto found = owner.find(key);
      if (found != owner.end() && found->is_string()) words.code += found->get<std::string>() + " ";
    }
  } catch (const Error&) {  // not JSON: its bytes are all there is to say
  }
  return words;
}

}  // namespace

StatusMeaning read_status(int status, std::string_view json) {
  StatusMeaning meaning{.error = class_of(status)};
  if (status == 200) return meaning;
  const Words words = words_of(json.substr(0, 1 << 16));
  meaning.message = "HTTP status " + std::to_string(status) + ": " + quote(words.message, kQuoted);
  const bool quota = words.code.find("insufficient_quota") != std::string::npos ||
                     words.code.find("billing_error") != std::string::npos;
  if (quota) meaning.error = ErrorClass::kFatal;
  if (status == 400 && words.code.find("content_filter") != std::string::npos) {
    meaning.error = ErrorClass::kNone;
    meaning.filtered = true;
  }
  return meaning;
}

// ---- how answers end ---------------------------------------------------------------------

namespace {

Finish finish_of(const std::string& finish) {
  const auto any = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), finish) != names.end();
  };
  if (any({"stop", "end_turn", "stop_sequence", "eos"})) return Finish::kStop;
  if (any({"length", "max_tokens"})) return Finish::kLength;
  if (any({"model_context_window_exceeded"})) return Finish::kContextFull;
  if (any({"content_filter", "refusal", "sensitive"})) return Finish::kFiltered;
  if (any({"abort", "error"})) {
    throw ServerError(ErrorClass::kServerError, "the server broke off: " + finish);
  }
  throw Error("answer: finish_reason: expected stop, length or content_filter, found " +
              quote(finish));
}

/// One text, as models write it that show their thinking themselves. Thinking that was cut off
/// stays open, so that nobody takes it for an answer.
std::string unified_text(const Answer& answer, Finish finish) {
  if (answer.reasoning.empty()) return answer.text;
  const bool cut = answer.text.empty() && finish != Finish::kStop;
  return "<think>\n" + answer.reasoning + (cut ? "" : "\n</think>\n\n" + answer.text);
}

void check_counts(const Answer& answer, const Request& request, bool streamed) {
  if (answer.output_tokens < 0) return;
  // An event brings a token or more; more events than tokens: some came twice.
  if (streamed && answer.pieces > answer.output_tokens) {
    throw Error("answer: expected at most " + std::to_string(answer.output_tokens) +
                " events with text for as many tokens, found " + std::to_string(answer.pieces));
  }
  const bool wanted = request.generate && request.generate->logprobs > 0;
  if (wanted && answer.reasoning.empty() && std::ssize(answer.tokens) > answer.output_tokens) {
    throw Error("answer: expected log-probabilities of " + std::to_string(answer.output_tokens) +
                " tokens, found " + std::to_string(answer.tokens.size()));
  }
}

}  // namespace

Completion to_completion(const Answer& answer, const Request& request, bool streamed) {
  if (answer.finish.empty()) throw Error("answer: it has not ended");
  if (streamed && !answer.closed) throw Error("answer: the stream has not ended");
  check_counts(answer, request, streamed);
  Completion completion{.id = request.id, .finish = finish_of(answer.finish)};
  completion.text = unified_text(answer, completion.finish);
  if (completion.finish == Finish::kStop && completion.text.empty()) {
    completion.finish = Finish::kEmpty;
  }
  if (request.generate->logprobs > 0 && answer.tokens.empty() && answer.output_tokens != 0) {
    completion.finish = Finish::kRefused;
    completion.error = "the server returned no log-probabilities";
  }
  completion.tokens = answer.tokens;
  completion.prompt_tokens =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(answer.prompt_tokens, 0, 1 << 30));
  completion.cached_tokens =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(answer.cached_tokens, 0, 1 << 30));
  return completion;
}

// ---- log-probabilities of a continuation -------------------------------------------------

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error("log-probabilities of a continuation: " + why);
}

float finite_logprob(const Json& value) {
  if (!value.is_number()) refuse("expected a number, found " + describe(value));
  const double number = value.get<double>();
  if (!(number <= 1e-3) || number < -1e6) refuse("expected at most 0, found " + describe(value));
  return static_cast<float>(number);
}

void add(ScoredContinuation& scored, std::int32_t id, float logprob, bool best) {
  scored.ids.push_back(id);
  scored.logprobs.push_back(logprob);
  scored.sum += logprob;
  scored.greedy = scored.greedy && best;
}

/// Whether no alternative is more probable; without alternatives nobody knows, and it is not.
bool is_best(const Json& alternatives, float logprob) {
  if (!alternatives.is_object() || alternatives.empty()) return false;
  for (const Json& other : alternatives) {
    const Json* value = other.is_object() ? member(other, "logprob") : &other;
    if (value == nullptr || !value->is_number()) return false;
    if (static_cast<float>(value->get<double>()) > logprob) return false;
  }
  return true;
}

struct Span {
  std::size_t first = 0;  // token of the continuation
  std::size_t last = 0;   // one behind
};

/// Which tokens spell the continuation; a token across its border belongs to neither side.
Span span_by_text(const Json& tokens, const std::string& prompt, const std::string& whole) {
  std::size_t at = 0;
  std::size_t i = 0;
  // BOS, which the server adds, is no part of the text.
  if (!tokens.empty() && tokens[0].is_string() &&
      !std::string_view(whole).starts_with(tokens[0].get_ref<const std::string&>())) {
    ++i;
  }
  Span span{.first = tokens.size()};
  for (; i < tokens.size() && at < whole.size(); ++i) {
    if (at == prompt.size()) span.first = i;
    if (!tokens[i].is_string()) refuse("expected tokens as text, found " + describe(tokens[i]));
    const std::string& token = tokens[i].get_ref<const std::string&>();
    if (whole.compare(at, token.size(), token) != 0) {
      refuse("token " + std::to_string(i) + " is " + quote(token) + ", the text goes on with " +
             quote(whole.substr(at, token.size())));
    }
    if (at < prompt.size() && at + token.size() > prompt.size()) {
      refuse("token " + std::to_string(i) + " " + quote(token) + " is part of prompt and " +
             "continuation");
    }
    at += token.size();
  }
  if (at != whole.size() || span.first >= i) refuse("the tokens end before the text does");
  span.last = i;
  return span;
}

/// The ids were sent, so their number says where they are; servers that name them are checked.
Span span_by_ids(const Json& tokens, const std::vector<std::int32_t>& ids, std::size_t prompt) {
  // One more was generated.
  if (tokens.size() < ids.size() || tokens.size() > ids.size() + 1) {
    refuse("expected " + std::to_string(ids.size()) + " tokens, found " +
           std::to_string(tokens.size()));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!tokens[i].is_string()) continue;
    const std::string& token = tokens[i].get_ref<const std::string&>();
    if (token.starts_with("token_id:") && token != "token_id:" + std::to_string(ids[i])) {
      refuse("expected token " + std::to_string(ids[i]) + " at " + std::to_string(i) + ", found " +
             quote(token));
    }
  }
  return {.first = prompt, .last = ids.size()};
}

ScoredContinuation read_echo(const Json& choice, const Request& request,
                             const std::vector<std::int32_t>& ids, const std::string& whole) {
  const Json* logprobs = member(choice, "logprobs");
  if (logprobs == nullptr) refuse("the server returned none");
  const Json& tokens = need(*logprobs, "tokens");
  const Json& values = need(*logprobs, "token_logprobs");
  if (!tokens.is_array() || !values.is_array() || tokens.size() != values.size()) {
    refuse("expected as many tokens as values");
  }
  const Span span = ids.empty() ? span_by_text(tokens, request.prompt.text, whole)
                                : span_by_ids(tokens, ids, request.prompt.ids.size());
  const Json* top = member(*logprobs, "top_logprobs");
  const bool has_top = top != nullptr && top->is_array() && top->size() == tokens.size();
  ScoredContinuation scored{.greedy = true};
  for (std::size_t i = span.first; i < span.last; ++i) {
    const float logprob = finite_logprob(values[i]);
    add(scored, ids.empty() ? -1 : ids[i], logprob, has_top && is_best((*top)[i], logprob));
  }
  return scored;
}

/// Source: vLLM, completion protocol: one object per prompt token, null for the first, keyed by
/// token id; the prompt's own token is always there.
ScoredContinuation read_prompt_logprobs(const Json& list, const Request& request,
                                        const std::vector<std::int32_t>& ids) {
  if (ids.empty()) refuse("prompt_logprobs need prompts of ids");
  if (!list.is_array() || list.size() != ids.size()) {
    refuse("expected prompt_logprobs of " + std::to_string(ids.size()) + " tokens, found " +
           describe(list));
  }
  ScoredContinuation scored{.greedy = true};
  for (std::size_t i = request.prompt.ids.size(); i < ids.size(); ++i) {
    if (!list[i].is_object()) refuse("expected an object, found " + describe(list[i]));
    const Json* own = member(list[i], std::to_string(ids[i]).c_str());
    if (own == nullptr) refuse("token " + std::to_string(ids[i]) + " is not among its own");
    const float logprob = finite_logprob(need(*own, "logprob"));
    add(scored, ids[i], logprob, is_best(list[i], logprob));
  }
  return scored;
}

}  // namespace

ScoredContinuation read_scored(std::string_view json, const Request& request, std::size_t leg) {
  const Json root = parse_json(json, "answer");
  const Json& choices = need(root, "choices");
  if (!choices.is_array() || choices.size() != 1) wrong_type("choices", "an array of one", choices);
  const Prompt& continuation = request.score->continuations.at(leg);
  std::vector<std::int32_t> ids = request.prompt.ids;
  ids.insert(ids.end(), continuation.ids.begin(), continuation.ids.end());
  if (!ids.empty() && request.prompt.ids.empty()) refuse("the first token has none");
  if (const Json* list = member(choices[0], "prompt_logprobs")) {
    return read_prompt_logprobs(*list, request, ids);
  }
  return read_echo(choices[0], request, ids, request.prompt.text + continuation.text);
}

}  // namespace moebius::engine::remote
