// Evaluations of a model behind an API, and the answers of a server made for a test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/e2e/eval.h"
#include "tests/support/fault_server.h"

namespace moebius::tests {

using Reply = FaultServer::Reply;

inline constexpr const char* kKey = "sk-planted-4f9a7c31d2e8b605-key";
inline constexpr const char* kHeaderKey = "hdr-planted-77aa0b1c9d-value";

inline int number_from_environment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::stoi(value) : otherwise;
}

/// What was asked, without what differs from attempt to attempt: nothing does.
inline std::uint64_t digest(const std::string& body) {
  std::uint64_t state = 1469598103934665603ULL;
  for (const char c : body) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return state ^ (state >> 29);
}

inline std::string answer_to(std::uint64_t asked) {
  return "so \\boxed{" + std::to_string(asked % 50) + "} " + std::to_string(asked);
}

inline nlohmann::json choice_piece(const std::string& text, const nlohmann::json& finish) {
  return {{"model", "toy-2026-11"},
          {"system_fingerprint", "fp-7"},
          {"choices", {{{"index", 0}, {"text", text}, {"finish_reason", finish}}}}};
}

inline const nlohmann::json kUsage = {{"prompt_tokens", 100}, {"completion_tokens", 10}};

inline Reply whole(const std::string& text, const std::string& finish = "stop") {
  nlohmann::json answer = choice_piece(text, finish);
  answer["usage"] = kUsage;
  return {.bytes = FaultServer::http(200, "application/json", answer.dump())};
}

inline std::string event(const std::string& data, int number) {
  return "id: " + std::to_string(number) + "\ndata: " + data + "\n\n";
}

inline std::vector<std::string> events(const std::string& text) {
  return {event(choice_piece(text.substr(0, 5), nullptr).dump(), 0),
          event(choice_piece(text.substr(5), nullptr).dump(), 1),
          event(choice_piece("", "stop").dump(), 2),
          event(nlohmann::json{{"choices", nlohmann::json::array()}, {"usage", kUsage}}.dump(), 3),
          event("[DONE]", 4)};
}

inline Reply streamed(const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) body += part;
  return {.bytes = FaultServer::http(200, "text/event-stream", body)};
}

inline Reply error(int status, const std::string& words, const std::string& headers = "") {
  return {.bytes =
              FaultServer::http(status, "application/json",
                                nlohmann::json{{"error", {{"message", words}}}}.dump(), headers)};
}

class RemoteCli : public EvalTest {
 protected:
  RemoteCli() : EvalTest({}) {
    ::setenv("MOEBIUS_API_KEY", kKey, 1);
    ::setenv("PLANTED_HEADER", kHeaderKey, 1);
  }

  std::vector<std::string> remote(const FaultServer& server, const std::string& store,
                                  const std::vector<std::string>& more) const {
    std::vector<std::string> command = {"eval", "--model", server.url() + "/v1#toy", "--store",
                                        directory_.file(store)};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  /// Files of the test's directory, and what the program said, that have `secret` in them.
  std::vector<std::string> leaks(const std::string& secret, const ProcessResult& said) const {
    std::vector<std::string> found;
    const auto look = [&](const std::string& name, const std::string& text) {
      const std::string half = secret.substr(0, secret.size() / 2);
      if (text.find(half) != std::string::npos) found.push_back(name);
    };
    look("standard output", said.out);
    look("standard error", said.err);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.file(""))) {
      std::ifstream file(entry.path(), std::ios::binary);
      look(entry.path(), {std::istreambuf_iterator<char>(file), {}});
    }
    return found;
  }
};

}  // namespace moebius::tests
