// The questions of two sets, paired by name and prompt.
#include "reports/join.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace moebius::reports {
namespace {

std::vector<std::size_t> places_of(const std::vector<std::size_t>& order, std::size_t questions) {
  std::vector<std::size_t> places(questions);
  for (std::size_t i = 0; i < questions; ++i) places[order.empty() ? i : order[i]] = i;
  return places;
}

}  // namespace

std::optional<double> mean_score(const SetResults& results, const Question& question,
                                 std::uint32_t scorer) {
  double sum = 0;
  std::size_t count = 0;
  for (const Answered& answer : results.answers_of(question)) {
    const Judgement* judgement = judgement_by(results, answer, scorer);
    if (judgement != nullptr) sum += judgement->value, ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::uint32_t scorer_number(const SetResults& results, const ScorerId& scorer) {
  const auto found = std::find(results.scorers.begin(), results.scorers.end(), scorer);
  return found == results.scorers.end()
             ? kNoScorer
             : static_cast<std::uint32_t>(found - results.scorers.begin());
}

Join join_questions(const SetResults& base, const SetResults& candidate, bool same_tokenizer,
                    const std::vector<std::size_t>& order) {
  Join join{
      .base = &base, .questions = base.questions.size(), .first_missing = base.questions.size()};
  const std::uint32_t scorer = find_judges(base).headline;
  const std::uint32_t other_scorer = scorer_number(candidate, judge_id(base, scorer));
  const std::vector<std::size_t> places = places_of(order, join.questions);
  std::unordered_map<std::string_view, const Question*> others;
  others.reserve(candidate.questions.size());
  for (const Question& question : candidate.questions) others.emplace(question.item, &question);
  for (std::size_t i = 0; i < join.questions; ++i) {
    const Question& question = base.questions[i];
    const auto found = others.find(question.item);
    if (found == others.end()) {
      ++join.counts.base_only;
      join.first_missing = std::min(join.first_missing, places[i]);
      continue;
    }
    const Question& other = *found->second;
    others.erase(found);
    if (same_tokenizer && question.prompt_sha256 != other.prompt_sha256) {
      ++join.counts.changed_prompts;
      continue;
    }
    const auto before = mean_score(base, question, scorer);
    const auto after = mean_score(candidate, other, other_scorer);
    if (before && after) {
      join.pairs.push_back({&question, *before, *after, places[i]});
    } else {
      ++join.counts.unscored;
    }
  }
  join.counts.candidate_only = static_cast<std::int64_t>(others.size());
  return join;
}

PairedScores scores_of(const Join& join, std::size_t places) {
  PairedScores scores;
  for (const Pair& pair : join.pairs) {
    if (pair.place >= places) continue;
    scores.base.push_back(pair.base);
    scores.candidate.push_back(pair.candidate);
    scores.clusters.emplace_back(join.base->clusters[pair.question->cluster]);
  }
  return scores;
}

std::vector<Changed> changes_of(const Join& join, std::size_t places) {
  std::vector<Changed> changes;
  for (const Pair& pair : join.pairs) {
    if (pair.place >= places || std::abs(pair.candidate - pair.base) <= kSameScore) continue;
    changes.push_back(
        {.item = std::string(pair.question->item), .base = pair.base, .candidate = pair.candidate});
  }
  return changes;
}

}  // namespace moebius::reports
