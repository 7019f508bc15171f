// Standard output, where results go and nothing else, with every failed write noticed.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace moebius::runner {

using Json = nlohmann::ordered_json;

/// Results could not be written: the disk is full, the reader went away.
struct OutputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Buffers what is written to a file descriptor.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  void write(std::string_view text);  // throws OutputError
  void flush();                       // throws OutputError; what is not flushed is lost

 private:
  int fd_;
  std::string buffer_;
};

/// `value` and a newline. Bytes that are not UTF-8 become U+FFFD, NaN becomes null.
std::string json_line(const Json& value);

/// The shortest decimal that reads back as `value`, as a JSON number; null if not finite.
Json json_float(float value);

/// `text` fit for one line of a terminal: control characters, and bytes of what is not
/// valid UTF-8, are written as escapes.
std::string one_line(std::string_view text);

}  // namespace moebius::runner
