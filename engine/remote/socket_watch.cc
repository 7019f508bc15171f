// Which of libcurl's sockets have something to do, by epoll.
#include "engine/remote/socket_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "engine/engine.h"

namespace moebius::engine::remote {
namespace {

/// What epoll keeps for a socket: whose it is, and its number.
std::uint64_t tag(std::uint32_t index, int socket) {
  return (std::uint64_t{index} << 32) | static_cast<std::uint32_t>(socket);
}

constexpr std::uint64_t kWakeTag = ~std::uint64_t{0};

}  // namespace

SocketWatch::SocketWatch()
    : curl_(curl_library()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeTag}};
  if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    ::close(epoll_), ::close(wake_);
    throw Error("remote: no file descriptors are left");
  }
}

SocketWatch::~SocketWatch() {
  ::close(epoll_);
  ::close(wake_);
}

void SocketWatch::attach(CURLM* multi) {
  Watched& watched = watched_.emplace_back(Watched{.watch = this, .multi = multi});
  watched.index = static_cast<std::uint32_t>(watched_.size() - 1);
  curl_.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &SocketWatch::on_socket);
  curl_.multi_setopt(multi, CURLMOPT_SOCKETDATA, &watched);
  curl_.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &SocketWatch::on_timer);
  curl_.multi_setopt(multi, CURLMOPT_TIMERDATA, &watched);
}

int SocketWatch::on_socket(CURL*, curl_socket_t socket, int what, void* watched, void* known) {
  const Watched& owner = *static_cast<Watched*>(watched);
  const int epoll = owner.watch->epoll_;
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{.events = 0, .data = {.u64 = tag(owner.index, socket)}};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  if (known != nullptr) return ::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event);
  owner.watch->curl_.multi_assign(owner.multi, socket, watched);
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

int SocketWatch::on_timer(CURLM*, long milliseconds, void* watched) {
  Watched& owner = *static_cast<Watched*>(watched);
  const Micros now = owner.watch->clock_.now();
  owner.timer = milliseconds < 0 ? kNever : now + 1000 * Micros{milliseconds};
  return 0;
}

Micros SocketWatch::next_timer() const {
  Micros next = kNever;
  for (const Watched& watched : watched_) next = std::min(next, watched.timer);
  return next;
}

std::span<const SocketWatch::Ready> SocketWatch::wait(Micros longest) {
  Micros wait = std::clamp<Micros>(longest, 0, 1000 * kSecond);
  const Micros timer = next_timer();
  if (timer != kNever) wait = std::clamp<Micros>(timer - clock_.now(), 0, wait);
  std::array<epoll_event, 512> events;
  // Rounded up: waking a millisecond early would be for nothing.
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>((wait + 999) / 1000));
  ready_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeTag) {
      std::uint64_t times = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_, &times, sizeof times);
      continue;
    }
    Ready& ready =
        ready_.emplace_back(Ready{.multi = watched_[event.data.u64 >> 32].multi,
                                  .socket = static_cast<int>(event.data.u64 & 0xFFFFFFFFU)});
    if ((event.events & EPOLLIN) != 0) ready.events |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) ready.events |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) ready.events |= CURL_CSELECT_ERR;
  }
  return ready_;
}

std::vector<CURLM*> SocketWatch::take_timers() {
  std::vector<CURLM*> due;
  const Micros now = clock_.now();
  for (Watched& watched : watched_) {
    if (watched.timer == kNever || watched.timer > now) continue;
    watched.timer = kNever;
    due.push_back(watched.multi);
  }
  return due;
}

void SocketWatch::wake() {
  const std::uint64_t once = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_, &once, sizeof once);
}

}  // namespace moebius::engine::remote
