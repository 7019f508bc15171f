// Calls of clients to requests of the engine and back: queue, cancellation, figures.
#include "runner/serve/service.h"

#include <fmt/format.h>

#include <ctime>

#include "runner/serve/engine_watch.h"

namespace moebius::runner {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kChatPath = "/v1/chat/completions";
constexpr std::string_view kCompletionsPath = "/v1/completions";
constexpr std::string_view kModelsPath = "/v1/models";
constexpr std::string_view kHealthPath = "/health";
constexpr std::string_view kMetricsPath = "/metrics";
constexpr std::string_view kOtherPath = "other";

bool is_post(std::string_view path) {
  return path == kChatPath || path == kCompletionsPath;
}

/// Of /v1/models/NAME; empty for other paths.
std::string_view model_in(std::string_view path) {
  if (!path.starts_with(kModelsPath) || path.size() < kModelsPath.size() + 2) return "";
  return path[kModelsPath.size()] == '/' ? path.substr(kModelsPath.size() + 1) : "";
}

/// As figures name it: one of few, whatever clients write.
std::string_view path_name(std::string_view path) {
  for (const auto known : {kChatPath, kCompletionsPath, kModelsPath, kHealthPath, kMetricsPath}) {
    if (path == known) return known;
  }
  return model_in(path).empty() ? kOtherPath : kModelsPath;
}

/// Pages of other sites, loaded by a browser on this machine, may call us under names of their own.
bool names_this_machine(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  const std::size_t end = bracketed ? host.find(']') : host.rfind(':');
  const std::string_view name = host.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  return name == "localhost" || name == "::1" ||
         (name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

/// A call that the engine is working on.
struct Service::Call {
  ApiCall asked;
  AnswerHead head;
  std::shared_ptr<Client> client;  // null: gone, or told of a failure
  std::vector<engine::Completion> completions;
  std::size_t left = 0;  // requests not answered
  std::uint64_t first = 0;
  std::unique_ptr<AnswerStream> stream;  // once begun
  Clock::time_point start = Clock::now();
};

/// What the engine's thread says: a token or a completion.
struct Service::Event {
  std::uint64_t request = 0;
  engine::GeneratedToken token;
  std::string text;
  std::optional<engine::Completion> completion;
};

/// Where the engine's thread leaves events: one post() for all that come before they are taken.
struct Service::Mailbox {
  Mailbox(Post to, std::function<void()> taker) : post(std::move(to)), take(std::move(taker)) {}

  void put(Event event) {
    bool first = false;
    {
      const std::lock_guard lock(mutex);
      first = events.empty();
      events.push_back(std::move(event));
    }
    if (first) post(take);
  }

  Post post;
  std::function<void()> take;
  std::mutex mutex;
  std::vector<Event> events;
};

Service::Service(engine::LocalEngine& engine, ServiceOptions options, Post post,
                 std::function<void(std::exception_ptr)> died)
    : engine_(engine),
      options_(std::move(options)),
      tokenizer_(engine.has_tokenizer() ? &engine.tokenizer() : nullptr),
      fingerprint_(engine.fingerprint()),
      mailbox_(std::make_shared<Mailbox>(post, [this] { take_events(); })),
      watch_(std::make_unique<EngineWatch>(
          engine, [post, died = std::move(died)](std::exception_ptr error) {
            post([died, error] { died(error); });
          })) {
  metrics_.queue_limit = static_cast<std::int64_t>(options_.max_queue);
}

Service::~Service() {
  cancel_all();
  watch_.reset();
}

// ---- calls ------------------------------------------------------------------------------------

std::optional<Reply> Service::refuse(const CallHead& head) {
  try {
    if (path_name(head.path) == kOtherPath) throw ApiError(404, "no such path", "not_found");
    if (head.method != (is_post(head.path) ? "POST" : "GET")) {
      throw ApiError(405, fmt::format("{} does not take this method", head.path));
    }
    if (!options_.key && !names_this_machine(head.host)) {
      throw ApiError(403, "without an API key only this machine's own names are answered");
    }
    if (options_.key && head.path != kHealthPath && !options_.key->opens(head.authorization)) {
      throw ApiError(401, "expected the header 'Authorization: Bearer KEY' with this server's key",
                     "invalid_api_key");
    }
    if (is_post(head.path) && !head.content_type.starts_with("application/json")) {
      throw ApiError(415, "expected the content type application/json");
    }
    if (draining_ && is_post(head.path)) throw ApiError(503, "the server is shutting down");
  } catch (const ApiError& error) {
    return error_reply(error, path_name(head.path));
  }
  return std::nullopt;
}

Reply Service::error_reply(const ApiError& error, std::string_view path) {
  count(path, error.status);
  Reply reply{.status = error.status, .body = json_line(error_json(error))};
  if (error.status == 429 || error.status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (error.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

std::uint64_t Service::handle(const CallHead& head, std::string_view body,
                              std::shared_ptr<Client> client) {
  if (!is_post(head.path)) {
    client->reply(get(head.path));
    return 0;
  }
  const std::string path(head.path);
  try {
    return start(path == kChatPath ? Endpoint::kChat : Endpoint::kCompletions, body, client);
  } catch (const ApiError& error) {
    client->reply(error_reply(error, path));
  } catch (const std::bad_alloc&) {
    client->reply(error_reply(ApiError(503, "out of memory"), path));
  }
  return 0;
}

Reply Service::get(std::string_view path) {
  const std::string_view name = model_in(path);
  if (!name.empty() && name != options_.model) {
    return error_reply(ApiError(404, "no such model", "model_not_found"), path_name(path));
  }
  count(path_name(path), 200);
  if (path == kMetricsPath) {
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_.text()};
  }
  if (path == kHealthPath) {
    return {.status = draining_ ? 503 : 200,
            .body = json_line({{"status", draining_ ? "stopping" : "ok"}})};
  }
  const engine::ModelInfo& info = engine_.info();
  const Json model = {{"id", options_.model},
                      {"object", "model"},
                      {"created", 0},
                      {"owned_by", "moebius"},
                      {"max_model_len", info.context},
                      {"fingerprint", fingerprint_}};
  if (!name.empty()) return {.body = json_line(model)};
  return {.body = json_line({{"object", "list"}, {"data", Json::array({model})}})};
}

std::uint64_t Service::start(Endpoint endpoint, std::string_view body,
                             std::shared_ptr<Client> client) {
  check_room(1);  // before the work of reading it
  auto call = std::make_unique<Call>();
  call->asked = read_call(endpoint, body,
                          {.tokenizer = tokenizer_,
                           .model = options_.model,
                           .default_max_tokens = options_.max_tokens,
                           .max_context = engine_.info().context,
                           .max_requests = options_.max_queue,
                           .fresh_seed = random_()});
  check_room(call->asked.requests.size());
  call->client = std::move(client);
  call->head = {.id = fmt::format("{:016x}", random_()),
                .created = std::time(nullptr),
                .model = options_.model,
                .fingerprint = fingerprint_};
  call->left = call->asked.requests.size();
  call->completions.resize(call->left);
  call->first = next_request_;
  next_request_ += std::max<std::uint64_t>(call->left, 1);
  const auto place = calls_.emplace(call->first, std::move(call)).first;
  if (place->second->left == 0) {
    finish(place);
    return 0;
  }
  submit(*place->second);
  return place->first;
}

void Service::check_room(std::size_t requests) const {
  const auto in_flight = static_cast<std::size_t>(metrics_.in_flight);
  if (requests > options_.max_queue) {
    throw ApiError(400, fmt::format("request: {} answers and scores, the queue holds {}", requests,
                                    options_.max_queue));
  }
  if (in_flight + requests <= options_.max_queue) return;
  throw ApiError(
      429,
      fmt::format("{} requests are in flight, at most {} may be", in_flight, options_.max_queue),
      "rate_limit_exceeded");
}

void Service::submit(Call& call) {
  std::vector<engine::Request> requests = std::move(call.asked.requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].id = call.first + i;
    if (!call.asked.stream || !requests[i].generate) continue;
    requests[i].on_token = [mailbox = mailbox_](const engine::Growth& growth) {
      mailbox->put({growth.id, growth.token, std::string(growth.text), std::nullopt});
    };
  }
  metrics_.in_flight += static_cast<std::int64_t>(requests.size());
  engine_.submit(std::move(requests), [mailbox = mailbox_](engine::Completion completion) {
    const std::uint64_t id = completion.id;
    mailbox->put({id, {}, "", std::move(completion)});
  });
  watch_->submitted();
}

void Service::leave(std::uint64_t call) {
  const auto found = calls_.find(call);
  if (found == calls_.end() || found->second->client == nullptr) return;
  ++metrics_.clients_left;
  found->second->client = nullptr;
  for (std::size_t i = 0; i < found->second->completions.size(); ++i) engine_.cancel(call + i);
}

void Service::expire(std::uint64_t call) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  fail(*found->second, ApiError(504, "the answer took longer than this server allows"));
}

void Service::drain() {
  draining_ = true;
}

void Service::cancel_all() {
  for (const auto& [id, call] : calls_) fail(*call, ApiError(503, "the server is shutting down"));
}

// ---- answers ----------------------------------------------------------------------------------

Service::Calls::iterator Service::find(std::uint64_t request) {
  return std::prev(calls_.upper_bound(request));
}

void Service::take_events() {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mailbox_->mutex);
    events.swap(mailbox_->events);
  }
  for (Event& event : events) take(event);
}

void Service::take(Event& event) {
  const auto place = find(event.request);
  Call& call = *place->second;
  if (!event.completion) {
    if (call.client != nullptr) show_token(call, event);
    return;
  }
  --metrics_.in_flight;
  metrics_.prompt_tokens += event.completion->prompt_tokens;
  metrics_.cached_tokens += event.completion->cached_tokens;
  metrics_.generated_tokens += static_cast<std::int64_t>(event.completion->tokens.size());
  const std::size_t index = event.request - call.first;
  engine::Completion& completion = call.completions[index] = std::move(*event.completion);
  if (call.client != nullptr && call.asked.stream) {
    try {
      require_answers({&completion, 1});
      begin_stream(call);
      call.client->send(call.stream->end(index, completion));
    } catch (const ApiError& error) {
      fail(call, error);
    }
  }
  if (--call.left == 0) finish(place);
}

void Service::begin_stream(Call& call) {
  if (call.stream != nullptr) return;
  metrics_.first_token_seconds.add(seconds_since(call.start));
  call.stream = std::make_unique<AnswerStream>(call.asked, call.head, tokenizer_);
  call.client->begin_stream();
  for (std::size_t choice = 0; choice < call.asked.choices(); ++choice) {
    call.client->send(call.stream->begin(choice));
  }
}

void Service::show_token(Call& call, const Event& event) {
  begin_stream(call);
  call.client->send(call.stream->token(event.request - call.first, event.token, event.text));
}

void Service::finish(Calls::iterator place) {
  const std::unique_ptr<Call> call = std::move(place->second);
  calls_.erase(place);
  metrics_.seconds.add(seconds_since(call->start));
  if (call->client == nullptr) return;
  const std::string_view path =
      call->asked.endpoint == Endpoint::kChat ? kChatPath : kCompletionsPath;
  try {
    require_answers(call->completions);
    if (call->stream != nullptr) {
      call->client->send(call->stream->close(usage_of(call->asked, call->completions)));
      call->client->end_stream();
    } else {
      call->client->reply(
          {.body = json_line(answer_json(call->asked, call->completions, call->head, tokenizer_))});
    }
    count(path, 200);
  } catch (const ApiError& error) {
    fail(*call, error);
  }
}

/// Tells the client, once, and forgets it; the engine's answers are waited for all the same.
void Service::fail(Call& call, const ApiError& error) {
  if (call.client == nullptr) return;
  const std::shared_ptr<Client> client = std::move(call.client);
  for (std::size_t i = 0; i < call.completions.size(); ++i) engine_.cancel(call.first + i);
  const std::string_view path =
      call.asked.endpoint == Endpoint::kChat ? kChatPath : kCompletionsPath;
  Reply reply = error_reply(error, path);
  if (call.stream == nullptr) return client->reply(std::move(reply));
  client->send(AnswerStream::fail(error));
  client->end_stream();
}

void Service::count(std::string_view path, int status) {
  ++metrics_.answers[{std::string(path), status}];
}

}  // namespace moebius::runner
