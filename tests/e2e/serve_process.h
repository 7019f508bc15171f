// A moebius serve of a test's own.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/binary.h"
#include "tests/support/http_client.h"

namespace moebius::tests {

/// The binary, serving the embedded model on a free port.
class ServeProcess {
 public:
  explicit ServeProcess(std::vector<std::string> more = {}) {
    using namespace process_detail;
    std::vector<std::string> command = {binary(), "serve", "--model",   "embedded",
                                        "--port", "0",     "--threads", "2"};
    command.insert(command.end(), more.begin(), more.end());
    Pipe in;
    Pipe out;
    child_ = ::fork();
    if (child_ == 0) become(command, {}, in, out, err_);
    err_.close_write();
    while (said_.find("/v1\n") == std::string::npos && err_.ends[0] >= 0) {
      drain(err_.ends[0], said_);
    }
    const std::size_t colon = said_.rfind(':');
    if (said_.find("/v1\n") != std::string::npos) port_ = std::stoi(said_.substr(colon + 1));
    EXPECT_GT(port_, 0) << said_;
  }

  ~ServeProcess() {
    if (child_ > 0) stop(SIGKILL);
  }
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  int port() const { return port_; }
  pid_t process() const { return child_; }
  const std::string& said() const { return said_; }
  void signal(int number) const { ::kill(child_, number); }

  /// Sends `number` if not 0, waits for the end and returns the exit code.
  int stop(int number) {
    if (number != 0) signal(number);
    while (err_.ends[0] >= 0) process_detail::drain(err_.ends[0], said_);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  HttpAnswer raw(const std::string& bytes) const { return ask(port_, bytes); }
  HttpAnswer post(const std::string& path, const nlohmann::json& body,
                  const std::string& headers = "") const {
    return raw(post_text(path, body.dump(), headers));
  }
  HttpAnswer get(const std::string& path, const std::string& headers = "") const {
    return raw(get_text(path, headers));
  }

 private:
  process_detail::Pipe err_;
  pid_t child_ = -1;
  std::string said_;
  int port_ = 0;
};

}  // namespace moebius::tests
