// The store as its door promises it: what is put is read back, once, by whoever asks.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "reports/store.h"
#include "reports/store/database.h"
#include "reports/store/sample_cases.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos) << text;
    return text;
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

class StoreTest : public testing::Test {
 protected:
  std::vector<SampleRow> rows(std::int64_t run, const std::string& item = "") const {
    std::vector<SampleRow> all;
    Reader::open(path)->each_sample(run, item, [&](const SampleRow& row) { all.push_back(row); });
    return all;
  }
  std::int64_t count(const std::string& table) const {
    Database database(path, Database::Mode::kRead);
    return database.integer("SELECT count(*) FROM " + table);
  }

  tests::TempDir dir;
  std::string path = dir.file("results.sqlite");
};

TEST_F(StoreTest, GivesBackEveryField) {
  Sample put = cases::sample(0, 4, 1);
  put.item.tags = R"({"date":"2024-05-01"})";
  put.text = std::string("nul \0 inside, \xff not UTF-8, \n lines", 34);
  put.finish = "length";
  put.stop = "\n\n";
  put.output_sha256 = "o";
  put.output_tokens = 17;
  put.cached_tokens = 600;
  put.scores[0].score.sandbox = "full";
  put.scores[0].score.tests = {{scorers::Verdict::kTimeLimit, 1.25, "test 3\nof 4"},
                               {scorers::Verdict::kPass, 0.1, ""}};
  put.scores.push_back(cases::score(0, "", "math.hendrycks", 3, false));
  const double inf = std::numeric_limits<double>::infinity();
  put.choices.push_back({-inf, 3, 4});
  put.choices.push_back({-0.1, 1, 1});
  put.choices.push_back({5e-324, 1, 1});
  std::int64_t run = 0;
  {
    const auto store = Store::open(path);
    const Begun begun =
        store->begin_run(cases::run(), {cases::set("mmlu", 10, 2)}, cases::one_scorer());
    run = begun.run.id;
    put.set = begun.sets[0].id;
    store->put(put);
  }
  const std::vector<SampleRow> all = rows(run);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].task, "mmlu");
  EXPECT_EQ(all[0].variant, "original");
  const Sample& got = all[0].sample;
  EXPECT_EQ(got.set, put.set);
  EXPECT_EQ(got.item.item, put.item.item);
  EXPECT_EQ(got.item.position, 4);
  EXPECT_EQ(got.item.cluster, put.item.cluster);
  EXPECT_EQ(got.item.stratum, put.item.stratum);
  EXPECT_EQ(got.item.tags, put.item.tags);
  EXPECT_EQ(got.item.target, "B");
  EXPECT_EQ(got.item.prompt, put.item.prompt);
  EXPECT_EQ(got.item.prompt_sha256, put.item.prompt_sha256);
  EXPECT_EQ(got.item.prompt_tokens, put.item.prompt_tokens);
  EXPECT_EQ(got.repeat, 1);
  EXPECT_EQ(got.key, put.key);
  EXPECT_EQ(got.text, put.text);
  EXPECT_EQ(got.text.size(), 34U);
  EXPECT_EQ(got.finish, "length");
  EXPECT_EQ(got.stop, "\n\n");
  EXPECT_EQ(got.output_sha256, "o");
  EXPECT_EQ(got.output_tokens, 17);
  EXPECT_EQ(got.cached_tokens, 600);
  EXPECT_EQ(got.latency_us, put.latency_us);
  EXPECT_EQ(got.failure, "");
  ASSERT_EQ(got.choices.size(), put.choices.size());
  for (std::size_t i = 0; i < got.choices.size(); ++i) {
    EXPECT_EQ(got.choices[i].logprob, put.choices[i].logprob) << i;
    EXPECT_EQ(got.choices[i].tokens, put.choices[i].tokens) << i;
    EXPECT_EQ(got.choices[i].bytes, put.choices[i].bytes) << i;
  }
  ASSERT_EQ(got.scores.size(), 2U);
  EXPECT_EQ(got.scores[0].scorer, "choice");
  EXPECT_TRUE(got.scores[0].headline);
  EXPECT_EQ(got.scores[0].score.verdict, scorers::Verdict::kPass);
  EXPECT_EQ(got.scores[0].score.reason, "because");
  ASSERT_EQ(got.scores[0].score.tests.size(), 2U);
  EXPECT_EQ(got.scores[0].score.tests[0].verdict, scorers::Verdict::kTimeLimit);
  EXPECT_EQ(got.scores[0].score.tests[0].cpu_seconds, 1.25);
  EXPECT_EQ(got.scores[0].score.tests[0].detail, "test 3\nof 4");
  EXPECT_EQ(got.scores[1].version, 3);
  EXPECT_FALSE(got.scores[1].headline);
  EXPECT_EQ(got.scores[1].score.verdict, scorers::Verdict::kNoAnswer);
}

TEST_F(StoreTest, RunAndSetsComeBack) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(
      cases::run(), {cases::set("mmlu", 5), cases::set("aime24", 30, 4)}, cases::one_scorer(2));
  EXPECT_FALSE(begun.resumed);
  const auto reader = Reader::open(path);
  ASSERT_EQ(reader->runs().size(), 1U);
  const reports::Run run = reader->runs()[0];
  EXPECT_EQ(run.state, "running");
  EXPECT_EQ(run.command, "moebius eval --model M");
  EXPECT_EQ(run.environment, R"({"host":"h"})");
  EXPECT_EQ(run.started.size(), 20U);
  EXPECT_EQ(run.finished, "");
  const std::vector<Set> sets = reader->sets(run.id);
  ASSERT_EQ(sets.size(), 2U);
  EXPECT_EQ(sets[1].task, "aime24");
  EXPECT_EQ(sets[1].seed, UINT64_MAX);
  EXPECT_EQ(sets[1].repeats, 4);
  EXPECT_EQ(sets[1].metric, "avg@k");
  store->finish_run(run.id, "complete", "full");
  EXPECT_EQ(reader->runs()[0].state, "complete");
  EXPECT_EQ(reader->runs()[0].sandbox, "full");
  EXPECT_EQ(reader->runs()[0].finished.size(), 20U);
}

TEST_F(StoreTest, DoneNeedsEveryScorerAndNoFailure) {
  const cases::Scorers two = {{{"choice", 1}, {"letter", 2}}};
  reports::Run run = cases::run();
  {
    const auto store = Store::open(path);
    const Begun begun = store->begin_run(run, {cases::set("mmlu", 4)}, two);
    const std::int64_t set = begun.sets[0].id;
    Sample whole = cases::sample(set, 0);
    whole.scores.push_back(cases::score(1, "A", "letter", 2, false));
    store->put(whole);
    store->put(cases::sample(set, 1));  // one scorer only
    Sample older = cases::sample(set, 2);
    older.scores.push_back(cases::score(1, "A", "letter", 1, false));
    store->put(older);
    store->put(cases::failed(set, 3));
  }
  run.command = "typed differently";
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(run, {cases::set("mmlu", 4)}, two);
  EXPECT_TRUE(begun.resumed);
  EXPECT_EQ(begun.run.command, "moebius eval --model M");
  ASSERT_EQ(begun.done.size(), 1U);
  EXPECT_EQ(begun.done.begin()->first, cases::sample(0, 0).key);
  EXPECT_EQ(begun.done.begin()->second, rows(begun.run.id, "question/0").at(0).id);
}

TEST_F(StoreTest, AnswerReplacesFailureAndOutlivesIt) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("mmlu", 1)}, cases::one_scorer());
  const std::int64_t set = begun.sets[0].id;
  store->put(cases::failed(set, 0));
  store->put(cases::failed(set, 0));
  store->flush();
  EXPECT_EQ(count("failures"), 1);
  EXPECT_EQ(rows(begun.run.id).at(0).id, 0);
  EXPECT_EQ(rows(begun.run.id).at(0).sample.failure, "engine");
  EXPECT_EQ(rows(begun.run.id).at(0).sample.message, "device fault");
  store->put(cases::sample(set, 0));
  store->put(cases::failed(set, 0));
  store->flush();
  EXPECT_EQ(count("failures"), 0);
  EXPECT_EQ(count("samples"), 1);
  EXPECT_EQ(count("items"), 1);
}

TEST_F(StoreTest, TheSameSampleTwiceIsOne) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("mmlu", 1)}, cases::one_scorer());
  Sample sample = cases::sample(begun.sets[0].id, 0);
  sample.scores.push_back(cases::score(0, "B", "letter", 1, false));
  store->put(sample);
  sample.scores = {cases::score(0, "C", "choice", 2)};  // a newer judge of the same text
  store->put(sample);
  store->flush();
  ASSERT_EQ(rows(begun.run.id).size(), 1U);
  auto scores = rows(begun.run.id)[0].sample.scores;
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_EQ(scores[0].version, 2);
  EXPECT_TRUE(scores[0].headline);
  EXPECT_FALSE(scores[1].headline);
  sample.text = "something else";  // judgements of the old text say nothing about it
  store->put(sample);
  store->flush();
  ASSERT_EQ(rows(begun.run.id).size(), 1U);
  EXPECT_EQ(rows(begun.run.id)[0].sample.scores.size(), 1U);
  EXPECT_EQ(rows(begun.run.id)[0].sample.text, "something else");
}

TEST_F(StoreTest, RescoreMovesTheHeadline) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("math", 1)}, cases::one_scorer());
  store->put(cases::sample(begun.sets[0].id, 1));
  store->flush();
  const std::int64_t id = rows(begun.run.id).at(0).id;
  store->put_scores(id, {cases::score(0, "x", "other", 1, false)});
  store->put_scores(id, {cases::score(0, "y", "choice", 2, true)});
  store->put_scores(id, {cases::score(0.5, "z", "choice", 2, true)});
  store->flush();
  const auto scores = rows(begun.run.id).at(0).sample.scores;
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_TRUE(scores[0].headline);
  EXPECT_EQ(scores[0].version, 2);
  EXPECT_EQ(scores[0].score.value, 0.5);
  EXPECT_FALSE(scores[1].headline);
  EXPECT_FALSE(scores[2].headline);
}

TEST_F(StoreTest, ExpertLoadsAddUp) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("mmlu", 1)}, cases::one_scorer());
  store->add_expert_loads(begun.sets[0].id, {{1, 2}, {3, 4}});
  store->add_expert_loads(begun.sets[0].id, {{10, 20}, {30, 40}});
  store->flush();
  Database database(path, Database::Mode::kRead);
  EXPECT_EQ(database.integer("SELECT tokens FROM expert_loads WHERE layer = 1 AND expert = 0"), 33);
  EXPECT_EQ(count("expert_loads"), 4);
  const auto reader = Reader::open(path);
  const std::vector<ExpertLoad> loads = reader->expert_loads(begun.run.id);
  ASSERT_EQ(loads.size(), 2U);
  EXPECT_EQ(loads[1].layer, 1);
  EXPECT_EQ(loads[1].tokens, (std::vector<std::int64_t>{33, 44}));
  EXPECT_EQ(reader->attempts(begun.run.id).size(), 1U);
  EXPECT_GT(reader->attempts(begun.run.id)[0], 1'500'000'000'000);  // milliseconds
  // A file that was made up: no vector of 2^40 experts.
  Database writing(path, Database::Mode::kReadWrite);
  writing.run("INSERT INTO expert_loads VALUES (1, 2, 1099511627776, 1)");
  EXPECT_NE(error_of([&] { reader->expert_loads(begun.run.id); }).find("none of a model"),
            std::string::npos);
}

TEST_F(StoreTest, ThreadsPutTogether) {
  const auto store = Store::open(path);
  constexpr int kThreads = 4;
  constexpr int kEach = 3000;
  const Begun begun =
      store->begin_run(cases::run(), {cases::set("mmlu", kEach, kThreads)}, cases::one_scorer());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) store->put(cases::sample(begun.sets[0].id, i, t));
    });
  }
  for (std::thread& thread : threads) thread.join();
  store->flush();
  EXPECT_EQ(count("samples"), kThreads * kEach);
  EXPECT_EQ(count("scores"), kThreads * kEach);
  EXPECT_EQ(count("items"), kEach);
  const std::vector<SampleRow> all = rows(begun.run.id);
  for (int i = 0; i < kThreads * kEach; ++i) {
    ASSERT_EQ(all[static_cast<std::size_t>(i)].sample.item.position, i / kThreads);
    ASSERT_EQ(all[static_cast<std::size_t>(i)].sample.repeat, i % kThreads);
  }
}

TEST_F(StoreTest, ItemNamesAreJustText) {
  const std::vector<std::string> names = {"HumanEval/0",          "日本", "a'b\"c;--",   "", "%_",
                                          std::string("x\0y", 3), "\n",   "HumanEval/00"};
  const auto store = Store::open(path);
  const Begun begun =
      store->begin_run(cases::run(), {cases::set("t", static_cast<std::int64_t>(names.size()))},
                       cases::one_scorer());
  for (std::size_t i = 0; i < names.size(); ++i) {
    Sample sample = cases::sample(begun.sets[0].id, static_cast<int>(i));
    sample.item.item = names[i];
    store->put(sample);
  }
  store->flush();
  const std::vector<SampleRow> all = rows(begun.run.id);
  ASSERT_EQ(all.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(all[i].sample.item.item, names[i]);
  EXPECT_EQ(rows(begun.run.id, "a'b\"c;--").size(), 1U);
  EXPECT_EQ(rows(begun.run.id, "none").size(), 0U);
}

TEST_F(StoreTest, LongTextsComeBackWhole) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 1)}, cases::one_scorer());
  Sample sample = cases::sample(begun.sets[0].id, 0);
  sample.text.assign(std::size_t{30} << 20, 'y');
  sample.text.back() = 'z';
  store->put(sample);
  store->flush();
  EXPECT_EQ(rows(begun.run.id).at(0).sample.text, sample.text);
  Reader::open(path)->each_judgement(begun.run.id, [](const SampleRow& row) {
    EXPECT_EQ(row.sample.text, "");
    EXPECT_EQ(row.sample.scores.at(0).score.extracted, "A");
  });
}

TEST_F(StoreTest, RefusesWhatIsNeitherAnswerNorFailure) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 1)}, cases::one_scorer());
  const std::int64_t set = begun.sets[0].id;
  Sample both = cases::sample(set, 0);
  both.failure = "engine";
  EXPECT_NE(error_of([&] { store->put(both); }).find("both"), std::string::npos);
  Sample neither = cases::sample(set, 0);
  neither.scores.clear();
  EXPECT_NE(error_of([&] { store->put(neither); }).find("neither"), std::string::npos);
  EXPECT_NE(error_of([&] { store->put(cases::sample(set + 1, 0)); }).find("not begun"),
            std::string::npos);
  Sample doubled = cases::sample(set, 0);
  doubled.scores.push_back(doubled.scores[0]);
  EXPECT_NE(error_of([&] { store->put(doubled); }).find("two scores by choice"), std::string::npos);
  for (const double value : {-0.1, 1.5, std::nan("")}) {
    Sample odd = cases::sample(set, 0);
    odd.scores[0].score.value = value;
    EXPECT_NE(error_of([&] { store->put(odd); }).find("0 .. 1"), std::string::npos);
  }
  store->put(cases::sample(set, 0));  // none of it spoilt the store
  store->flush();
  EXPECT_EQ(count("samples"), 1);
}

TEST_F(StoreTest, RefusesRunsThatContradictThemselves) {
  const auto store = Store::open(path);
  const auto twice = [&] {
    store->begin_run(cases::run(), {cases::set("a", 1), cases::set("a", 1)}, cases::one_scorer(2));
  };
  EXPECT_NE(error_of(twice).find("a/original is asked for twice"), std::string::npos);
  EXPECT_EQ(count("runs"), 0);
  store->begin_run(cases::run(), {cases::set("a", 1)}, cases::one_scorer());
  const auto other = [&] {
    store->begin_run(cases::run(), {cases::set("a", 2)}, cases::one_scorer());
  };
  EXPECT_NE(error_of(other).find("under the same run key"), std::string::npos);
  EXPECT_NE(error_of([&] { store->finish_run(1, "done", ""); }).find("\"done\""),
            std::string::npos);
  EXPECT_NE(error_of([&] { store->finish_run(9, "complete", ""); }).find("no run 9"),
            std::string::npos);
}

TEST_F(StoreTest, AWriteErrorComesOutAndLeavesWhatWasCommitted) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 2)}, cases::one_scorer());
  store->put(cases::sample(begun.sets[0].id, 0));
  store->flush();
  store->put(cases::sample(begun.sets[0].id, 1));
  store->put_scores(12345, {cases::score(1)});  // no such sample: a reference that breaks
  EXPECT_NE(error_of([&] { store->flush(); }).find("FOREIGN KEY"), std::string::npos);
  error_of([&] { store->put(cases::sample(begun.sets[0].id, 1)); });
  error_of([&] { store->finish_run(begun.run.id, "complete", ""); });
  EXPECT_EQ(count("samples"), 1);
}

TEST_F(StoreTest, OneLivingWriter) {
  auto store = Store::open(path);
  const std::string text = error_of([&] { Store::open(path); });
  EXPECT_NE(text.find("locked by a living run (process " + std::to_string(::getpid()) + " on "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(path), std::string::npos);
  store.reset();
  EXPECT_FALSE(std::filesystem::exists(path + "-lock"));
  Store::open(path);
}

TEST_F(StoreTest, AKilledRunReadsAsIncomplete) {
  {
    const auto store = Store::open(path);
    store->begin_run(cases::run(), {cases::set("t", 1)}, cases::one_scorer());
    EXPECT_EQ(Reader::open(path)->runs().at(0).state, "running");
  }
  EXPECT_EQ(Reader::open(path)->runs().at(0).state, "incomplete");
  const auto store = Store::open(path);
  EXPECT_EQ(Reader::open(path)->runs().at(0).state, "incomplete");
}

TEST_F(StoreTest, FindsRunsByIdKeyAndLast) {
  const auto store = Store::open(path);
  const auto begin = [&](const std::string& key) {
    store->begin_run(cases::run(key), {cases::set("t", 1)}, cases::one_scorer());
  };
  begin("abcdef0011");
  begin("abcdef0022");
  begin("1234567890");
  const auto reader = Reader::open(path);
  EXPECT_EQ(reader->find_run("2").key, "abcdef0022");
  EXPECT_EQ(reader->find_run("abcdef001").id, 1);
  EXPECT_EQ(reader->find_run("123456").id, 3);
  EXPECT_EQ(reader->find_run("last").id, 3);
  begin("abcdef0011");
  EXPECT_EQ(reader->find_run("last").id, 1);
  EXPECT_NE(error_of([&] { reader->find_run("abcdef"); }).find("ambiguous: 1 (abcdef0011), 2"),
            std::string::npos);
  for (const std::string bad : {"abcde", "99", "", "zzzzzzzz", "%"}) {
    EXPECT_NE(error_of([&] { reader->find_run(bad); }).find("ids 1 to 3"), std::string::npos)
        << bad;
  }
}

TEST_F(StoreTest, ViewsAnswerAPerson) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 4)}, cases::one_scorer());
  for (int i = 0; i < 3; ++i) store->put(cases::sample(begun.sets[0].id, i));
  store->put(cases::failed(begun.sets[0].id, 3));
  store->flush();
  Database database(path, Database::Mode::kRead);
  EXPECT_EQ(database.integer("SELECT count(*) FROM v_samples WHERE task = 't'"), 3);
  EXPECT_EQ(database.integer("SELECT count(*) FROM v_scores WHERE verdict = 'pass'"), 2);
  EXPECT_EQ(database.integer("SELECT count(*) FROM v_failures WHERE kind = 'engine'"), 1);
  EXPECT_EQ(database.integer("SELECT planned * 100 + scored * 10 + failed FROM v_results"), 431);
  EXPECT_EQ(database.integer("SELECT round(mean_of_scored * 3) FROM v_results"), 2);
  EXPECT_EQ(database.integer("SELECT json_extract(choices, '$[3][1]') FROM v_samples"), 2);
}

}  // namespace
}  // namespace moebius::reports
