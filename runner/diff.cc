// What moebius diff measures once both models have answered: every answer of the base followed
// with both, and the answers of both beside each other.
#include "runner/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

reports::DiffSide side_of(const DiffModel& model) {
  const engine::ModelInfo& info = model.engine.info();
  return {.model = model.name,
          .fingerprint = model.engine.fingerprint(),
          .parameters = info.parameters,
          .weight_bytes = info.weight_bytes};
}

/// The answers to be followed: the base's own, or all choices with the one it finds likeliest
/// first, ties to the first of them.
ForcedQuestion forced_question(const tasks::Sample& sample, const Asker::Asked& asked,
                               const KeptAnswer& answer, const KeptAnswers& answers) {
  ForcedQuestion question{.item = sample.item, .prompt = asked.request.prompt.ids};
  if (asked.request.generate) {
    question.answers = {answers.tokens(answer.output_sha256)};
    return question;
  }
  question.written = false;
  std::vector<std::size_t> order(asked.request.score->continuations.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return answer.choices.at(a) > answer.choices.at(b);
  });
  for (const std::size_t i : order) {
    question.answers.push_back(asked.request.score->continuations[i].ids);
  }
  return question;
}

reports::DiffQuestion question_row(const tasks::Sample& sample, const KeptAnswer& base,
                                   const KeptAnswer& candidate,
                                   const reports::ForcedAnswer& forced) {
  reports::DiffQuestion row{
      .pair = {.item = sample.item,
               .cluster = sample.cluster,
               .base = base.value,
               .candidate = candidate.value,
               .base_extracted = base.extracted,
               .candidate_extracted = candidate.extracted,
               .option_kl = reports::option_divergence(base.choices, candidate.choices)},
      .positions = std::ssize(forced.positions),
      .first_divergence = reports::first_divergence(forced)};
  for (const reports::ForcedPosition& position : forced.positions) {
    row.kl_mean += position.kl / static_cast<double>(forced.positions.size());
    row.kl_max = std::max(row.kl_max, position.kl);
  }
  return row;
}

reports::AnswerChanges changes_of(const std::vector<reports::DiffQuestion>& questions) {
  std::vector<reports::JudgedPair> pairs;
  for (const reports::DiffQuestion& question : questions) pairs.push_back(question.pair);
  return reports::compare_answers(pairs);
}

class DiffMaker {
 public:
  DiffMaker(const std::vector<PlannedSet>& plan, const Asker& asker, const DiffModel& base,
            const DiffModel& candidate, const DiffOptions& options)
      : plan_(plan),
        asker_(asker),
        base_(base),
        candidate_(candidate),
        options_(options),
        forcing_(base.engine, candidate.engine, options.forcing) {}

  reports::Diff make() {
    reports::Diff diff{.base = side_of(base_), .candidate = side_of(candidate_)};
    for (std::size_t s = 0; s < plan_.size() && !ended_; ++s) {
      diff.sets.push_back(set_diff(s));
      const reports::DiffSet& set = diff.sets.back();
      diff.total.asked += set.asked;
      diff.total.failed += set.failed;
      diff.total.cut += set.cut;
    }
    diff.total.task = "all";
    diff.total.divergence = total_.result();
    diff.total.answers = changes_of(all_);
    add_notes(diff);
    return diff;
  }

 private:
  reports::DiffSet set_diff(std::size_t s) {
    const PlannedSet& planned = plan_[s];
    reports::DiffSet set{.task = planned.record.task, .variant = planned.record.variant};
    reports::DivergenceTally tally;
    for (std::size_t i = 0; i < planned.set.samples.size(); ++i) {
      if (options_.going_on && !options_.going_on(planned, done_)) {
        ended_ = true;
        break;
      }
      ++done_;
      ++set.asked;
      add_question(s, i, set, tally);
    }
    set.divergence = tally.result();
    set.answers = changes_of(set.questions);
    return set;
  }

  void add_question(std::size_t s, std::size_t i, reports::DiffSet& set,
                    reports::DivergenceTally& tally) {
    const auto position = static_cast<std::int64_t>(i);
    const KeptAnswer* base = base_.answers.find(base_.begun.sets[s].id, position);
    const KeptAnswer* candidate = candidate_.answers.find(candidate_.begun.sets[s].id, position);
    if (base == nullptr || candidate == nullptr || base->failed || candidate->failed) {
      ++set.failed;
      note_failure(base, candidate);
      return;
    }
    const tasks::Sample& sample = plan_[s].set.samples[i];
    const Asker::Asked asked = asker_.ask(plan_[s], sample);
    const Forced forced = forcing_.follow(forced_question(sample, asked, *base, base_.answers));
    set.cut += forced.cut ? 1 : 0;
    tally.add(forced.answer);
    total_.add(forced.answer);
    set.questions.push_back(question_row(sample, *base, *candidate, forced.answer));
    all_.push_back(set.questions.back());
    // Subjects of two benchmarks may have the same name.
    std::string& cluster = all_.back().pair.cluster;
    if (!cluster.empty()) cluster = fmt::format("{} {}", s, cluster);
  }

  void note_failure(const KeptAnswer* base, const KeptAnswer* candidate) {
    if (!failure_.empty()) return;
    if (base != nullptr && base->failed)
      failure_ = "base " + base->failure;
    else if (candidate != nullptr && candidate->failed)
      failure_ = "candidate " + candidate->failure;
    else
      failure_ = "no answer";
  }

  void add_notes(reports::Diff& diff) const {
    if (!forcing_.same_layers()) {
      diff.notes.emplace_back("routing is not compared: the models do not have the same layers");
    }
    if (diff.total.failed > 0) {
      diff.notes.push_back(fmt::format("{} questions left out, the first: {}", diff.total.failed,
                                       one_line(failure_)));
    }
    if (diff.total.cut > 0) {
      diff.notes.push_back(
          fmt::format("{} answers were not followed to their end", diff.total.cut));
    }
  }

  const std::vector<PlannedSet>& plan_;
  const Asker& asker_;
  const DiffModel& base_;
  const DiffModel& candidate_;
  const DiffOptions& options_;
  Forcing forcing_;
  reports::DivergenceTally total_;
  std::vector<reports::DiffQuestion> all_;
  std::string failure_;  // the first one
  std::int64_t done_ = 0;
  bool ended_ = false;
};

}  // namespace

void require_same_tokens(const std::string& base_name, const engine::LocalEngine& base,
                         const std::string& candidate_name, const engine::LocalEngine& candidate) {
  const engine::ModelInfo& own = base.info();
  const engine::ModelInfo& other = candidate.info();
  if (own.tokenizer_hash.empty() || own.tokenizer_hash != other.tokenizer_hash) {
    const auto shown = [](const std::string& hash) {
      return hash.empty() ? std::string("none") : hash.substr(0, 12);
    };
    throw InputError(fmt::format("diff: expected one tokenizer, found {} in {} and {} in {}",
                                 shown(own.tokenizer_hash), one_line(base_name),
                                 shown(other.tokenizer_hash), one_line(candidate_name)));
  }
  if (own.vocab != other.vocab) {
    throw InputError(
        fmt::format("diff: expected one vocabulary, found {} tokens in {} and {} in {}", own.vocab,
                    one_line(base_name), other.vocab, one_line(candidate_name)));
  }
}

reports::Diff make_diff(const std::vector<PlannedSet>& plan, const Asker& asker,
                        const DiffModel& base, const DiffModel& candidate,
                        const DiffOptions& options) {
  return DiffMaker(plan, asker, base, candidate, options).make();
}

}  // namespace moebius::runner
