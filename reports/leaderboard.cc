// Reads every run once and puts it beside those that answered the same questions.
#include "reports/leaderboard.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "reports/leaderboard_group.h"
#include "reports/question.h"
#include "reports/times.h"

namespace moebius::reports {
namespace {

using BoardName = std::pair<std::string, std::string>;  // task, variant

/// The first row of a set is its headline over all questions, or over those of a shard.
const Row* headline_of(const Summary& summary, const Set& set) {
  for (const Row& row : summary.rows) {
    if (row.task == set.task && row.variant == set.variant) return &row;
  }
  return nullptr;
}

double priced_tokens(const RemoteUse& use, const Row& row) {
  return use.price_in * static_cast<double>(row.prompt_tokens) +
         use.price_out * static_cast<double>(row.output_tokens);
}

/// A set's part of what the run cost.
void add_cost(const Summary& summary, const std::vector<SetResults>& sets, BoardEntry& entry) {
  if (!summary.run.remote || summary.run.remote->currency.empty()) return;
  const RemoteUse& use = *summary.run.remote;
  double all = 0;
  for (const SetResults& set : sets) {
    const Row* row = headline_of(summary, set.set);
    if (row != nullptr) all += priced_tokens(use, *row);
  }
  if (sets.size() > 1 && !(all > 0)) return;
  entry.cost = sets.size() > 1 ? use.cost * priced_tokens(use, entry.row) / all : use.cost;
  entry.currency = use.currency;
  if (entry.row.samples > 0) {
    entry.cost_per_answer = *entry.cost / static_cast<double>(entry.row.samples);
  }
}

bool ran_code(const SetResults& results) {
  return std::any_of(results.judgements.begin(), results.judgements.end(),
                     [](const Judgement& judgement) { return judgement.code; });
}

std::string why_unranked(const Summary& summary, const Row& row) {
  const Run& run = summary.run;
  if (run.shards > 0) {
    return "shard " + std::to_string(run.shard) + " of " + std::to_string(run.shards);
  }
  if (row.value) return run.state == "running" ? "still running" : "";
  if (row.samples == 0) return "nothing scored";
  return summary.valid ? "not whole" : summary.why_invalid;
}

class BoardMaker {
 public:
  explicit BoardMaker(const BoardOptions& options) { board_.options = options; }

  void add(const BoardSource& source) {
    const std::vector<SetResults> sets = read_results(*source.reader, source.run.id);
    Summary summary = summarize_results(source.run, sets, board_.options.fail_budget);
    summary.expert_loads = expert_loads(*source.reader, source.run.id);
    const std::vector<std::int64_t> attempts = source.reader->attempts(source.run.id);
    for (const SetResults& set : sets) {
      const Row* row = headline_of(summary, set.set);
      if (row == nullptr) continue;
      BoardEntry entry{.run = board_.runs.size(), .row = *row, .set = set.set};
      entry.unranked = why_unranked(summary, *row);
      if (row->samples > 0) {
        entry.tokens_per_answer =
            static_cast<double>(row->output_tokens) / static_cast<double>(row->samples);
      }
      entry.samples_per_second = answers_per_second(set, attempts);
      entry.unsandboxed =
          ran_code(set) && source.run.sandbox.find("UNSANDBOXED") != std::string::npos;
      add_cost(summary, sets, entry);
      place(summary.run, set, std::move(entry));
    }
    board_.runs.push_back({store_number(source.store), std::move(summary), {}});
    for (const SetResults& set : sets) board_.runs.back().sets.push_back(set.set);
  }

  Leaderboard finish() {
    for (Waiting& waiting : waiting_) place_unranked(std::move(waiting));
    for (const BoardName& name : order_) {
      for (Founded& founded : groups_.at(name)) {
        board_.boards.push_back(founded.group->finish(board_.runs, board_.options));
        board_.boards.back().apart = std::move(founded.apart);
      }
    }
    return std::move(board_);
  }

 private:
  struct Founded {
    std::unique_ptr<BoardGroup> group;
    std::string apart;
  };
  /// A run without a rank stands where whole runs are like it, so these come first.
  struct Waiting {
    BoardEntry entry;
    ScorerId judge;
  };

  std::size_t store_number(const std::string& store) {
    const auto found = std::find(board_.stores.begin(), board_.stores.end(), store);
    if (found == board_.stores.end()) {
      board_.stores.push_back(store);
      return board_.stores.size() - 1;
    }
    return static_cast<std::size_t>(found - board_.stores.begin());
  }

  std::vector<Founded>& groups_of(const Set& set) {
    const BoardName name(set.task, set.variant);
    const auto [groups, first] = groups_.try_emplace(name);
    if (first) order_.push_back(name);
    return groups->second;
  }

  BoardGroup& found(std::vector<Founded>& groups, const SetResults& results, const ScorerId& judge,
                    const std::string& apart) {
    groups.push_back({std::make_unique<BoardGroup>(results, judge), apart});
    return *groups.back().group;
  }

  void place(const Run& run, const SetResults& results, BoardEntry entry) {
    std::vector<Founded>& groups = groups_of(results.set);
    const ScorerId judge = judge_id(results, find_judges(results).headline);
    if (!entry.unranked.empty()) {
      waiting_.push_back({std::move(entry), judge});
      return;
    }
    std::string apart;
    for (const Founded& founded : groups) {
      std::string why = founded.group->mismatch(run, results, judge);
      if (why.empty()) return founded.group->add_ranked(run, results, std::move(entry));
      if (apart.empty()) apart = std::move(why);
    }
    found(groups, results, judge, apart).add_ranked(run, results, std::move(entry));
  }

  void place_unranked(Waiting waiting) {
    std::vector<Founded>& groups = groups_of(waiting.entry.set);
    std::string apart;
    for (const Founded& founded : groups) {
      std::string why = founded.group->mismatch(waiting.entry.set, waiting.judge);
      if (why.empty()) return founded.group->add_unranked(std::move(waiting.entry));
      if (apart.empty()) apart = std::move(why);
    }
    found(groups, {.set = waiting.entry.set}, waiting.judge, apart)
        .add_unranked(std::move(waiting.entry));
  }

  Leaderboard board_;
  std::map<BoardName, std::vector<Founded>> groups_;
  std::vector<BoardName> order_;  // of first appearance
  std::vector<Waiting> waiting_;
};

}  // namespace

Leaderboard make_leaderboard(const std::vector<BoardSource>& sources, const BoardOptions& options) {
  BoardMaker maker(options);
  for (const BoardSource& source : sources) maker.add(source);
  return maker.finish();
}

}  // namespace moebius::reports
