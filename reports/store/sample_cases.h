// Runs, sets and samples for this folder's tests and benchmark.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reports/store.h"

namespace moebius::reports::cases {

inline Run run(const std::string& key = "0123456789abcdef") {
  return {.key = key,
          .command = "moebius eval --model M",
          .model = "M",
          .fingerprint = "f",
          .weights_hash = "w",
          .tokenizer_hash = "t",
          .build = "0.1.0 abc",
          .environment = R"({"host":"h"})"};
}

inline Set set(const std::string& task, std::int64_t items, std::int32_t repeats = 1) {
  return {.task = task,
          .task_version = 1,
          .variant = "original",
          .metric = repeats > 1 ? "avg@k" : "accuracy",
          .options = "{}",
          .data_sha256 = "d",
          .seed = UINT64_MAX,
          .repeats = repeats,
          .items = items};
}

using Scorers = std::vector<std::vector<std::pair<std::string, int>>>;
inline Scorers one_scorer(std::size_t sets = 1) {
  return Scorers(sets, {{"choice", 1}});
}

inline StoredScore score(double value, const std::string& extracted = "A",
                         const std::string& scorer = "choice", int version = 1,
                         bool headline = true) {
  return {.scorer = scorer,
          .version = version,
          .headline = headline,
          .score = {.verdict = value >= 1          ? scorers::Verdict::kPass
                               : extracted.empty() ? scorers::Verdict::kNoAnswer
                                                   : scorers::Verdict::kWrong,
                    .value = value,
                    .extracted = extracted,
                    .reason = "because"}};
}

/// The multiple-choice answer number `i`, different for each `i` and always the same.
inline Sample sample(std::int64_t set, int i, int repeat = 0) {
  const std::string id = "question/" + std::to_string(i);
  const double logprob = -1.0 / (i + 3);
  return {.set = set,
          .item = {.item = id,
                   .position = i,
                   .cluster = "subject " + std::to_string(i % 57),
                   .stratum = "stratum " + std::to_string(i % 4),
                   .tags = R"({"split":"test"})",
                   .target = "B",
                   .prompt = "Which? " + id,
                   .prompt_sha256 = std::string(56, 'p') + std::to_string(10'000'000 + i),
                   .prompt_tokens = 700 + i % 10},
          .repeat = repeat,
          .key = std::string(56, 'k') + std::to_string(10'000'000 + i * 100 + repeat),
          .finish = "stop",
          .latency_us = 1500 + i,
          .choices = {{logprob, 1, 2}, {2 * logprob, 1, 2}, {-3.5, 1, 2}, {-4.25, 2, 2}},
          .scores = {score(i % 3 == 0 ? 0 : 1)}};
}

inline Sample failed(std::int64_t set, int i, int repeat = 0) {
  Sample result = sample(set, i, repeat);
  result.choices.clear();
  result.scores.clear();
  result.failure = "engine";
  result.message = "device fault";
  return result;
}

}  // namespace moebius::reports::cases
