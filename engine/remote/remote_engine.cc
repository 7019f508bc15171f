// A model behind an HTTP API as an engine: one thread that paces, sends, reads and calls back.
#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/checkpoint/strict_json.h"
#include "engine/remote/curl_transport.h"
#include "engine/remote/question.h"

namespace moebius::engine::remote {
namespace {

constexpr Micros kLongestStep = kSecond;

/// A rough count: three bytes a token are few for English and many for Chinese.
double estimated_tokens(const Request& request) {
  std::size_t bytes = request.prompt.text.size();
  for (const Message& message : request.prompt.chat) bytes += message.content.size();
  if (!request.prompt.ids.empty()) return static_cast<double>(request.prompt.ids.size());
  return static_cast<double>(bytes) / 3;
}

class RemoteEngine : public Engine {
 public:
  RemoteEngine(Target target, std::unique_ptr<Transport> transport)
      : target_(std::move(target)),
        transport_(std::move(transport)),
        courier_({.concurrency = target_.options.concurrency,
                  .requests_per_minute = target_.options.requests_per_minute,
                  .tokens_per_minute = target_.options.tokens_per_minute,
                  .cost_limit = target_.options.cost_limit,
                  .first_pause = target_.options.first_pause_us,
                  .outage_limit = target_.options.outage_us,
                  .seed = target_.options.seed},
                 clock_, *transport_),
        thread_([this] { loop_guarded(); }) {}

  ~RemoteEngine() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    transport_->wake();
    thread_.join();
  }

  void submit(std::vector<Request> requests, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      if (error_) std::rethrow_exception(error_);
      in_flight_ += requests.size();
      auto shared = std::make_shared<Done>(std::move(done));
      for (Request& request : requests) inbox_.push_back({std::move(request), shared});
    }
    changed_.notify_all();
    transport_->wake();
  }

  void cancel(std::uint64_t id) override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    changed_.notify_all();
    transport_->wake();
  }

  void wait() override {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return in_flight_ == 0 || error_; });
    if (error_) std::rethrow_exception(error_);
    if (!stopped_.empty()) throw Error(stopped_);
  }

  std::string fingerprint() const override {
    return "remote " + std::string(target_.dialect->name) + " " + target_.endpoint() + " model " +
           target_.options.model;
  }

 private:
  struct Submitted {
    Request request;
    std::shared_ptr<Done> done;
  };
  /// A request until all of its questions have ended.
  struct Open {
    std::shared_ptr<const Request> request;
    std::shared_ptr<Done> done;
    Completion completion;
    std::vector<std::uint64_t> tickets;
    std::size_t left = 0;
    bool failed = false;  // its completion says so; other questions do not change it
  };
  struct Finished {
    Completion completion;
    std::shared_ptr<Done> done;
  };

  void loop_guarded() {
    try {
      loop();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      idle_.notify_all();
    }
  }

  void loop() {
    for (;;) {
      std::vector<Submitted> arrived;
      std::vector<std::uint64_t> cancelled;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] {
          return over_ || !inbox_.empty() || !cancelled_.empty() || !courier_.idle();
        });
        if (over_) return;
        arrived.swap(inbox_);
        cancelled.swap(cancelled_);
      }
      for (Submitted& each : arrived) open(std::move(each));
      for (const std::uint64_t id : cancelled) cancel_open(id);
      if (!courier_.idle()) courier_.step(kLongestStep);
      tell_of_outage();
      report();
    }
  }

  void tell_of_outage() {
    if (courier_.paused() == outage_ || !target_.options.notice) return;
    outage_ = courier_.paused();
    const std::string who = target_.endpoint();
    target_.options.notice(outage_ ? who + ": waiting until it answers again (" +
                                         courier_.trouble() + ")"
                                   : who + ": answers again");
  }

  void open(Submitted submitted) {
    const std::uint64_t key = next_open_++;
    Open& open = open_[key];
    open.request = std::make_shared<const Request>(std::move(submitted.request));
    open.done = std::move(submitted.done);
    const Request& request = *open.request;
    open.completion.id = request.id;
    open.left = request.score ? request.score->continuations.size() : 1;
    if (request.score) open.completion.continuations.resize(open.left);
    const std::size_t legs = open.left;
    try {
      if (request.generate.has_value() == request.score.has_value() || legs == 0) {
        throw Error("expected a request to generate or to score something");
      }
      std::vector<std::unique_ptr<Question>> questions;
      for (std::size_t leg = 0; leg < legs; ++leg) questions.push_back(question(key, leg));
      by_id_.emplace(request.id, key);
      for (std::size_t leg = 0; leg < legs; ++leg) {
        const std::uint64_t ticket = next_ticket_++;
        open.tickets.push_back(ticket);
      }
      const std::vector<std::uint64_t> tickets = open.tickets;  // a stopped courier ends at once
      const double tokens = estimated_tokens(request);
      for (std::size_t leg = 0; leg < legs; ++leg) {
        courier_.submit(tickets[leg], std::move(questions[leg]), tokens,
                        [this, key](const Ended& ended) { question_ended(key, ended); });
      }
    } catch (const Error& error) {
      refuse(open, Finish::kRefused, error.what());
      close(key);
    }
  }

  std::unique_ptr<Question> question(std::uint64_t key, std::size_t leg) {
    return std::make_unique<Question>(
        target_, open_.at(key).request, leg,
        [this, key, leg](Completion answer) { answered(key, leg, std::move(answer)); });
  }

  static void refuse(Open& open, Finish finish, const std::string& why) {
    if (open.failed) return;
    open.failed = true;
    open.completion.finish = finish;
    open.completion.error = why;
    open.completion.continuations.clear();
  }

  void answered(std::uint64_t key, std::size_t leg, Completion answer) {
    Open& open = open_.at(key);
    if (!open.request->score) {
      open.completion = std::move(answer);
      return;
    }
    add_served(open.completion, answer);
    if (answer.finish != Finish::kStop) return refuse(open, answer.finish, answer.error);
    if (!open.failed) open.completion.continuations[leg] = std::move(answer.continuations[0]);
  }

  /// Costs of all questions are the request's.
  static void add_served(Completion& all, const Completion& one) {
    all.prompt_tokens += one.prompt_tokens;
    if (!all.served) {
      all.served = one.served;
      return;
    }
    all.served->cost += one.served->cost;
    all.served->output_tokens += std::max<std::int64_t>(0, one.served->output_tokens);
  }

  void question_ended(std::uint64_t key, const Ended& ended) {
    Open& open = open_.at(key);
    if (ended.cancelled) {
      refuse(open, Finish::kCancelled, "");
    } else if (ended.outcome.error == ErrorClass::kRejected) {
      refuse(open, Finish::kRefused, ended.outcome.message);
    } else if (ended.outcome.error != ErrorClass::kNone) {
      refuse(open, Finish::kFailed,
             std::string(error_class_name(ended.outcome.error)) + " after " +
                 std::to_string(ended.attempts) + " attempts: " + ended.outcome.message);
    }
    Completion& completion = open.completion;
    completion.latency_us = std::max(completion.latency_us, ended.end - ended.last_start);
    if (completion.served) {
      completion.served->attempts += ended.attempts;
      if (completion.served->first_token_us >= 0) {
        completion.served->first_token_us -= ended.last_start;
      }
    }
    if (--open.left == 0) close(key);
  }

  void close(std::uint64_t key) {
    auto node = open_.extract(key);
    Open& open = node.mapped();
    const auto [first, last] = by_id_.equal_range(open.request->id);
    for (auto it = first; it != last; ++it) {
      if (it->second != key) continue;
      by_id_.erase(it);
      break;
    }
    finished_.push_back({std::move(open.completion), std::move(open.done)});
  }

  void cancel_open(std::uint64_t id) {
    std::vector<std::uint64_t> tickets;
    const auto [first, last] = by_id_.equal_range(id);
    for (auto it = first; it != last; ++it) {
      const auto& more = open_.at(it->second).tickets;
      tickets.insert(tickets.end(), more.begin(), more.end());
    }
    for (const std::uint64_t ticket : tickets) courier_.cancel(ticket);
  }

  void report() {
    std::vector<Finished> finished;
    finished.swap(finished_);
    for (Finished& each : finished) (*each.done)(std::move(each.completion));
    const std::lock_guard lock(mutex_);
    in_flight_ -= finished.size();
    stopped_ = courier_.stopped();
    if (in_flight_ == 0) idle_.notify_all();
  }

  const Target target_;
  const SteadyClock clock_;
  const std::unique_ptr<Transport> transport_;

  // The thread's own:
  Courier courier_;
  std::unordered_map<std::uint64_t, Open> open_;
  std::unordered_multimap<std::uint64_t, std::uint64_t> by_id_;  // the caller's id, key of open_
  std::uint64_t next_open_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::vector<Finished> finished_;
  bool outage_ = false;  // told

  std::mutex mutex_;                 // guards all below
  std::condition_variable changed_;  // there is work for the thread
  std::condition_variable idle_;
  std::vector<Submitted> inbox_;
  std::vector<std::uint64_t> cancelled_;
  std::size_t in_flight_ = 0;  // submitted, not called back
  std::string stopped_;
  std::exception_ptr error_;
  bool over_ = false;
  std::thread thread_;  // last
};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c != 127; });
}

/// It is stored and shown, so nothing secret may be in it.
void check_endpoint(const std::string& endpoint) {
  const std::size_t scheme = endpoint.find("://");
  if (!endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
    throw Error("endpoint: expected http:// or https://, found " +
                quote(endpoint.substr(0, scheme), 60));
  }
  const std::string_view rest = std::string_view(endpoint).substr(scheme + 3);
  if (rest.substr(0, rest.find('/')).find('@') != std::string_view::npos ||
      rest.find('?') != std::string_view::npos) {
    throw Error("endpoint: expected no user, password or query in the URL");
  }
  if (rest.empty() || !is_plain(endpoint)) throw Error("endpoint: expected a URL in one line");
}

std::string header_name(const std::string& header) {
  std::string name = header.substr(0, header.find(':'));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return name;
}

/// Headers go to the server as they are: no line breaks, and none that the dialect sets itself.
void check_headers(const Target& target) {
  for (const std::string& header : target.options.headers) {
    if (!is_plain(header) || header.find(':') == std::string::npos) {
      throw Error("header: expected \"Name: value\" in one line");
    }
    for (const std::string& own : target.dialect->headers(target.key.reveal())) {
      if (header_name(own) != header_name(header)) continue;
      throw Error("header " + header_name(header) + ": is sent already, with the key of " +
                  std::string(target.dialect->key_variable) + " or the key file");
    }
  }
}

Secret key_of(const RemoteOptions& options, const Dialect& dialect) {
  if (!options.key_file.empty()) return Secret::from_file(options.key_file);
  return Secret::from_environment(std::string(dialect.key_variable).c_str());
}

std::vector<Secret> values_of(const std::vector<std::string>& headers) {
  constexpr std::size_t kShortest = 8;  // shorter ones occur in honest text
  std::vector<Secret> values;
  for (const std::string& header : headers) {
    std::string value = header.substr(header.find(':') + 1);
    value.erase(0, value.find_first_not_of(' '));
    if (value.size() >= kShortest) values.emplace_back(std::move(value));
  }
  return values;
}

Target make_target(const RemoteOptions& options) {
  Target target{.dialect = &find_dialect(options.dialect), .options = options};
  check_endpoint(target.endpoint());
  if (options.model.empty()) {
    throw Error(target.endpoint() + ": expected the name of a model, found none");
  }
  target.key = key_of(options, *target.dialect);
  check_headers(target);
  target.header_values = values_of(options.headers);
  return target;
}

}  // namespace
}  // namespace moebius::engine::remote

namespace moebius::engine {

std::unique_ptr<Engine> connect(const RemoteOptions& options) {
  remote::Target target = remote::make_target(options);
  const int connections =
      options.concurrency > 0 ? options.concurrency : remote::Courier::kMostConcurrent;
  return std::make_unique<remote::RemoteEngine>(
      std::move(target),
      remote::make_curl_transport({.ca_file = options.ca_file, .connections = connections}));
}

void check_request(const RemoteOptions& options, const Request& request) {
  const remote::Target target{.dialect = &remote::find_dialect(options.dialect),
                              .options = options};
  const auto shared = std::make_shared<const Request>(request);
  const std::size_t legs = request.score ? request.score->continuations.size() : 1;
  for (std::size_t leg = 0; leg < legs; ++leg) remote::Question(target, shared, leg, {});
}

}  // namespace moebius::engine
