// The chat templates of the Llama 3 models.
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "engine/text/chat.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

// What Python's str.strip() takes away: white space and the four information separators.
bool is_stripped(char32_t c) {
  return is_space(c) || (c >= 0x1C && c <= 0x1F);
}

std::string_view trim(std::string_view text) {
  const char* first = text.data();
  const char* const end = first + text.size();
  const char* last = first;  // behind the last character that stays
  bool started = false;
  for (const char* p = first; p != end;) {
    const char* const at = p;
    if (is_stripped(next_char(p))) continue;
    if (!started) first = at;
    started = true;
    last = p;
  }
  if (!started) return {};
  return {first, static_cast<std::size_t>(last - first)};
}

void turn(std::string& out, std::string_view role, std::string_view content) {
  out.append("<|start_header_id|>").append(role).append("<|end_header_id|>\n\n");
  out.append(content).append("<|eot_id|>");
}

constexpr std::string_view kPrompt = "<|start_header_id|>assistant<|end_header_id|>\n\n";

}  // namespace

std::string render_llama3(const Chat& chat) {
  std::string out;
  if (!chat.messages.empty()) out += chat.bos;
  for (const Message& message : chat.messages) turn(out, message.role, trim(message.content));
  if (chat.add_generation_prompt) out += kPrompt;
  return out;
}

// The date is the template's own default; callers of the reference may pass another.
std::string render_llama3_1(const Chat& chat) {
  if (chat.messages.empty()) throw Error("the chat template needs at least one message");
  std::span<const Message> messages = chat.messages;
  std::string system = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
  if (messages[0].role == "system") {
    system += trim(messages[0].content);
    messages = messages.subspan(1);
  }
  std::string out(chat.bos);
  turn(out, "system", system);
  for (const Message& message : messages) {
    if (message.role == "tool" || message.role == "ipython") {
      turn(out, "ipython", nlohmann::json(message.content).dump());
    } else {
      turn(out, message.role, trim(message.content));
    }
  }
  if (chat.add_generation_prompt) out += kPrompt;
  return out;
}

}  // namespace moebius::engine
