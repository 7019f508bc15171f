// The chat templates of the DeepSeek models.
#include "engine/text/chat.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kUser = "<｜User｜>";
constexpr std::string_view kAssistant = "<｜Assistant｜>";
constexpr std::string_view kEnd = "<｜end▁of▁sentence｜>";
constexpr std::string_view kThinkEnd = "</think>";

// What the V3 and R1 templates differ in.
struct Style {
  bool joins_systems = true;        // otherwise only the last system message counts
  bool drops_thoughts = false;      // of earlier answers, up to the last </think>
  bool drops_after_tools = false;   // also where an answer follows a tool's output
  bool breaks_tool_outputs = true;  // a line break between them
  /// Where <|Assistant|> stands: before each answer, or behind each question.
  enum Mark { kBeforeAnswer, kBehindQuestion, kBehindQuestionButLast } mark = kBeforeAnswer;
  std::string_view opening = "";  // of the answer to generate, behind <|Assistant|>
};

std::string system_prompt(const Chat& chat, bool join) {
  std::string out;
  bool first = true;
  for (const Message& message : chat.messages) {
    if (message.role != "system") continue;
    if (!join) out.clear();
    if (join && !first) out += "\n\n";
    out += message.content;
    first = false;
  }
  return out;
}

std::string_view without_thoughts(std::string_view content) {
  const std::size_t at = content.rfind(kThinkEnd);
  return at == std::string_view::npos ? content : content.substr(at + kThinkEnd.size());
}

/// Walks through a conversation in one style, as the template's loop does.
class Walk {
 public:
  Walk(const Chat& chat, const Style& style) : chat_(chat), style_(style) {}

  std::string run() {
    out_ += chat_.bos;
    out_ += system_prompt(chat_, style_.joins_systems);
    for (std::size_t i = 0; i < chat_.messages.size(); ++i) {
      const Message& message = chat_.messages[i];
      if (message.role == "user") user(message.content, i + 1 == chat_.messages.size());
      if (message.role == "assistant") assistant(message.content);
      if (message.role == "tool") tool(message.content);
    }
    if (in_tools_) out_ += "<｜tool▁outputs▁end｜>";
    const bool marked = style_.mark == Style::kBehindQuestion && after_user_;
    if (chat_.add_generation_prompt && !in_tools_ && !marked) {
      out_ += kAssistant;
      out_ += style_.opening;
    }
    return std::move(out_);
  }

 private:
  void user(std::string_view content, bool last) {
    in_tools_ = false;
    after_user_ = true;
    out_ += kUser;
    out_ += content;
    if (style_.mark == Style::kBehindQuestion) out_ += kAssistant;
    if (style_.mark == Style::kBehindQuestionButLast && !last) out_ += kAssistant;
  }

  void assistant(std::string_view content) {
    after_user_ = false;
    if (style_.drops_thoughts && (!in_tools_ || style_.drops_after_tools)) {
      content = without_thoughts(content);
    }
    if (in_tools_) {
      out_ += "<｜tool▁outputs▁end｜>";
    } else if (style_.mark == Style::kBeforeAnswer) {
      out_ += kAssistant;
    }
    in_tools_ = false;
    out_ += content;
    out_ += kEnd;
  }

  void tool(std::string_view content) {
    after_user_ = false;
    in_tools_ = true;
    if (!had_tools_) {
      out_ += "<｜tool▁outputs▁begin｜>";
    } else if (style_.breaks_tool_outputs) {
      out_ += '\n';
    }
    had_tools_ = true;
    out_ += "<｜tool▁output▁begin｜>";
    out_ += content;
    out_ += "<｜tool▁output▁end｜>";
  }

  const Chat& chat_;
  const Style& style_;
  std::string out_;
  bool in_tools_ = false;
  bool had_tools_ = false;
  bool after_user_ = false;
};

std::string render(const Chat& chat, const Style& style) {
  return Walk(chat, style).run();
}

// V2 and what came before: a name in front of each turn, no state.
std::string render_turns(const Chat& chat, std::string_view user, std::string_view behind_user,
                         std::string_view assistant, std::string_view prompt) {
  std::string out(chat.bos);
  for (const Message& message : chat.messages) {
    if (message.role == "user") {
      out.append(user).append(message.content).append(behind_user);
    } else if (message.role == "assistant") {
      out.append(assistant).append(message.content).append(chat.eos);
    } else if (message.role == "system") {
      out.append(message.content).append("\n\n");
    }
  }
  if (chat.add_generation_prompt) out += prompt;
  return out;
}

}  // namespace

std::string render_deepseek_v2(const Chat& chat) {
  return render_turns(chat, "User: ", "\n\n", "Assistant: ", "Assistant:");
}

std::string render_deepseek_v2_0628(const Chat& chat) {
  return render_turns(chat, kUser, "", kAssistant, kAssistant);
}

std::string render_deepseek_v3(const Chat& chat) {
  return render(chat, {});
}

std::string render_deepseek_v3_0324(const Chat& chat) {
  return render(chat, {.mark = Style::kBehindQuestion});
}

std::string render_deepseek_r1(const Chat& chat) {
  return render(chat,
                {.drops_thoughts = true, .breaks_tool_outputs = false, .opening = "<think>\n"});
}

std::string render_deepseek_r1_distill(const Chat& chat) {
  return render(chat, {.joins_systems = false, .drops_thoughts = true, .opening = "<think>\n"});
}

std::string render_deepseek_r1_distill_first(const Chat& chat) {
  return render(chat, {.joins_systems = false, .drops_thoughts = true});
}

std::string render_deepseek_r1_0528(const Chat& chat) {
  return render(
      chat,
      {.drops_thoughts = true, .drops_after_tools = true, .mark = Style::kBehindQuestionButLast});
}

std::string render_deepseek_r1_0528_qwen3(const Chat& chat) {
  return render(
      chat, {.drops_thoughts = true, .drops_after_tools = true, .mark = Style::kBehindQuestion});
}

// Without thinking, its default: </think> opens every answer that follows a question.
std::string render_deepseek_v3_1(const Chat& chat) {
  std::string out(chat.bos);
  out += system_prompt(chat, true);
  bool after_user = false;
  bool in_tools = false;
  for (const Message& message : chat.messages) {
    std::string_view content = message.content;
    if (message.role == "user") {
      out.append(kUser).append(content);
      after_user = true;
      in_tools = false;
    } else if (message.role == "assistant") {
      if (after_user) out.append(kAssistant).append(kThinkEnd);
      const std::size_t at = in_tools ? std::string_view::npos : content.find(kThinkEnd);
      if (at != std::string_view::npos) content = content.substr(at + kThinkEnd.size());
      out.append(content).append(kEnd);
      after_user = in_tools = false;
    } else if (message.role == "tool") {
      out.append("<｜tool▁output▁begin｜>").append(content).append("<｜tool▁output▁end｜>");
      after_user = false;
      in_tools = true;
    }
  }
  if (chat.add_generation_prompt && after_user) out.append(kAssistant).append(kThinkEnd);
  return out;
}

}  // namespace moebius::engine
