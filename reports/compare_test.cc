// Two runs compared: how questions are paired, what is refused, and the verdicts.
#include "reports/compare.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <functional>
#include <stdexcept>

#include "reports/statistics/item_order.h"
#include "reports/statistics/mcnemar.h"
#include "reports/statistics/tango.h"
#include "reports/store/made_up_store.h"

namespace moebius::reports {
namespace {

using cases::all_right;
using cases::first_wrong;
using cases::MadeUp;
using StoredRun = Run;  // testing::Test has a Run of its own

class CompareTest : public testing::Test {
 protected:
  StoredRun add_run(const std::vector<MadeUp>& made, const std::string& tokenizer = "t",
                    const std::string& state = "complete") {
    return store_.add_run(made, tokenizer, state);
  }

  Comparison compared(const StoredRun& base, const StoredRun& candidate,
                      const CompareOptions& options = {}) {
    return compare(store_, base, store_, candidate, options);
  }

  cases::MadeUpStore store_;
};

TEST_F(CompareTest, PairsByItemAndListsTheFlips) {
  const StoredRun base = add_run({{164, [](int i, int) { return i < 12 ? 0 : 1; }}});
  const StoredRun candidate = add_run({{164, [](int i, int) { return i >= 161 ? 0 : 1; }}});
  const Comparison got = compared(base, candidate);
  EXPECT_EQ(got.verdict, Verdict::kPass) << got.why;
  ASSERT_EQ(got.sets.size(), 1U);
  const SetComparison& set = got.sets[0];
  EXPECT_EQ(set.task, "t");
  EXPECT_EQ(set.variant, "original");
  EXPECT_EQ(set.items, 164);
  EXPECT_EQ(set.gained, 12);
  EXPECT_EQ(set.lost, 3);
  EXPECT_NEAR(set.base_mean, 152.0 / 164, 1e-12);
  EXPECT_NEAR(set.candidate_mean, 161.0 / 164, 1e-12);
  EXPECT_NEAR(*set.base.value, set.base_mean, 1e-12);
  EXPECT_NEAR(*set.candidate.value, set.candidate_mean, 1e-12);
  EXPECT_NEAR(set.difference, 9.0 / 164, 1e-12);
  EXPECT_EQ(set.method, "tango");
  const Flips flips{.gained = 12, .lost = 3, .items = 164};
  EXPECT_NEAR(set.interval->low, tango_interval(flips, 0.9).low, 1e-9);
  EXPECT_NEAR(set.same_p, mcnemar_mid_p(12, 3), 1e-12);
  ASSERT_EQ(set.changes.size(), 15U);
  EXPECT_EQ(set.changes[0].item, "question/0");
  EXPECT_EQ(set.changes[0].base, 0);
  EXPECT_EQ(set.changes[0].candidate, 1);
  EXPECT_EQ(set.changes[14].item, "question/163");
}

TEST_F(CompareTest, ThreeOutcomes) {
  const StoredRun base = add_run({{1000, all_right}});
  const StoredRun worse = add_run({{1000, [](int i, int) { return i < 40 ? 0 : 1; }}});
  const StoredRun bit_worse = add_run({{1000, [](int i, int) { return i < 8 ? 0 : 1; }}});
  EXPECT_EQ(compared(base, base).verdict, Verdict::kPass);
  EXPECT_EQ(compared(base, worse).verdict, Verdict::kRegression);
  EXPECT_EQ(compared(worse, base).verdict, Verdict::kPass);
  EXPECT_EQ(compared(base, bit_worse).verdict, Verdict::kInconclusive);
  EXPECT_EQ(compared(base, bit_worse, {.margin = 0.03}).verdict, Verdict::kPass);
  EXPECT_EQ(compared(base, worse, {.margin = 0.1}).verdict, Verdict::kPass);
}

TEST_F(CompareTest, TooFewQuestionsAreInconclusive) {
  const StoredRun base = add_run({{30, all_right}});
  const Comparison got = compared(base, base);
  EXPECT_EQ(got.verdict, Verdict::kInconclusive);
  EXPECT_GT(got.sets.at(0).pass_p, 0.05);
}

TEST_F(CompareTest, OneSetDecidesForAll) {
  const StoredRun base = add_run({{1000, all_right, {}, "a"}, {1000, all_right, {}, "b"}});
  const StoredRun worse = add_run({{1000, all_right, {}, "a"}, {1000, first_wrong(60), {}, "b"}});
  const StoredRun open = add_run({{1000, all_right, {}, "a"}, {1000, first_wrong(9), {}, "b"}});
  const Comparison got = compared(base, worse);
  EXPECT_EQ(got.verdict, Verdict::kRegression);
  EXPECT_EQ(got.sets.at(0).verdict, Verdict::kPass);
  EXPECT_EQ(got.sets.at(1).verdict, Verdict::kRegression);
  EXPECT_EQ(compared(base, worse, {.tasks = {"a"}}).verdict, Verdict::kPass);
  EXPECT_EQ(compared(base, open).verdict, Verdict::kInconclusive);
}

TEST_F(CompareTest, ManySetsDoNotMakeARegression) {
  // 16 lost of 1000 against a margin of 1 %: p = .03 alone, .3 among ten.
  std::vector<MadeUp> base;
  std::vector<MadeUp> candidate;
  for (int task = 0; task < 10; ++task) {
    const int lost = task == 0 ? 16 : 0;
    base.push_back({1000, all_right, {}, std::to_string(task)});
    candidate.push_back(
        {1000, [lost](int i, int) { return i < lost ? 0.0 : 1.0; }, {}, std::to_string(task)});
  }
  const StoredRun before = add_run(base);
  const StoredRun after = add_run(candidate);
  EXPECT_EQ(compared(before, after, {.tasks = {"0"}}).verdict, Verdict::kRegression);
  EXPECT_EQ(compared(before, after).verdict, Verdict::kInconclusive);
}

TEST_F(CompareTest, DifferentQuestionsAreRefusedUnlessToldToIntersect) {
  const StoredRun base = add_run({{400, all_right}, {10, all_right, {}, "only base"}});
  const auto rename = [](Sample& sample) {
    if (sample.item.position < 100) sample.item.item = "new/" + sample.item.item;
    if (sample.item.position == 200) sample.item.prompt_sha256[0] = 'x';
  };
  const StoredRun other =
      add_run({{400, all_right, rename}, {10, all_right, {}, "only candidate"}});
  const Comparison refused = compared(base, other);
  EXPECT_EQ(refused.verdict, Verdict::kInvalid);
  EXPECT_EQ(refused.why,
            "t/original: 100 questions only in the base, 100 only in the candidate, 1 with other "
            "prompts; intersect compares what is shared; only base/original: not in the "
            "candidate; only candidate/original: not in the base");
  EXPECT_FALSE(refused.sets.at(0).interval);
  const Comparison shared = compared(base, other, {.intersect = true});
  EXPECT_EQ(shared.verdict, Verdict::kPass) << shared.why;
  ASSERT_EQ(shared.sets.size(), 1U);
  EXPECT_EQ(shared.sets[0].items, 299);
  EXPECT_EQ(shared.sets[0].base_only, 100);
  EXPECT_EQ(shared.sets[0].candidate_only, 100);
  EXPECT_EQ(shared.sets[0].changed_prompts, 1);
}

TEST_F(CompareTest, OtherTokenizersPairByName) {
  const auto encode = [](Sample& sample) { sample.item.prompt_sha256[0] = 'x'; };
  const StoredRun base = add_run({{400, all_right}});
  const StoredRun other = add_run({{400, all_right, encode}}, "other tokenizer");
  const Comparison got = compared(base, other);
  EXPECT_EQ(got.verdict, Verdict::kPass) << got.why;
  ASSERT_EQ(got.notes.size(), 1U);
  const StoredRun same = add_run({{400, all_right, encode}});
  EXPECT_EQ(compared(base, same).verdict, Verdict::kInvalid);
  EXPECT_EQ(compared(base, same, {.intersect = true}).why, "t/original: no question in common");
}

TEST_F(CompareTest, AnIncompleteRunNeverPasses) {
  const StoredRun base = add_run({{400, all_right}});
  const StoredRun missing = add_run({{400, all_right, {}, "t", 1, 1, 399}}, "t", "incomplete");
  const StoredRun running = add_run({{400, all_right}}, "t", "running");
  for (const bool intersect : {false, true}) {
    const CompareOptions options{.intersect = intersect};
    const Comparison got = compared(base, missing, options);
    EXPECT_EQ(got.verdict, Verdict::kInvalid);
    EXPECT_NE(got.why.find("candidate: t/original: 1 of 400 samples missing"), std::string::npos)
        << got.why;
    EXPECT_EQ(got.sets.at(0).verdict, Verdict::kInvalid);
    EXPECT_EQ(compared(missing, base, options).verdict, Verdict::kInvalid);
  }
  EXPECT_EQ(compared(base, running).why, "candidate: still running");
  EXPECT_EQ(compared(base, running, {.tasks = {"none"}}).verdict, Verdict::kInvalid);
}

TEST_F(CompareTest, FailuresWithinTheBudgetAreLeftOutAndCounted) {
  const StoredRun base = add_run({{400, all_right}});
  const StoredRun few = add_run({{400, [](int i, int) { return i < 3 ? -1 : 1; }}});
  const StoredRun many = add_run({{400, [](int i, int) { return i < 5 ? -1 : 1; }}});
  const Comparison got = compared(base, few);
  EXPECT_EQ(got.verdict, Verdict::kPass) << got.why;
  EXPECT_EQ(got.sets.at(0).unscored, 3);
  EXPECT_EQ(got.sets.at(0).items, 397);
  EXPECT_NEAR(got.sets.at(0).candidate.failed, 3.0 / 400, 1e-12);
  EXPECT_EQ(compared(base, many).verdict, Verdict::kInvalid);
}

TEST_F(CompareTest, VersionsAndJudgesMustAgree) {
  const StoredRun base = add_run({{400, all_right}});
  const StoredRun newer = add_run({{400, all_right, {}, "t", 1, 2}});
  EXPECT_EQ(compared(base, newer).why,
            "t/original: task version 1 in the base, 2 in the candidate");
  const auto rescored = [](Sample& s) { s.scores = {cases::score(1, "A", "choice", 2)}; };
  const StoredRun other = add_run({{400, all_right, rescored}});
  EXPECT_EQ(compared(base, other).why,
            "t/original: scored by choice 1 in the base, by choice 2 in the candidate: rescore "
            "one of them");
}

TEST_F(CompareTest, RepeatsCompareMeansInClusters) {
  const auto clustered = [](Sample& s) { s.item.cluster = std::to_string(s.item.position / 10); };
  const StoredRun base =
      add_run({{200, [](int i, int k) { return (i + k) % 2; }, clustered, "t", 4}});
  const StoredRun candidate = add_run(
      {{200, [](int i, int k) { return k == 3 ? 1 : (i / 20 + k) % 2; }, clustered, "t", 4}});
  const Comparison got = compared(base, candidate);
  const SetComparison& set = got.sets.at(0);
  EXPECT_EQ(set.method, "clustered t");
  EXPECT_EQ(set.same_method, "clustered sign-flip");
  EXPECT_NEAR(set.base_mean, 0.5, 1e-12);
  EXPECT_NEAR(set.candidate_mean, 0.625, 1e-12);
  EXPECT_NEAR(set.difference, 0.125, 1e-12);
  EXPECT_EQ(set.gained, 100);
  EXPECT_EQ(set.lost, 0);
  EXPECT_EQ(got.verdict, Verdict::kPass);
}

TEST_F(CompareTest, ATaskThatWasNotRunIsNoPass) {
  const StoredRun base = add_run({{400, all_right}});
  const Comparison got = compared(base, base, {.tasks = {"t", "u"}});
  EXPECT_EQ(got.verdict, Verdict::kInvalid);
  EXPECT_EQ(got.why, "u: in neither run");
}

TEST_F(CompareTest, TasksHaveMarginsOfTheirOwn) {
  const StoredRun base = add_run({{1000, all_right, {}, "a"}, {1000, all_right, {}, "b"}});
  const StoredRun worse = add_run({{1000, first_wrong(8), {}, "a"}, {1000, all_right, {}, "b"}});
  EXPECT_EQ(compared(base, worse).verdict, Verdict::kInconclusive);
  const Comparison got = compared(base, worse, {.margins = {{"a", 0.03}}});
  EXPECT_EQ(got.verdict, Verdict::kPass);
  EXPECT_EQ(got.sets.at(0).margin, 0.03);
  EXPECT_EQ(got.sets.at(1).margin, 0.01);
  EXPECT_THROW(compared(base, worse, {.margins = {{"a", 0}}}), std::invalid_argument);
}

TEST_F(CompareTest, LimitsAreRegressions) {
  const auto silent = [](Sample& s) {
    if (s.item.position < 30) s.scores = {cases::score(0, "")};
    if (s.item.position < 50) s.finish = "length";
  };
  const StoredRun base = add_run({{1000, all_right}});
  const StoredRun other = add_run({{1000, first_wrong(30), silent}});
  const CompareOptions wide{.margin = 0.1};
  EXPECT_EQ(compared(base, other, wide).verdict, Verdict::kPass);
  CompareOptions limited = wide;
  limited.limits = {.truncated = 0.06, .no_answer = 0.02, .failed = 0, .flips = 0.03};
  const Comparison got = compared(base, other, limited);
  EXPECT_EQ(got.verdict, Verdict::kRegression);
  EXPECT_EQ(got.sets.at(0).exceeded, std::vector<std::string>{"no answer 3.00 %, at most 2.00 %"});
  limited.limits = {.flips = 0.029};
  EXPECT_EQ(compared(base, other, limited).verdict, Verdict::kRegression);
}

TEST_F(CompareTest, SaysHowManyQuestionsItTakes) {
  const StoredRun base = add_run({{100, all_right}});
  const Comparison same = compared(base, base);
  EXPECT_EQ(same.sets.at(0).needed, 268);  // 1.645^2 * .99 / .01, rounded up
  const StoredRun more = add_run({{268, all_right}});
  EXPECT_EQ(compared(more, more).verdict, Verdict::kPass);
  const StoredRun fewer = add_run({{267, all_right}});
  EXPECT_EQ(compared(fewer, fewer).verdict, Verdict::kInconclusive);
}

TEST_F(CompareTest, TheBandOfTheSameModel) {
  const StoredRun base = add_run({{1000, all_right}});
  const StoredRun again = add_run({{1000, first_wrong(10)}});
  const StoredRun other = add_run({{1000, first_wrong(30)}});
  Comparison got = compared(base, other);
  EXPECT_FALSE(got.sets.at(0).band);
  add_band(compared(base, again), got);
  ASSERT_TRUE(got.sets.at(0).band);
  EXPECT_EQ(got.sets[0].band->items, 1000);
  EXPECT_EQ(got.sets[0].band->flips, 10);
  // P(X >= 30) of 40 fair coins.
  EXPECT_NEAR(got.sets[0].band->p, 0.00111, 2e-5);
}

TEST_F(CompareTest, TranscriptsOfTheWorstFirst) {
  const auto say = [](const std::string& who) {
    return [who](Sample& s) { s.text = who + " on " + s.item.item; };
  };
  const StoredRun base = add_run({{300, first_wrong(2), say("base")}});
  const StoredRun other =
      add_run({{300, [](int i, int) { return i == 200 ? 0.0 : 1.0; }, say("candidate")}});
  Comparison got = compared(base, other);
  add_transcripts(store_, store_, 2, got);
  const auto sorted = worst_first(got.sets.at(0));
  ASSERT_EQ(sorted.size(), 3U);
  EXPECT_EQ(sorted[0]->item, "question/200");
  ASSERT_EQ(sorted[0]->base_answers.size(), 1U);
  EXPECT_NE(sorted[0]->base_answers[0].text.find("base on question/200"), std::string::npos);
  EXPECT_EQ(sorted[0]->base_answers[0].outcome, "pass");
  EXPECT_EQ(sorted[0]->candidate_answers.at(0).outcome, "wrong_answer");
  EXPECT_NE(sorted[0]->candidate_answers[0].text.find("candidate on"), std::string::npos);
  EXPECT_EQ(sorted[0]->prompt, "Which? question/200");
  EXPECT_EQ(sorted[1]->base_answers.size(), 1U);
  EXPECT_TRUE(sorted[2]->base_answers.empty());
}

/// Questions in the order of looking, `asked` of them in the candidate.
class LookTest : public CompareTest {
 protected:
  static CompareOptions five() { return {.margin = 0.02, .looks = equal_looks(5)}; }

  StoredRun stopped(int asked, const std::function<double(int, int)>& value) {
    const std::vector<std::string> strata(1000);
    const std::vector<std::size_t> order = stratified_order(strata, kDrawSeed);
    const StoredRun run = add_run({{1000, value}}, "t", "incomplete");
    auto& rows = store_.stored.back().rows;
    std::vector<SampleRow> kept;
    for (int i = 0; i < asked; ++i) kept.push_back(rows[order[static_cast<std::size_t>(i)]]);
    rows = kept;
    return run;
  }
};

TEST_F(LookTest, AStoppedRunPassesWhereALookDecided) {
  const StoredRun base = add_run({{1000, all_right}});
  // 200 questions without a flip: the bound is 2.2 %, above the margin; 400: 1.1 %.
  EXPECT_EQ(compared(base, stopped(200, all_right), five()).verdict, Verdict::kInvalid);
  const Comparison got = compared(base, stopped(400, all_right), five());
  EXPECT_EQ(got.verdict, Verdict::kPass) << got.why;
  EXPECT_EQ(got.sets.at(0).look, 2);
  EXPECT_EQ(got.sets[0].items, 400);
  EXPECT_EQ(got.sets[0].base_only, 600);
  const std::optional<EarlyStop> stop = early_stop(got);
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->look, 2);
  EXPECT_EQ(stop->looks, 5);
  EXPECT_EQ(stop->asked, 400);
  EXPECT_EQ(stop->planned, 1000);
  EXPECT_GT(got.sets[0].level, 0.9);  // repeated: wider than one look's
  // The whole run comes to the same at the same look.
  const Comparison whole = compared(base, add_run({{1000, all_right}}), five());
  EXPECT_EQ(whole.verdict, Verdict::kPass);
  EXPECT_EQ(whole.sets.at(0).look, 2);
  EXPECT_FALSE(early_stop(whole));
  EXPECT_EQ(whole.sets[0].interval->low, got.sets[0].interval->low);
}

TEST_F(LookTest, WhatIsNotDecidedWaits) {
  const StoredRun base = add_run({{1000, all_right}});
  for (const int asked : {0, 199, 200, 399}) {
    const Comparison got = compared(base, stopped(asked, all_right), five());
    EXPECT_EQ(got.verdict, Verdict::kInvalid) << asked;
    EXPECT_TRUE(got.sets.at(0).pending) << asked;
    EXPECT_FALSE(early_stop(got)) << asked;
  }
  EXPECT_EQ(compared(base, stopped(399, all_right), five()).why,
            "t/original: not decided after 1 of 5 looks, and the next needs 400 questions: 399 "
            "were asked");
  // Without looks a stopped run is incomplete.
  EXPECT_EQ(compared(base, stopped(400, all_right), {.margin = 0.02}).verdict, Verdict::kInvalid);
  CompareOptions senseless = five();
  senseless.intersect = true;
  EXPECT_THROW(compared(base, base, senseless), std::invalid_argument);
}

TEST_F(LookTest, RegressionsStopEarlyToo) {
  const auto every = [](int one) { return [one](int i, int) { return i % one == 0 ? 0.0 : 1.0; }; };
  const StoredRun base = add_run({{1000, all_right}});
  const Comparison bad = compared(base, stopped(200, every(5)), five());
  EXPECT_EQ(bad.verdict, Verdict::kRegression) << bad.why;
  EXPECT_EQ(bad.sets.at(0).look, 1);
  // At the margin itself all five looks pass without a decision.
  const Comparison open = compared(base, add_run({{1000, every(60)}}), five());
  EXPECT_EQ(open.verdict, Verdict::kInconclusive);
  EXPECT_EQ(open.sets.at(0).look, 5);
}

TEST_F(LookTest, AtAnyTimeWhatWasAskedDecides) {
  const CompareOptions anytime{.margin = 0.02, .anytime = true};
  const StoredRun base = add_run({{1000, all_right}});
  // A bet of .49 on a margin of 2 points wins 1 % a question: twentyfold after some 310.
  const Comparison few = compared(base, stopped(290, all_right), anytime);
  EXPECT_EQ(few.verdict, Verdict::kInconclusive) << few.why;
  EXPECT_EQ(few.sets.at(0).items, 290);
  EXPECT_LT(few.sets[0].interval->low, -0.02);
  StoredRun enough = stopped(340, all_right);
  enough.state = "running";
  const Comparison pass = compared(base, enough, anytime);
  EXPECT_EQ(pass.verdict, Verdict::kPass) << pass.why;
  EXPECT_EQ(pass.sets.at(0).method, "e-process");
  EXPECT_GT(pass.sets[0].interval->low, -0.02);
  const auto every_fifth = [](int i, int) { return i % 5 == 0 ? 0.0 : 1.0; };
  EXPECT_EQ(compared(base, stopped(200, every_fifth), anytime).verdict, Verdict::kRegression);
  // Nothing asked, a gap at the first place, a base that goes on: nothing to judge.
  EXPECT_EQ(compared(base, stopped(0, all_right), anytime).verdict, Verdict::kInvalid);
  EXPECT_EQ(compared(enough, base, anytime).verdict, Verdict::kInvalid);
  EXPECT_EQ(compared(base, stopped(400, all_right), {.margin = 0.02}).verdict, Verdict::kInvalid);
  EXPECT_THROW(compared(base, base, {.looks = equal_looks(5), .anytime = true}),
               std::invalid_argument);
  EXPECT_THROW(compared(base, base, {.intersect = true, .anytime = true}), std::invalid_argument);
}

TEST_F(CompareTest, SubjectsThatChangedAreMarked) {
  const auto four = [](Sample& s) {
    s.item.stratum = "stratum " + std::to_string(s.item.position % 4);
  };
  const auto weak = [](int i, int) { return i % 8 == 3 ? 0.0 : 1.0; };
  const StoredRun base = add_run({{400, all_right, four}});
  const Comparison got = compared(base, add_run({{400, weak, four}}));
  const std::vector<SubjectChange>& subjects = got.sets.at(0).subjects;
  ASSERT_EQ(subjects.size(), 4U);
  EXPECT_EQ(subjects[3].subject, "stratum 3");
  EXPECT_EQ(subjects[3].items, 100);
  EXPECT_DOUBLE_EQ(subjects[3].difference, -0.5);
  EXPECT_LT(subjects[3].interval.high, -0.35);
  EXPECT_DOUBLE_EQ(subjects[3].p, mcnemar_mid_p(0, 50));
  EXPECT_DOUBLE_EQ(subjects[3].q, 4 * subjects[3].p);  // the smallest of four
  EXPECT_TRUE(subjects[3].marked);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(subjects[i].marked);
  EXPECT_TRUE(compared(base, base).sets.at(0).changes.empty());
}

TEST_F(CompareTest, SubjectsOfTagsStandBesideStrata) {
  // As MMLU has it: few groups as strata, many subjects as tags.
  const auto mmlu = [](Sample& s) {
    const std::string subject = "subject " + std::to_string(s.item.position % 40);
    s.item.stratum = "group " + std::to_string(s.item.position % 4);
    s.item.tags = "{\"subject\":\"" + subject + "\"}";
  };
  const auto weak = [](int i, int) { return i % 40 == 7 ? 0.0 : 1.0; };
  const Comparison got = compared(add_run({{800, all_right, mmlu}}), add_run({{800, weak, mmlu}}));
  const std::vector<SubjectChange>& subjects = got.sets.at(0).subjects;
  ASSERT_EQ(subjects.size(), 44U);
  EXPECT_EQ(subjects[3].by, "stratum");
  EXPECT_EQ(subjects[4].by, "subject");
  EXPECT_EQ(subjects[4 + 7].subject, "subject 7");
  EXPECT_DOUBLE_EQ(subjects[4 + 7].difference, -1);
  EXPECT_TRUE(subjects[4 + 7].marked);
  EXPECT_TRUE(subjects[3].marked);  // its group
  EXPECT_EQ(std::count_if(subjects.begin(), subjects.end(), [](const auto& s) { return s.marked; }),
            2);
  EXPECT_NE(render_text(got).find("2 of 44 changed"), std::string::npos) << render_text(got);
  // They decide nothing.
  EXPECT_EQ(got.verdict, compared(add_run({{800, all_right}}), add_run({{800, weak}})).verdict);
}

TEST_F(CompareTest, RefusesSenselessOptions) {
  const StoredRun base = add_run({{4, all_right}});
  for (const CompareOptions& options : {CompareOptions{.margin = 0}, CompareOptions{.margin = 1},
                                        CompareOptions{.alpha = 0}, CompareOptions{.alpha = 0.5}}) {
    EXPECT_THROW(compared(base, base, options), std::invalid_argument);
  }
  EXPECT_EQ(verdict_name(Verdict::kPass), "pass");
  EXPECT_EQ(verdict_name(Verdict::kInvalid), "invalid");
}

}  // namespace
}  // namespace moebius::reports
