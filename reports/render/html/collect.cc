// Gathers facts and rows while samples stream by.
#include "reports/render/html/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "reports/question.h"
#include "reports/render/json_values.h"
#include "reports/render/table.h"

namespace moebius::reports::html {
namespace {

using nlohmann::ordered_json;

/// Rows of one run on their way into data blocks: one array for each column.
class RowBlocks {
 public:
  explicit RowBlocks(std::size_t run) : run_(run) {}

  void add(const std::vector<std::pair<const char*, ordered_json>>& row) {
    if (columns_.empty()) columns_.resize(row.size()), names_.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      names_[i] = row[i].first;
      columns_[i].push_back(row[i].second);
    }
    if (++count_ == kRows) flush();
  }

  std::string take() {
    if (count_ > 0) flush();
    return std::move(html_);
  }

 private:
  // About a mebibyte of JSON.
  static constexpr std::size_t kRows = 8192;

  void flush() {
    ordered_json block = {{"first", first_}};
    for (std::size_t i = 0; i < columns_.size(); ++i) block[names_[i]] = std::move(columns_[i]);
    html_ += data_block(fmt::format("class=\"rows\" data-run=\"{}\"", run_), dump_json(block, -1));
    first_ += count_;
    count_ = 0;
    columns_.clear();
  }

  const std::size_t run_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::vector<const char*> names_;
  std::vector<std::vector<ordered_json>> columns_;
  std::string html_;
};

/// Softmax over the sums of log-probabilities: what the model gave its first choice.
double confidence_of(const std::vector<scorers::Choice>& choices) {
  double best = -INFINITY;
  for (const scorers::Choice& choice : choices) best = std::max(best, choice.logprob);
  if (!std::isfinite(best)) return 0;
  double sum = 0;
  for (const scorers::Choice& choice : choices) sum += std::exp(choice.logprob - best);
  return 1 / sum;
}

/// "2024-05-17" of "2024-05-17T10:00:00"; empty if it is no date.
std::string day(const std::string& date) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (date.size() < kShape.size()) return {};
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = date[i] >= '0' && date[i] <= '9';
    if (kShape[i] == 'd' ? !digit : date[i] != '-') return {};
  }
  return date.substr(0, kShape.size());
}

/// What a question is a part of beside its subject, as a JSON array.
std::string other_parts(const Item& item, const std::string& subject) {
  ordered_json parts = ordered_json::array();
  if (!item.stratum.empty() && item.stratum != subject) parts.push_back(item.stratum);
  for (const char* by : kPartTags) {
    const std::string name = tag(item.tags, by);
    if (!name.empty() && name != subject) parts.push_back(part_label(by, name));
  }
  return dump_json(parts, -1);
}

/// The judgement that the set's headline row is about; null if there is none.
const StoredScore* headline_score(const Sample& sample, const ScorerId& judge) {
  for (const StoredScore& score : sample.scores) {
    if (ScorerId(score.scorer, score.version) == judge) return &score;
  }
  return nullptr;
}

class Walk {
 public:
  Walk(const BoardSource& source, RunFacts& facts, Page& page)
      : facts_(facts), page_(page), rows_(page.runs.size()) {
    for (const Set& set : source.reader->sets(source.run.id)) {
      places_.emplace(set.id, facts.sets.size());
      const std::size_t index = page.sets.number(set_name(set.task, set.variant));
      page.repeated.resize(page.sets.all().size());
      page.repeated[index] = page.repeated[index] || set.repeats > 1;
      facts.sets.push_back({.set = set, .index = index});
      judges_.push_back(judge_of(set, facts.summary));
    }
  }

  void add(const SampleRow& row) {
    const std::size_t place = places_.at(row.sample.set);
    if (place != place_ || row.sample.item.item != item_) begin_item(place, row.sample.item);
    const Sample& sample = row.sample;
    const StoredScore* score = headline_score(sample, judges_[place]);
    count(sample, score);
    page_.budget.measure(sample.item.prompt.size());
    page_.budget.measure(sample.text.size() + sample.message.size());
    add_row(sample, score);
    ++facts_.samples;
  }

  void finish() {
    end_item();
    facts_.rows = rows_.take();
  }

 private:
  static ScorerId judge_of(const Set& set, const Summary& summary) {
    for (const Row& row : summary.rows) {
      if (row.task == set.task && row.variant == set.variant)
        return {row.scorer, row.scorer_version};
    }
    return {};
  }

  void begin_item(std::size_t place, const Item& item) {
    end_item();
    place_ = place;
    item_ = item.item;
    subject_ = tag(item.tags, "subject");
    if (subject_.empty()) subject_ = item.stratum;
    parts_ = other_parts(item, subject_);
    date_ = day(tag(item.tags, "date"));
    values_.clear();
    facts_.sets[place].strata.insert(item.stratum);
  }

  void end_item() {
    if (values_.empty()) return;
    double sum = 0;
    for (const double value : values_) sum += value;
    const double mean = sum / static_cast<double>(values_.size());
    SetFacts& facts = facts_.sets[place_];
    auto [subject, fresh] = facts.subjects.try_emplace(subject_);
    if (fresh) facts.subject_order.push_back(subject_);
    subject->second.items += 1;
    subject->second.sum += mean;
    if (!date_.empty()) {
      Tally& month = facts.months[date_.substr(0, 7)];
      month.items += 1;
      month.sum += mean;
    }
    if (facts.set.repeats > 1) {
      const auto right =
          std::count_if(values_.begin(), values_.end(), [](double v) { return v >= 1; });
      facts.repeats.emplace_back(values_.size(), right);
    }
    values_.clear();
  }

  void count(const Sample& sample, const StoredScore* score) {
    if (!sample.failure.empty()) return;
    SetFacts& facts = facts_.sets[place_];
    const bool cut = sample.finish == "length" || sample.finish == "context_full";
    if (sample.output_tokens > 0) facts.tokens.add(sample.output_tokens, cut);
    if (sample.latency_us > 0) {
      facts.latency_ms.add(static_cast<double>(sample.latency_us) / 1000, cut);
    }
    if (score == nullptr) return;
    values_.push_back(score->score.value);
    if (sample.choices.size() > 1) {
      facts.guesses.push_back({static_cast<float>(confidence_of(sample.choices)),
                               static_cast<float>(score->score.value)});
    }
  }

  std::string verdict_of(const Sample& sample, const StoredScore* score) const {
    if (!sample.failure.empty()) return "failure: " + clipped(sample.failure);
    return score == nullptr ? "not scored" : scorers::verdict_name(score->score.verdict);
  }

  void add_row(const Sample& sample, const StoredScore* score) {
    const bool code = score != nullptr && !score->score.sandbox.empty();
    const ordered_json value =
        score == nullptr ? ordered_json(nullptr) : ordered_json(score->score.value);
    const double latency = std::round(static_cast<double>(sample.latency_us) / 100) / 10;
    rows_.add({{"set", facts_.sets[place_].index},
               {"item", sample.item.item},
               {"repeat", sample.repeat},
               {"subject", page_.subjects.number(subject_)},
               {"parts", page_.parts.number(parts_)},
               {"date", page_.dates.number(date_)},
               {"target", clipped(sample.item.target)},
               {"verdict", page_.verdicts.number(verdict_of(sample, score))},
               {"value", value},
               {"tokens", sample.output_tokens},
               {"latency", latency},
               {"finish", page_.finishes.number(sample.finish)},
               {"extracted",
                score == nullptr || code ? std::string() : clipped(score->score.extracted)}});
  }

  RunFacts& facts_;
  Page& page_;
  RowBlocks rows_;
  std::unordered_map<std::int64_t, std::size_t> places_;
  std::vector<ScorerId> judges_;
  // the question that is being read
  std::size_t place_ = SIZE_MAX;
  std::string item_;
  std::string subject_;
  std::string parts_;
  std::string date_;
  std::vector<double> values_;
};

std::string run_name(const BoardSource& source, const std::vector<RunFacts>& before) {
  std::string name = fmt::format("run {}", source.run.id);
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(before.begin(), before.end(),
                       [&](const RunFacts& each) { return each.name == candidate; });
  };
  if (!taken(name)) return name;
  for (int i = 2;; ++i) {
    const std::string next = fmt::format("{} ({})", name, i);
    if (!taken(next)) return next;
  }
}

}  // namespace

std::size_t Names::number(const std::string& name) {
  const auto [place, fresh] = numbers_.try_emplace(name, names_.size());
  if (fresh) names_.push_back(name);
  return place->second;
}

void LogHistogram::add(double value, bool cut) {
  const double decades = std::log10(std::max(value, 1.0));
  Bin& bin = bins_[static_cast<int>(std::floor(decades * kPerDecade + 1e-9))];
  ++bin.count;
  bin.cut += cut ? 1 : 0;
}

double LogHistogram::lower(int bin) {
  return std::pow(10.0, static_cast<double>(bin) / kPerDecade);
}

std::string set_name(const std::string& task, const std::string& variant) {
  return variant.empty() ? task : task + "/" + variant;
}

std::string part_label(const std::string& by, const std::string& name) {
  if (by == "stratum" || by == "subject") return name;
  const bool told = name.size() > by.size() && name.substr(1, by.size() - 1) == by.substr(1);
  return told ? name : by + " " + name;  // MATH has "Level 5", others "5"
}

std::string tag(const std::string& tags, const char* name) {
  if (tags.find(name) == std::string::npos) return {};  // spares parsing
  const auto object = nlohmann::json::parse(tags, nullptr, false);
  if (!object.is_object() || !object.contains(name) || !object[name].is_string()) return {};
  return object[name].get<std::string>();
}

void collect(const BoardSource& source, const Summary& summary, const std::string& name,
             Page& page) {
  RunFacts facts{.source = source,
                 .summary = summary,
                 .name = name.empty() ? run_name(source, page.runs) : name};
  Walk walk(source, facts, page);
  source.reader->each_sample(source.run.id, "", [&](const SampleRow& row) { walk.add(row); });
  walk.finish();
  page.runs.push_back(std::move(facts));
}

}  // namespace moebius::reports::html
