// HTTP/1.1 around a Service: connections, limits, timeouts, server-sent events, shutdown.
#include "runner/serve/http.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <set>

#include "runner/commands.h"
#include "runner/input.h"
#include "runner/serve/session.h"

namespace moebius::runner {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::size_t kTurnedAway = 256;  // connections over the limit that are told so
constexpr std::size_t kOtherFiles = 64;

/// A process may open 1024 files unless it asks for more; each connection is one.
void allow_connections(std::size_t count) {
  rlimit limit{};
  const rlim_t wanted = count + kTurnedAway + kOtherFiles;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

asio::ip::address address_of(const HttpOptions& options) {
  boost::system::error_code error;
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  const auto address = asio::ip::make_address(host, error);
  if (error) {
    throw InputError(fmt::format("--host: expected an IP address, found '{}'", options.host));
  }
  if (!address.is_loopback() && !options.open) {
    throw InputError(fmt::format("--host: other machines can reach {}: this needs --api-key-file",
                                 options.host));
  }
  return address;
}

}  // namespace

struct HttpServer::State {
  explicit State(const HttpOptions& http) : options(http) {}

  void accept();
  void accepted(const boost::system::error_code& error, tcp::socket socket);
  void stop();
  void hurry();
  void check_end();

  HttpOptions options;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
  asio::steady_timer pause{io};  // of accepting, and of waiting for what runs
  asio::steady_timer recheck{io};
  std::set<std::shared_ptr<Session>> sessions;
  Service* service = nullptr;
  std::exception_ptr error;
  bool stopping = false;
  bool cut = false;
};

HttpServer::HttpServer(const HttpOptions& options) : state_(std::make_unique<State>(options)) {
  const tcp::endpoint endpoint(address_of(options), options.port);
  try {
    state_->acceptor.open(endpoint.protocol());
    state_->acceptor.set_option(tcp::acceptor::reuse_address(true));
    state_->acceptor.bind(endpoint);
    state_->acceptor.listen(4096);
  } catch (const boost::system::system_error& error) {
    throw InputError(fmt::format("cannot listen on {} port {}: {}", options.host, options.port,
                                 error.code().message()));
  }
  allow_connections(options.max_connections);
}

HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
  const tcp::endpoint endpoint = state_->acceptor.local_endpoint();
  const std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) return fmt::format("http://[{}]:{}", host, endpoint.port());
  return fmt::format("http://{}:{}", host, endpoint.port());
}

Service::Post HttpServer::post() {
  return [&io = state_->io](std::function<void()> task) { asio::post(io, std::move(task)); };
}

void HttpServer::die(std::exception_ptr error) {
  state_->error = error;
  state_->io.stop();
}

bool HttpServer::run(Service& service) {
  state_->service = &service;
  state_->signals.add(SIGINT);
  state_->signals.add(SIGTERM);
  state_->signals.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) state_->stop();
  });
  state_->accept();
  state_->io.run();
  const auto open = state_->sessions;  // close() takes them out
  for (const auto& session : open) session->close();
  if (state_->error) std::rethrow_exception(state_->error);
  return !state_->cut;
}

// ---- connections ------------------------------------------------------------------------------

void HttpServer::State::accept() {
  acceptor.async_accept([this](const boost::system::error_code& failed, tcp::socket socket) {
    accepted(failed, std::move(socket));
  });
}

void HttpServer::State::accepted(const boost::system::error_code& failed, tcp::socket socket) {
  if (stopping) return;
  if (failed || sessions.size() >= options.max_connections + kTurnedAway) {
    // Far over the limit it is closed; with no file left others wait in the kernel's queue.
    boost::system::error_code ignored;
    socket.close(ignored);
    pause.expires_after(std::chrono::milliseconds(failed ? 100 : 0));
    pause.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) accept();
    });
    return;
  }
  const auto session = std::make_shared<Session>(std::move(socket), options, *service,
                                                 [this](const std::shared_ptr<Session>& closed) {
                                                   sessions.erase(closed);
                                                   check_end();
                                                 });
  const bool room = sessions.size() < options.max_connections;
  sessions.insert(session);
  if (room) {
    session->begin();
  } else {
    session->turn_away();
  }
  accept();
}

// ---- the end ----------------------------------------------------------------------------------

void HttpServer::State::stop() {
  stopping = true;
  fmt::print(stderr, "moebius: stopping; finishing {} calls (again: leave at once)\n",
             service->active());
  signals.async_wait([](const boost::system::error_code& failed, int) {
    if (!failed) ::_exit(kInterrupted);
  });
  acceptor.close();
  service->drain();
  pause.expires_after(options.grace);
  pause.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) hurry();
  });
  const auto open = sessions;  // drain() may close, which changes the set
  for (const auto& session : open) session->drain();
  check_end();
}

/// The time is up.
void HttpServer::State::hurry() {
  cut = true;
  service->cancel_all();
  pause.expires_after(std::chrono::seconds(5));
  pause.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) io.stop();
  });
}

void HttpServer::State::check_end() {
  if (!stopping || !sessions.empty()) return;
  if (service->active() == 0) return io.stop();
  // Calls whose clients have left: the engine is about to say that it has dropped them.
  recheck.expires_after(std::chrono::milliseconds(20));
  recheck.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) check_end();
  });
}

}  // namespace moebius::runner
