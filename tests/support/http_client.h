// A client of plain sockets, which can do what no good client does.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moebius::tests {

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;  // chunks put together
  nlohmann::json json() const { return nlohmann::json::parse(body); }
};

/// One connection to this machine.
class Connection {
 public:
  explicit Connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{300, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    open_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const { return open_; }
  void send(const std::string& bytes) {
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  /// What comes next; empty at the end.
  std::string receive() {
    std::string bytes(4096, '\0');
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }

  /// Everything until the server closes.
  std::string receive_all() {
    std::string all;
    for (std::string part = receive(); !part.empty(); part = receive()) all += part;
    return all;
  }

 private:
  int fd_;
  bool open_ = false;
};

inline std::string unchunked(const std::string& body) {
  std::string whole;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t line = body.find("\r\n", at);
    const std::size_t size = std::stoul(body.substr(at, line - at), nullptr, 16);
    if (size == 0) return whole;
    whole += body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  ADD_FAILURE() << "no last chunk: " << body;
  return whole;
}

/// The first answer of `bytes`.
inline HttpAnswer parse_answer(const std::string& bytes) {
  HttpAnswer answer;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos || bytes.rfind("HTTP/1.1 ", 0) != 0) {
    ADD_FAILURE() << "not an answer: " << bytes;
    return answer;
  }
  answer.head = bytes.substr(0, end);
  answer.status = std::stoi(bytes.substr(9, 3));
  answer.body = bytes.substr(end + 4);
  const std::string length = "Content-Length: ";
  if (const std::size_t at = answer.head.find(length); at != std::string::npos) {
    const std::size_t told = std::stoul(answer.head.substr(at + length.size()));
    answer.body.resize(std::min(answer.body.size(), told));
  }
  if (answer.head.find("Transfer-Encoding: chunked") != std::string::npos) {
    answer.body = unchunked(answer.body);
  }
  return answer;
}

/// A call that asks for the connection to be closed after its answer.
inline std::string post_text(const std::string& path, const std::string& body,
                             const std::string& headers = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
         "Content-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get_text(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n" + headers +
         "\r\n";
}

/// Sends `bytes` on a connection of their own.
inline HttpAnswer ask(int port, const std::string& bytes) {
  Connection connection(port);
  connection.send(bytes);
  return parse_answer(connection.receive_all());
}

/// The JSON payloads of a stream's events.
inline std::vector<nlohmann::json> events_of(const std::string& body) {
  std::vector<nlohmann::json> all;
  for (std::size_t at = 0; (at = body.find("data: {", at)) != std::string::npos; at += 6) {
    all.push_back(nlohmann::json::parse(body.substr(at + 6, body.find('\n', at) - at - 6)));
  }
  return all;
}

/// A figure of /metrics; -1 if there is none of this name.
inline std::int64_t metric_of(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stoll(text.substr(at + name.size() + 2));
}

}  // namespace moebius::tests
