// Calls of clients to requests of the engine and back: queue, cancellation, figures. Knows HTTP
// only by its words; who carries them is runner/serve/http.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "runner/serve/answer.h"
#include "runner/serve/api.h"
#include "runner/serve/api_key.h"
#include "runner/serve/metrics.h"

namespace moebius::runner {

class EngineWatch;

/// What the head of a call says.
struct CallHead {
  std::string_view method;
  std::string_view path;  // without a query
  std::string_view host;
  std::string_view content_type;
  std::string_view authorization;
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// The client's end of a call. Either reply() once, or begin_stream(), send()s and end_stream().
class Client {
 public:
  virtual ~Client() = default;
  virtual void reply(Reply reply) = 0;
  virtual void begin_stream() = 0;
  virtual void send(std::string text) = 0;
  virtual void end_stream() = 0;
};

struct ServiceOptions {
  std::string model;               // as calls name it
  std::optional<ApiKey> key;       // absent: everybody on this machine may call
  std::size_t max_queue = 4096;    // requests of the engine in flight
  std::int32_t max_tokens = 1024;  // of a chat's answer that does not say
};

/// All functions on one thread, that which runs what `post` is given.
class Service {
 public:
  using Post = std::function<void(std::function<void()>)>;  // from any thread; must not throw

  /// `engine` must outlive it. `died` is called once if the engine's thread ended.
  Service(engine::LocalEngine& engine, ServiceOptions options, Post post,
          std::function<void(std::exception_ptr)> died);
  /// Cancels what is unfinished and waits for the engine; `post` must not run meanwhile.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// What a call is told by its head alone, before its body is read: wrong key, path or method.
  std::optional<Reply> refuse(const CallHead& head);

  /// Answers a call that refuse() let pass. Returns 0 if it is answered already, else a number for
  /// leave() and expire().
  std::uint64_t handle(const CallHead& head, std::string_view body, std::shared_ptr<Client> client);

  void leave(std::uint64_t call);   // the client is gone
  void expire(std::uint64_t call);  // it took too long
  void drain();                     // new calls are refused from now on
  void cancel_all();                // those in flight are told so
  std::size_t active() const { return calls_.size(); }

  /// An error of the transport as a client reads it; counted.
  Reply error_reply(const ApiError& error, std::string_view path);

 private:
  struct Call;
  struct Event;
  struct Mailbox;
  using Calls = std::map<std::uint64_t, std::unique_ptr<Call>>;  // by the id of its first request

  std::uint64_t start(Endpoint endpoint, std::string_view body, std::shared_ptr<Client> client);
  void check_room(std::size_t requests) const;
  void submit(Call& call);
  void take_events();
  void take(Event& event);
  void show_token(Call& call, const Event& event);
  void begin_stream(Call& call);
  void finish(Calls::iterator call);
  void fail(Call& call, const ApiError& error);
  void count(std::string_view path, int status);
  Calls::iterator find(std::uint64_t request);
  Reply get(std::string_view path);

  engine::LocalEngine& engine_;
  ServiceOptions options_;
  const engine::Tokenizer* tokenizer_;
  std::string fingerprint_;
  Metrics metrics_;
  Calls calls_;
  std::uint64_t next_request_ = 1;
  std::mt19937_64 random_{std::random_device{}()};
  bool draining_ = false;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<EngineWatch> watch_;
};

}  // namespace moebius::runner
