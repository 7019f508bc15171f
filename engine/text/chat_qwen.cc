// The chat templates of the Qwen models.
#include <algorithm>

#include "engine/engine.h"
#include "engine/text/chat.h"

namespace moebius::engine {
namespace {

std::string_view lstrip(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of('\n'), text.size()));
}

std::string_view rstrip(std::string_view text) {
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

// text.split(mark)[0] and text.split(mark)[-1]
std::string_view before_first(std::string_view text, std::string_view mark) {
  return text.substr(0, text.find(mark));
}
std::string_view after_last(std::string_view text, std::string_view mark) {
  const std::size_t at = text.rfind(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

void turn(std::string& out, std::string_view role, std::string_view content) {
  out.append("<|im_start|>").append(role).append("\n").append(content).append("<|im_end|>\n");
}

bool has_role(const Chat& chat, std::size_t i, std::string_view role) {
  return i < chat.messages.size() && chat.messages[i].role == role;
}

// Tool outputs in a row share one user turn.
void tool_output(const Chat& chat, std::size_t i, std::string& out) {
  if (i == 0 || !has_role(chat, i - 1, "tool")) out += "<|im_start|>user";
  out.append("\n<tool_response>\n").append(chat.messages[i].content).append("\n</tool_response>");
  if (!has_role(chat, i + 1, "tool")) out += "<|im_end|>\n";
}

// The first message as system turn; `fallback`, if not empty, where it is none.
void system_turn(const Chat& chat, std::string_view fallback, std::string& out) {
  if (chat.messages.empty()) throw Error("the chat template needs at least one message");
  if (has_role(chat, 0, "system")) {
    turn(out, "system", chat.messages[0].content);
  } else if (!fallback.empty()) {
    turn(out, "system", fallback);
  }
}

// Everything but the answers of a thinking model is the same in all of them. `answer` appends the
// assistant message of index i.
template <typename Answer>
std::string render(const Chat& chat, std::string_view default_system, std::string_view opening,
                   const Answer& answer) {
  std::string out;
  system_turn(chat, default_system, out);
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    const Message& message = chat.messages[i];
    if (message.role == "user" || (message.role == "system" && i > 0)) {
      turn(out, message.role, message.content);
    } else if (message.role == "assistant") {
      answer(i, out);
    } else if (message.role == "tool") {
      tool_output(chat, i, out);
    }
  }
  if (chat.add_generation_prompt) out.append("<|im_start|>assistant\n").append(opening);
  return out;
}

std::string render_plain(const Chat& chat, std::string_view default_system) {
  return render(chat, default_system, "", [&chat](std::size_t i, std::string& out) {
    turn(out, "assistant", chat.messages[i].content);
  });
}

// Index of the last question of the user, which is not the answer of a tool; thoughts before it
// are dropped.
std::size_t last_question(const Chat& chat) {
  for (std::size_t i = chat.messages.size(); i > 0; --i) {
    const Message& message = chat.messages[i - 1];
    const bool of_tool = message.content.starts_with("<tool_response>") &&
                         message.content.ends_with("</tool_response>");
    if (message.role == "user" && !of_tool) return i - 1;
  }
  return chat.messages.size() - 1;
}

std::string render_thinking(const Chat& chat, std::string_view opening) {
  return render(chat, "", opening, [&chat](std::size_t i, std::string& out) {
    const std::string_view message = chat.messages[i].content;
    std::string_view content = message;
    std::string_view thoughts;
    if (message.find("</think>") != std::string_view::npos) {
      content = lstrip(after_last(message, "</think>"));
      thoughts = rstrip(before_first(message, "</think>"));
      thoughts = lstrip(after_last(thoughts, "<think>"));
    }
    const bool last = i + 1 == chat.messages.size();
    if (i <= last_question(chat) || (!last && thoughts.empty())) {
      return turn(out, "assistant", content);
    }
    out.append("<|im_start|>assistant\n<think>\n").append(rstrip(lstrip(thoughts)));
    out.append("\n</think>\n\n").append(lstrip(content)).append("<|im_end|>\n");
  });
}

}  // namespace

std::string render_qwen2(const Chat& chat) {
  std::string out;
  if (!chat.messages.empty() && !has_role(chat, 0, "system")) {
    turn(out, "system", "You are a helpful assistant.");
  }
  for (const Message& message : chat.messages) turn(out, message.role, message.content);
  if (chat.add_generation_prompt) out += "<|im_start|>assistant\n";
  return out;
}

std::string render_qwen2_5(const Chat& chat) {
  return render_plain(chat, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
}

std::string render_qwen2_5_coder(const Chat& chat) {
  return render_plain(chat, "You are a helpful assistant.");
}

std::string render_qwen3(const Chat& chat) {
  return render_thinking(chat, "");
}
std::string render_qwen3_thinking(const Chat& chat) {
  return render_thinking(chat, "<think>\n");
}
std::string render_qwen3_instruct(const Chat& chat) {
  return render_plain(chat, "");
}

}  // namespace moebius::engine
