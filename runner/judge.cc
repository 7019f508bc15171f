// From a completion to what is stored: the scorers' verdicts, or a failure of ours.
#include "runner/judge.h"

#include <algorithm>

#include "runner/digest.h"

namespace moebius::runner {
namespace {

std::vector<scorers::Choice> choices_of(const engine::Request& request,
                                        const engine::Completion& completion) {
  std::vector<scorers::Choice> choices;
  for (std::size_t i = 0; i < completion.continuations.size(); ++i) {
    const engine::ScoredContinuation& scored = completion.continuations[i];
    choices.push_back(
        {.logprob = scored.sum,
         .tokens = static_cast<std::int32_t>(scored.ids.size()),
         .bytes = static_cast<std::int32_t>(request.score->continuations[i].text.size())});
  }
  return choices;
}

void fail(reports::Sample& stored, std::string kind, std::string message) {
  stored.scores.clear();
  stored.failure = std::move(kind);
  stored.message = std::move(message);
}

void score_all(const tasks::Sample& sample, const scorers::Answer& answer,
               reports::Sample& stored) {
  for (const scorers::ScorerPtr& scorer : sample.scorers) {
    try {
      stored.scores.push_back({.scorer = std::string(scorer->name()),
                               .version = scorer->version(),
                               .headline = scorer == sample.scorers.front(),
                               .score = scorer->score(answer)});
    } catch (const scorers::Error& error) {
      return fail(stored, "scorer", std::string(scorer->name()) + ": " + error.what());
    } catch (const std::exception& error) {  // a defect, or no memory: ours all the same
      return fail(stored, "internal", std::string(scorer->name()) + ": " + error.what());
    }
  }
}

}  // namespace

namespace {

/// The name of a failure that is the engine's, or null: then there is an answer to score.
const char* engine_failure(engine::Finish finish) {
  switch (finish) {
    case engine::Finish::kRefused:
      return "refused";
    case engine::Finish::kFiltered:
      return "content_filter";
    case engine::Finish::kEmpty:
      return "empty";
    case engine::Finish::kFailed:
      return "api";
    default:
      return nullptr;
  }
}

}  // namespace

reports::Sample judge(const tasks::Sample& sample, const engine::Request& request,
                      engine::Completion completion) {
  reports::Sample stored;
  stored.finish = engine::finish_name(completion.finish);
  stored.stop = std::move(completion.stop);
  stored.cached_tokens = completion.cached_tokens;
  stored.latency_us = completion.latency_us;
  stored.output_tokens = static_cast<std::int32_t>(completion.tokens.size());
  std::vector<std::int32_t> ids;
  for (const engine::GeneratedToken& token : completion.tokens) ids.push_back(token.id);
  if (request.generate && !completion.served) stored.output_sha256 = sha256_ids(ids);
  if (completion.served) {
    const std::int64_t told = completion.served->output_tokens;
    stored.output_tokens = static_cast<std::int32_t>(std::clamp<std::int64_t>(told, 0, 1 << 30));
  }
  if (const char* failure = engine_failure(completion.finish)) {
    fail(stored, failure, std::move(completion.error));
    return stored;
  }
  if (request.score) stored.choices = choices_of(request, completion);
  const bool truncated = completion.finish == engine::Finish::kLength ||
                         completion.finish == engine::Finish::kContextFull;
  score_all(sample, {.text = completion.text, .truncated = truncated, .choices = stored.choices},
            stored);
  stored.text = std::move(completion.text);
  return stored;
}

}  // namespace moebius::runner
