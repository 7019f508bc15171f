// Files, standard input and JSON from outside: bounded, checked, and every complaint
// says where, what was expected and what was found.
#include "runner/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/text/tokenizer.h"

namespace moebius::runner {
namespace {

constexpr std::size_t kChunkBytes = 1 << 16;

int open_input(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  return fd;
}

/// Appends up to kChunkBytes to `buffer`; false at the end.
bool append_chunk(int fd, const std::string& name, std::string& buffer) {
  const std::size_t before = buffer.size();
  buffer.resize(before + kChunkBytes);
  ssize_t count = 0;
  do {
    count = ::read(fd, buffer.data() + before, kChunkBytes);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    throw InputError(fmt::format("{}: cannot read: {}", name, std::strerror(errno)));
  }
  buffer.resize(before + static_cast<std::size_t>(count));
  return count > 0;
}

struct FileCloser {
  int fd;
  ~FileCloser() {
    if (fd != STDIN_FILENO) ::close(fd);
  }
};

/// Depth of brackets outside strings. The parser itself takes any depth, but what it
/// builds costs fifty bytes for every byte of "[[[[".
int json_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

[[noreturn]] void wrong_type(const std::string& where, const char* expected,
                             const nlohmann::json& found) {
  throw InputError(fmt::format("{}: expected {}, found {}", where, expected, found.type_name()));
}

}  // namespace

std::string input_name(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

std::string read_all(const std::string& path, std::size_t limit) {
  const FileCloser file{open_input(path)};
  std::string bytes;
  while (append_chunk(file.fd, input_name(path), bytes)) {
    if (bytes.size() > limit) {
      throw InputError(fmt::format("{}: more than {} bytes", input_name(path), limit));
    }
  }
  return bytes;
}

std::string read_text(const std::string& path, std::size_t limit) {
  std::string text = read_all(path, limit);
  if (!engine::valid_utf8(text)) throw InputError(input_name(path) + ": not valid UTF-8");
  return text;
}

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  if (const int depth = json_depth(text); depth > kMaxJsonDepth) {
    throw InputError(
        fmt::format("{}: JSON nested {} deep, at most {} allowed", where, depth, kMaxJsonDepth));
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    const std::string_view what = error.what();
    const std::size_t tag = what.find("] ");  // "[json.exception.parse_error.101] "
    throw InputError(fmt::format("{}: not JSON: {}", where,
                                 tag == std::string_view::npos ? what : what.substr(tag + 2)));
  }
}

LineReader::LineReader(const std::string& path) : fd_(open_input(path)), name_(input_name(path)) {}

LineReader::~LineReader() {
  const FileCloser closer{fd_};
}

bool LineReader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  if (buffer_.size() > kMaxLineBytes) {
    throw InputError(
        fmt::format("{}:{}: line of more than {} bytes", name_, number_ + 1, kMaxLineBytes));
  }
  ended_ = ended_ || !append_chunk(fd_, name_, buffer_);
  return !ended_;
}

bool LineReader::next_raw(std::string& line) {
  std::size_t searched = used_;
  std::size_t end = 0;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    const std::size_t have = buffer_.size() - used_;
    if (!fill()) break;
    searched = have;
  }
  if (end == std::string::npos) {
    line = buffer_.substr(used_);
    used_ = buffer_.size();
    if (line.empty()) return false;
  } else {
    line = buffer_.substr(used_, end - used_);
    used_ = end + 1;
  }
  ++number_;
  return true;
}

bool LineReader::next(std::string& line) {
  while (next_raw(line)) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) return true;
  }
  return false;
}

std::string LineReader::where() const {
  return fmt::format("{}:{}", name_, number_);
}

Fields::Fields(const nlohmann::json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) wrong_type(where_, "a JSON object", object);
}

bool Fields::has(const char* name) const {
  const auto found = object_.find(name);
  return found != object_.end() && !found->is_null();
}

const nlohmann::json& Fields::at(const char* name) const {
  const auto found = object_.find(name);
  if (found == object_.end()) throw InputError(fmt::format("{}: no field \"{}\"", where_, name));
  return *found;
}

const std::string& Fields::text(const char* name) const {
  const nlohmann::json& value = at(name);
  if (!value.is_string()) wrong_type(fmt::format("{}: \"{}\"", where_, name), "a string", value);
  return value.get_ref<const std::string&>();
}

std::int64_t Fields::integer(const char* name, std::int64_t low, std::int64_t high) const {
  const nlohmann::json& value = at(name);
  if (!value.is_number_integer()) {
    wrong_type(fmt::format("{}: \"{}\"", where_, name), "an integer", value);
  }
  const bool too_big = value.is_number_unsigned() &&
                       value.get<std::uint64_t>() >
                           static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (too_big || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    throw InputError(fmt::format("{}: \"{}\": expected {} .. {}, found {}", where_, name, low, high,
                                 value.dump()));
  }
  return value.get<std::int64_t>();
}

double Fields::number(const char* name, double low, double high) const {
  const nlohmann::json& value = at(name);
  if (!value.is_number()) wrong_type(fmt::format("{}: \"{}\"", where_, name), "a number", value);
  const double number = value.get<double>();
  if (!(number >= low && number <= high)) {
    throw InputError(fmt::format("{}: \"{}\": expected {} .. {}, found {}", where_, name, low, high,
                                 value.dump()));
  }
  return number;
}

const nlohmann::json& Fields::array(const char* name) const {
  return json_array(at(name), fmt::format("{}: \"{}\"", where_, name));
}

std::vector<std::string> Fields::texts(const char* name) const {
  std::vector<std::string> all;
  for (const nlohmann::json& item : array(name)) {
    if (!item.is_string()) {
      wrong_type(fmt::format("{}: \"{}\"[{}]", where_, name, all.size()), "a string", item);
    }
    all.push_back(item.get<std::string>());
  }
  return all;
}

const nlohmann::json& json_array(const nlohmann::json& value, const std::string& where) {
  if (!value.is_array()) wrong_type(where, "an array", value);
  return value;
}

std::vector<std::int32_t> json_ids(const nlohmann::json& value, const std::string& where) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int32_t>::max();
  std::vector<std::int32_t> ids;
  for (const nlohmann::json& item : json_array(value, where)) {
    // A negative number turns into a large one.
    if (!item.is_number_integer() || item.get<std::uint64_t>() > kMax) {
      throw InputError(fmt::format("{}[{}]: expected a token id, 0 .. {}, found {}", where,
                                   ids.size(), kMax,
                                   item.is_number() ? item.dump() : item.type_name()));
    }
    ids.push_back(static_cast<std::int32_t>(item.get<std::uint64_t>()));
  }
  return ids;
}

std::vector<double> json_numbers(const nlohmann::json& value, const std::string& where) {
  std::vector<double> numbers;
  for (const nlohmann::json& item : json_array(value, where)) {
    if (!item.is_number()) {
      wrong_type(fmt::format("{}[{}]", where, numbers.size()), "a number", item);
    }
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

}  // namespace moebius::runner
