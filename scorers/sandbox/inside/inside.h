// What runs inside the interpreter's process: builds the jail, forks programs, locks them down.
// Plain C++ on system calls alone: no allocation, no exceptions, no C++ runtime library.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <initializer_list>

#include "scorers/sandbox/wire.h"

namespace moebius::scorers::sandbox::inside {

/// Set once by enter(), read by everything after.
struct State {
  Setup setup;
  sock_filter filter[kMaxFilter];
  int procfs = -1;  // O_PATH of the host's /proc: the trusted processes' only view of it
};
extern State state;

bool has_namespaces();  // kFull
bool has_policy();      // kFull and kLandlock

/// Sends a kFailed record to `fd` and ends the process.
[[noreturn]] void fail(int fd, Stage stage, int error);
void write_reply(int fd, const Reply& reply);
/// Writes a short text to a file below procfs. False: errno says why.
bool write_proc(const char* path, const char* text);

/// Becomes the unprivileged user in namespaces of its own with a private root. Ends the process
/// on failure.
void enter_jail();

/// Descriptors of a request, moved out of the way of 0 .. 9.
struct Handed {
  int code, in, out, err, status, channel;
};

/// First process of a program: makes /work, forks the solver, waits for its end, ends the rest
/// and reports. Returns only in the solver, locked down; then the descriptor of the code.
int run_program(const Request& request, const Handed& handed, int server_pidfd);

/// Gives up everything the solver must not have. The last word is kReady on handed.status.
/// Returns the descriptor of the code.
int lock_down(const Request& request, const Handed& handed);
bool restrict_by_landlock(bool has_work);  // false: errno says why

}  // namespace moebius::scorers::sandbox::inside
