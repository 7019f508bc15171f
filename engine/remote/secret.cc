// A key: read from the environment or a file, shown to nobody but the server.
#include "engine/remote/secret.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "engine/engine.h"

namespace moebius::engine::remote {
namespace {

constexpr std::size_t kLongest = 4096;
constexpr std::size_t kShortestPart = 8;  // shorter halves occur in honest text
constexpr std::size_t kShortestInAnswers = 16;

void replace_all(std::string& text, const std::string& what) {
  static const std::string kMark = "[key]";
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kMark.size())) {
    text.replace(at, what.size(), kMark);
  }
}

Secret checked(const std::string& value, const std::string& where) {
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
  if (value.empty() || value.size() > kLongest || !plain) {
    throw Error(where + ": expected a key of 1 to 4096 printable characters");  // which is not said
  }
  return Secret(value);
}

}  // namespace

Secret Secret::from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return Secret();
  return checked(value, std::string("environment ") + variable);
}

Secret Secret::from_file(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) throw Error(path + ": cannot read a key");
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && blank(line.back())) line.pop_back();
  while (!line.empty() && blank(line.front())) line.erase(line.begin());
  return checked(line, path);
}

std::string Secret::redact_answer(std::string text) const {
  if (value_.size() >= kShortestInAnswers) replace_all(text, value_);
  return text;
}

std::string Secret::redact(std::string text) const {
  if (value_.empty()) return text;
  replace_all(text, value_);
  const std::size_t half = value_.size() / 2;
  if (half < kShortestPart) return text;
  replace_all(text, value_.substr(0, half));
  replace_all(text, value_.substr(value_.size() - half));
  return text;
}

}  // namespace moebius::engine::remote
