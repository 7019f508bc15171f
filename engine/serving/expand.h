// A request checked and turned into token ids, or the reason why it is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {

/// What a request must fit.
struct Limits {
  std::int32_t vocab = 0;
  std::int32_t context = 0;  // positions of one sequence
  std::int32_t pages = 0;    // of the KV cache
};

struct Expansion {
  std::string refusal;                                   // one line; empty if it can be served
  std::vector<std::int32_t> prompt;                      // >= 1 id
  std::vector<std::vector<std::int32_t>> continuations;  // Score: each >= 1 id
};

/// Text prompts: BOS in front if `add_bos`, the tokenizer adds one and the text (with
/// `special`) does not begin with it. Two BOS in a row are refused, however they came about.
///
/// Text continuations of a text prompt are split as lm-evaluation-harness does
/// (lm_eval/models/huggingface.py, _encode_pair and loglikelihood): white space that ends
/// the context moves to the continuation; the continuation's ids are those of the joined
/// text after the first len(ids(context)). The prompt's `special` and `add_bos` count for
/// both. An empty context becomes BOS, or else the end-of-sequence token; if the
/// continuation begins with that token itself, it is the context.
/// Continuations given as ids, or after a prompt of ids, stand for themselves.
///
/// `tokenizer` may be null: ids only. Throws nothing but std::bad_alloc.
Expansion expand(const Request& request, const Tokenizer* tokenizer, const Limits& limits);

/// The answer's room: how many new tokens a prompt leaves in the context, at most `wanted`.
std::int32_t answer_room(std::size_t prompt, std::int32_t wanted, const Limits& limits);

}  // namespace moebius::engine
