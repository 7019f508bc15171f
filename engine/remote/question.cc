// One question to a server by HTTP.
#include "engine/remote/question.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "engine/checkpoint/strict_json.h"

namespace moebius::engine::remote {
namespace {

constexpr std::size_t kErrorBytes = 1 << 16;  // of an answer that is no success

bool is_type(const std::string& content_type, std::string_view wanted) {
  return std::string_view(content_type).starts_with(wanted);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Streams that number their events show what came twice (dropped) or in disorder (an error).
bool is_repeated(const SseEvent& event, std::string& last) {
  if (event.id.empty()) return false;
  const auto now = number(event.id);
  const auto before = number(last);
  if (!last.empty() && event.id == last) return true;
  if (now && before && *now != *before + 1) {
    throw Error("event stream: expected event " + std::to_string(*before + 1) + ", found " +
                std::to_string(*now));
  }
  last = event.id;
  return false;
}

}  // namespace

std::string Target::endpoint() const {
  std::string base =
      options.endpoint.empty() ? std::string(dialect->default_endpoint) : options.endpoint;
  while (base.ends_with('/')) base.pop_back();
  return base;
}

std::string Target::redact(std::string text) const {
  text = key.redact(std::move(text));
  for (const Secret& value : header_values) text = value.redact(std::move(text));
  return text;
}

Question::Question(const Target& target, std::shared_ptr<const Request> request, std::size_t leg,
                   Answered answered)
    : target_(target),
      request_(std::move(request)),
      leg_(leg),
      answered_(std::move(answered)),
      stream_(target.options.stream && request_->generate.has_value()) {
  first_body_ = make_body();  // what cannot be asked is found out now
}

std::string Question::make_body() const {
  const RemoteOptions& options = target_.options;
  return target_.dialect->body(
      *request_, leg_,
      {.model = options.model, .stream = stream_, .prompt_logprobs = options.prompt_logprobs});
}

HttpRequest Question::begin() {
  const RemoteOptions& options = target_.options;
  first_token_ = -1;
  bytes_ = 0;
  events_seen_ = false;
  body_.clear();
  reader_ = SseReader();
  last_event_.clear();
  answer_ = {};
  broken_ = {};
  HttpRequest http{.url = target_.endpoint() + target_.dialect->path(*request_),
                   .headers = target_.dialect->headers(target_.key.reveal()),
                   .idle = options.idle_us,
                   .total = options.total_us};
  http.headers.insert(http.headers.end(), options.headers.begin(), options.headers.end());
  http.body = first_body_.empty() ? make_body() : std::exchange(first_body_, {});
  return http;
}

bool Question::received(const HttpHead& head, std::string_view bytes, Micros now) {
  bytes_ += std::ssize(bytes);
  if (bytes_ > target_.options.max_answer_bytes) {
    broken_ = {.error = ErrorClass::kRejected,
               .message = "answer: expected at most " +
                          std::to_string(target_.options.max_answer_bytes) + " bytes, found more"};
    return false;
  }
  if (head.status != 200) {
    body_.append(bytes.substr(0, kErrorBytes - std::min(kErrorBytes, body_.size())));
    return true;
  }
  if (is_type(head.content_type, "text/event-stream")) return take_events(bytes, now);
  body_.append(bytes);
  return true;
}

bool Question::take_events(std::string_view bytes, Micros now) {
  events_seen_ = true;
  try {
    for (const SseEvent& event : reader_.push(bytes)) {
      if (is_repeated(event, last_event_)) continue;
      target_.dialect->event(event, answer_);
      if (first_token_ < 0 && answer_.pieces > 0) first_token_ = now;
    }
    return true;
  } catch (const ServerError& error) {
    broken_ = {.error = error.error, .message = error.what()};
  } catch (const Error& error) {
    broken_ = {.error = ErrorClass::kMalformed, .message = error.what()};
  }
  return false;
}

Outcome Question::end(const HttpEnd& end, Micros) {
  Outcome outcome;
  try {
    outcome = judge(end);
  } catch (const ServerError& error) {
    outcome = {.error = error.error, .message = error.what()};
  } catch (const Error& error) {
    outcome = {.error = ErrorClass::kMalformed, .message = error.what()};
  }
  outcome.message = target_.redact(std::move(outcome.message));
  const auto wish = parse_retry_after(end.head.retry_after, std::time(nullptr));
  if (outcome.error != ErrorClass::kNone && wish) outcome.retry_after = *wish;
  body_ = {};
  answer_ = {};
  return outcome;
}

Outcome Question::judge(const HttpEnd& end) {
  switch (end.ending) {
    case HttpEnding::kEnough:
      return broken_;
    case HttpEnding::kTls:
    case HttpEnding::kUnsupported:
      return {.error = ErrorClass::kFatal, .message = target_.endpoint() + ": " + end.error};
    case HttpEnding::kTimeout:
      return {.error = ErrorClass::kTimeout, .message = target_.endpoint() + ": " + end.error};
    case HttpEnding::kConnection:
      return {.error = ErrorClass::kConnection, .message = target_.endpoint() + ": " + end.error};
    case HttpEnding::kComplete:
      break;
  }
  const StatusMeaning meaning = read_status(end.head.status, body_);
  if (meaning.error != ErrorClass::kNone) {
    return {.error = meaning.error, .message = target_.endpoint() + ": " + meaning.message};
  }
  if (!meaning.filtered) return read_answer(end);
  Outcome outcome;
  hand_over({.id = request_->id, .finish = Finish::kFiltered, .error = meaning.message}, outcome);
  return outcome;
}

Outcome Question::read_answer(const HttpEnd& end) {
  Outcome outcome;
  if (!events_seen_ && !is_type(end.head.content_type, "application/json")) {
    throw Error("answer: expected application/json, found " + quote(end.head.content_type));
  }
  Completion completion{.id = request_->id};
  if (events_seen_) {
    // Cut off between two events a stream looks whole to HTTP/1.0: its own end mark decides.
    if (!answer_.closed || reader_.unfinished()) {
      return {.error = ErrorClass::kConnection, .message = "answer: the stream has not ended"};
    }
  } else {
    target_.dialect->read(body_, answer_);
  }
  if (request_->score) {
    try {
      completion.continuations.push_back(read_scored(body_, *request_, leg_));
    } catch (const Error& error) {  // it will answer the same again
      return {.error = ErrorClass::kRejected, .message = error.what()};
    }
    completion.prompt_tokens =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(answer_.prompt_tokens, 0, 1 << 30));
  } else {
    completion = to_completion(answer_, *request_, events_seen_);
  }
  hand_over(std::move(completion), outcome);
  return outcome;
}

void Question::hand_over(Completion completion, Outcome& outcome) {
  const std::int64_t in = std::max<std::int64_t>(0, answer_.prompt_tokens);
  const std::int64_t out = std::max<std::int64_t>(0, answer_.output_tokens);
  outcome.tokens = in + out;
  outcome.cost = (static_cast<double>(in) * target_.options.price_in +
                  static_cast<double>(out) * target_.options.price_out) /
                 1e6;
  completion.error = target_.redact(std::move(completion.error));
  completion.text = target_.key.redact_answer(std::move(completion.text));
  completion.served = Served{.model = target_.redact(answer_.model),
                             .system_fingerprint = target_.redact(answer_.system_fingerprint),
                             .endpoint = target_.endpoint(),
                             .output_tokens = answer_.output_tokens,
                             .reasoning_tokens = answer_.reasoning_tokens,
                             .first_token_us = first_token_,  // an instant; the engine subtracts
                             .cost = outcome.cost};
  answered_(std::move(completion));
}

}  // namespace moebius::engine::remote
