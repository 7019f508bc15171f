// Frames to and from a program, within its limits.
#include "scorers/sandbox/session.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "scorers/sandbox/tree.h"

namespace moebius::scorers::sandbox {
namespace {

using Clock = Running::Clock;

constexpr std::size_t kChunk = 1 << 18;
// Replies that a program sends while it is itself sent a frame; beyond, it has to wait.
constexpr std::size_t kUnasked = std::size_t{64} << 20;

constexpr auto kGrace = std::chrono::seconds(1);

Clock::time_point soon(double cpu_left) {
  static const double cores = std::max(1U, std::thread::hardware_concurrency());
  const double seconds = std::clamp(cpu_left / cores, 1e-3, 0.25);
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

ChannelSession::Input ChannelSession::read_channel(std::size_t most) {
  std::string bytes(std::min(most, kChunk), '\0');
  const ssize_t count = ::recv(running_.channel(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Input::kNothingYet;
  if (count <= 0) return Input::kClosed;
  reader_.push({bytes.data(), static_cast<std::size_t>(count)});
  return Input::kSome;
}

bool ChannelSession::send(std::string_view frame) {
  const std::string bytes = encode_frame(frame);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::send(running_.channel(), bytes.data() + at, bytes.size() - at,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      at += static_cast<std::size_t>(count);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    if (running_.over()) return false;
    const bool listen = reader_.held() < kUnasked;
    const short events =
        running_.step(static_cast<short>(POLLOUT | (listen ? POLLIN : 0)), soon(1));
    if (listen && (events & POLLIN) != 0) (void)read_channel(kChunk);
  }
  return true;
}

Session::Heard ChannelSession::ended() const {
  const bool time = running_.killed() == Killed::kCpu || running_.killed() == Killed::kWall;
  return time ? Heard::kTimeLimit : Heard::kEnded;
}

Session::Heard ChannelSession::receive(std::string& frame, double cpu_seconds,
                                       std::size_t max_bytes) {
  const auto awake = [this] {
    return running_.cpu_seconds() + running_.waited_seconds() +
           static_cast<double>(own_wait_for_cpu_ns()) * 1e-9;
  };
  const Clock::time_point begin = Clock::now();
  const double awake_before = awake();
  const Heard heard = hear(frame, cpu_seconds, max_bytes);
  const std::chrono::duration<double> passed = Clock::now() - begin;
  asleep_seconds_ += std::max(0.0, passed.count() - (awake() - awake_before));
  return heard;
}

Session::Heard ChannelSession::hear(std::string& frame, double cpu_seconds, std::size_t max_bytes) {
  const double cpu_before = running_.cpu_seconds(), wall_before = running_.wall_seconds();
  double cpu_left = cpu_seconds;
  for (;;) {
    switch (reader_.next(frame, max_bytes)) {
      case FrameReader::State::kFrame:
        return Heard::kFrame;
      case FrameReader::State::kTooLong:
        return Heard::kTooLong;
      case FrameReader::State::kNeedMore:
        break;
    }
    const Input input = read_channel(std::max(reader_.wanted(), std::size_t{4096}));
    if (input == Input::kSome) continue;
    if (input == Input::kClosed || running_.over()) return ended();
    if ((running_.step(POLLIN, soon(cpu_left)) & POLLIN) != 0) continue;
    cpu_left = cpu_seconds - (running_.cpu_seconds() - cpu_before);
    if (cpu_left < 0 || running_.wall_seconds() - wall_before > 3 * cpu_seconds + 2)
      return Heard::kTimeLimit;
  }
}

bool ChannelSession::closed() const {
  char byte = 0;
  const ssize_t count = ::recv(running_.channel(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

Outcome ChannelSession::finish() {
  // A program that is gone may not have been reaped yet: its own end is what we want to hear of.
  const Clock::time_point patience = Clock::now() + kGrace;
  while (closed() && !running_.over() && Clock::now() < patience) running_.step(0, patience);
  Outcome outcome = running_.outcome(Killed::kFinished);
  outcome.asleep_seconds = asleep_seconds_;
  return outcome;
}

}  // namespace moebius::scorers::sandbox
