// Divergence of two models: rows of logits, sums over answers, quantiles, judged pairs.
#include "reports/divergence.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "reports/statistics/estimators.h"
#include "reports/statistics/intervals.h"
#include "reports/statistics/paired.h"

namespace moebius::reports {
namespace {

/// The first of the largest; refuses what is not finite.
std::size_t finite_top(std::span<const float> logits, const char* side) {
  std::size_t top = 0;
  for (std::size_t v = 0; v < logits.size(); ++v) {
    if (!std::isfinite(logits[v])) {
      throw std::invalid_argument(std::string("the ") + side + "'s logit of token " +
                                  std::to_string(v) + " is not finite");
    }
    if (logits[v] > logits[top]) top = v;
  }
  return top;
}

/// The smallest value that at least a share p does not exceed; `sorted` ascending, not empty.
double divergence_quantile(const std::vector<double>& sorted, double p) {
  const double rank = std::ceil(p * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}

double divergence_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void add_layer_counts(const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

/// Within 0 .. 1. A spread of zero is no certainty: then Wilson's, as if a question were one
/// answer.
Interval agreement_interval(const PositionMean& share, std::size_t questions) {
  if (*share.error == 0) return wilson(share.mean, static_cast<double>(questions));
  return {std::max(0.0, share.interval->low), std::min(1.0, share.interval->high)};
}

}  // namespace

// With e_v = exp(x_v - max x): KL = sum_v e_v ((x_v - max x) - (y_v - max y)) / E - ln E + ln F, so
// each exponential is taken once, and equal rows cancel to the bit.
RowDivergence compare_logits(std::span<const float> base, std::span<const float> candidate) {
  if (base.empty() || base.size() != candidate.size()) {
    throw std::invalid_argument("compare_logits: rows of " + std::to_string(base.size()) + " and " +
                                std::to_string(candidate.size()) + " logits");
  }
  const std::size_t base_top = finite_top(base, "base");
  const std::size_t candidate_top = finite_top(candidate, "candidate");
  const double base_max = base[base_top];
  const double candidate_max = candidate[candidate_top];
  double base_sum = 0;
  double candidate_sum = 0;
  double weighted = 0;
  for (std::size_t v = 0; v < base.size(); ++v) {
    const double x = base[v] - base_max;
    const double y = candidate[v] - candidate_max;
    const double e = std::exp(x);
    base_sum += e;
    candidate_sum += std::exp(y);
    weighted += e * (x - y);
  }
  const double kl = weighted / base_sum - (std::log(base_sum) - std::log(candidate_sum));
  return {.kl = std::max(0.0, kl),  // never negative but by rounding
          .base_top = static_cast<std::int32_t>(base_top),
          .candidate_top = static_cast<std::int32_t>(candidate_top),
          .base_log_sum = base_max + std::log(base_sum),
          .candidate_log_sum = candidate_max + std::log(candidate_sum)};
}

std::optional<std::int64_t> first_divergence(const ForcedAnswer& answer) {
  if (!answer.written) return std::nullopt;
  for (std::size_t i = 0; i < answer.positions.size(); ++i) {
    if (!answer.positions[i].same_top) return static_cast<std::int64_t>(i);
  }
  return std::nullopt;
}

void DivergenceTally::add(const ForcedAnswer& answer) {
  if (questions_.empty()) {
    shared_experts_.resize(answer.shared_experts.size());
    chosen_experts_.resize(answer.chosen_experts.size());
  }
  if (answer.shared_experts.size() != shared_experts_.size() ||
      answer.chosen_experts.size() != shared_experts_.size()) {
    throw std::invalid_argument("DivergenceTally: expected " +
                                std::to_string(shared_experts_.size()) + " layers, found " +
                                std::to_string(answer.shared_experts.size()));
  }
  Sums sums;
  for (const ForcedPosition& position : answer.positions) {
    ++sums.positions;
    sums.kl += position.kl;
    sums.same_top += position.same_top ? 1 : 0;
    kl_.push_back(position.kl);
    if (!position.delta) continue;
    ++sums.deltas;
    sums.delta += *position.delta;
    deltas_.push_back(*position.delta);
  }
  questions_.push_back(sums);
  if (answer.written) ++written_;
  if (const auto first = first_divergence(answer)) {
    divergences_.push_back(static_cast<double>(*first));
  }
  add_layer_counts(answer.shared_experts, shared_experts_);
  add_layer_counts(answer.chosen_experts, chosen_experts_);
}

PositionMean DivergenceTally::mean_of(double Sums::*sum, std::int64_t Sums::*count) const {
  double total = 0;
  double positions = 0;
  double clusters = 0;
  for (const Sums& question : questions_) {
    total += question.*sum;
    positions += static_cast<double>(question.*count);
    clusters += question.*count > 0 ? 1 : 0;
  }
  if (positions == 0) return {};
  PositionMean result{.mean = total / positions};
  if (clusters < 2) return result;
  double squares = 0;
  for (const Sums& question : questions_) {
    const double off = question.*sum - static_cast<double>(question.*count) * result.mean;
    squares += off * off;
  }
  result.error = std::sqrt(clusters / (clusters - 1) * squares) / positions;
  const double half = student_t_quantile(0.95, clusters - 1) * *result.error;
  result.interval = {result.mean - half, result.mean + half};
  return result;
}

Divergence DivergenceTally::result() const {
  Divergence result{.questions = static_cast<std::int64_t>(questions_.size()),
                    .positions = static_cast<std::int64_t>(kl_.size()),
                    .kl = mean_of(&Sums::kl, &Sums::positions),
                    .same_top = mean_of(&Sums::same_top, &Sums::positions),
                    .deltas = static_cast<std::int64_t>(deltas_.size()),
                    .delta = mean_of(&Sums::delta, &Sums::deltas),
                    .written = written_,
                    .unchanged = written_ - static_cast<std::int64_t>(divergences_.size())};
  if (result.kl.interval) result.kl.interval->low = std::max(0.0, result.kl.interval->low);
  if (result.same_top.interval) {
    result.same_top.interval = agreement_interval(result.same_top, questions_.size());
  }
  if (!kl_.empty()) {
    std::vector<double> sorted = kl_;
    std::sort(sorted.begin(), sorted.end());
    result.kl_median = divergence_quantile(sorted, 0.5);
    result.kl_p95 = divergence_quantile(sorted, 0.95);
    result.kl_p99 = divergence_quantile(sorted, 0.99);
    result.kl_max = sorted.back();
  }
  if (!deltas_.empty()) {
    std::vector<double> sorted = deltas_;
    std::sort(sorted.begin(), sorted.end());
    result.delta_p5 = divergence_quantile(sorted, 0.05);
  }
  if (!divergences_.empty()) result.median_divergence = divergence_median(divergences_);
  for (std::size_t layer = 0; layer < chosen_experts_.size(); ++layer) {
    if (chosen_experts_[layer] == 0) continue;
    result.routing.push_back(
        {static_cast<std::int32_t>(layer), static_cast<double>(shared_experts_[layer]) /
                                               static_cast<double>(chosen_experts_[layer])});
  }
  return result;
}

std::optional<double> option_divergence(std::span<const double> base,
                                        std::span<const double> candidate) {
  if (base.size() < 2 || base.size() != candidate.size()) return std::nullopt;
  const auto finite = [](double logprob) { return std::isfinite(logprob); };
  if (!std::all_of(base.begin(), base.end(), finite)) return std::nullopt;
  if (!std::all_of(candidate.begin(), candidate.end(), finite)) return std::nullopt;
  const double base_max = *std::max_element(base.begin(), base.end());
  const double candidate_max = *std::max_element(candidate.begin(), candidate.end());
  double base_sum = 0;
  double candidate_sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const double x = base[i] - base_max;
    const double y = candidate[i] - candidate_max;
    base_sum += std::exp(x);
    candidate_sum += std::exp(y);
    weighted += std::exp(x) * (x - y);
  }
  // Not below 0, which rounding may bring it to.
  return std::max(0.0, weighted / base_sum - std::log(base_sum) + std::log(candidate_sum));
}

namespace {

void add_option_divergence(std::span<const JudgedPair> pairs, AnswerChanges& result) {
  std::vector<double> values;
  for (const JudgedPair& pair : pairs) {
    if (pair.option_kl) values.push_back(*pair.option_kl);
  }
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  result.options = std::ssize(values);
  result.option_kl.mean = mean(values);
  result.option_kl_p95 = divergence_quantile(values, 0.95);
  result.option_kl_max = values.back();
  result.option_kl.error = standard_error(values);
  if (!result.option_kl.error) return;
  Interval interval = student_t(result.option_kl.mean, *result.option_kl.error,
                                static_cast<double>(values.size() - 1));
  interval.low = std::max(0.0, interval.low);
  result.option_kl.interval = interval;
}

}  // namespace

AnswerChanges compare_answers(std::span<const JudgedPair> pairs) {
  AnswerChanges result{.compared = static_cast<std::int64_t>(pairs.size())};
  if (pairs.empty()) return result;
  PairedScores scores;
  for (const JudgedPair& pair : pairs) {
    scores.base.push_back(pair.base);
    scores.candidate.push_back(pair.candidate);
    scores.clusters.push_back(pair.cluster);
    if (pair.base_extracted != pair.candidate_extracted) ++result.changed;
  }
  result.base_mean = mean(scores.base);
  result.candidate_mean = mean(scores.candidate);
  const PairedTest test(std::move(scores));
  result.difference = test.difference();
  result.gained = test.flips().gained;
  result.lost = test.flips().lost;
  result.interval = test.interval(0.95);
  result.method = test.method();
  const PairedTest::NoDifference same = test.no_difference();
  result.same_p = same.p;
  result.same_method = same.method;
  add_option_divergence(pairs, result);
  return result;
}

}  // namespace moebius::reports
