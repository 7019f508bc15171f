// A web server of a few lines on the loopback address: each request is answered by a function.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace moebius::tasks::testing {

class HttpServer {
 public:
  /// Gets a whole request head, gives back the bytes to send before the connection is closed.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit HttpServer(Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback address");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~HttpServer() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int requests() const { return requests_; }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      std::string request;
      std::array<char, 4096> block{};
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t count = ::recv(client, block.data(), block.size(), 0);
        if (count <= 0) break;
        request.append(block.data(), static_cast<std::size_t>(count));
      }
      ++requests_;
      const std::string answer = answer_(request);
      std::size_t sent = 0;
      while (sent < answer.size()) {
        const ssize_t count =
            ::send(client, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
      }
      ::close(client);
    }
  }

  Answer answer_;
  int listener_;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::jthread thread_;
};

}  // namespace moebius::tasks::testing
