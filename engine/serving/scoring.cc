#include "engine/serving/scoring.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace moebius::engine {

namespace {

std::vector<TokenChoice> best_of(const StepResult& result) {
  std::vector<TokenChoice> best;
  for (std::size_t i = 0; i < result.top_ids.size(); ++i) {
    best.push_back({result.top_ids[i], result.top_logits[i] - result.logsumexp});
  }
  return best;
}

}  // namespace

// The last token of a continuation is only ever a target, so its row is not computed.
Scoring::Scoring(std::span<const std::int32_t> context, std::vector<ScoredContinuation*> outs,
                 std::int32_t logprobs, Completion& completion)
    : outs_(std::move(outs)), logprobs_(logprobs), completion_(completion) {
  ids.assign(context.begin(), context.end());
  ids.insert(ids.end(), outs_[0]->ids.begin(), outs_[0]->ids.end() - 1);
  first_head = static_cast<std::int32_t>(context.size()) - 1;
}

void Scoring::ask(std::int32_t position, StepHead& head) {
  head.top = std::max(1, logprobs_);
  for (const ScoredContinuation* out : outs_) {
    head.targets.push_back(out->ids[position - first_head]);
  }
}

std::int32_t Scoring::take(std::int32_t position, StepResult& result) {
  if (!std::isfinite(result.logsumexp)) {
    completion_.finish = Finish::kRefused;
    completion_.error = not_finite(position);
    return kNone;
  }
  for (std::size_t i = 0; i < outs_.size(); ++i) {
    ScoredContinuation& out = *outs_[i];
    const float logprob = result.target_logits[i] - result.logsumexp;
    const bool most_probable = result.top_ids[0] == out.ids[position - first_head];
    out.greedy = (position == first_head || out.greedy) && most_probable;
    out.logprobs.push_back(logprob);
    out.sum += logprob;
    if (logprobs_ > 0) out.top.push_back(best_of(result));
  }
  return kNone;
}

std::vector<std::unique_ptr<Sequence>> make_scorings(std::span<const std::int32_t> context,
                                                     std::int32_t logprobs,
                                                     Completion& completion) {
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::vector<ScoredContinuation*> single;
  const auto add = [&](std::vector<ScoredContinuation*> outs) {
    sequences.push_back(std::make_unique<Scoring>(context, std::move(outs), logprobs, completion));
  };
  for (ScoredContinuation& out : completion.continuations) {
    if (out.ids.size() == 1) {
      single.push_back(&out);
    } else {
      add({&out});
    }
  }
  if (!single.empty()) add(std::move(single));
  return sequences;
}

}  // namespace moebius::engine
