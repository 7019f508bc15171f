// Turns questions into requests of one tokenizer: chats rendered, few-shot prompts shortened
// until they fit, everything hashed.
#include <fmt/format.h>

#include <algorithm>

#include "runner/digest.h"
#include "runner/plan.h"

namespace moebius::runner {
namespace {

std::string prompt_text(const engine::Tokenizer& tokenizer, const tasks::Ask& ask) {
  if (ask.chat.empty()) return ask.text + ask.prefill;
  std::vector<engine::Message> messages;
  for (const tasks::Message& message : ask.chat) {
    messages.push_back({message.role, message.content});
  }
  std::string text = engine::render_chat(tokenizer, messages);
  // Some templates of reasoning models open the thinking themselves.
  if (!ask.prefill.empty() && !text.ends_with(ask.prefill)) text += ask.prefill;
  return text;
}

engine::Request to_request(const engine::Tokenizer& tokenizer, const PlannedSet& set,
                           const tasks::Ask& ask) {
  engine::Request request;
  request.prompt.text = prompt_text(tokenizer, ask);
  request.prompt.special = ask.special || !ask.chat.empty();
  if (!ask.continuations.empty()) {
    request.score.emplace();
    for (const std::string& text : ask.continuations) {
      request.score->continuations.push_back(
          {.text = text, .special = request.prompt.special, .add_bos = false});
    }
    return request;
  }
  request.generate = generate_for(set, ask);
  return request;
}

/// Tokens behind the prompt that must fit with it.
std::int64_t behind(const engine::Request& request) {
  if (request.generate) return request.generate->max_new_tokens;
  std::size_t longest = 0;
  for (const engine::Prompt& continuation : request.score->continuations) {
    longest = std::max(longest, continuation.ids.size());
  }
  return static_cast<std::int64_t>(longest) - 1;
}

std::string asked_digest(const engine::Request& request) {
  Digest digest;
  digest.add("asked 1").add(std::span(request.prompt.ids));
  if (request.generate) {
    digest.add(request.generate->max_new_tokens);
    for (const std::string& stop : request.generate->stop) digest.add(stop);
  } else {
    for (const engine::Prompt& continuation : request.score->continuations) {
      digest.add(std::span(continuation.ids));
    }
  }
  return digest.hex();
}

class TokenizerAsker : public Asker {
 public:
  TokenizerAsker(const engine::Tokenizer& tokenizer, std::int32_t context)
      : tokenizer_(tokenizer), context_(context) {}

  Asked ask(const PlannedSet& set, const tasks::Sample& sample) const override {
    Asked asked;
    for (std::size_t i = 0; i < sample.asks.size(); ++i) {
      asked = {.request = to_request(tokenizer_, set, sample.asks[i])};
      asked.prompt = asked.request.prompt.text;
      try {
        asked.request = engine::tokenized(std::move(asked.request), tokenizer_);
      } catch (const engine::Error& error) {
        asked.refusal = error.what();
        return asked;
      }
      if (fits(asked.request)) break;
    }
    asked.prompt_tokens = static_cast<std::int32_t>(asked.request.prompt.ids.size());
    if (!possible(asked.request)) {
      asked.refusal =
          fmt::format("prompt of {} tokens and {} more, the context is {}", asked.prompt_tokens,
                      asked.request.generate ? 1 : behind(asked.request), context_);
    }
    asked.prompt_sha256 = sha256_ids(asked.request.prompt.ids);
    asked.asked_sha256 = asked_digest(asked.request);
    return asked;
  }

 private:
  bool fits(const engine::Request& request) const {
    return context_ <= 0 || std::ssize(request.prompt.ids) + behind(request) <= context_;
  }

  /// An answer may be cut by the context, a prompt or a continuation may not.
  bool possible(const engine::Request& request) const {
    if (request.score) return fits(request);
    return context_ <= 0 || std::ssize(request.prompt.ids) < context_;
  }

  const engine::Tokenizer& tokenizer_;
  std::int32_t context_;
};

}  // namespace

engine::Generate generate_for(const PlannedSet& set, const tasks::Ask& ask) {
  engine::Generate generate;
  generate.max_new_tokens = set.max_new_tokens > 0 ? set.max_new_tokens : ask.max_new_tokens;
  generate.sampling.temperature = static_cast<float>(set.record.temperature);
  generate.sampling.top_p = static_cast<float>(set.record.top_p);
  generate.sampling.seed = set.record.seed;
  generate.stop = ask.stop;
  return generate;
}

std::unique_ptr<Asker> make_tokenizer_asker(const engine::Tokenizer& tokenizer,
                                            std::int32_t context) {
  return std::make_unique<TokenizerAsker>(tokenizer, context);
}

}  // namespace moebius::runner
