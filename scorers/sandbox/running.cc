// Starting, watching and ending one program.
#include "scorers/sandbox/running.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <thread>
#include <vector>

#include "scorers/sandbox/tree.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {
namespace {

using std::chrono::milliseconds;
using Clock = Running::Clock;

constexpr auto kPatience = std::chrono::seconds(30);  // for our own processes, not the program's
constexpr int kReapMilliseconds = 10'000;
constexpr auto kLongestLook = milliseconds(250);
constexpr auto kBlindLook = milliseconds(10);  // without a cgroup someone has to look
constexpr double kMostStretch = 100;           // of the wall limit by waiting for a processor
// A program may talk too much on standard error and still be right; a flood is something else.
constexpr std::int64_t kErrorTolerance = std::int64_t{16} << 20;

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

Clock::duration from_seconds(double time) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(time));
}

}  // namespace

void Stream::drain() {
  std::array<char, 1 << 16> buffer;  // NOLINT: not worth clearing
  while (fd_ && !flood()) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return fd_.reset();
    const auto room = static_cast<std::size_t>(keep_) - text_.size();
    text_.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
    read_ += count;
  }
}

Running::Running(Worker& worker, const Program& program)
    : worker_(worker),
      limits_(program.limits),
      out_(Fd(), limits_.output_bytes, limits_.output_bytes),
      err_(Fd(), limits_.error_bytes, limits_.error_bytes + kErrorTolerance) {
  try {
    start(program);
    wait_until_ready();
  } catch (...) {
    process_.reset();
    worker_.discard();
    throw;
  }
}

Running::~Running() {
  if (!process_ || over_) return;
  try {
    (void)outcome(Killed::kFinished);
  } catch (const std::exception&) {
    worker_.discard();  // takes the program with it
  }
}

void Running::start(const Program& program) {
  const Fd code = make_sealed_file("code", program.code);
  const Fd input = make_sealed_file("input", program.input);
  Pipe out = make_pipe(), err = make_pipe(), status = make_pipe();
  Fd theirs;
  if (program.channel) {
    std::tie(channel_, theirs) = make_socket_pair(SOCK_STREAM);
    set_nonblocking(channel_.get());
  }
  const std::array<int, kRequestFds + 1> fds = {
      code.get(), input.get(), out.write.get(), err.write.get(), status.write.get(), theirs.get()};
  Zygote::Started started;
  // A server that somebody has killed is replaced; a second one that fails is no accident.
  for (bool again : {true, false}) {
    Zygote& zygote = worker_.zygote();
    if (Group* group = worker_.group())
      group->begin(limits_.memory_bytes, limits_.processes + 1);  // 1: its first process
    counted_ = worker_.counted();
    if (!counted_.memory) shared_bytes_ = anonymous_bytes(zygote.pid());
    if (zygote.start(make_request(program, counted_), fds.data(), started)) break;
    worker_.discard();
    if (!again) throw Error("sandbox: fork server ended twice before it took a program");
  }
  process_ = std::move(started.process);
  pid_ = started.pid;
  setup_ns_ = started.cpu_ns;
  out_ = Stream(std::move(out.read), limits_.output_bytes, limits_.output_bytes);
  err_ = Stream(std::move(err.read), limits_.error_bytes, limits_.error_bytes + kErrorTolerance);
  status_ = std::move(status.read);
}

void Running::wait_until_ready() {
  const auto deadline = Clock::now() + kPatience;
  while (!ready_ && !over_ && Clock::now() < deadline) step(0, deadline);
  if (!ready_) throw Error("sandbox: a program's process ended or hung before it was ready");
}

void Running::read_status() {
  Reply reply;
  while (status_) {
    const ssize_t count = ::read(status_.get(), &reply, sizeof reply);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count == 0) return status_.reset();
    if (count != sizeof reply || !valid_reply(reply))
      throw Error("sandbox: a program's first process sent a record that is not one");
    take_record(reply);
  }
}

void Running::take_record(const Reply& reply) {
  if (reply.kind == ReplyKind::kFailed) throw LayerError(reply.stage, reply.error);
  if (reply.kind == ReplyKind::kReady && !ready_) {
    ready_ = true;
    setup_ns_ += reply.cpu_ns;
    ready_at_ = next_look_ = Clock::now();
  } else if (reply.kind == ReplyKind::kEnded && !reported_) {
    reported_ = true;
    ended_ = reply;
  } else {
    throw Error("sandbox: a program's first process sent a record out of turn");
  }
}

int Running::poll_milliseconds(Clock::time_point until) const {
  if (ready_ && killed_ == Killed::kNo) until = std::min(until, next_look_);
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

short Running::step(short events, Clock::time_point until) {
  if (over_) return POLLHUP;
  std::array<pollfd, 5> watched = {
      pollfd{out_.fd(), POLLIN, 0}, pollfd{err_.fd(), POLLIN, 0}, pollfd{status_.get(), POLLIN, 0},
      pollfd{process_.get(), POLLIN, 0}, pollfd{events != 0 ? channel_.get() : -1, events, 0}};
  const int ready = ::poll(watched.data(), watched.size(), poll_milliseconds(until));
  if (ready < 0 && errno != EINTR) throw_errno("poll");
  if (ready > 0) {
    if (watched[0].revents != 0) out_.drain();
    if (watched[1].revents != 0) err_.drain();
    if (watched[2].revents != 0) read_status();
    if (out_.flood() || err_.flood()) kill(Killed::kOutput);
    if (watched[3].revents != 0) end_of_process();
  }
  watch();
  return ready > 0 ? watched[4].revents : short{0};
}

void Running::watch() {
  if (over_ || !ready_ || killed_ != Killed::kNo || Clock::now() < next_look_) return;
  if (!counted_.memory || !counted_.processes) watch_without_group();
  const double left = limits_.cpu_seconds - cpu_seconds();
  (void)waited_seconds();  // nobody can tell once it is over
  if (usage_.out_of_memory > 0) kill(Killed::kMemory);
  const double wall = wall_limit(limits_);
  const double passed = seconds(Clock::now() - ready_at_);
  if (left < 0) {
    kill(Killed::kCpu);
  } else if (passed > wall && (wall_seconds() > wall || passed > kMostStretch * wall)) {
    kill(Killed::kWall);
  }
  next_look_ = Clock::now() + time_to_next_look(left);
}

Clock::duration Running::time_to_next_look(double cpu_left) const {
  static const double cores = std::max(1U, std::thread::hardware_concurrency());
  const Clock::duration longest =
      counted_.memory && counted_.processes ? kLongestLook : Clock::duration(kBlindLook);
  const double wall_left = wall_limit(limits_) - seconds(Clock::now() - ready_at_);
  double next = cpu_left / cores;
  if (wall_left > 0) next = std::min(next, wall_left);
  return std::clamp<Clock::duration>(from_seconds(next), milliseconds(1), longest);
}

void Running::watch_without_group() {
  const TreeUsage now = tree_usage(pid_, shared_bytes_);
  own_bytes_ = std::max(own_bytes_, now.own_bytes);
  tasks_ = std::max(tasks_, now.tasks);
  if (!counted_.memory && own_bytes_ > limits_.memory_bytes) kill(Killed::kMemory);
}

void Running::look() {
  if (Group* group = worker_.group()) usage_ = group->usage();
  std::int64_t now = usage_.cpu_ns;
  if (!counted_.cpu) now = over_ && reported_ ? ended_.cpu_ns : tree_usage(pid_, 0).cpu_ns;
  cpu_ns_ = std::max(cpu_ns_, now - setup_ns_);
}

double Running::cpu_seconds() {
  if (!over_) look();
  return static_cast<double>(cpu_ns_) * 1e-9;
}

double Running::waited_seconds() {
  if (!over_ && solver_ == 0) solver_ = first_child(pid_);
  if (!over_ && solver_ != 0) waited_ns_ = std::max(waited_ns_, waited_for_cpu_ns(solver_));
  return static_cast<double>(waited_ns_) * 1e-9;
}

double Running::wall_seconds() {
  const double passed = seconds((over_ ? over_at_ : Clock::now()) - ready_at_);
  return std::max(0.0, passed - (over_ ? 0 : waited_seconds()));
}

void Running::kill(Killed why) {
  if (killed_ == Killed::kNo) killed_ = why;
  // A pid namespace dies with its first process; without one that process ends its children.
  const int signal = worker_.setting().options.level == Level::kFull ? SIGKILL : SIGTERM;
  ::syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0);
}

void Running::end_of_process() {
  over_at_ = Clock::now();
  read_status();
  const bool reaped = worker_.zygote().reaped(kReapMilliseconds);
  out_.drain();
  err_.drain();
  over_ = true;
  look();
  if (reaped) return;
  worker_.discard();
  if (!reported_ && killed_ == Killed::kNo)
    throw Error("sandbox: the fork server was ended from outside while a program ran");
}

Facts Running::facts() const {
  Facts facts;
  facts.killed = killed_;
  facts.reported = reported_;
  facts.wait_status = ended_.wait_status;
  facts.over_cpu = static_cast<double>(cpu_ns_) * 1e-9 > limits_.cpu_seconds;
  facts.over_output = out_.flood() || err_.flood();
  facts.disk_full = ended_.disk_full != 0;
  facts.out_of_memory = usage_.out_of_memory;
  const std::int64_t peak = std::max(own_bytes_, ended_.peak_bytes - shared_bytes_);
  facts.memory_touched = !counted_.memory && peak > limits_.memory_bytes / 10 * 9;
  facts.processes_hit = counted_.processes ? usage_.process_hits > 0 : tasks_ >= limits_.processes;
  return facts;
}

Outcome Running::outcome(Killed unless_over) {
  if (!over_) kill(unless_over);
  const auto deadline = Clock::now() + kPatience;
  while (!over_ && Clock::now() < deadline) step(0, deadline);
  if (!over_) {
    worker_.discard();
    throw Error("sandbox: a killed program did not end within 30 seconds");
  }
  Outcome outcome;
  Ending ending;
  if (!classify(facts(), ending)) {
    worker_.discard();
    throw Error("sandbox: a program's first process ended without a report, and not by us");
  }
  outcome.end = ending.end;
  outcome.code = ending.code;
  outcome.out = out_.take();
  outcome.err = err_.take();
  outcome.cpu_seconds = static_cast<double>(cpu_ns_) * 1e-9;
  outcome.wall_seconds = seconds(over_at_ - ready_at_);
  outcome.asleep_seconds =
      std::max(0.0, outcome.wall_seconds - outcome.cpu_seconds - waited_seconds());
  outcome.peak_bytes = usage_.peak_bytes;
  if (outcome.peak_bytes == 0) outcome.peak_bytes = std::max(own_bytes_, ended_.peak_bytes);
  if (ending.end == End::kSignalled && ending.code == SIGSYS)
    outcome.denied = "seccomp: a system call of a foreign architecture";
  worker_.served();
  return outcome;
}

}  // namespace moebius::scorers::sandbox
