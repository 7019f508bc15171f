// Two models on the same tokens: how far apart their next-token distributions are at every position
// of the base's answers, and whether their own answers are judged alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/statistics/interval.h"

namespace moebius::reports {

// ---- one position ----------------------------------------------------------------------

/// What two rows of logits say of the next token.
struct RowDivergence {
  double kl = 0;              // sum_v p(v) ln(p(v) / q(v)), p the base's; nats, >= 0
  std::int32_t base_top = 0;  // the most probable token, ties to the lower id
  std::int32_t candidate_top = 0;
  double base_log_sum = 0;  // ln sum_v exp(logit)
  double candidate_log_sum = 0;
};

/// Computed in float64 from float32 logits, both of [vocabulary] >= 1; equal rows give exactly 0.
/// Throws std::invalid_argument that names the side if a logit is NaN or infinite, or if the rows
/// have different lengths.
RowDivergence compare_logits(std::span<const float> base, std::span<const float> candidate);

// ---- one question ----------------------------------------------------------------------

/// One position of an answer that both models were forced along.
struct ForcedPosition {
  double kl = 0;
  bool same_top = true;
  /// Candidate less base: log-probability of the token of the base's answer. None at positions of
  /// choices that the base did not prefer.
  std::optional<double> delta;
};

/// A question's positions, in the order of the answer; of choices each distinct prefix once, those
/// of the base's favourite first.
struct ForcedAnswer {
  std::string item;
  bool written = true;  // an answer that the base wrote, not one of given choices
  std::vector<ForcedPosition> positions;
  std::vector<std::int64_t> shared_experts;  // [layers]: chosen by both, over all positions
  std::vector<std::int64_t> chosen_experts;  // [layers]: chosen by the base; 0 for dense layers
};

/// Where the candidate, writing on its own, would first write another token; none: nowhere.
std::optional<std::int64_t> first_divergence(const ForcedAnswer& answer);

// ---- many questions --------------------------------------------------------------------

/// A mean over positions. The positions of one question are not independent, so the error is that
/// of a ratio of sums over questions: sqrt(C / (C - 1) sum_c (S_c - n_c mean)^2) / sum_c n_c, which
/// is Miller's clustered error with a cluster for each of the C questions (arXiv 2411.00640).
struct PositionMean {
  double mean = 0;
  std::optional<double> error;       // none for fewer than two questions
  std::optional<Interval> interval;  // 95 %, Student's t with C - 1 degrees
};

struct LayerAgreement {
  std::int32_t layer = 0;  // of the model, dense ones counted
  double share = 1;        // of positions times experts that the base chose: chosen by both
};

/// The positions of a set, or of all sets together.
struct Divergence {
  std::int64_t questions = 0;
  std::int64_t positions = 0;
  PositionMean kl;
  double kl_median = 0;  // quantiles: the smallest value that a share of at least p does not exceed
  double kl_p95 = 0;
  double kl_p99 = 0;
  double kl_max = 0;
  PositionMean same_top;    // share of positions
  std::int64_t deltas = 0;  // positions that have one
  PositionMean delta;       // of those
  double delta_p5 = 0;
  std::int64_t written = 0;                 // answers that the base wrote
  std::int64_t unchanged = 0;               // of those the candidate would write every token
  std::optional<double> median_divergence;  // position from 0, of those that diverge
  std::vector<LayerAgreement> routing;      // layers with experts; empty if not comparable
};

/// Adds answers up. Keeps 16 bytes for a position and 80 for a question.
class DivergenceTally {
 public:
  /// Throws std::invalid_argument if the layers are not those of the answers before.
  void add(const ForcedAnswer& answer);
  Divergence result() const;

 private:
  struct Sums {
    double kl = 0;
    double same_top = 0;
    double delta = 0;
    std::int64_t positions = 0;
    std::int64_t deltas = 0;
  };
  PositionMean mean_of(double Sums::*sum, std::int64_t Sums::*count) const;

  std::vector<Sums> questions_;
  std::vector<double> kl_;
  std::vector<double> deltas_;
  std::vector<double> divergences_;
  std::int64_t written_ = 0;
  std::vector<std::int64_t> shared_experts_;
  std::vector<std::int64_t> chosen_experts_;
};

// ---- the models' own answers -----------------------------------------------------------

/// A question that both models answered by themselves, as the task's headline scorer judges.
struct JudgedPair {
  std::string item;
  std::string cluster;  // of the task; empty: alone
  double base = 0;      // 0 .. 1
  double candidate = 0;
  std::string base_extracted;
  std::string candidate_extracted;
  std::optional<double> option_kl;  // option_divergence() of a multiple-choice question
};

/// KL(base || candidate), nats, of the probabilities of a question's options given that it is one
/// of them: softmax over the options' sums of log-probabilities. None if the models had fewer than
/// two options, or not as many as each other, or a log-probability is not finite.
std::optional<double> option_divergence(std::span<const double> base,
                                        std::span<const double> candidate);

/// What became of the answers.
struct AnswerChanges {
  std::int64_t compared = 0;
  std::int64_t changed = 0;  // another answer was extracted, right or wrong
  std::int64_t gained = 0;   // the candidate's is judged better
  std::int64_t lost = 0;
  double base_mean = 0;
  double candidate_mean = 0;
  double difference = 0;             // candidate less base
  std::optional<Interval> interval;  // 95 %, none without a question
  std::string method;                // PairedTest::method(): Tango for 0/1 scores
  double same_p = 1;                 // that the models do not differ
  std::string same_method;           // McNemar mid-p for 0/1 scores
  std::int64_t options = 0;          // questions that have an option_kl
  PositionMean option_kl;            // of those, each question once
  double option_kl_p95 = 0;
  double option_kl_max = 0;
};
AnswerChanges compare_answers(std::span<const JudgedPair> pairs);

// ---- the report ------------------------------------------------------------------------

struct DiffSide {
  std::string model;        // as typed
  std::string fingerprint;  // weights, tokenizer, arithmetic
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;
};

/// One question of the report.
struct DiffQuestion {
  JudgedPair pair;
  std::int64_t positions = 0;
  double kl_mean = 0;
  double kl_max = 0;
  std::optional<std::int64_t> first_divergence;
};

/// One task and variant, or all of them.
struct DiffSet {
  std::string task;  // "all" with an empty variant for the total
  std::string variant;
  std::int64_t asked = 0;
  std::int64_t failed = 0;  // questions that one of the models could not answer: in no number
  std::int64_t cut = 0;     // answers followed up to the limit of positions only
  Divergence divergence;
  AnswerChanges answers;
  std::vector<DiffQuestion> questions;  // in the task's order; empty for the total
};

struct Diff {
  DiffSide base;
  DiffSide candidate;
  std::vector<DiffSet> sets;
  DiffSet total;
  std::vector<std::string> notes;
};

/// `most_changes`: questions listed of each set, lost ones first, then by mean divergence.
std::string render_text(const Diff& diff, std::size_t most_changes);
std::string render_markdown(const Diff& diff, std::size_t most_changes);
/// The stable machine interface: reports/diff.schema.json.
std::string render_json(const Diff& diff);

}  // namespace moebius::reports
