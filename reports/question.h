// A question with its answers as statistics see them: no texts that only people read, and nothing
// allocated for each: a million answers take some hundred bytes each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/store.h"
#include "reports/text_pool.h"

namespace moebius::reports {

using ScorerId = std::pair<std::string, int>;  // name, version

/// Tags that sort questions as strata do, in ways of their own.
inline constexpr std::array<const char*, 3> kPartTags = {"subject", "level", "family"};

struct Judgement {
  double value = 0;
  std::string_view extracted;  // of repeats, to vote; empty for code
  std::uint32_t scorer = 0;    // index into SetResults::scorers
  scorers::Verdict verdict{};
  bool headline = false;
  bool code = false;  // programs do not vote
};

struct Answered {
  std::int64_t latency_us = 0;
  std::int64_t stored_ms = 0;  // UTC, milliseconds since 1970; 0: not known
  std::uint32_t first_judgement = 0;
  std::uint32_t judgements = 0;
  std::int32_t repeat = 0;
  std::int32_t output_tokens = 0;
  bool truncated = false;
};

struct Question {
  std::string_view item;
  std::string_view prompt_sha256;
  std::uint32_t cluster = 0;  // index into SetResults::clusters
  std::uint32_t stratum = 0;  // index into SetResults::strata
  std::uint32_t month = 0;    // index into SetResults::months; 0: not dated
  std::array<std::uint32_t, kPartTags.size()> parts{};  // indices into SetResults::parts
  std::uint32_t first_answer = 0;
  std::uint32_t answers = 0;
  std::uint32_t failures = 0;  // samples
  std::int32_t prompt_tokens = 0;
  bool errata = false;  // known to be wrong or unfair; reported both ways
};

/// What the store holds of one set.
struct SetResults {
  Set set;
  std::vector<Question> questions;  // in the set's order
  std::vector<Answered> answers;    // of the first question, then of the second ...
  std::vector<Judgement> judgements;
  // names, in the order of first appearance
  std::vector<ScorerId> scorers;
  std::vector<std::string_view> clusters;
  std::vector<std::string_view> strata;
  std::array<std::vector<std::string_view>, kPartTags.size()> parts;  // values of the tags
  std::vector<std::string_view> months = {""};                        // "2024-05"
  std::shared_ptr<TextPool> texts = std::make_shared<TextPool>();     // what all views are of

  std::span<const Answered> answers_of(const Question& question) const {
    return std::span(answers).subspan(question.first_answer, question.answers);
  }
  std::span<const Judgement> judgements_of(const Answered& answer) const {
    return std::span(judgements).subspan(answer.first_judgement, answer.judgements);
  }
};

/// Every set of a run, also those without a sample. `names`: also the questions' names and prompt
/// hashes, which one run alone does not need.
std::vector<SetResults> read_results(Reader& reader, std::int64_t run, bool names = true);

/// One way to sort a set's questions.
struct Facet {
  std::string by;                                        // "stratum", or the tag
  const std::vector<std::string_view>* names = nullptr;  // two or more; of the set
  std::size_t tag = kPartTags.size();                    // index into kPartTags; its end: stratum

  std::uint32_t of(const Question& question) const {
    return tag < kPartTags.size() ? question.parts[tag] : question.stratum;
  }
};

/// The ways that tell questions apart, the stratum first; none that sorts as one before it does,
/// nor a tag that has more values than half the questions.
std::vector<Facet> facets_of(const SetResults& results);

/// The judge whose numbers stand first: the one that most answers call their headline, the newer
/// one on a tie; and every other one that judged, by name. Indices into SetResults::scorers.
inline constexpr std::uint32_t kNoScorer = UINT32_MAX;
struct Judges {
  std::uint32_t headline = kNoScorer;
  std::vector<std::uint32_t> others;
};
Judges find_judges(const SetResults& results);
ScorerId judge_id(const SetResults& results, std::uint32_t scorer);  // {"", 0} of kNoScorer

/// The score of a sample by one judge; null if it did not judge.
const Judgement* judgement_by(const SetResults& results, const Answered& answer,
                              std::uint32_t scorer);

/// summarize() of results that are read already.
Summary summarize_results(const Run& run, const std::vector<SetResults>& sets, double fail_budget);

}  // namespace moebius::reports
