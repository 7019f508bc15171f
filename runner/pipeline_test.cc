// The pipeline with an engine, judges and a store that do as they are told, also badly.
#include "runner/pipeline.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "tests/support/scripted_engine.h"

namespace moebius::runner {
namespace {

using tests::ScriptedEngine;

/// Passes if the answer is the target; does worse things when the target asks for them.
class TestScorer : public scorers::Scorer {
 public:
  explicit TestScorer(std::string target) : target_(std::move(target)) {}
  std::string_view name() const override { return "test"; }
  int version() const override { return 3; }
  scorers::Score score(const scorers::Answer& answer) const override {
    if (target_ == "sandbox broken") throw scorers::Error("no sandbox");
    if (target_ == "defect") throw std::logic_error("defect");
    const bool right = answer.text == target_;
    return {.verdict = right ? scorers::Verdict::kPass : scorers::Verdict::kWrong,
            .value = right ? 1.0 : 0.0,
            .extracted = std::string(answer.text)};
  }

 private:
  std::string target_;
};

class TestTask : public tasks::Task {
 public:
  const tasks::Info& info() const override { return info_; }
  std::vector<tasks::SampleSet> load(const tasks::Options&) const override { return {}; }

 private:
  tasks::Info info_{.name = "test", .description = "for tests"};
};

class MemoryStore : public reports::Store {
 public:
  std::int64_t fail_at = -1;  // put() number that throws

  reports::Begun begin_run(const reports::Run&, const std::vector<reports::Set>&,
                           const std::vector<std::vector<std::pair<std::string, int>>>&) override {
    return {};
  }
  void put(reports::Sample sample) override {
    const std::lock_guard lock(mutex_);
    if (std::ssize(samples_) == fail_at) throw reports::Error("store: disk full");
    samples_.push_back(std::move(sample));
  }
  void flush() override { ++flushed; }
  void put_scores(std::int64_t, const std::vector<reports::StoredScore>&) override {}
  void add_expert_loads(std::int64_t, const std::vector<std::vector<std::int64_t>>&) override {}
  void add_profile(std::int64_t, const reports::Profile&) override {}
  void note_remote(std::int64_t, const reports::RemoteUse&) override {}
  void finish_run(std::int64_t, const std::string&, const std::string&) override {}

  std::vector<reports::Sample> samples_;
  int flushed = 0;

 private:
  std::mutex mutex_;
};

/// The prompt is the item's name; "unaskable" is refused.
class TestAsker : public Asker {
 public:
  Asked ask(const PlannedSet&, const tasks::Sample& sample) const override {
    Asked asked;
    asked.prompt = sample.asks.front().text;
    asked.asked_sha256 = "asked " + asked.prompt;
    asked.prompt_tokens = 7;
    if (sample.item == "unaskable") asked.refusal = "the prompt is too long";
    asked.request.prompt.text = asked.prompt;
    asked.request.generate = engine::Generate{};
    return asked;
  }
};

class PipelineTest : public testing::Test {
 protected:
  void add_set(const std::vector<std::pair<std::string, std::string>>& items,
               std::int32_t repeats = 1) {
    PlannedSet set{.task = &task_};
    set.record = {.task = "test",
                  .variant = "v" + std::to_string(plan_.size()),
                  .repeats = repeats,
                  .items = std::ssize(items)};
    for (const auto& [item, target] : items) {
      tasks::Sample sample{.item = item, .asks = {{.text = "answer " + item}}, .target = target};
      sample.tags = {{"kind", "t\"est"}};
      sample.scorers = {std::make_shared<TestScorer>(target)};
      set.set.samples.push_back(std::move(sample));
    }
    plan_.push_back(std::move(set));
    begun_.sets.push_back({.id = 100 + std::ssize(plan_)});
  }

  static std::vector<std::pair<std::string, std::string>> many(int count) {
    std::vector<std::pair<std::string, std::string>> items;
    for (int i = 0; i < count; ++i) {
      const std::string name = "i" + std::to_string(i);
      items.emplace_back(name, i % 3 == 0 ? "answer " + name : "something else");
    }
    return items;
  }

  Progress run(ScriptedEngine& engine, PipelineOptions options = {}) {
    options.fingerprint = "f";
    options.build = "b";
    return run_pipeline(engine, asker_, store_, plan_, begun_, options);
  }

  static engine::Completion echo(const engine::Request& request) {
    engine::Completion completion;
    completion.text = request.prompt.text;
    completion.tokens.resize(4);
    return completion;
  }

  TestTask task_;
  TestAsker asker_;
  MemoryStore store_;
  std::vector<PlannedSet> plan_;
  reports::Begun begun_;
};

TEST_F(PipelineTest, StoresEverySampleOnceWithItsScore) {
  add_set(many(700));
  add_set(many(40), 30);
  ScriptedEngine engine(echo);
  const Progress progress = run(engine);
  EXPECT_EQ(progress.planned, 700 + 40 * 30);
  EXPECT_EQ(progress.scored, progress.planned);
  EXPECT_EQ(progress.failed, 0);
  EXPECT_GE(store_.flushed, 1);
  std::map<std::tuple<std::int64_t, std::string, std::int32_t>, int> seen;
  std::map<std::string, int> keys;
  std::int64_t passed = 0;
  for (const reports::Sample& sample : store_.samples_) {
    ++seen[{sample.set, sample.item.item, sample.repeat}];
    ++keys[sample.key];
    ASSERT_EQ(sample.scores.size(), 1U);
    EXPECT_EQ(sample.scores[0].version, 3);
    EXPECT_TRUE(sample.scores[0].headline);
    EXPECT_EQ(sample.text, "answer " + sample.item.item);
    EXPECT_EQ(sample.output_tokens, 4);
    EXPECT_EQ(sample.item.tags, R"({"kind":"t\"est"})");
    EXPECT_EQ("i" + std::to_string(sample.item.position), sample.item.item);
    passed += sample.scores[0].score.verdict == scorers::Verdict::kPass ? 1 : 0;
  }
  EXPECT_EQ(std::ssize(seen), progress.planned);
  EXPECT_EQ(std::ssize(keys), progress.planned) << "no two samples share a key";
  EXPECT_EQ(passed, 234 + 14 * 30);
}

TEST_F(PipelineTest, GoesOnWhereItStopped) {
  add_set(many(50), 2);
  {
    ScriptedEngine engine(echo);
    run(engine);
  }
  for (std::size_t i = 0; i < store_.samples_.size(); i += 3) {
    begun_.done[store_.samples_[i].key] = 1;
  }
  const std::size_t done = begun_.done.size();
  store_.samples_.clear();
  ScriptedEngine engine(echo);
  const Progress progress = run(engine);
  EXPECT_EQ(static_cast<std::size_t>(progress.found), done);
  EXPECT_EQ(store_.samples_.size(), 100 - done);
  EXPECT_EQ(static_cast<std::size_t>(engine.answered.load()), 100 - done);
  for (const reports::Sample& sample : store_.samples_) {
    EXPECT_FALSE(begun_.done.contains(sample.key));
  }
}

TEST_F(PipelineTest, FailuresOfOursAreNoScores) {
  add_set({{"a", "answer a"},
           {"b", "sandbox broken"},
           {"c", "defect"},
           {"refused", "x"},
           {"unaskable", "x"}});
  ScriptedEngine engine([](const engine::Request& request) {
    engine::Completion completion = echo(request);
    if (request.prompt.text == "answer refused") {
      completion.finish = engine::Finish::kRefused;
      completion.error = "no room";
    }
    return completion;
  });
  const Progress progress = run(engine);
  EXPECT_EQ(progress.scored, 1);
  EXPECT_EQ(progress.failed, 4);
  std::map<std::string, std::pair<std::string, std::string>> failures;
  for (const reports::Sample& sample : store_.samples_) {
    EXPECT_NE(sample.failure.empty(), sample.scores.empty());
    failures[sample.item.item] = {sample.failure, sample.message};
  }
  EXPECT_EQ(failures["b"], std::pair(std::string("scorer"), std::string("test: no sandbox")));
  EXPECT_EQ(failures["c"], std::pair(std::string("internal"), std::string("test: defect")));
  EXPECT_EQ(failures["refused"], std::pair(std::string("refused"), std::string("no room")));
  EXPECT_EQ(failures["unaskable"].second, "the prompt is too long");
}

TEST_F(PipelineTest, SaysWhenASetIsComputed) {
  add_set(many(600));
  add_set(many(10));
  ScriptedEngine engine(echo);
  std::vector<std::pair<std::size_t, std::int64_t>> computed;
  run(engine, {.set_computed = [&](std::size_t set) {
        computed.emplace_back(set, engine.answered.load());
      }});
  EXPECT_EQ(computed, (std::vector<std::pair<std::size_t, std::int64_t>>{{0, 600}, {1, 610}}));
}

TEST_F(PipelineTest, FewInFlight) {
  add_set(many(300), 2);
  ScriptedEngine engine(echo);
  const Progress progress = run(engine, {.in_flight = 3});
  EXPECT_EQ(progress.scored, 600);
  EXPECT_LE(engine.most_in_flight, 3U);
}

/// Prefixes are shared within a set alone, so a full pipeline must not trickle.
TEST_F(PipelineTest, AFullPipelineIsFedInLargeSets) {
  add_set(many(1000));
  ScriptedEngine engine([](const engine::Request& request) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));  // room comes bit by bit
    return echo(request);
  });
  const Progress progress = run(engine, {.in_flight = 100});
  EXPECT_EQ(progress.scored, 1000);
  // Of 50 at least, but for the ends of two chunks.
  EXPECT_LE(engine.sets, 1000 / 50 + 2);
}

TEST_F(PipelineTest, CountsWhatWasShared) {
  add_set(many(10));
  ScriptedEngine engine([](const engine::Request& request) {
    engine::Completion completion = echo(request);
    completion.prompt_tokens = 50;
    completion.cached_tokens = 30;
    return completion;
  });
  const Progress progress = run(engine);
  EXPECT_EQ(progress.prompt_tokens, 500);
  EXPECT_EQ(progress.cached_tokens, 300);
}

TEST_F(PipelineTest, StopsWhenAsked) {
  add_set(many(20000));
  std::atomic<bool> stop{false};
  ScriptedEngine engine([&](const engine::Request& request) {
    if (engine::Completion completion = echo(request); request.prompt.text == "answer i100") {
      stop = true;
      return completion;
    }
    return echo(request);
  });
  const Progress progress = run(engine, {.stop = &stop});
  EXPECT_LT(progress.scored, 20000);
  EXPECT_GE(progress.scored, 100);
  EXPECT_EQ(progress.failed, 0);
  EXPECT_EQ(static_cast<std::int64_t>(store_.samples_.size()), progress.scored);
  for (const reports::Sample& sample : store_.samples_) EXPECT_NE(sample.finish, "cancelled");
}

TEST_F(PipelineTest, AnEngineThatDiesEndsTheRun) {
  add_set(many(5000));
  ScriptedEngine engine(echo);
  engine.die_after = 700;
  EXPECT_THROW(run(engine), std::runtime_error);
  EXPECT_EQ(store_.samples_.size(), 700U) << "what it answered is judged and stored";
  EXPECT_EQ(store_.flushed, 1);
}

TEST_F(PipelineTest, AStoreThatFailsEndsTheRun) {
  add_set(many(5000));
  store_.fail_at = 600;
  ScriptedEngine engine(echo);
  try {
    run(engine);
    FAIL() << "expected the store's error";
  } catch (const reports::Error& error) {
    EXPECT_STREQ(error.what(), "store: disk full");
  }
  EXPECT_EQ(store_.samples_.size(), 600U);
}

TEST_F(PipelineTest, ReportsProgress) {
  add_set(many(300));
  ScriptedEngine engine([](const engine::Request& request) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return echo(request);
  });
  std::mutex mutex;
  std::vector<Progress> seen;
  run(engine, {.progress = [&](const Progress& progress) {
        const std::lock_guard lock(mutex);
        seen.push_back(progress);
      }});
  ASSERT_GE(seen.size(), 2U);
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].scored, seen[i - 1].scored);
  EXPECT_EQ(seen.back().planned, 300);
  EXPECT_EQ(seen.back().now, "test:v0");
}

}  // namespace
}  // namespace moebius::runner
