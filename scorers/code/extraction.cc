// Extraction of programs: fences, signatures, prompts.
#include "scorers/code/extraction.h"

#include <algorithm>
#include <vector>

#include "scorers/code/unicode.h"
#include "scorers/code/wire.h"

namespace moebius::scorers {
namespace code {
namespace {

constexpr std::string_view kFence = "```";

// evaluation.py, IMPORT_HELPER["python"].
constexpr std::string_view kDeepSeekImports =
    "import math\nimport re\nimport sys\nimport copy\nimport datetime\nimport itertools\n"
    "import collections\nimport heapq\nimport functools\nimport hashlib\nimport numpy\n"
    "import numpy as np\nimport string\nfrom typing import *\nfrom collections import *\n";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

/// First match of ```python\n(.*?)```; false if there is none. `folded` is `text`, or its lower
/// case when the tag's case does not matter.
bool python_block(std::string_view text, std::string_view folded, std::string_view& block) {
  constexpr std::string_view kOpen = "```python\n";
  const std::size_t open = folded.find(kOpen);
  if (open == std::string_view::npos) return false;
  const std::size_t begin = open + kOpen.size();
  const std::size_t end = text.find(kFence, begin);
  if (end == std::string_view::npos) return false;
  block = text.substr(begin, end - begin);
  return true;
}

std::string_view simple_evals_code(std::string_view text) {
  python_block(text, text, text);
  const std::size_t signature = text.find(":\n    ");
  if (signature != std::string_view::npos) return text.substr(signature + 2);
  // -1 + 2: one character, not one byte.
  return text.substr(std::min(text.size(), std::max<std::size_t>(1, utf8_size(text, false))));
}

struct Signature {
  std::string_view name;  // "def f"
  std::string before;     // the prompt's lines above it that are not blank
};

bool last_signature(std::string_view prompt, Signature& to) {
  std::vector<std::string_view> lines;
  for (const std::string_view line : split_lines(strip(prompt))) {
    if (!strip(line).empty()) lines.push_back(line);
  }
  for (std::size_t i = lines.size(); i-- > 0;) {
    if (!lines[i].starts_with("def ")) continue;
    to.name = strip(lines[i].substr(0, lines[i].find('(')));
    for (std::size_t k = 0; k < i; ++k) {
      to.before += (k > 0 ? "\n" : "") + std::string(lines[k]);
    }
    return true;
  }
  return false;
}

/// From the function's name to the last line that is its indentation and a brace, or the end.
std::string_view deepseek_body(std::string_view block, std::string_view name) {
  std::size_t start = lower(block).find(lower(name));
  // The indentation of the setting (4), unless the name is found.
  std::size_t indent = 4;
  if (start == std::string_view::npos) {
    start = 0;
  } else {
    indent = 0;
    while (start - indent > 0 && block[start - indent - 1] == ' ') ++indent;
    if (start == indent && block.back() == ' ') ++indent;  // index -1 is the last character
  }
  const std::size_t end = block.rfind("\n" + std::string(indent, ' ') + "}");
  if (end == std::string_view::npos) return block.substr(start);
  return end < start ? std::string_view() : block.substr(start, end - start);
}

std::string deepseek_program(std::string_view prompt, std::string_view text) {
  std::string_view block;
  Signature signature;
  if (!python_block(text, lower(text), block) || !last_signature(prompt, signature)) {
    return std::string(prompt) + "\n" + std::string(text);
  }
  return signature.before + "\n" + std::string(deepseek_body(block, signature.name)) + "\n";
}

}  // namespace

HumanEvalProgram humaneval_program(const HumanEvalProblem& problem, CodeExtraction extraction,
                                   std::string_view text) {
  const std::string clean = valid_utf8(text);
  switch (extraction) {
    case CodeExtraction::kFenced: {
      const std::string body(simple_evals_code(clean));
      return {problem.prompt + body, body};
    }
    case CodeExtraction::kDeepSeek: {
      const std::string body = deepseek_program(problem.prompt, clean);
      return {std::string(kDeepSeekImports) + body, body};
    }
    case CodeExtraction::kWholeProgram:
      return {clean, clean};
    case CodeExtraction::kCompletion:
      break;
  }
  return {problem.prompt + clean, clean};
}

}  // namespace code

std::string extract_livecodebench(std::string_view response, bool base) {
  if (base) return std::string(code::strip(response));
  // Byte offsets of the last two lines that hold a fence.
  std::size_t before = std::string_view::npos;
  std::size_t last = std::string_view::npos;
  std::size_t at = response.find(code::kFence);
  while (at != std::string_view::npos) {
    before = last;
    last = at;
    const std::size_t end = response.find('\n', at);
    if (end == std::string_view::npos) break;
    at = response.find(code::kFence, end);
  }
  if (before == std::string_view::npos) return "";
  const std::size_t begin = response.find('\n', before) + 1;
  const std::size_t line = response.rfind('\n', last) + 1;  // where the closing line begins
  return std::string(begin < line ? response.substr(begin, line - begin - 1) : std::string_view());
}

}  // namespace moebius::scorers
