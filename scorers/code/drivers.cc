// Driver programs: the shared files first, then what uses them.
#include "scorers/code/drivers.h"

#include <initializer_list>

#include "scorers/code/drivers_text.h"

namespace moebius::scorers::code {
namespace {

std::string join(std::initializer_list<std::string_view> files) {
  std::string out;
  for (const std::string_view file : files) (out += file) += '\n';
  return out;
}

/// A Python bytes literal.
std::string literal(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "b\"";
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code < 0x7F && c != '"' && c != '\\') {
      out += c;
    } else {
      out += "\\x";
      out += kHex[code >> 4];
      out += kHex[code & 15];
    }
  }
  return out + "\"";
}

}  // namespace

const std::string& humaneval_solver() {
  static const std::string program = join({text::wire, text::guard, text::humaneval_solver});
  return program;
}

const std::string& humaneval_checker() {
  static const std::string program = join({text::wire, text::guard, text::humaneval_checker});
  return program;
}

const std::string& livecodebench_driver() {
  static const std::string program =
      join({text::wire, text::guard, text::prelude, text::livecodebench_driver});
  return program;
}

std::string livecodebench_process(std::string_view source) {
  return join({text::prelude, "SOURCE = " + literal(source), text::livecodebench_process});
}

std::string_view driver_file(std::string_view name) {
  for (const auto& [file, content] : text::kFiles) {
    if (file == name) return content;
  }
  return "";
}

}  // namespace moebius::scorers::code
