#include "engine/serving/generation.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace moebius::engine {
namespace {

StepDraw draw_of(const Sampling& sampling, std::uint64_t sample) {
  if (sampling.temperature == 0) return {.kind = StepDraw::kGreedy};
  return {.kind = StepDraw::kSample,
          .temperature = sampling.temperature,
          .top_p = sampling.top_p,
          .min_p = sampling.min_p,
          .top_k = sampling.top_k,
          .seed = sampling.seed,
          .sample = sample};
}

}  // namespace

Generation::Generation(const Request& request, std::vector<std::int32_t> prompt, std::int32_t room,
                       std::vector<std::int32_t> eos_ids, const Tokenizer* tokenizer,
                       Completion& out)
    : tokenizer_(tokenizer),
      out_(out),
      draw_(draw_of(request.generate->sampling, request.sample)),
      top_(request.generate->logprobs),
      room_(room),
      max_new_tokens_(request.generate->max_new_tokens),
      min_new_tokens_(request.generate->min_new_tokens),
      early_banned_(eos_ids),
      stop_ids_(request.generate->stop_ids),
      text_(request.generate->stop),
      id_(request.id),
      on_token_(request.on_token) {
  ids = std::move(prompt);
  first_head = static_cast<std::int32_t>(ids.size()) - 1;
  growth = room - 1;
  early_banned_.insert(early_banned_.end(), stop_ids_.begin(), stop_ids_.end());
  if (!request.generate->ignore_eos) {
    stop_ids_.insert(stop_ids_.end(), eos_ids.begin(), eos_ids.end());
  }
  std::sort(stop_ids_.begin(), stop_ids_.end());
}

void Generation::ask(std::int32_t, StepHead& head) {
  head.draw = draw_;
  head.top = top_;
  if (std::ssize(out_.tokens) < min_new_tokens_) head.banned = early_banned_;
}

std::int32_t Generation::take(std::int32_t position, StepResult& result) {
  if (!std::isfinite(result.logsumexp)) {
    end(Finish::kRefused);
    out_.error = not_finite(position);
    return kNone;
  }
  if (result.token < 0) throw std::logic_error("Stepper::step: no token drawn where one was asked");
  GeneratedToken& token = out_.tokens.emplace_back();
  token.id = result.token;
  token.logprob = result.token_logit - result.logsumexp;
  token.top.reserve(result.top_ids.size());
  for (std::size_t i = 0; i < result.top_ids.size(); ++i) {
    token.top.push_back({result.top_ids[i], result.top_logits[i] - result.logsumexp});
  }
  const auto count = static_cast<std::int32_t>(out_.tokens.size());
  const bool stopped = stops(token.id) || append_text(token.id);
  if (on_token_) tell();
  if (stopped) {
    end(Finish::kStop);
  } else if (count == room_) {
    end(room_ == max_new_tokens_ ? Finish::kLength : Finish::kContextFull);
  } else {
    return token.id;
  }
  return kNone;
}

void Generation::end(Finish finish) {
  // What finish() adds can complete a stop string only if that holds a U+FFFD.
  const bool whole = finish != Finish::kCancelled && finish != Finish::kRefused;
  out_.finish = text_.finish() && whole ? Finish::kStop : finish;
  out_.text = text_.text();
  out_.stop = text_.stop();
}

void Generation::tell() {
  const std::string_view settled = text_.settled();
  on_token_({.id = id_, .token = out_.tokens.back(), .text = settled.substr(told_)});
  told_ = settled.size();
}

bool Generation::stops(std::int32_t id) const {
  return std::binary_search(stop_ids_.begin(), stop_ids_.end(), id);
}

// Ids that the model has and the tokenizer does not (padded vocabularies) have no text.
bool Generation::append_text(std::int32_t id) {
  if (tokenizer_ == nullptr || id >= tokenizer_->vocab()) return false;
  try {
    return !tokenizer_->is_special(id) && text_.push(tokenizer_->bytes(id));
  } catch (const Error&) {
    return false;
  }
}

}  // namespace moebius::engine
