// HTTP/1.1 around a Service: connections, limits, timeouts, server-sent events, shutdown.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runner/serve/service.h"

namespace moebius::runner {

struct HttpOptions {
  std::string host = "127.0.0.1";  // a numeric address, or "localhost"
  std::uint16_t port = 8000;       // 0: any that is free
  bool open = false;               // an address that other machines can reach is allowed
  std::size_t max_body_bytes = std::size_t{16} << 20;
  std::size_t max_connections = 4096;
  std::chrono::seconds read_timeout{30};     // of a head, of a body, of each write
  std::chrono::seconds idle_timeout{75};     // between calls of a connection
  std::chrono::seconds answer_timeout{600};  // of the engine
  std::chrono::seconds grace{30};            // for what runs when the server is told to stop
};

/// One thread runs all connections; the engine has threads of its own.
class HttpServer {
 public:
  /// Listens. Throws InputError: no such address, one that other machines can reach unless `open`,
  /// port taken.
  explicit HttpServer(const HttpOptions& options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:8000"

  /// Runs a function on the thread that run() is called on.
  Service::Post post();

  /// Ends run() at once with this exception. On run()'s thread.
  void die(std::exception_ptr error);

  /// Serves until SIGINT or SIGTERM and what runs then has ended. A second signal leaves the
  /// process at once. False if something had to be cut off.
  bool run(Service& service);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moebius::runner
