// What two runs answered to the questions that changed.
#include <algorithm>

#include "reports/compare.h"

namespace moebius::reports {
namespace {

Transcript make_transcript(const Sample& sample) {
  if (!sample.failure.empty()) {
    return {
        .repeat = sample.repeat, .outcome = "failure: " + sample.failure, .text = sample.message};
  }
  Transcript transcript{.repeat = sample.repeat, .outcome = "not scored", .text = sample.text};
  for (const scorers::Choice& choice : sample.choices) {
    transcript.text += (transcript.text.empty() ? "" : " ") + std::to_string(choice.logprob);
  }
  for (const StoredScore& score : sample.scores) {
    if (!score.headline) continue;
    transcript.outcome = scorers::verdict_name(score.score.verdict);
    transcript.extracted = score.score.extracted;
  }
  return transcript;
}

void read_changed(Reader& reader, const Run& run, const SetComparison& set, Changed& changed,
                  std::vector<Transcript>& answers) {
  reader.each_sample(run.id, changed.item, [&](const SampleRow& row) {
    if (row.task != set.task || row.variant != set.variant) return;
    changed.prompt = row.sample.item.prompt;
    changed.target = row.sample.item.target;
    answers.push_back(make_transcript(row.sample));
  });
}

}  // namespace

std::vector<const Changed*> worst_first(const SetComparison& set) {
  std::vector<const Changed*> sorted;
  for (const Changed& changed : set.changes) sorted.push_back(&changed);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Changed* a, const Changed* b) {
    return a->candidate - a->base < b->candidate - b->base;
  });
  return sorted;
}

void add_transcripts(Reader& base_reader, Reader& candidate_reader, std::size_t most,
                     Comparison& comparison) {
  for (SetComparison& set : comparison.sets) {
    std::size_t count = 0;
    for (const Changed* chosen : worst_first(set)) {
      if (count++ == most) break;
      Changed& changed = set.changes[static_cast<std::size_t>(chosen - set.changes.data())];
      changed.base_answers.clear();
      changed.candidate_answers.clear();
      read_changed(candidate_reader, comparison.candidate, set, changed, changed.candidate_answers);
      read_changed(base_reader, comparison.base, set, changed, changed.base_answers);
    }
  }
}

}  // namespace moebius::reports
