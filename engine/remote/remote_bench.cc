// What the client costs: many requests in flight to a server that answers at once, in a process of
// its own. Figures: requests a second, CPU time of the client for each, and its peak memory.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "engine/engine.h"

namespace {

using namespace moebius::engine;  // NOLINT(google-build-using-namespace)

constexpr int kBacklog = 4096;
constexpr std::int64_t kRequests = 100'000;

std::string http(const char* type, const std::string& body) {
  return std::string("HTTP/1.1 200 OK\r\nContent-Type: ") + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// As OpenAI's servers write it, with as many fields.
std::string whole_answer() {
  return http("application/json",
              R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"toy",)"
              R"("system_fingerprint":"fp-1","choices":[{"index":0,"message":{"role":"assistant",)"
              R"("content":"The answer is \\boxed{42}."},"logprobs":null,"finish_reason":"stop"}],)"
              R"("usage":{"prompt_tokens":90,"completion_tokens":10,"total_tokens":100}})");
}

std::string streamed_answer() {
  std::string body;
  const std::string head =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,)"
      R"("model":"toy","choices":[)";
  for (const char* word : {"The", " answer", " is", " \\\\boxed", "{", "42", "}", "."}) {
    body += head + R"({"index":0,"delta":{"content":")" + word + R"("},"finish_reason":null}]})";
    body += "\n\n";
  }
  body += head + R"({"index":0,"delta":{},"finish_reason":"stop"}]})" + "\n\n";
  body += head + R"(],"usage":{"prompt_tokens":90,"completion_tokens":8}})" + "\n\n";
  return http("text/event-stream", body + "data: [DONE]\n\n");
}

/// Answers every request in the same words; never returns.
class InstantServer {
 public:
  InstantServer(int listener, std::string whole, std::string streamed)
      : listener_(listener), whole_(std::move(whole)), streamed_(std::move(streamed)) {
    watch(listener_);
  }

  [[noreturn]] void serve() {
    for (;;) {
      std::array<epoll_event, 512> events{};
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (!read(fd)) {
          in_.erase(fd);
          ::close(fd);
        }
      }
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      in_[fd];
      watch(fd);
    }
  }

  bool read(int fd) {
    std::string& in = in_[fd];
    std::array<char, 16384> buffer{};
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    in.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string::npos) return true;
    const std::size_t at = in.find("Content-Length: ");
    std::size_t length = 0;
    std::from_chars(in.data() + at + 16, in.data() + end, length);
    if (in.size() < end + 4 + length) return true;
    const bool stream = in.find(R"("stream":true)", end) != std::string::npos;
    in.clear();
    const std::string& out = stream ? streamed_ : whole_;
    return ::send(fd, out.data(), out.size(), MSG_NOSIGNAL) == std::ssize(out);
  }

  int listener_;
  int epoll_ = ::epoll_create1(0);
  std::string whole_;
  std::string streamed_;
  std::unordered_map<int, std::string> in_;
};

/// A server process on a port that the kernel chose; ends with this one.
class ServerProcess {
 public:
  ServerProcess() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || ::bind(listener, generic, size) != 0 || ::listen(listener, kBacklog) != 0 ||
        ::getsockname(listener, generic, &size) != 0) {
      throw std::runtime_error("cannot listen on loopback");
    }
    port_ = ntohs(address.sin_port);
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      InstantServer(listener, whole_answer(), streamed_answer()).serve();
    }
    ::close(listener);
  }
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

 private:
  int port_ = 0;
  pid_t process_ = -1;
};

/// A question of usual length, 1 KiB.
Request question(std::uint64_t id) {
  Request request{.id = id};
  request.prompt.chat = {{"user", std::string(1024, 'q') + std::to_string(id)}};
  request.generate = Generate{.max_new_tokens = 64};
  return request;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// As the pipeline does it: some more are waiting than are under way.
void ask_all(Engine& engine, std::int64_t count, int concurrency) {
  std::atomic<std::int64_t> good{0};
  std::atomic<std::int64_t> left{count};
  const Engine::Done done = [&](Completion completion) {
    good += completion.finish == Finish::kStop;
    const std::int64_t next = --left;
    if (next >= 0) engine.submit({question(static_cast<std::uint64_t>(next))}, done);
  };
  std::vector<Request> first;
  for (int i = 0; i < 2 * concurrency && left > 0; ++i) {
    first.push_back(question(static_cast<std::uint64_t>(--left)));
  }
  engine.submit(std::move(first), done);
  engine.wait();
  if (good != count) throw std::runtime_error("not every request was answered well");
}

/// Arguments: requests in flight; 1: answers are streamed.
void BM_Requests(benchmark::State& state) {
  static const ServerProcess server;
  const int concurrency = static_cast<int>(state.range(0));
  const auto engine = connect({.endpoint = server.url(),
                               .model = "toy",
                               .stream = state.range(1) == 1,
                               .concurrency = concurrency});
  const double before = cpu_seconds();
  for (auto _ : state) ask_all(*engine, kRequests, concurrency);
  const auto requests = static_cast<double>(state.iterations() * kRequests);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.SetItemsProcessed(static_cast<std::int64_t>(requests));
  state.counters["cpu_us"] = (cpu_seconds() - before) / requests * 1e6;
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(BM_Requests)
    ->ArgNames({"in_flight", "streamed"})
    ->Args({1, 0})
    ->Args({64, 0})
    ->Args({2000, 0})
    ->Args({2000, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
