// Many runs beside each other: who shares a board, rank ranges, fronts, subjects, months, history.
#include "reports/leaderboard.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "reports/store/made_up_store.h"

namespace moebius::reports {
namespace {

using cases::all_right;
using cases::first_wrong;

class Leaderboards : public testing::Test {
 protected:
  /// A run of 400 questions, the first `lost` of them wrong.
  BoardSource add(const std::string& model, int lost, cases::MadeUp made = {.items = 400}) {
    if (!made.value) made.value = first_wrong(lost);
    auto run = store_.add_run({made});
    run.model = model;
    run.started = "2026-01-" + std::to_string(10 + day_++) + "T00:00:00Z";
    store_.stored.back().run = run;
    return {&store_, run, "a.sqlite"};
  }

  static const BoardEntry& entry_of(const Board& board, std::size_t run) {
    const auto found = std::find_if(board.entries.begin(), board.entries.end(),
                                    [&](const BoardEntry& entry) { return entry.run == run; });
    return found == board.entries.end() ? board.entries.at(999) : *found;
  }

  cases::MadeUpStore store_;
  int day_ = 0;
};

TEST_F(Leaderboards, RankRangesFollowWhatIsProven) {
  // 40 and 42 lost cannot be told apart; both are far better than 120.
  const Leaderboard got = make_leaderboard({add("worst", 120), add("best", 40), add("near", 42)});
  ASSERT_EQ(got.boards.size(), 1U);
  const Board& board = got.boards[0];
  EXPECT_EQ(board.items, 400);
  EXPECT_EQ(board.entries[0].run, 1U);
  EXPECT_EQ(board.entries[2].run, 0U);
  for (const std::size_t run : {1U, 2U}) {
    EXPECT_EQ(entry_of(board, run).best_rank, 1);
    EXPECT_EQ(entry_of(board, run).worst_rank, 2);
  }
  EXPECT_EQ(entry_of(board, 0).best_rank, 3);
  EXPECT_EQ(entry_of(board, 0).worst_rank, 3);
  EXPECT_EQ(board.by_time, (std::vector<std::size_t>{2, 0, 1}));
}

TEST_F(Leaderboards, EqualRunsShareEveryRank) {
  std::vector<BoardSource> sources;
  for (int i = 0; i < 5; ++i) sources.push_back(add("m" + std::to_string(i), 50));
  const Leaderboard got = make_leaderboard(sources);
  for (const BoardEntry& entry : got.boards.at(0).entries) {
    EXPECT_EQ(entry.best_rank, 1);
    EXPECT_EQ(entry.worst_rank, 5);
    EXPECT_FALSE(entry.change);  // another model each
  }
}

TEST_F(Leaderboards, OtherQuestionsAreAnotherBoard) {
  const auto whole = add("a", 40);
  const auto fewer = add("b", 40, {.items = 300});
  const auto newer = add("c", 40, {.items = 400, .task_version = 2});
  const auto prompts =
      add("d", 40, {.items = 400, .change = [](Sample& s) { s.item.prompt_sha256[0] = 'q'; }});
  const auto judged =
      add("e", 40, {.items = 400, .change = [](Sample& s) { s.scores[0].version = 7; }});
  const auto same = add("f", 40);
  const Leaderboard got = make_leaderboard({whole, fewer, newer, prompts, judged, same});
  ASSERT_EQ(got.boards.size(), 5U);
  EXPECT_EQ(got.boards[0].apart, "");
  EXPECT_EQ(got.boards[0].entries.size(), 2U);
  EXPECT_EQ(got.boards[1].apart, "300 questions, not 400");
  EXPECT_EQ(got.boards[2].apart, "task version 2, not 1");
  EXPECT_EQ(got.boards[3].apart, "other prompts to the same tokenizer");
  EXPECT_EQ(got.boards[4].apart, "scored by choice v7, not choice v1");
}

TEST_F(Leaderboards, OtherTokenizersAreComparedByName) {
  auto other =
      add("b", 40,
          {.items = 400, .change = [](Sample& s) { s.item.prompt_sha256 = "of other tokens"; }});
  other.run.tokenizer_hash = "another";
  const Leaderboard got = make_leaderboard({add("a", 40), other});
  ASSERT_EQ(got.boards.size(), 1U);
  EXPECT_EQ(got.boards[0].notes.at(0), "the tokenizers differ: questions are the same by name");
}

TEST_F(Leaderboards, RunsThatAreNotWholeStandBelowWithoutARank) {
  const auto cut = add("cut", 0, {.items = 400, .written = 100});
  auto shard = add("shard", 0);
  shard.run.shard = 2;
  shard.run.shards = 3;
  const auto whole = add("whole", 40);
  const Leaderboard got = make_leaderboard({cut, shard, whole});
  ASSERT_EQ(got.boards.size(), 1U);
  const Board& board = got.boards[0];
  ASSERT_EQ(board.entries.size(), 3U);
  EXPECT_EQ(board.entries[0].run, 2U);
  EXPECT_EQ(board.entries[0].worst_rank, 1);
  EXPECT_EQ(entry_of(board, 0).unranked, "t/original: 300 of 400 samples missing");
  EXPECT_FALSE(entry_of(board, 0).best_rank);
  EXPECT_FALSE(entry_of(board, 0).row.value);
  EXPECT_EQ(entry_of(board, 1).unranked, "shard 2 of 3");
  EXPECT_FALSE(make_leaderboard({cut}).boards.at(0).entries.at(0).best_rank);
}

RemoteUse priced(double cost, const std::string& currency = "USD") {
  return {.price_in = 1, .price_out = 2, .cost = cost, .currency = currency};
}

TEST_F(Leaderboards, FrontsOfCostAndTokens) {
  const auto tokens = [](int count) {
    return cases::MadeUp{.items = 400, .change = [count](Sample& s) { s.output_tokens = count; }};
  };
  auto dear = add("dear", 10, tokens(500));
  auto cheap = add("cheap", 60, tokens(100));
  auto beaten = add("beaten", 80, tokens(200));
  dear.run.remote = priced(8);
  cheap.run.remote = priced(1);
  beaten.run.remote = priced(4);
  const auto local = add("local", 70, tokens(50));
  Leaderboard got = make_leaderboard({dear, cheap, beaten, local});
  const Board& board = got.boards.at(0);
  EXPECT_TRUE(entry_of(board, 0).on_cost_front);
  EXPECT_TRUE(entry_of(board, 1).on_cost_front);
  EXPECT_FALSE(entry_of(board, 2).on_cost_front);
  EXPECT_FALSE(entry_of(board, 3).cost);
  EXPECT_FALSE(entry_of(board, 3).on_cost_front);
  EXPECT_DOUBLE_EQ(*entry_of(board, 0).cost_per_answer, 8.0 / 400);
  EXPECT_TRUE(entry_of(board, 1).on_token_front);
  EXPECT_FALSE(entry_of(board, 2).on_token_front);
  EXPECT_TRUE(entry_of(board, 3).on_token_front);
  cheap.run.remote->currency = "EUR";
  got = make_leaderboard({dear, cheap, beaten});
  EXPECT_FALSE(entry_of(got.boards.at(0), 0).on_cost_front);
  EXPECT_EQ(got.boards.at(0).notes.back(), "costs in different currencies are not compared");
}

TEST_F(Leaderboards, ARunOfSeveralSetsSharesItsCostOutByTokens) {
  const auto tokens = [](Sample& s) { s.item.prompt_tokens = 100, s.output_tokens = 50; };
  auto run = store_.add_run({{300, all_right, tokens, "x"}, {100, all_right, tokens, "y"}});
  run.remote = priced(8);
  const Leaderboard got = make_leaderboard({{&store_, run, "s"}});
  EXPECT_DOUBLE_EQ(*got.boards.at(0).entries.at(0).cost, 6);
  EXPECT_DOUBLE_EQ(*got.boards.at(1).entries.at(0).cost, 2);
}

TEST_F(Leaderboards, SubjectsThatStandOutAreMarked) {
  // Stratum 3 of four: half of its questions lost by one run, none by the others.
  const auto weak = [](int i, int) { return i % 8 == 3 ? 0.0 : 1.0; };
  const auto four = [](Sample& s) {
    s.item.stratum = "stratum " + std::to_string(s.item.position % 4);
  };
  const cases::MadeUp fine{.items = 400, .change = four};
  const cases::MadeUp made{.items = 400, .value = weak, .change = four};
  const Leaderboard got =
      make_leaderboard({add("weak", 0, made), add("a", 0, fine), add("b", 0, fine)});
  const Board& board = got.boards.at(0);
  ASSERT_EQ(board.subjects.size(), 4U);
  EXPECT_EQ(board.subjects[3], "stratum 3");
  const std::vector<BoardPart>& cells = entry_of(board, 0).subjects;
  EXPECT_EQ(cells.at(3).items, 100);
  EXPECT_DOUBLE_EQ(*cells.at(3).value, 0.5);
  EXPECT_DOUBLE_EQ(*cells.at(3).difference, -0.5);
  EXPECT_TRUE(cells.at(3).marked);
  EXPECT_FALSE(cells.at(0).marked);
  EXPECT_DOUBLE_EQ(*cells.at(0).difference, 0);
  // One run alone has nothing to stand out from.
  const Leaderboard alone = make_leaderboard({add("weak", 0, made)});
  EXPECT_FALSE(alone.boards.at(0).entries.at(0).subjects.at(3).difference);
}

TEST_F(Leaderboards, TagsSortQuestionsBesideStrata) {
  // Four strata; two levels; a family that is the stratum by another name; a subject of its own
  // for each question, which sorts nothing.
  const auto tagged = [](Sample& s) {
    const std::string stratum = std::to_string(s.item.position % 4);
    s.item.stratum = "stratum " + stratum;
    s.item.tags = R"({"level":")" + std::to_string(s.item.position / 200) + R"(","family":")" +
                  stratum + R"(","subject":")" + s.item.item + "\"}";
  };
  const Leaderboard got = make_leaderboard({add("weak", 100, {.items = 400, .change = tagged}),
                                            add("a", 0, {.items = 400, .change = tagged})});
  const Board& board = got.boards.at(0);
  ASSERT_EQ(board.subjects.size(), 6U);
  EXPECT_EQ(board.subjects[3], "stratum 3");
  EXPECT_EQ(board.subjects[4], "0");
  EXPECT_EQ(board.subjects_by[3], "stratum");
  EXPECT_EQ(board.subjects_by[4], "level");
  const std::vector<BoardPart>& cells = entry_of(board, 0).subjects;
  ASSERT_EQ(cells.size(), 6U);
  EXPECT_EQ(cells[4].items, 200);
  EXPECT_DOUBLE_EQ(*cells[4].value, 0.5);
  EXPECT_TRUE(cells[4].marked);
  EXPECT_DOUBLE_EQ(*cells[5].value, 1);
  EXPECT_FALSE(cells[5].marked);
}

TEST_F(Leaderboards, DatedQuestionsMakeMonths) {
  const auto dated = [](Sample& s) {
    const char* dates[] = {"2024-05-03", "2023-12-31T10:00:00", "soon", "2024-05-30"};
    s.item.tags = std::string(R"({"date":")") + dates[s.item.position % 4] + "\"}";
  };
  const Leaderboard got = make_leaderboard({add("a", 40, {.items = 400, .change = dated})});
  const Board& board = got.boards.at(0);
  EXPECT_EQ(board.months, (std::vector<std::string>{"2023-12", "2024-05"}));
  EXPECT_EQ(board.entries.at(0).months.at(0).items, 100);
  EXPECT_EQ(board.entries.at(0).months.at(1).items, 200);
  EXPECT_DOUBLE_EQ(*board.entries.at(0).months.at(1).value, 0.9);
}

TEST_F(Leaderboards, ChangesAreSinceTheRunBeforeOfTheModel) {
  const Leaderboard got = make_leaderboard({add("m", 100), add("other", 0), add("m", 40)});
  const Board& board = got.boards.at(0);
  const BoardEntry& newer = entry_of(board, 2);
  ASSERT_TRUE(newer.change);
  EXPECT_EQ(board.entries.at(newer.change->since).run, 0U);
  EXPECT_DOUBLE_EQ(newer.change->difference, 0.15);
  EXPECT_GT(newer.change->interval.low, 0.1);
  EXPECT_LT(newer.change->p, 1e-6);
  EXPECT_FALSE(entry_of(board, 0).change);
  EXPECT_FALSE(entry_of(board, 1).change);
}

TEST_F(Leaderboards, FailuresWithinTheBudgetAreLeftOutOfPairs) {
  const auto some_fail = [](int i, int) { return i < 3 ? -1.0 : 1.0; };
  const Leaderboard got =
      make_leaderboard({add("m", 0), add("m", 0, {.items = 400, .value = some_fail})});
  const BoardEntry& entry = entry_of(got.boards.at(0), 1);
  EXPECT_EQ(entry.unranked, "");
  EXPECT_EQ(entry.change->items, 397);
}

TEST_F(Leaderboards, TheSameRunsMakeTheSameBytes) {
  const std::vector<BoardSource> sources = {add("a", 30), add("b", 40), add("a", 35)};
  const Leaderboard one = make_leaderboard(sources);
  const Leaderboard two = make_leaderboard(sources);
  EXPECT_EQ(render_json(one), render_json(two));
  EXPECT_EQ(render_text(one), render_text(two));
  EXPECT_EQ(render_csv(one), render_csv(two));
  EXPECT_EQ(render_history_markdown(one), render_history_markdown(two));
}

TEST_F(Leaderboards, ExpertLoadsMeasureImbalance) {
  struct Loaded : cases::MadeUpStore {
    std::vector<ExpertLoad> expert_loads(std::int64_t) override {
      return {{101, 1, {10, 10, 10, 10}}, {101, 2, {0, 0, 0, 40}}, {101, 3, {0, 0}}};
    }
  } store;
  const auto run = store.add_run({{4, all_right}});
  const std::vector<SetLoad> loads = expert_loads(store, run.id);
  ASSERT_EQ(loads.size(), 1U);
  ASSERT_EQ(loads[0].layers.size(), 3U);
  EXPECT_DOUBLE_EQ(loads[0].layers[0].imbalance, 1);
  EXPECT_DOUBLE_EQ(loads[0].layers[0].gini, 0);
  EXPECT_DOUBLE_EQ(loads[0].layers[1].imbalance, 4);
  EXPECT_DOUBLE_EQ(loads[0].layers[1].gini, 0.75);  // all to one of four: 1 - 1/4
  EXPECT_DOUBLE_EQ(loads[0].layers[2].imbalance, 0);
  EXPECT_EQ(loads[0].layers[0].routed, 40);
  EXPECT_EQ(loads[0].layers[1].busiest, 3);
  EXPECT_EQ(loads[0].layers[1].idle, 3);
  const LoadSummary all = summarize_load(loads[0]);
  EXPECT_EQ(all.experts, 10);
  EXPECT_EQ(all.idle, 5);
  EXPECT_EQ(all.routed, 80);
  EXPECT_DOUBLE_EQ(all.mean_imbalance, 2.5);  // of the two layers that routed anything
  EXPECT_DOUBLE_EQ(all.mean_gini, 0.375);
  ASSERT_NE(all.worst, nullptr);
  EXPECT_EQ(all.worst->layer, 2);
  EXPECT_EQ(summarize_load({.layers = {loads[0].layers[2]}}).worst, nullptr);
  // Every way to summarize a run has them.
  EXPECT_EQ(summarize(store, run, 0.01).expert_loads.size(), 1U);
  EXPECT_EQ(make_leaderboard({{&store, run, "s"}}).runs[0].summary.expert_loads.size(), 1U);
}

/// Answers stored a second apart, and an hour between two attempts.
TEST_F(Leaderboards, TimeBetweenAttemptsIsNotTimeAtWork) {
  struct Resumed : cases::MadeUpStore {
    std::vector<std::int64_t> attempts(std::int64_t) override { return {1'000'000, 4'600'000}; }
  } store;
  const auto stored = [](Sample& s) {
    const std::int64_t i = s.item.position;
    s.stored_ms = i < 50 ? 1'010'000 + i * 1000 : 4'610'000 + i * 1000;
  };
  const auto run = store.add_run({{100, all_right, stored}});
  // 10 s until the first answer, 49 s to the last; then 60 s until the fiftieth and 49 s more.
  EXPECT_DOUBLE_EQ(*busy_seconds(store, run.id), 59 + 109);
  const Leaderboard got = make_leaderboard({{&store, run, "s"}});
  EXPECT_DOUBLE_EQ(*got.boards.at(0).entries.at(0).samples_per_second, 1);
  cases::MadeUpStore silent;
  const auto old = silent.add_run({{10, all_right}});
  EXPECT_FALSE(busy_seconds(silent, old.id));
}

}  // namespace
}  // namespace moebius::reports
