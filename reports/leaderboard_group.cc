// Runs taken into a board, question by question.
#include "reports/leaderboard_group.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <utility>

#include "reports/join.h"

namespace moebius::reports {
namespace {

std::string scorer_text(const std::string& name, int version) {
  return name.empty() ? std::string("nobody") : name + " v" + std::to_string(version);
}

std::vector<std::string> as_strings(const std::vector<std::string_view>& names) {
  return {names.begin(), names.end()};
}

/// "2048 and 32768" if there are several.
template <typename T>
void note_several(const char* what, const std::set<T>& values, Board& board) {
  if (values.size() < 2) return;
  std::string text;
  for (const T& value : values) {
    std::string number = std::to_string(value);
    if (number.find('.') != std::string::npos) number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    text += (text.empty() ? "" : ", ") + number;
  }
  board.notes.push_back(std::string(what) + " differ: " + text);
}

void add_group_notes(const std::vector<BoardRun>& runs, Board& board) {
  std::set<std::string> tokenizers;
  std::set<std::int64_t> lengths;
  std::set<std::int64_t> repeats;
  std::set<double> temperatures;
  for (const BoardEntry& entry : board.entries) {
    tokenizers.insert(runs[entry.run].summary.run.tokenizer_hash);
    lengths.insert(entry.set.max_new_tokens);
    repeats.insert(entry.set.repeats);
    temperatures.insert(entry.set.temperature);
  }
  if (tokenizers.size() > 1) {
    board.notes.emplace_back("the tokenizers differ: questions are the same by name");
  }
  note_several("longest answers (tokens)", lengths, board);
  note_several("answers per question", repeats, board);
  note_several("temperatures", temperatures, board);
}

std::vector<std::size_t> entries_by_time(const std::vector<BoardRun>& runs, const Board& board) {
  std::vector<std::size_t> order(board.entries.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto key = [&](std::size_t i) {
    const std::size_t run = board.entries[i].run;
    return std::pair(std::cref(runs[run].summary.run.started), run);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto x = key(a), y = key(b);
    if (x.first.get() != y.first.get()) return x.first.get() < y.first.get();
    return x.second < y.second;
  });
  return order;
}

}  // namespace

BoardGroup::BoardGroup(const SetResults& results, const ScorerId& judge) {
  const Set& set = results.set;
  board_.task = set.task;
  board_.variant = set.variant;
  board_.task_version = set.task_version;
  board_.data_sha256 = set.data_sha256;
  board_.scorer = judge.first;
  board_.scorer_version = judge.second;
  board_.items = static_cast<std::int64_t>(results.questions.size());
  const std::vector<Facet> facets = facets_of(results);
  for (const Facet& facet : facets) {
    columns_.facets.push_back({.by = facet.by, .names = as_strings(*facet.names), .of = {}});
  }
  columns_.month_names = as_strings(results.months);
  auto next = static_cast<std::uint32_t>(results.clusters.size());
  for (const Question& question : results.questions) {
    const auto place = static_cast<std::uint32_t>(places_.size());
    places_.emplace(texts_.keep(question.item), place);
    columns_.clusters.push_back(question.cluster);
    const bool alone = results.clusters[question.cluster].empty();
    columns_.alone.push_back(alone ? next++ : question.cluster);
    for (std::size_t i = 0; i < facets.size(); ++i) {
      columns_.facets[i].of.push_back(facets[i].of(question));
    }
    columns_.months.push_back(question.month);
  }
}

std::string BoardGroup::mismatch(const Set& set, const ScorerId& judge) const {
  if (set.task_version != board_.task_version) {
    return "task version " + std::to_string(set.task_version) + ", not " +
           std::to_string(board_.task_version);
  }
  if (set.data_sha256 != board_.data_sha256) return "other data";
  const bool judged = !judge.first.empty() && !board_.scorer.empty();
  if (judged && judge != ScorerId(board_.scorer, board_.scorer_version)) {
    return "scored by " + scorer_text(judge.first, judge.second) + ", not " +
           scorer_text(board_.scorer, board_.scorer_version);
  }
  return "";
}

std::string BoardGroup::mismatch(const Run& run, const SetResults& results,
                                 const ScorerId& judge) const {
  const std::string settings = mismatch(results.set, judge);
  return settings.empty() ? other_questions(run, results) : settings;
}

std::string BoardGroup::other_questions(const Run& run, const SetResults& results) const {
  if (results.questions.size() != places_.size()) {
    return std::to_string(results.questions.size()) + " questions, not " +
           std::to_string(places_.size());
  }
  const auto known = prompt_hashes_.find(run.tokenizer_hash);
  for (const Question& question : results.questions) {
    const auto place = places_.find(question.item);
    if (place == places_.end()) return "other questions";
    if (known == prompt_hashes_.end()) continue;
    if (known->second[place->second] != std::hash<std::string_view>()(question.prompt_sha256)) {
      return "other prompts to the same tokenizer";
    }
  }
  return "";
}

void BoardGroup::add_ranked(const Run& run, const SetResults& results, BoardEntry entry) {
  const std::uint32_t scorer = find_judges(results).headline;
  BoardScores scores{.scores = std::vector<double>(places_.size(), kUnscored),
                     .single = results.set.repeats == 1};
  auto [prompts, new_tokenizer] =
      prompt_hashes_.try_emplace(run.tokenizer_hash, std::vector<std::size_t>());
  if (new_tokenizer) prompts->second.resize(places_.size());
  for (const Question& question : results.questions) {
    const std::uint32_t place = places_.at(question.item);
    if (new_tokenizer) {
      prompts->second[place] = std::hash<std::string_view>()(question.prompt_sha256);
    }
    const auto score = mean_score(results, question, scorer);
    if (!score) continue;
    scores.scores[place] = *score;
    scores.single = scores.single && (*score == 0 || *score == 1);
  }
  columns_.runs.push_back(std::move(scores));
  ranked_.push_back(std::move(entry));
}

Board BoardGroup::finish(const std::vector<BoardRun>& runs, const BoardOptions& options) {
  std::vector<std::size_t> order(ranked_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return *ranked_[a].row.value > *ranked_[b].row.value;
  });
  std::vector<BoardScores> sorted;
  for (const std::size_t i : order) {
    board_.entries.push_back(std::move(ranked_[i]));
    sorted.push_back(std::move(columns_.runs[i]));
  }
  columns_.runs = std::move(sorted);
  const std::size_t ranked = board_.entries.size();
  for (BoardEntry& entry : unranked_) board_.entries.push_back(std::move(entry));
  board_.by_time = entries_by_time(runs, board_);
  add_group_notes(runs, board_);
  add_ranks(columns_, options.alpha, board_);
  add_fronts(ranked, board_);
  add_subjects(columns_, options.alpha, board_);
  add_months(columns_, board_);
  add_changes(columns_, runs, board_);
  return std::move(board_);
}

}  // namespace moebius::reports
