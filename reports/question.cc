// Gathers a run's rows into questions with their answers.
#include "reports/question.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>

namespace moebius::reports {
namespace {

// A strange file's sums stay numbers.
constexpr std::int64_t kLongestLatency = std::int64_t{1} << 40;  // microseconds: 12 days

constexpr std::size_t kLongestVote = 256;  // bytes; of a longer one its beginning and a hash vote

bool wholly_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "2024-05" of "2024-05-11T00:00:00"; empty if it is no date.
std::string month_of(const std::string& date) {
  const bool dated = date.size() >= 7 && wholly_digits(std::string_view(date).substr(0, 4)) &&
                     date[4] == '-' && wholly_digits(std::string_view(date).substr(5, 2));
  return dated ? date.substr(0, 7) : std::string();
}

struct TagFacts {
  bool errata = false;
  std::string month;
  std::array<std::string, kPartTags.size()> parts;
};

/// One of those that read_tags() reads; spares parsing the many without.
bool has_known_tag(const std::string& tags) {
  const auto has = [&](std::string_view name) {
    for (std::size_t at = tags.find(name); at != std::string::npos; at = tags.find(name, at + 1)) {
      if (at > 0 && tags[at - 1] == '"') return true;
    }
    return false;
  };
  return has("errata\"") || has("date\"") || has("subject\"") || has("level\"") || has("family\"");
}

/// What the tags, a JSON object, say of an errata list, a date and the question's parts.
TagFacts read_tags(const std::string& tags) {
  TagFacts facts;
  if (!has_known_tag(tags)) return facts;
  const auto object = nlohmann::json::parse(tags, nullptr, false);
  if (!object.is_object()) return facts;
  for (std::size_t i = 0; i < kPartTags.size(); ++i) {
    const auto tag = object.find(kPartTags[i]);
    if (tag != object.end() && tag->is_string()) facts.parts[i] = tag->get<std::string>();
  }
  if (object.contains("errata")) {
    const auto& tag = object["errata"];
    facts.errata = tag.is_string() ? !tag.get_ref<const std::string&>().empty()
                                   : tag != nullptr && tag != false;
  }
  if (object.contains("date") && object["date"].is_string()) {
    facts.month = month_of(object["date"].get_ref<const std::string&>());
  }
  return facts;
}

/// Names as numbers, in the order of first appearance.
class NameNumbers {
 public:
  explicit NameNumbers(TextPool& texts) : texts_(texts) {}

  std::uint32_t of(std::string_view name, std::vector<std::string_view>& names) {
    if (last_ < names.size() && names[last_] == name) return last_;
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return last_ = found->second;
    last_ = static_cast<std::uint32_t>(names.size());
    names.push_back(texts_.keep(name));
    numbers_.emplace(names.back(), last_);
    return last_;
  }

 private:
  TextPool& texts_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::uint32_t last_ = 0;
};

/// Takes the rows of one set.
class SetGatherer {
 public:
  SetGatherer(SetResults& results, bool names)
      : results_(results),
        names_(names),
        clusters_(*results.texts),
        strata_(*results.texts),
        months_(*results.texts),
        parts_(kPartTags.size(), NameNumbers(*results.texts)) {
    results_.months.clear();
    (void)months_.of("", results_.months);  // the first stands for no date
  }

  /// Once all rows were taken: into the set's order, names numbered as they appear in it.
  void finish() {
    auto& questions = results_.questions;
    if (std::is_sorted(positions_.begin(), positions_.end())) return;
    std::vector<std::uint32_t> order(questions.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return positions_[a] < positions_[b];
    });
    std::vector<Question> sorted;
    sorted.reserve(questions.size());
    for (const std::uint32_t i : order) sorted.push_back(questions[i]);
    questions.swap(sorted);
    const auto cluster = [](Question& question) -> std::uint32_t& { return question.cluster; };
    const auto stratum = [](Question& question) -> std::uint32_t& { return question.stratum; };
    renumber(cluster, results_.clusters);
    renumber(stratum, results_.strata);
    for (std::size_t i = 0; i < kPartTags.size(); ++i) {
      const auto part = [i](Question& question) -> std::uint32_t& { return question.parts[i]; };
      renumber(part, results_.parts[i]);
    }
  }

  void add(const Sample& sample) {
    if (results_.questions.empty() || item_ != sample.item.item) begin_question(sample.item);
    Question& question = results_.questions.back();
    if (sample.failure.empty()) {
      ++question.answers;
      add_answer(sample);
    } else {
      ++question.failures;
    }
  }

 private:
  template <typename Field>
  void renumber(Field field, std::vector<std::string_view>& names) {
    std::vector<std::uint32_t> numbers(names.size(), UINT32_MAX);
    std::vector<std::string_view> renamed;
    for (Question& question : results_.questions) {
      std::uint32_t& number = numbers[field(question)];
      if (number == UINT32_MAX) {
        number = static_cast<std::uint32_t>(renamed.size());
        renamed.push_back(names[field(question)]);
      }
      field(question) = number;
    }
    names.swap(renamed);
  }

  void begin_question(const Item& item) {
    item_ = item.item;
    positions_.push_back(item.position);
    if (item.tags != tags_) tags_ = item.tags, facts_ = read_tags(tags_);
    TextPool& texts = *results_.texts;
    results_.questions.push_back(
        {.item = names_ ? texts.keep(item.item) : std::string_view(),
         .prompt_sha256 = names_ ? texts.keep(item.prompt_sha256) : std::string_view(),
         .cluster = clusters_.of(item.cluster, results_.clusters),
         .stratum = strata_.of(item.stratum, results_.strata),
         .month = months_.of(facts_.month, results_.months),
         .first_answer = static_cast<std::uint32_t>(results_.answers.size()),
         .prompt_tokens = std::max(0, item.prompt_tokens),
         .errata = facts_.errata});
    for (std::size_t i = 0; i < kPartTags.size(); ++i) {
      results_.questions.back().parts[i] = parts_[i].of(facts_.parts[i], results_.parts[i]);
    }
  }

  void add_answer(const Sample& sample) {
    results_.answers.push_back(
        {.latency_us = std::clamp<std::int64_t>(sample.latency_us, 0, kLongestLatency),
         .stored_ms = sample.stored_ms,
         .first_judgement = static_cast<std::uint32_t>(results_.judgements.size()),
         .judgements = static_cast<std::uint32_t>(sample.scores.size()),
         .repeat = sample.repeat,
         .output_tokens = std::max(0, sample.output_tokens),
         .truncated = sample.finish == "length" || sample.finish == "context_full"});
    for (const StoredScore& stored : sample.scores) {
      const bool code = !stored.score.sandbox.empty();
      const bool votes = !code && results_.set.repeats > 1;
      results_.judgements.push_back(
          {.value = std::clamp(stored.score.value, 0.0, 1.0),
           .extracted = votes ? vote(stored.score.extracted) : std::string_view(),
           .scorer = scorer_number(stored),
           .verdict = stored.score.verdict,
           .headline = stored.headline,
           .code = code});
    }
  }

  std::string_view vote(const std::string& extracted) {
    TextPool& texts = *results_.texts;
    if (extracted.size() <= kLongestVote) return texts.keep_once(extracted);
    const std::size_t hash = std::hash<std::string>()(extracted);
    return texts.keep_once(extracted.substr(0, kLongestVote) + std::to_string(hash));
  }

  std::uint32_t scorer_number(const StoredScore& stored) {
    auto& scorers = results_.scorers;
    if (last_scorer_ < scorers.size() && scorers[last_scorer_].second == stored.version &&
        scorers[last_scorer_].first == stored.scorer) {
      return last_scorer_;
    }
    const ScorerId id(stored.scorer, stored.version);
    const auto next = static_cast<std::uint32_t>(scorers.size());
    const auto [place, added] = scorer_numbers_.emplace(id, next);
    if (added) scorers.push_back(id);
    return last_scorer_ = place->second;
  }

  SetResults& results_;
  const bool names_;
  std::string item_;
  std::vector<std::int64_t> positions_;  // of the questions
  std::string tags_;                     // those read last, which many questions share
  TagFacts facts_;
  NameNumbers clusters_, strata_, months_;
  std::vector<NameNumbers> parts_;  // beside kPartTags
  std::map<ScorerId, std::uint32_t> scorer_numbers_;
  std::uint32_t last_scorer_ = 0;
};

/// Every part of one is a part of the other.
bool sorts_alike(const SetResults& results, const Facet& a, const Facet& b) {
  if (a.names->size() != b.names->size()) return false;
  std::vector<std::uint32_t> other(a.names->size(), UINT32_MAX);
  for (const Question& question : results.questions) {
    std::uint32_t& known = other[a.of(question)];
    if (known == UINT32_MAX) known = b.of(question);
    if (known != b.of(question)) return false;
  }
  return true;
}

}  // namespace

std::vector<Facet> facets_of(const SetResults& results) {
  std::vector<Facet> facets;
  if (results.strata.size() > 1) facets.push_back({.by = "stratum", .names = &results.strata});
  for (std::size_t i = 0; i < kPartTags.size(); ++i) {
    const Facet facet{.by = kPartTags[i], .names = &results.parts[i], .tag = i};
    if (facet.names->size() < 2 || facet.names->size() > results.questions.size() / 2) continue;
    const bool known = std::any_of(facets.begin(), facets.end(), [&](const Facet& other) {
      return sorts_alike(results, facet, other);
    });
    if (!known) facets.push_back(facet);
  }
  return facets;
}

std::vector<SetResults> read_results(Reader& reader, std::int64_t run, bool names) {
  std::vector<SetResults> results;
  std::unordered_map<std::int64_t, std::size_t> places;
  for (Set& set : reader.sets(run)) {
    places.emplace(set.id, results.size());
    results.push_back({.set = std::move(set)});
  }
  std::vector<SetGatherer> gatherers;
  gatherers.reserve(results.size());
  for (SetResults& set : results) gatherers.emplace_back(set, names);
  reader.each_judgement(
      run, [&](const SampleRow& row) { gatherers[places.at(row.sample.set)].add(row.sample); });
  for (SetGatherer& gatherer : gatherers) gatherer.finish();
  return results;
}

const Judgement* judgement_by(const SetResults& results, const Answered& answer,
                              std::uint32_t scorer) {
  for (const Judgement& judgement : results.judgements_of(answer)) {
    if (judgement.scorer == scorer) return &judgement;
  }
  return nullptr;
}

ScorerId judge_id(const SetResults& results, std::uint32_t scorer) {
  return scorer == kNoScorer ? ScorerId() : results.scorers[scorer];
}

Judges find_judges(const SetResults& results) {
  std::vector<std::int64_t> headlines(results.scorers.size());
  for (const Judgement& judgement : results.judgements) {
    headlines[judgement.scorer] += judgement.headline ? 1 : 0;
  }
  std::map<ScorerId, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < headlines.size(); ++i) by_name.emplace(results.scorers[i], i);
  Judges judges;
  std::int64_t most = 0;
  for (const auto& [id, scorer] : by_name) {
    if (headlines[scorer] > 0 && headlines[scorer] >= most) {
      judges.headline = scorer, most = headlines[scorer];
    }
  }
  for (const auto& [id, scorer] : by_name) {
    if (scorer != judges.headline) judges.others.push_back(scorer);
  }
  return judges;
}

}  // namespace moebius::reports
