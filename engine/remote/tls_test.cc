// Who a server says it is: a certificate that nobody vouches for ends the run, before anything of
// the request is sent. And HTTP/2, where there is a server that speaks it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/support/fault_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace moebius::engine {
namespace {

using tests::FaultServer;

Request ask(std::uint64_t id) {
  Request request{.id = id};
  request.prompt.chat = {{"user", "hello"}};
  request.generate = Generate{.max_new_tokens = 16};
  return request;
}

std::string reply() {
  const nlohmann::json answer = {{"model", "toy"},
                                 {"choices",
                                  {{{"index", 0},
                                    {"message", {{"role", "assistant"}, {"content", "hi"}}},
                                    {"finish_reason", "stop"}}}},
                                 {"usage", {{"prompt_tokens", 3}, {"completion_tokens", 1}}}};
  return FaultServer::http(200, "application/json", answer.dump());
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() { identity.write(directory.file("key.pem"), directory.file("cert.pem")); }

  static RemoteOptions options(const std::string& url) {
    return {.endpoint = url + "/v1", .model = "toy", .first_pause_us = 1000};
  }

  tests::SelfSigned identity;
  tests::TempDir directory;
};

TEST_F(TlsTest, ACertificateThatNobodySignedIsRefused) {
  tests::TlsServer server(identity, reply());
  const auto engine = connect(options(server.url()));
  int cancelled = 0;
  engine->submit({ask(1), ask(2)},
                 [&](Completion done) { cancelled += done.finish == Finish::kCancelled; });
  try {
    engine->wait();
    FAIL() << "expected the certificate to be refused";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("certificate"), std::string::npos) << error.what();
  }
  EXPECT_EQ(cancelled, 2) << "asked again once the certificate is right";
  EXPECT_EQ(server.requests, 0) << "nobody unknown is told anything";
}

TEST_F(TlsTest, ACertificateThatIsVouchedForIsTaken) {
  tests::TlsServer server(identity, reply());
  RemoteOptions trusting = options(server.url());
  trusting.ca_file = directory.file("cert.pem");
  trusting.concurrency = 1;
  const auto engine = connect(trusting);
  for (const Completion& done : run(*engine, {ask(1), ask(2)})) {
    EXPECT_EQ(done.text, "hi") << done.error;
  }
  EXPECT_EQ(server.requests, 2);
}

TEST_F(TlsTest, AnotherHostsCertificateIsRefused) {
  tests::TlsServer server(identity, reply());
  std::string url = server.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");  // the certificate is of 127.0.0.1
  RemoteOptions trusting = options(url);
  trusting.ca_file = directory.file("cert.pem");
  const auto engine = connect(trusting);
  engine->submit({ask(1)}, [](Completion) {});
  EXPECT_THROW(engine->wait(), Error);
  EXPECT_EQ(server.requests, 0);
}

/// nghttpx, which speaks HTTP/2 in front of a server that does not.
class Proxy {
 public:
  Proxy(const tests::TempDir& directory, int port, const std::string& backend) {
    const std::string front = "--frontend=127.0.0.1," + std::to_string(port);
    const std::vector<std::string> words = {kPath,
                                            front,
                                            "--backend=127.0.0.1," + backend,
                                            "--workers=1",
                                            "--errorlog-file=/dev/null",
                                            "--conf=/dev/null",
                                            "--no-ocsp",
                                            directory.file("key.pem"),
                                            directory.file("cert.pem")};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // it says what it reads and does
      ::execv(kPath, arguments.data());
      ::_exit(127);
    }
  }
  ~Proxy() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  static constexpr const char* kPath = "/usr/sbin/nghttpx";

 private:
  pid_t process_ = -1;
};

/// A port that was free a moment ago.
int free_port() {
  const FaultServer other([](const FaultServer::Request&) { return FaultServer::Reply{}; });
  const std::string url = other.url();
  return std::stoi(url.substr(url.rfind(':') + 1));
}

TEST_F(TlsTest, ManyRequestsShareAnHttp2Connection) {
  if (!std::filesystem::exists(Proxy::kPath)) GTEST_SKIP() << "no nghttpx (nghttp2-proxy)";
  std::string via;
  FaultServer server([&](const FaultServer::Request& request) {
    via = request.head;
    return FaultServer::Reply{.bytes = reply(), .delay_ms = 20};
  });
  const int port = free_port();
  const Proxy proxy(directory, port, server.url().substr(server.url().rfind(':') + 1));
  RemoteOptions trusting = options("https://127.0.0.1:" + std::to_string(port));
  trusting.ca_file = directory.file("cert.pem");
  trusting.concurrency = 50;
  trusting.first_pause_us = 100'000;  // until the proxy has started
  const auto engine = connect(trusting);
  std::vector<Request> requests;
  for (std::uint64_t id = 0; id < 400; ++id) requests.push_back(ask(id));
  for (const Completion& done : run(*engine, std::move(requests))) {
    EXPECT_EQ(done.text, "hi") << done.error;
  }
  EXPECT_NE(via.find("Via: 2 "), std::string::npos) << via;
}

}  // namespace
}  // namespace moebius::engine
