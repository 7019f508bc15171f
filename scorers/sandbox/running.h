// One program while it runs: its pipes are drained, its clocks watched, its end recorded.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "scorers/sandbox/classify.h"
#include "scorers/sandbox/fd.h"
#include "scorers/sandbox/sandbox.h"
#include "scorers/sandbox/worker.h"

namespace moebius::scorers::sandbox {

/// What a program writes to one of its streams, up to a limit.
class Stream {
 public:
  /// Keeps `keep` bytes; more than `tolerate` is a flood.
  Stream(Fd fd, std::int64_t keep, std::int64_t tolerate)
      : fd_(std::move(fd)), keep_(keep), tolerate_(tolerate) {}

  int fd() const { return fd_.get(); }  // -1 once the other end is closed
  void drain();                         // what is there now
  bool flood() const { return read_ > tolerate_; }
  std::string take() { return std::move(text_); }

 private:
  Fd fd_;
  std::int64_t keep_, tolerate_;
  std::int64_t read_ = 0;
  std::string text_;
};

/// Not thread-safe. Leaves nothing running, whatever is thrown.
class Running {
 public:
  using Clock = std::chrono::steady_clock;

  /// Returns when the solver is locked down and about to run its first line. Throws Error.
  Running(Worker& worker, const Program& program);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  int channel() const { return channel_.get(); }  // -1 without one; does not block
  bool over() const { return over_; }             // no process of it is left
  Killed killed() const { return killed_; }

  /// Waits until something happens: output, the channel has one of `events`, an end, or a
  /// limit, which ends the program. At most until `until`. Returns what the channel has to say,
  /// as poll(2) does.
  short step(short events, Clock::time_point until);

  /// Of all its processes since it was ready. Looks now.
  double cpu_seconds();
  /// Since it was ready, without the time in which its first thread waited for a processor.
  double wall_seconds();
  /// For which its first thread has waited for a processor so far, as last seen.
  double waited_seconds();

  void kill(Killed why);  // the first reason counts
  /// The program is over, or made so with `unless_over`; everything read, everything counted.
  /// Once. Throws Error if it ended without anyone knowing how.
  Outcome outcome(Killed unless_over);

 private:
  void start(const Program& program);
  void wait_until_ready();
  void read_status();
  void take_record(const Reply& reply);
  void watch();
  void watch_without_group();
  void end_of_process();
  int poll_milliseconds(Clock::time_point until) const;
  Clock::duration time_to_next_look(double cpu_left) const;
  void look();
  Facts facts() const;

  Worker& worker_;
  Limits limits_;
  Counted counted_;  // by the worker's group
  Stream out_, err_;
  Fd status_, channel_, process_;
  pid_t pid_ = 0;                  // the program's first process
  std::int64_t setup_ns_ = 0;      // processor time spent before it was ready
  std::int64_t shared_bytes_ = 0;  // anonymous memory it shares with the fork server
  std::int64_t own_bytes_ = 0;     // largest seen, without a group
  std::int64_t tasks_ = 0;         // most seen, without a group
  std::int64_t cpu_ns_ = 0;        // last look
  std::int64_t waited_ns_ = 0;     // for a processor, last look
  pid_t solver_ = 0;               // the program itself, the first process's child
  Usage usage_;                    // last look, from the group
  Clock::time_point ready_at_, next_look_, over_at_;
  bool ready_ = false, reported_ = false, over_ = false;
  Killed killed_ = Killed::kNo;
  Reply ended_;
};

}  // namespace moebius::scorers::sandbox
