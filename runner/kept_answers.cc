// A store that keeps in memory what two models are compared by, and hands everything on to a
// store on disk if there is one: the pipeline cannot tell.
#include "runner/kept_answers.h"

#include "runner/digest.h"

namespace moebius::runner {
namespace {

KeptAnswer kept_of(const reports::Sample& sample) {
  KeptAnswer kept{.failed = !sample.failure.empty(), .output_sha256 = sample.output_sha256};
  if (kept.failed) kept.failure = sample.failure + ": " + sample.message;
  for (const scorers::Choice& choice : sample.choices) kept.choices.push_back(choice.logprob);
  for (const reports::StoredScore& score : sample.scores) {
    if (!score.headline) continue;
    kept.value = score.score.value;
    kept.extracted = score.score.extracted;
  }
  return kept;
}

}  // namespace

reports::Begun KeptAnswers::begin_run(
    const reports::Run& run, const std::vector<reports::Set>& sets,
    const std::vector<std::vector<std::pair<std::string, int>>>& scorers) {
  if (disk_ != nullptr) {
    reports::Begun begun = disk_->begin_run(run, sets, scorers);
    begun.done.clear();
    return begun;
  }
  reports::Begun begun{.run = run, .sets = sets};
  for (std::size_t i = 0; i < begun.sets.size(); ++i) {
    begun.sets[i].id = static_cast<std::int64_t>(i) + 1;
  }
  return begun;
}

void KeptAnswers::put(reports::Sample sample) {
  {
    const std::lock_guard lock(mutex_);
    answers_.insert_or_assign({sample.set, sample.item.position}, kept_of(sample));
  }
  if (disk_ != nullptr) disk_->put(std::move(sample));
}

void KeptAnswers::flush() {
  if (disk_ != nullptr) disk_->flush();
}

void KeptAnswers::put_scores(std::int64_t sample_id,
                             const std::vector<reports::StoredScore>& scores) {
  if (disk_ != nullptr) disk_->put_scores(sample_id, scores);
}

void KeptAnswers::add_expert_loads(std::int64_t set,
                                   const std::vector<std::vector<std::int64_t>>& loads) {
  if (disk_ != nullptr) disk_->add_expert_loads(set, loads);
}

void KeptAnswers::add_profile(std::int64_t run, const reports::Profile& profile) {
  if (disk_ != nullptr) disk_->add_profile(run, profile);
}

void KeptAnswers::note_remote(std::int64_t run, const reports::RemoteUse& use) {
  if (disk_ != nullptr) disk_->note_remote(run, use);
}

void KeptAnswers::finish_run(std::int64_t run, const std::string& state,
                             const std::string& sandbox) {
  if (disk_ != nullptr) disk_->finish_run(run, state, sandbox);
}

void KeptAnswers::note_tokens(const engine::Completion& completion) {
  std::vector<std::int32_t> ids;
  for (const engine::GeneratedToken& token : completion.tokens) ids.push_back(token.id);
  std::string name = sha256_ids(ids);
  const std::lock_guard lock(mutex_);
  tokens_.try_emplace(std::move(name), std::move(ids));
}

std::vector<std::int32_t> KeptAnswers::tokens(const std::string& output_sha256) const {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(output_sha256);
  return found == tokens_.end() ? std::vector<std::int32_t>() : found->second;
}

const KeptAnswer* KeptAnswers::find(std::int64_t set, std::int64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find({set, position});
  return found == answers_.end() ? nullptr : &found->second;
}

}  // namespace moebius::runner
