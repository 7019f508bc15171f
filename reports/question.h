// A question with its answers as statistics see them: no texts, one entry per sample.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reports/store.h"

namespace moebius::reports {

using ScorerId = std::pair<std::string, int>;  // name, version

struct Judgement {
  ScorerId scorer;
  bool headline = false;
  double value = 0;
  scorers::Verdict verdict{};
  std::string extracted;  // empty for code
  bool code = false;      // programs do not vote
};

struct Answered {
  std::int32_t repeat = 0;
  bool truncated = false;
  std::int32_t output_tokens = 0;
  std::int64_t latency_us = 0;
  std::vector<Judgement> judgements;
};

struct Question {
  std::string item;
  std::string cluster;
  std::string stratum;
  bool errata = false;  // known to be wrong or unfair; reported both ways
  std::int32_t prompt_tokens = 0;
  std::vector<Answered> answers;
  std::int64_t failures = 0;  // samples
};

/// What the store holds of one set.
struct SetResults {
  Set set;
  std::vector<Question> questions;  // in the set's order
};

/// Every set of a run, also those without a sample.
std::vector<SetResults> read_results(Reader& reader, std::int64_t run);

/// The judge whose numbers stand first: the one that most answers call their headline, the newer
/// one on a tie; {"", 0} if there is none. And every other one that judged, by name.
struct Judges {
  ScorerId headline;
  std::vector<ScorerId> others;
};
Judges find_judges(const SetResults& results);

}  // namespace moebius::reports
