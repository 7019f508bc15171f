#include "engine/serving/expand.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>

#include "engine/serving/kv_pages.h"
#include "engine/text/tokenizer.h"
#include "kernels/ragged.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(why);
}

void check(bool ok, const char* what) {
  if (!ok) refuse(what);
}

void check_ids(std::span<const std::int32_t> ids, const std::string& where, const Limits& limits) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < limits.vocab) continue;
    refuse(where + " id " + std::to_string(i) + " is " + std::to_string(ids[i]) +
           ", the vocabulary has 0 .. " + std::to_string(limits.vocab - 1));
  }
}

// ---- options of a generation ------------------------------------------------------------

void check_sampling(const Sampling& sampling) {
  check(std::isfinite(sampling.temperature) && sampling.temperature >= 0,
        "temperature must be >= 0");
  if (sampling.temperature == 0) return;
  check(sampling.top_p > 0 && sampling.top_p <= 1, "top_p must be in (0, 1]");
  check(sampling.min_p >= 0 && sampling.min_p <= 1, "min_p must be in [0, 1]");
  check(sampling.top_k >= 0, "top_k must be >= 0");
}

void check_logprobs(std::int32_t logprobs) {
  check(logprobs >= 0 && logprobs <= 1024, "logprobs must be in 0 .. 1024");
}

void check_generate(const Generate& generate, const Tokenizer* tokenizer, const Limits& limits) {
  check_sampling(generate.sampling);
  check(generate.max_new_tokens > 0, "max_new_tokens must be > 0");
  check_logprobs(generate.logprobs);
  check_ids(generate.stop_ids, "stop", limits);
  check(generate.stop.empty() || tokenizer != nullptr,
        "stop strings need a tokenizer, this model has none");
  for (const std::string& stop : generate.stop) {
    check(!stop.empty(), "a stop string is empty");
    check(valid_utf8(stop), "a stop string is not valid UTF-8");
  }
}

// ---- text -------------------------------------------------------------------------------

// str.rstrip() of Python: where its white space begins.
std::size_t trailing_space(std::string_view text) {
  static constexpr std::string_view kSpaces[] = {"\t",           "\n",           "\v",
                                                 "\f",           "\r",           " ",
                                                 "\x1c",         "\x1d",         "\x1e",
                                                 "\x1f",         "\xc2\x85",     "\xc2\xa0",
                                                 "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
                                                 "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
                                                 "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87",
                                                 "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
                                                 "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                                 "\xe2\x81\x9f", "\xe3\x80\x80"};
  for (;;) {
    const auto space = std::find_if(std::begin(kSpaces), std::end(kSpaces),
                                    [&](std::string_view s) { return text.ends_with(s); });
    if (space == std::end(kSpaces)) return text.size();
    text.remove_suffix(space->size());
  }
}

void check_text(std::string_view text, const char* where, const Tokenizer* tokenizer) {
  if (tokenizer == nullptr) {
    refuse(std::string(where) + " has no ids, and this model has no tokenizer");
  }
  if (!valid_utf8(text)) refuse(std::string(where) + " is not valid UTF-8");
}

// Ids of `text` in front of which the rules of `prompt` may put BOS.
Ids encode(std::string_view text, const Prompt& prompt, const Tokenizer& tokenizer) {
  static constexpr const char* kDouble =
      "double BOS: the prompt begins with the BOS token, and one is put in front of it";
  Ids ids = tokenizer.encode(text, prompt.special);
  const std::int32_t bos = tokenizer.bos();
  if (bos < 0) return ids;
  if (prompt.add_bos && tokenizer.adds_bos()) {
    const bool has_bos = prompt.special && !ids.empty() && ids[0] == bos;
    check(prompt.special || !text.starts_with(tokenizer.bytes(bos)), kDouble);
    if (!has_bos) ids.insert(ids.begin(), bos);
  }
  check(ids.size() < 2 || ids[0] != bos || ids[1] != bos, kDouble);
  return ids;
}

Ids prompt_ids(const Prompt& prompt, const Tokenizer* tokenizer) {
  if (!prompt.ids.empty()) return prompt.ids;
  check_text(prompt.text, "the prompt", tokenizer);
  return encode(prompt.text, prompt, *tokenizer);
}

// ---- continuations ----------------------------------------------------------------------

/// Splits text continuations from one text context; see expand().
class PairEncoder {
 public:
  PairEncoder(const Prompt& prompt, const Tokenizer& tokenizer)
      : prompt_(prompt),
        tokenizer_(tokenizer),
        text_(std::string_view(prompt.text).substr(0, trailing_space(prompt.text))),
        context_(encode(text_, prompt, tokenizer)) {
    if (!context_.empty()) return;
    stand_in_ = tokenizer.bos() >= 0 ? tokenizer.bos() : tokenizer.eos();
    check(stand_in_ >= 0, "the context is empty, and the tokenizer has neither BOS nor EOS");
    context_ = {stand_in_};
  }

  const Ids& context() const { return context_; }

  Ids continuation(const std::string& text) const {
    const std::string joined = prompt_.text + text;
    Ids ids = encode(joined, prompt_, tokenizer_);
    std::size_t skip = context_.size();
    if (stand_in_ >= 0) skip = !ids.empty() && ids[0] == stand_in_ ? 1 : 0;
    ids.erase(ids.begin(), ids.begin() + std::min(skip, ids.size()));
    return ids;
  }

 private:
  const Prompt& prompt_;
  const Tokenizer& tokenizer_;
  std::string_view text_;
  Ids context_;
  std::int32_t stand_in_ = -1;  // the token that an empty context becomes
};

void expand_score(const Request& request, const Tokenizer* tokenizer, Expansion& out) {
  const Prompt& prompt = request.prompt;
  std::optional<PairEncoder> pairs;
  if (prompt.ids.empty()) {
    check_text(prompt.text, "the context", tokenizer);
    pairs.emplace(prompt, *tokenizer);
  }
  out.prompt = pairs ? pairs->context() : prompt.ids;
  for (const Prompt& continuation : request.score->continuations) {
    const std::string where = "continuation " + std::to_string(out.continuations.size());
    if (!continuation.ids.empty()) {
      out.continuations.push_back(continuation.ids);
      continue;
    }
    if (continuation.text.empty()) refuse(where + " is empty");
    check_text(continuation.text, where.c_str(), tokenizer);
    out.continuations.push_back(pairs ? pairs->continuation(continuation.text)
                                      : tokenizer->encode(continuation.text, continuation.special));
    if (out.continuations.back().empty()) refuse(where + " has no token of its own");
  }
}

// ---- what must fit ----------------------------------------------------------------------

void check_context(const char* what, std::size_t tokens, std::size_t rows, const Limits& limits) {
  if (rows <= static_cast<std::size_t>(limits.context)) return;
  refuse(std::string(what) + " has " + std::to_string(tokens) + " tokens, the context is " +
         std::to_string(limits.context));
}

void check_pages(std::size_t prompt, std::size_t more, const Limits& limits) {
  const std::int32_t needed = KvPages::covering(static_cast<std::int32_t>(prompt + more - 1));
  if (needed <= limits.pages) return;
  refuse("prompt of " + std::to_string(prompt) + " tokens and " + std::to_string(more) +
         " more need " + std::to_string(needed) + " pages of " +
         std::to_string(kernels::kPageTokens) + " tokens, the KV cache has " +
         std::to_string(limits.pages));
}

void expand_or_throw(const Request& request, const Tokenizer* tokenizer, const Limits& limits,
                     Expansion& out) {
  check(request.generate.has_value() != request.score.has_value(),
        "a request is either generate or score, exactly one of them");
  if (request.generate) {
    check_generate(*request.generate, tokenizer, limits);
    out.prompt = prompt_ids(request.prompt, tokenizer);
    check(!out.prompt.empty(), "the prompt is empty");
  } else {
    check(!request.score->continuations.empty(), "there are no continuations to score");
    check_logprobs(request.score->logprobs);
    expand_score(request, tokenizer, out);
  }
  check_context("prompt", out.prompt.size(), out.prompt.size(), limits);
  check_ids(out.prompt, "prompt", limits);
  if (request.generate) {
    const std::int32_t room =
        answer_room(out.prompt.size(), request.generate->max_new_tokens, limits);
    if (room > 0) check_pages(out.prompt.size(), room, limits);
  }
  for (const Ids& continuation : out.continuations) {
    check_ids(continuation, "continuation", limits);
    // The last token is a target only, so it may stand one past the context.
    const std::size_t tokens = out.prompt.size() + continuation.size();
    check_context("prompt with its continuation", tokens, tokens - 1, limits);
    check_pages(out.prompt.size(), continuation.size(), limits);
  }
}

}  // namespace

Expansion expand(const Request& request, const Tokenizer* tokenizer, const Limits& limits) {
  Expansion out;
  try {
    expand_or_throw(request, tokenizer, limits, out);
  } catch (const Error& error) {
    out = {.refusal = error.what()};
  }
  return out;
}

Request tokenized(Request request, const Tokenizer& tokenizer) {
  if (request.generate) {
    request.prompt.ids = prompt_ids(request.prompt, &tokenizer);
    check(!request.prompt.ids.empty(), "the prompt is empty");
    return request;
  }
  Expansion ids;
  expand_score(request, &tokenizer, ids);
  request.prompt.ids = std::move(ids.prompt);
  for (std::size_t i = 0; i < ids.continuations.size(); ++i) {
    request.score->continuations[i].ids = std::move(ids.continuations[i]);
  }
  return request;
}

std::int32_t answer_room(std::size_t prompt, std::int32_t wanted, const Limits& limits) {
  return std::min(wanted, limits.context - static_cast<std::int32_t>(prompt));
}

}  // namespace moebius::engine
