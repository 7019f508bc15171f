// Turns questions into requests of a server, which has the template and the tokenizer itself.
#include <fmt/format.h>

#include "runner/digest.h"
#include "runner/output.h"
#include "runner/plan.h"

namespace moebius::runner {
namespace {

/// What is sent, for people who read the store: a text as it is, a chat as the JSON of its
/// messages.
std::string shown_prompt(const engine::Prompt& prompt) {
  if (prompt.chat.empty()) return prompt.text;
  Json messages = Json::array();
  for (const engine::Message& message : prompt.chat) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  return messages.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string sent_digest(const engine::Request& request) {
  Digest digest;
  digest.add("asked of a server 1").add(request.prompt.text);
  for (const engine::Message& message : request.prompt.chat) {
    digest.add(message.role).add(message.content);
  }
  if (request.generate) {
    digest.add(request.generate->max_new_tokens);
    for (const std::string& stop : request.generate->stop) digest.add(stop);
  } else {
    for (const engine::Prompt& continuation : request.score->continuations) {
      digest.add(continuation.text);
    }
  }
  return digest.hex();
}

class RemoteAsker : public Asker {
 public:
  explicit RemoteAsker(engine::RemoteOptions options) : options_(std::move(options)) {}

  Asked ask(const PlannedSet& set, const tasks::Sample& sample) const override {
    const tasks::Ask& ask = sample.asks.front();
    Asked asked;
    engine::Prompt& prompt = asked.request.prompt;
    prompt.text = ask.chat.empty() ? ask.text + ask.prefill : "";
    for (const tasks::Message& message : ask.chat) {
      prompt.chat.push_back({message.role, message.content});
    }
    add_question(set, ask, asked.request);
    asked.prompt = shown_prompt(prompt);
    asked.prompt_sha256 = Digest().add("prompt").add(asked.prompt).hex();
    asked.asked_sha256 = sent_digest(asked.request);
    asked.refusal = refusal(ask, asked.request);
    return asked;
  }

 private:
  static void add_question(const PlannedSet& set, const tasks::Ask& ask, engine::Request& request) {
    if (!ask.continuations.empty()) {
      request.score.emplace();
      for (const std::string& text : ask.continuations) {
        request.score->continuations.push_back({.text = text, .add_bos = false});
      }
      return;
    }
    request.generate = generate_for(set, ask);
  }

  std::string refusal(const tasks::Ask& ask, const engine::Request& request) const {
    if (!ask.chat.empty() && !ask.prefill.empty()) {
      return fmt::format("a server that answers chats begins the answer itself, not with {}",
                         one_line(ask.prefill));
    }
    try {
      engine::check_request(options_, request);
    } catch (const engine::Error& error) {
      return error.what();
    }
    return "";
  }

  const engine::RemoteOptions options_;
};

}  // namespace

std::unique_ptr<Asker> make_remote_asker(const engine::RemoteOptions& options) {
  return std::make_unique<RemoteAsker>(options);
}

}  // namespace moebius::runner
