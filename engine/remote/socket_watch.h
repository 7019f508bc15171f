// Which of libcurl's sockets have something to do, by epoll: its own poll looks at all of them.
#pragma once

#include <deque>
#include <span>
#include <vector>

#include "engine/remote/clock.h"
#include "engine/remote/curl_library.h"

namespace moebius::engine::remote {

/// For one thread; wake() for any. Must live until the multi handles it is given are gone.
class SocketWatch {
 public:
  struct Ready {
    CURLM* multi = nullptr;
    int socket = 0;
    int events = 0;  // CURL_CSELECT_*
  };

  SocketWatch();  // throws Error: no descriptors left
  ~SocketWatch();
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;

  /// `multi` tells this from now on about its sockets and its timer.
  void attach(CURLM* multi);

  /// Waits until a socket is ready, a timer is due or wake() was called, at most `longest`.
  std::span<const Ready> wait(Micros longest);

  /// Whose timers are due; they are not set any more.
  std::vector<CURLM*> take_timers();

  void wake();

 private:
  struct Watched {
    SocketWatch* watch = nullptr;
    CURLM* multi = nullptr;
    std::uint32_t index = 0;
    Micros timer = kNever;  // when it is due
  };

  static int on_socket(CURL*, curl_socket_t socket, int what, void* watched, void* known);
  static int on_timer(CURLM*, long milliseconds, void* watched);
  Micros next_timer() const;

  const CurlLibrary& curl_;
  SteadyClock clock_;
  int epoll_ = -1;
  int wake_ = -1;
  std::deque<Watched> watched_;  // libcurl has their addresses
  std::vector<Ready> ready_;
};

}  // namespace moebius::engine::remote
