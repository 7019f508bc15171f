// Runs a program the way a shell would, and keeps what it said.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace moebius::tests {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal if one ended it
  std::string out;
  std::string err;
};

struct ProcessOptions {
  std::string input;             // of standard input
  bool keep_input_open = false;  // more might come
  std::string output_path;       // standard output goes here instead; empty: into ProcessResult
  bool close_output = false;     // nobody reads standard output
  int interrupt_after_ms = 0;    // `signal` then; 0: never
  int signal = SIGINT;
};

namespace process_detail {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  }
  ~Pipe() { close_read(), close_write(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close(0); }
  void close_write() { close(1); }

 private:
  void close(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

/// In the child: never returns.
[[noreturn]] inline void become(const std::vector<std::string>& command,
                                const ProcessOptions& options, Pipe& in, Pipe& out, Pipe& err) {
  ::signal(SIGPIPE, SIG_DFL);
  int to = out.ends[1];
  if (!options.output_path.empty()) to = ::open(options.output_path.c_str(), O_WRONLY);
  ::dup2(in.ends[0], STDIN_FILENO);
  ::dup2(to, STDOUT_FILENO);
  ::dup2(err.ends[1], STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// Reads what is there; closes the end when there is no more.
inline void drain(int& fd, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || errno != EINTR) {
    ::close(fd);
    fd = -1;
  }
}

/// Feeds and reads the child until it has closed its ends.
inline void converse(pid_t child, const ProcessOptions& options, Pipe& in, Pipe& out, Pipe& err,
                     ProcessResult& result) {
  std::size_t sent = 0;
  int wait_ms = options.interrupt_after_ms > 0 ? options.interrupt_after_ms : -1;
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    if (in.ends[1] >= 0 && sent == options.input.size() && !options.keep_input_open) {
      in.close_write();
    }
    const int to_feed = sent < options.input.size() ? in.ends[1] : -1;
    std::array<pollfd, 3> ends = {
        {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}, {to_feed, POLLOUT, 0}}};
    if (::poll(ends.data(), ends.size(), wait_ms) == 0) {
      ::kill(child, options.signal);
      wait_ms = -1;
      continue;
    }
    if (ends[0].revents != 0) drain(out.ends[0], result.out);
    if (ends[1].revents != 0) drain(err.ends[0], result.err);
    if (ends[2].revents == 0) continue;
    const ssize_t count =
        ::write(in.ends[1], options.input.data() + sent, options.input.size() - sent);
    if (count < 0) in.close_write();
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

}  // namespace process_detail

/// `command[0]` is a path.
inline ProcessResult run_process(const std::vector<std::string>& command,
                                 const ProcessOptions& options = {}) {
  using namespace process_detail;
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    if (options.close_output) out.close_read();
    become(command, options, in, out, err);
  }
  in.close_read(), out.close_write(), err.close_write();
  if (options.close_output) out.close_read();
  ProcessResult result;
  converse(child, options, in, out, err, result);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace moebius::tests
