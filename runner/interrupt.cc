// SIGINT and SIGTERM for commands with something to put in order first.
#include "runner/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "runner/commands.h"

namespace moebius::runner {
namespace {

std::atomic<bool> raised_flag{false};
std::atomic<const char*> promised{""};
static_assert(std::atomic<bool>::is_always_lock_free);

void say(std::string_view line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

extern "C" void on_signal(int /*signal*/) {
  if (raised_flag.exchange(true)) {
    say("moebius: interrupted\n");
    ::_exit(kInterrupted);
  }
  say("\nmoebius: interrupted; ");
  say(promised.load());
  say(" (again: leave at once)\n");
}

}  // namespace

InterruptFlag::InterruptFlag(const char* promise) {
  promised = promise;
  raised_flag = false;
  previous_int_ = std::signal(SIGINT, on_signal);
  previous_term_ = std::signal(SIGTERM, on_signal);
}

InterruptFlag::~InterruptFlag() {
  std::signal(SIGINT, previous_int_);
  std::signal(SIGTERM, previous_term_);
}

const std::atomic<bool>& InterruptFlag::raised() const {
  return raised_flag;
}

}  // namespace moebius::runner
