// Runs the moebius binary that was built beside the tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace moebius::tests {

/// $MOEBIUS_BINARY, or the one of this build.
inline std::string binary() {
  const char* other = std::getenv("MOEBIUS_BINARY");
  return other != nullptr && *other != '\0' ? other : MOEBIUS_BINARY;
}

inline ProcessResult moebius(std::vector<std::string> arguments,
                             const ProcessOptions& options = {}) {
  arguments.insert(arguments.begin(), binary());
  return run_process(arguments, options);
}

inline ProcessResult moebius_with_input(std::vector<std::string> arguments, std::string input) {
  return moebius(std::move(arguments), {.input = std::move(input)});
}

/// The lines of a text that must end in a newline.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, text.size()) << "no newline at the end of: " << text;
  return lines;
}

/// Standard output as JSON, one value a line.
inline std::vector<nlohmann::json> json_lines(const ProcessResult& result) {
  std::vector<nlohmann::json> values;
  for (const std::string& line : lines_of(result.out))
    values.push_back(nlohmann::json::parse(line));
  return values;
}

/// Nothing on standard output, one line on standard error that has `part` in it, exit code 2.
inline void expect_refused(const ProcessResult& result, const std::string& part) {
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_EQ(result.out, "");
  ASSERT_EQ(lines_of(result.err).size(), 1U) << result.err;
  EXPECT_EQ(result.err.rfind("moebius: ", 0), 0U) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

}  // namespace moebius::tests
