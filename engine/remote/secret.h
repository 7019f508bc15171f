// A key: read from the environment or a file, shown to nobody but the server.
#pragma once

#include <string>
#include <vector>

namespace moebius::engine::remote {

class Secret {
 public:
  Secret() = default;  // none
  explicit Secret(std::string value) : value_(std::move(value)) {}

  /// The environment's variable; none if it is not set or empty.
  static Secret from_environment(const char* variable);
  /// The first line of a file, blanks around it removed. Throws Error if it cannot be read, is
  /// empty, longer than 4 KiB, or holds what no header may.
  static Secret from_file(const std::string& path);

  bool empty() const { return value_.empty(); }
  const std::string& reveal() const { return value_; }

  /// `text` with each occurrence of the key replaced, and each of its first or last half: servers
  /// quote parts of keys.
  std::string redact(std::string text) const;

  /// The same for a model's words, which must not be touched where they are honest: only the whole
  /// key, and only one of 16 characters or more (not "EMPTY" or "dummy").
  std::string redact_answer(std::string text) const;

 private:
  std::string value_;
};

}  // namespace moebius::engine::remote
