// Reads the "pre_tokenizer" of a tokenizer.json.
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "engine/text/tokenizer_data.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;

// GPT-2, encoder.py; what ByteLevel splits by unless told not to.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::size_t kMaxSteps = 32;

[[noreturn]] void refuse(const std::string& what) {
  throw Error("pre_tokenizer: " + what +
              "; supported are Sequence, Split, Digits and ByteLevel as in the pre-tokenizers of "
              "DeepSeek-V3/R1, DeepSeek-LLM/V2, DeepSeek-Coder, GPT-2, Llama-3 and Qwen2/Qwen3");
}

bool flag(const Json& step, const char* name, bool fallback) {
  const auto at = step.find(name);
  if (at == step.end() || at->is_null()) return fallback;
  if (!at->is_boolean()) refuse(std::string(name) + " is neither true nor false");
  return at->get<bool>();
}

std::string text(const Json& step, const char* name) {
  const auto at = step.find(name);
  return at != step.end() && at->is_string() ? at->get<std::string>() : "";
}

// A literal as a regular expression: every ASCII character that could mean something is escaped.
std::string escape(const std::string& literal) {
  std::string out;
  for (const char c : literal) {
    if (std::string_view("\\^$.|?*+()[]{}-").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

void read_split(const Json& step, PreTokenizer& out) {
  if (text(step, "behavior") != "Isolated" || flag(step, "invert", false)) {
    refuse("a Split that is not {\"behavior\": \"Isolated\", \"invert\": false}");
  }
  const auto pattern = step.find("pattern");
  if (pattern == step.end() || !pattern->is_object()) refuse("a Split without a pattern");
  std::string regex = text(*pattern, "Regex");
  if (regex.empty()) regex = escape(text(*pattern, "String"));
  if (regex.empty()) refuse("a Split without a pattern");
  try {
    out.add_split(regex);
  } catch (const Error& error) {
    refuse(error.what());
  }
}

void read_step(const Json& step, bool last, PreTokenizer& out) {
  const std::string type = step.is_object() ? text(step, "type") : "";
  if (last != (type == "ByteLevel")) refuse("ByteLevel must be its last step and only there");
  if (type == "Split") {
    read_split(step, out);
  } else if (type == "Digits") {
    out.add_split(flag(step, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "ByteLevel") {
    if (flag(step, "add_prefix_space", true)) out.add_prefix_space();
    if (flag(step, "use_regex", true)) out.add_split(kGpt2);
  } else {
    refuse("the type \"" + type.substr(0, 60) + "\" is not known");
  }
}

}  // namespace

void read_pre_tokenizer(std::string_view json, PreTokenizer& out) {
  const Json root = Json::parse(json);
  if (!root.is_object()) refuse("there is none");
  if (text(root, "type") != "Sequence") return read_step(root, true, out);
  const auto steps = root.find("pretokenizers");
  if (steps == root.end() || !steps->is_array() || steps->empty()) refuse("an empty Sequence");
  if (steps->size() > kMaxSteps) refuse("more than 32 steps");
  for (std::size_t i = 0; i < steps->size(); ++i) {
    read_step((*steps)[i], i + 1 == steps->size(), out);
  }
}

}  // namespace moebius::engine
