// Files, standard input and JSON from outside: bounded, checked, and every complaint
// says where, what was expected and what was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::runner {

/// What the user gave cannot be used. what() is one line.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr std::size_t kMaxPromptBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
inline constexpr int kMaxJsonDepth = 64;

/// How messages name `path`: "-" is "standard input".
std::string input_name(const std::string& path);

/// All bytes of a file, or of standard input for "-". Throws InputError if it cannot be read
/// or holds more than `limit` bytes.
std::string read_all(const std::string& path, std::size_t limit);

/// As read_all, and must be valid UTF-8.
std::string read_text(const std::string& path, std::size_t limit);

/// Throws InputError("<where>: ...") on anything but one JSON value of at most
/// kMaxJsonDepth levels.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// Lines of a file or of standard input ("-"), one at a time.
class LineReader {
 public:
  explicit LineReader(const std::string& path);  // throws InputError
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// The next line that is not blank, without its end. False at the end of the input.
  /// Throws InputError if reading fails or a line is longer than kMaxLineBytes.
  bool next(std::string& line);

  std::string where() const;  // "FILE:3", of the line last read

 private:
  bool fill();
  bool next_raw(std::string& line);

  int fd_;
  std::string name_;
  std::string buffer_;
  std::size_t used_ = 0;  // of buffer_
  bool ended_ = false;
  std::int64_t number_ = 0;
};

/// A JSON object from outside, read field by field. Getters throw InputError naming the field,
/// what was expected and what was found. Keeps a reference to the object.
class Fields {
 public:
  Fields(const nlohmann::json& object, std::string where);

  bool has(const char* name) const;  // there, and not null
  const nlohmann::json& at(const char* name) const;
  const std::string& text(const char* name) const;
  std::int64_t integer(const char* name, std::int64_t low, std::int64_t high) const;
  double number(const char* name, double low, double high) const;
  const nlohmann::json& array(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& object_;
  std::string where_;
};

/// Converters of whole values, for nested data. `where` begins the message.
std::vector<std::int32_t> json_ids(const nlohmann::json& value, const std::string& where);
std::vector<double> json_numbers(const nlohmann::json& value, const std::string& where);
const nlohmann::json& json_array(const nlohmann::json& value, const std::string& where);

}  // namespace moebius::runner
