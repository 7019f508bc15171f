#include "engine/serving/scoring.h"

#include <cmath>
#include <utility>

namespace moebius::engine {

// The last token of a continuation is only ever a target, so its row is not computed.
Scoring::Scoring(std::span<const std::int32_t> context, std::vector<ScoredContinuation*> outs,
                 Completion& completion)
    : outs_(std::move(outs)), completion_(completion) {
  ids.assign(context.begin(), context.end());
  ids.insert(ids.end(), outs_[0]->ids.begin(), outs_[0]->ids.end() - 1);
  first_head = static_cast<std::int32_t>(context.size()) - 1;
}

void Scoring::ask(std::int32_t position, StepHead& head) {
  head.top = 1;
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
  }
  return kNone;
}

std::vector<std::unique_ptr<Sequence>> make_scorings(std::span<const std::int32_t> context,
                                                     Completion& completion) {
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::vector<ScoredContinuation*> single;
  const auto add = [&](std::vector<ScoredContinuation*> outs) {
    sequences.push_back(std::make_unique<Scoring>(context, std::move(outs), completion));
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
