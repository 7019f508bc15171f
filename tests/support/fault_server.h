// An HTTP server that fails as told to: plain sockets, loopback, a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace moebius::tests {

class FaultServer {
 public:
  struct Request {
    std::string head;  // request line and headers
    std::string body;
  };
  /// What goes back, byte for byte.
  struct Reply {
    std::string bytes;
    std::size_t cut = std::string::npos;  // after so many bytes the connection is reset
    bool close = false;                   // closed in good order behind the last byte
    int delay_ms = 0;                     // before the first byte
    int drip_ms = 0;                      // between any two bytes; 0: all at once
    std::string filler;                   // sent `fill` times behind `bytes`
    std::size_t fill = 0;
  };
  using Script = std::function<Reply(const Request&)>;  // called by the server's thread

  explicit FaultServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 4096) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("fault server: cannot listen on loopback");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { loop(); });
  }

  ~FaultServer() {
    over_ = true;
    thread_.join();
    for (const auto& [fd, connection] : connections_) ::close(fd);
    ::close(listener_);
  }
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> requests{0};
  std::atomic<int> accepted{0};  // connections

  /// A well-formed answer, kept alive.
  static std::string http(int status, std::string_view type, std::string_view body,
                          const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: " + std::string(type) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
           std::string(body);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    std::string in;
    Reply reply;
    std::size_t sent = 0;
    bool replying = false;
    Clock::time_point next;  // no byte before
  };

  static constexpr int kStep = 5;  // milliseconds that a delay may be longer than told

  void loop() {
    while (!over_) {
      std::vector<pollfd> polled = {{listener_, POLLIN, 0}};
      for (const auto& [fd, connection] : connections_) {
        const bool due = connection.replying && Clock::now() >= connection.next;
        polled.push_back({fd,
                          static_cast<short>(due                   ? POLLOUT
                                             : connection.replying ? 0
                                                                   : POLLIN),
                          0});
      }
      ::poll(polled.data(), polled.size(), kStep);
      if (polled[0].revents != 0) accept_all();
      for (std::size_t i = 1; i < polled.size(); ++i) {
        if (polled[i].revents != 0) serve(polled[i].fd);
      }
    }
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      connections_[fd];
      ++accepted;
    }
  }

  void serve(int fd) {
    Connection& connection = connections_.at(fd);
    const bool alive = connection.replying ? write(fd, connection) : read(fd, connection);
    if (!alive) drop(fd);
  }

  void drop(int fd) {
    ::close(fd);
    connections_.erase(fd);
  }

  /// False: the connection is over.
  bool read(int fd, Connection& connection) {
    char buffer[65536];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    connection.in.append(buffer, static_cast<std::size_t>(got));
    take_request(connection);
    return true;
  }

  void take_request(Connection& connection) {
    const std::size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    std::size_t length = 0;
    const std::size_t at = connection.in.find("Content-Length: ");
    if (at < end) {
      std::from_chars(connection.in.data() + at + 16, connection.in.data() + end, length);
    }
    if (connection.in.size() < end + 4 + length) return;
    const Request request{connection.in.substr(0, end), connection.in.substr(end + 4, length)};
    connection.in.erase(0, end + 4 + length);
    ++requests;
    connection.reply = script_(request);
    for (std::size_t i = 0; i < connection.reply.fill; ++i) {
      connection.reply.bytes += connection.reply.filler;
    }
    connection.sent = 0;
    connection.replying = true;
    connection.next = Clock::now() + std::chrono::milliseconds(connection.reply.delay_ms);
  }

  bool write(int fd, Connection& connection) {
    const Reply& reply = connection.reply;
    const std::size_t end = std::min(reply.bytes.size(), reply.cut);
    const std::size_t most = reply.drip_ms > 0 ? 1 : end - connection.sent;
    const ssize_t put = ::send(fd, reply.bytes.data() + connection.sent,
                               std::min(most, end - connection.sent), MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR;
    connection.sent += static_cast<std::size_t>(put);
    connection.next = Clock::now() + std::chrono::milliseconds(reply.drip_ms);
    if (connection.sent < end) return true;
    if (reply.cut != std::string::npos) {
      const linger reset{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      return false;
    }
    connection.replying = false;
    return !reply.close;
  }

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::map<int, Connection> connections_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace moebius::tests
