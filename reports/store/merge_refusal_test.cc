// What does not belong together is told apart, and what is no shard at all is refused.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "reports/store/merge_cases.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

using cases::dump;
using cases::error_of;
using cases::Evaluation;

/// Stores in a folder of the test's own.
class MergeRefusal : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return dir.file(name + ".sqlite"); }

  std::vector<std::string> store_shards(const Evaluation& evaluation, int shards) const {
    return cases::store_shards(evaluation, dir.path(), shards);
  }

  tests::TempDir dir;
};

struct Difference {
  const char* name;
  std::function<void(Evaluation&)> make;
  std::vector<std::string> said;
};

template <typename Change>
std::function<void(Evaluation&)> in_set(Change change) {
  return [change](Evaluation& e) { e.change_set = change; };
}

template <typename Change>
std::function<void(Evaluation&)> in_run(Change change) {
  return [change](Evaluation& e) { e.change_run = change; };
}

const std::vector<Difference> kDifferences = {
    {"weights", in_run([](Run& r) { r.weights_hash = "w2"; }), {"weights 'w2'", "'w' in run 1"}},
    {"tokenizer", in_run([](Run& r) { r.tokenizer_hash = "t2"; }), {"tokenizer 't2'", "'t'"}},
    {"arithmetic", in_run([](Run& r) { r.fingerprint = "f2"; }), {"fingerprint 'f2'", "'f'"}},
    {"build", in_run([](Run& r) { r.build = "0.2.0"; }), {"build '0.2.0'", "'0.1.0 abc'"}},
    {"key", in_run([](Run& r) { r.whole_key = "w-k"; }), {"key 'w-k'", "'whole-key'"}},
    {"task", in_set([](Set& s) { s.task += "x"; }), {"tasks 'ax:original, bx", "'a:original, b"}},
    {"version",
     in_set([](Set& s) { s.task_version = 2; }),
     {"'a:original': task version '2'", "'1'"}},
    {"data", in_set([](Set& s) { s.data_sha256 = "e"; }), {"data sha256 'e'", "'d'"}},
    {"prompts", in_set([](Set& s) { s.questions_sha256 = "p"; }), {"prompts 'p'", "'q'"}},
    {"temperature", in_set([](Set& s) { s.temperature = 0.6; }), {"temperature '0.6'", "'0'"}},
    {"top-p", in_set([](Set& s) { s.top_p = 0.95; }), {"top-p '0.95'", "'1'"}},
    {"length", in_set([](Set& s) { s.max_new_tokens = 9; }), {"max-new-tokens '9'", "'0'"}},
    {"seed", in_set([](Set& s) { s.seed = 7; }), {"seed '7'", "'18446744073709551615'"}},
    {"repeats", [](Evaluation& e) { e.repeats = 3; }, {"repeats '3'", "'2'"}},
    {"items", [](Evaluation& e) { e.items = 31; }, {"questions '31'", "'30'"}},
    {"options", in_set([](Set& s) { s.options = R"({"limit":3})"; }), {R"({"limit":3})", "'{}'"}},
    {"scorers", [](Evaluation& e) { e.scorer = "other"; }, {"scorers 'other 1'", "'choice 1'"}},
};

TEST_F(MergeRefusal, TellsWhatDoesNotBelongTogether) {
  const Evaluation evaluation;
  evaluation.store_shard(file("one"), 1, 2);
  const std::string all = file("all");
  for (const Difference& difference : kDifferences) {
    Evaluation other;
    difference.make(other);
    const std::string two = file(std::string("two ") + difference.name);
    other.store_shard(two, 2, 2);
    const auto check = [&](const std::string& text) {
      EXPECT_NE(text.find(two + ": run 1"), std::string::npos) << text;
      for (const std::string& part : difference.said) {
        EXPECT_NE(text.find(part), std::string::npos) << difference.name << ": " << text;
      }
    };
    check(error_of([&] { merge_shards(all, {file("one"), two}, 0.01); }));
    EXPECT_FALSE(std::filesystem::exists(all)) << "nothing is made before all is looked at";
    // The same between a shard and what was merged before.
    merge_shards(all, {file("one")}, 0.01);
    const std::string before = dump(all);
    check(error_of([&] { merge_shards(all, {two}, 0.01); }));
    EXPECT_EQ(dump(all), before) << difference.name;
    std::filesystem::remove(all);
  }
}

TEST_F(MergeRefusal, TellsAnOverlapThatDisagrees) {
  struct Case {
    const char* what;
    std::function<void(Sample&)> change;
    const char* said;
  };
  const std::vector<Case> kCases = {
      {"text", [](Sample& s) { s.text = "other"; }, "text 'other', but ''"},
      {"tokens", [](Sample& s) { s.output_sha256 = "o"; }, "output_sha256 'o', but ''"},
      {"log-probability", [](Sample& s) { s.choices[0].logprob = -9; }, "choices '[[-9,"},
      {"verdict", [](Sample& s) { s.scores[0] = cases::score(0.5); }, "value '0.5', but '"},
      {"target", [](Sample& s) { s.item.target = "C"; }, "target 'C', but 'B'"},
      {"prompt", [](Sample& s) { s.item.prompt_sha256 = "p"; }, "prompt_sha256 'p', but"},
      {"position", [](Sample& s) { s.item.position += 1; }, "position '"},
      {"key", [](Sample& s) { s.key += "!"; }, "key '"},
  };
  const Evaluation evaluation;
  evaluation.store_shard(file("one"), 1, 2);
  const std::string all = file("all");
  merge_shards(all, {file("one")}, 0.01);
  const std::string before = dump(all);
  for (const Case& each : kCases) {
    Evaluation other;
    other.change_sample = [&](Sample& sample) {
      if (sample.item.position % 10 == 9) each.change(sample);
    };
    const std::string shard = file(std::string("other ") + each.what);
    other.store_shard(shard, 1, 3);
    const std::string text = error_of([&] { merge_shards(all, {shard}, 0.01); });
    EXPECT_NE(text.find(each.said), std::string::npos) << each.what << ": " << text;
    EXPECT_NE(text.find(shard + ": 'a:original' 'question/"), std::string::npos) << text;
    EXPECT_EQ(dump(all), before) << each.what;
    const std::string both = error_of([&] { merge_shards(file("new"), {shard, file("one")}, 0); });
    EXPECT_NE(both.find(" but "), std::string::npos) << both;
  }
}

TEST_F(MergeRefusal, JudgesOfTheHeadlineMustAgree) {
  const Evaluation evaluation;
  const std::vector<std::string> shards = store_shards(evaluation, 2);
  {
    const auto reader = Reader::open(shards[1]);
    std::vector<std::int64_t> ids;
    reader->each_sample(1, "", [&](const SampleRow& row) { ids.push_back(row.id); });
    const auto store = Store::open(shards[1]);
    for (const std::int64_t id : ids) store->put_scores(id, {cases::score(1, "A", "new")});
    store->flush();
  }
  const std::string text = error_of([&] { merge_shards(file("all"), shards, 0.01); });
  EXPECT_NE(text.find("headline scorers 'new 1', but 'choice 1'"), std::string::npos) << text;
}

TEST_F(MergeRefusal, WhatIsNoShardIsRefused) {
  const Evaluation evaluation;
  evaluation.store_whole(file("whole"));
  evaluation.store_shard(file("one"), 1, 2);
  const std::string all = file("all");
  const auto refused = [&](const std::vector<std::string>& sources, const std::string& part) {
    const std::string text = error_of([&] { merge_shards(all, sources, 0.01); });
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_FALSE(std::filesystem::exists(all));
  };
  refused({file("whole")}, "is not a shard");
  refused({file("one"), file("nowhere")}, "no such store");
  refused({}, "no shard");
  refused({dir.write("text.sqlite", "this is no database at all")}, "text.sqlite");
  Store::open(file("empty"));
  refused({file("empty")}, "no run");
  const std::string same = error_of([&] { merge_shards(file("one"), {file("one")}, 0.01); });
  EXPECT_NE(same.find("to be merged into"), std::string::npos) << same;
  reports::Run endless = Evaluation::shard_run(1, 2);
  endless.shards = INT32_MAX;
  evaluation.store(file("endless"), endless, [](int) { return false; });
  refused({file("endless")}, "is not a shard");
}

/// A shard that somebody changed with SQL, or what is thrown for it.
class MergeHostile : public MergeRefusal {
 protected:
  std::string merged_after(const std::string& sql) {
    Evaluation{.items = 10}.store_shard(file("one"), 1, 2);
    Database(file("one"), Database::Mode::kReadWrite).run(sql);
    const std::string text = error_of([&] { merge_shards(file("all"), {file("one")}, 0.01); });
    std::filesystem::remove(file("one"));
    return text;
  }
};

TEST_F(MergeHostile, IsRefused) {
  const std::string one = file("one") + ": ";
  const std::vector<std::pair<const char*, const char*>> kCases = {
      {"UPDATE meta SET value = '99' WHERE name = 'schema_version'",
       "written by a newer moebius: schema version 99"},
      {"PRAGMA application_id = 7", "not a moebius store: expected application_id"},
      {"DELETE FROM meta", "no schema_version"},
      {"ALTER TABLE failures RENAME TO f; CREATE VIEW failures AS SELECT * FROM f",
       "not a moebius store: no strict table failures"},
      {"DROP TABLE environments; CREATE TABLE environments (run_id, started, pid, environment, id)",
       "not a moebius store: no strict table environments"},
      {"DROP TABLE items", "no strict table items"},
      {"UPDATE sets SET repeats = 9223372036854775807", "damaged"},
      {"UPDATE sets SET whole_items = 9223372036854775807", "damaged"},
      {"UPDATE sets SET whole_items = -1", "damaged"},
      {"UPDATE runs SET shard = 3", "is not a shard"},
      {"UPDATE runs SET shards = 2147483649", "is not a shard"},
      {"UPDATE runs SET whole_key = ''", "is not a shard"},
      {"DELETE FROM runs", "no run is stored here"},
  };
  for (const auto& [sql, said] : kCases) {
    const std::string text = merged_after(sql);
    EXPECT_EQ(text.rfind(one, 0), 0U) << sql << ": " << text;
    EXPECT_NE(text.find(said), std::string::npos) << sql << ": " << text;
    EXPECT_FALSE(std::filesystem::exists(file("all"))) << sql;
  }
}

TEST_F(MergeHostile, MoreThanWasAskedForIsRefused) {
  const std::string text = merged_after(
      "INSERT INTO items SELECT 1000 + n, 1, 'more/' || n, n, '', '', '', '', '', 0, '' FROM"
      " (SELECT id AS n FROM items);"
      "INSERT INTO failures SELECT id, n, 'k', 'engine', '', 0 FROM items, (SELECT 0 AS n UNION"
      " SELECT 1) WHERE id > 1000");
  EXPECT_NE(text.find("rows that are not its own"), std::string::npos) << text;
  EXPECT_TRUE(Reader::open(file("all"))->runs().empty());
}

/// Whatever is in the file: an error of one line that changes nothing, or a sound store.
TEST_F(MergeRefusal, DamagedBytes) {
  tests::Random random(tests::seed_or(20261122));
  Evaluation{.items = 40}.store_shard(file("one"), 1, 2);
  std::ifstream in(file("one"), std::ios::binary);
  const std::string sound((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  int refused = 0;
  for (int round = 0; round < 100; ++round) {
    std::string bytes = sound;
    const auto place = [&] {
      return static_cast<std::size_t>(random.integer(0, std::ssize(bytes) - 1));
    };
    for (std::int64_t i = random.integer(1, 8); i > 0; --i) {
      bytes[place()] ^= static_cast<char>(random.integer(1, 255));
    }
    if (round % 10 == 0) bytes.resize(place());
    const std::string shard = dir.write("damaged.sqlite", bytes);
    const std::string all = file("all");
    try {
      merge_shards(all, {shard}, 0.01);
      Database database(all, Database::Mode::kRead);
      Statement check(database, "PRAGMA integrity_check");
      ASSERT_TRUE(check.step());
      EXPECT_EQ(check.text(0), "ok") << "round " << round;
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).find_first_of("\r\n"), std::string::npos);
      if (std::filesystem::exists(all)) {
        EXPECT_TRUE(Reader::open(all)->runs().empty()) << error.what();
      }
    }
    std::filesystem::remove(all);
  }
  EXPECT_GT(refused, 20) << "of 100";
  EXPECT_LT(refused, 100) << "what is in texts cannot be noticed";
}

}  // namespace
}  // namespace moebius::reports
