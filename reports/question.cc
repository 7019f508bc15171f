// Gathers a run's rows into questions with their answers.
#include "reports/question.h"

#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace moebius::reports {
namespace {

/// Whether the tags, a JSON object, name the item in an errata list.
bool has_errata(const std::string& tags) {
  if (tags.find("errata") == std::string::npos) return false;  // spares parsing the many without
  const auto object = nlohmann::json::parse(tags, nullptr, false);
  if (!object.is_object() || !object.contains("errata")) return false;
  const auto& tag = object["errata"];
  if (tag.is_string()) return !tag.get_ref<const std::string&>().empty();
  return tag != nullptr && tag != false;
}

Answered answered(const Sample& sample) {
  Answered answer{.repeat = sample.repeat,
                  .truncated = sample.finish == "length" || sample.finish == "context_full",
                  .output_tokens = sample.output_tokens,
                  .latency_us = sample.latency_us};
  for (const StoredScore& stored : sample.scores) {
    const bool code = !stored.score.sandbox.empty();
    answer.judgements.push_back({.scorer = {stored.scorer, stored.version},
                                 .headline = stored.headline,
                                 .value = stored.score.value,
                                 .verdict = stored.score.verdict,
                                 .extracted = code ? std::string() : stored.score.extracted,
                                 .code = code});
  }
  return answer;
}

Question& question_of(SetResults& results, const Item& item) {
  auto& questions = results.questions;
  if (questions.empty() || questions.back().item != item.item) {
    questions.push_back({.item = item.item,
                         .cluster = item.cluster,
                         .stratum = item.stratum,
                         .errata = has_errata(item.tags),
                         .prompt_tokens = item.prompt_tokens});
  }
  return questions.back();
}

}  // namespace

std::vector<SetResults> read_results(Reader& reader, std::int64_t run) {
  std::vector<SetResults> results;
  std::unordered_map<std::int64_t, std::size_t> places;
  for (Set& set : reader.sets(run)) {
    places.emplace(set.id, results.size());
    results.push_back({.set = std::move(set)});
  }
  reader.each_judgement(run, [&](const SampleRow& row) {
    SetResults& set = results.at(places.at(row.sample.set));
    Question& question = question_of(set, row.sample.item);
    if (row.sample.failure.empty()) {
      question.answers.push_back(answered(row.sample));
    } else {
      ++question.failures;
    }
  });
  return results;
}

Judges find_judges(const SetResults& results) {
  std::map<ScorerId, std::int64_t> headlines;
  for (const Question& question : results.questions) {
    for (const Answered& answer : question.answers) {
      for (const Judgement& judgement : answer.judgements) {
        headlines[judgement.scorer] += judgement.headline ? 1 : 0;
      }
    }
  }
  Judges judges;
  std::int64_t most = 0;
  for (const auto& [scorer, count] : headlines) {
    if (count > 0 && count >= most) judges.headline = scorer, most = count;
  }
  for (const auto& [scorer, count] : headlines) {
    if (scorer != judges.headline) judges.others.push_back(scorer);
  }
  return judges;
}

}  // namespace moebius::reports
