// The chat templates there are: each known by the hash of its Jinja source.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"

namespace moebius::engine {

/// What a template renders. Texts are valid UTF-8.
struct Chat {
  std::span<const Message> messages;
  std::string_view bos;  // text of the token, or empty
  std::string_view eos;
  bool add_generation_prompt = true;
};

struct ChatTemplate {
  std::string_view name;
  /// SHA-256 of the source without the one line break that may end it, which Jinja drops. Two
  /// spellings of one source: line breaks in its texts escaped, and as they are.
  std::string_view sha256[2];
  std::string (*render)(const Chat& chat);  // throws Error where the template would
};

std::span<const ChatTemplate> chat_templates();

/// The template with this source; null if it is unknown.
const ChatTemplate* find_chat_template(std::string_view source);

/// Renderers of the templates of the same name; tests/oracle/chat_cases.py has the references.
std::string render_deepseek_v2(const Chat& chat);
std::string render_deepseek_v2_0628(const Chat& chat);
std::string render_deepseek_v3(const Chat& chat);
std::string render_deepseek_v3_0324(const Chat& chat);
std::string render_deepseek_v3_1(const Chat& chat);
std::string render_deepseek_r1(const Chat& chat);
std::string render_deepseek_r1_distill(const Chat& chat);
std::string render_deepseek_r1_distill_first(const Chat& chat);
std::string render_deepseek_r1_0528(const Chat& chat);
std::string render_deepseek_r1_0528_qwen3(const Chat& chat);
std::string render_qwen2(const Chat& chat);
std::string render_qwen2_5(const Chat& chat);
std::string render_qwen2_5_coder(const Chat& chat);
std::string render_qwen3(const Chat& chat);
std::string render_qwen3_thinking(const Chat& chat);
std::string render_qwen3_instruct(const Chat& chat);
std::string render_llama3(const Chat& chat);
std::string render_llama3_1(const Chat& chat);

}  // namespace moebius::engine
