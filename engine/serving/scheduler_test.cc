#include "engine/serving/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>

#include "engine/serving/toy_stepper.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;

/// Draws `draws` tokens after the prompt, and wants the two best of every row from `head` on.
class Probe : public Sequence {
 public:
  Probe(Ids prompt, std::int32_t head, std::int32_t draws, std::uint64_t sample)
      : prompt_(prompt), draws_(draws), sample_(sample) {
    ids = std::move(prompt);
    first_head = head;
    growth = std::max(0, draws - 1);
  }

  void ask(std::int32_t, StepHead& head) override { head = wanted(); }

  std::int32_t take(std::int32_t position, StepResult& result) override {
    EXPECT_EQ(position, first_head + static_cast<std::int32_t>(seen.size())) << "in order";
    seen.push_back(result.top_ids);
    if (position + 1 < static_cast<std::int32_t>(prompt_.size())) return kNone;
    tokens.push_back(result.token);
    return static_cast<std::int32_t>(tokens.size()) < draws_ ? result.token : kNone;
  }

  StepHead wanted() const {
    StepHead head;
    head.draw.kind = sample_ % 2 == 0 ? StepDraw::kGreedy : StepDraw::kSample;
    head.draw.sample = sample_;
    head.top = 2;
    return head;
  }

  // Nothing but the Stepper's answers for growing prefixes, one after the other.
  void expect_like_alone(const ToyStepper& toy) const {
    Ids text = prompt_;
    std::vector<Ids> rows;
    Ids drawn;
    for (auto row = static_cast<std::size_t>(first_head); row < prompt_.size(); ++row) {
      const StepResult result = toy.answer(std::span(text).first(row + 1), wanted());
      rows.push_back(result.top_ids);
      if (row + 1 == prompt_.size()) drawn.push_back(result.token);
    }
    while (static_cast<std::int32_t>(drawn.size()) < draws_) {
      text.push_back(drawn.back());
      const StepResult result = toy.answer(text, wanted());
      rows.push_back(result.top_ids);
      drawn.push_back(result.token);
    }
    EXPECT_EQ(seen, rows);
    EXPECT_EQ(tokens, drawn);
  }

  const Ids& prompt() const { return prompt_; }
  std::int32_t positions() const {
    return static_cast<std::int32_t>(prompt_.size()) + std::max(0, draws_ - 1);
  }

  std::vector<Ids> seen;  // per row
  Ids tokens;

 private:
  Ids prompt_;
  std::int32_t draws_;
  std::uint64_t sample_;
};

using Probes = std::vector<std::unique_ptr<Probe>>;

/// Checks what the toy does not know: the chunk limit, and the widest step.
class WatchedToy : public ToyStepper {
 public:
  using ToyStepper::ToyStepper;
  std::vector<StepResult> step(const StepBatch& batch) override {
    std::size_t rows = 0;
    for (const StepSequence& sequence : batch.sequences) {
      rows += sequence.ids.size();
      longest = std::max(longest, sequence.ids.size());
    }
    widest = std::max(widest, rows);
    return ToyStepper::step(batch);
  }
  std::size_t longest = 0, widest = 0;
};

std::vector<Sequence*> pointers(const Probes& probes) {
  std::vector<Sequence*> set;
  for (const auto& probe : probes) set.push_back(probe.get());
  return set;
}

Probes random_set(std::mt19937& random, std::int32_t longest, std::int32_t most_draws) {
  Probes probes(1 + random() % 12);
  std::vector<Ids> prompts;
  for (auto& probe : probes) {
    Ids prompt;
    if (!prompts.empty() && random() % 4 != 0) {  // a prefix of an earlier one
      prompt = prompts[random() % prompts.size()];
      prompt.resize(random() % (prompt.size() + 1));
    }
    const std::size_t size = std::max<std::size_t>(
        1, std::min<std::size_t>(longest, prompt.size() + random() % (longest / 2)));
    while (prompt.size() < size) prompt.push_back(static_cast<std::int32_t>(random() % 3));
    prompt.resize(size);
    prompts.push_back(prompt);
    const auto last = static_cast<std::int32_t>(prompt.size()) - 1;
    const bool score = random() % 3 == 0;
    const std::int32_t head = score ? static_cast<std::int32_t>(random() % prompt.size()) : last;
    const std::int32_t draws = score ? 1 : 1 + static_cast<std::int32_t>(random() % most_draws);
    probe = std::make_unique<Probe>(std::move(prompt), head, draws, random() % 5);
  }
  return probes;
}

// Rows that cannot be saved: each distinct prefix that may be shared, and all own rows.
std::int64_t fewest_rows(const Probes& probes) {
  std::set<Ids> prefixes;
  std::int64_t own = 0;
  for (const auto& probe : probes) {
    for (std::int32_t end = 1; end <= probe->first_head; ++end) {
      prefixes.insert(Ids(probe->prompt().begin(), probe->prompt().begin() + end));
    }
    own += probe->positions() - probe->first_head;
  }
  return own + static_cast<std::int64_t>(prefixes.size());
}

std::int64_t all_rows(const Probes& probes) {
  std::int64_t rows = 0;
  for (const auto& probe : probes) rows += probe->positions();
  return rows;
}

void run_to_end(Scheduler& scheduler) {
  for (int steps = 0; !scheduler.idle(); ++steps) {
    ASSERT_LT(steps, 100000) << "no progress";
    scheduler.step();
  }
}

TEST(Scheduler, RandomSetsEqualTheSequentialReference) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const ToyLimits limits{.vocab = 5,
                           .pages = 200,
                           .max_rows = 1 + static_cast<std::int32_t>(random() % 40),
                           .max_heads = 1 + static_cast<std::int32_t>(random() % 20)};
    WatchedToy toy(limits);
    SchedulerOptions options;
    options.prefill_chunk = static_cast<std::int32_t>(random() % 3 == 0 ? 1 + random() % 20 : 0);
    options.share_prefixes = random() % 4 != 0;
    Scheduler scheduler(toy, options);
    const Probes probes = random_set(random, 200, 80);
    scheduler.add(pointers(probes));
    run_to_end(scheduler);
    for (const auto& probe : probes) probe->expect_like_alone(toy);
    EXPECT_EQ(scheduler.counts().rows,
              options.share_prefixes ? fewest_rows(probes) : all_rows(probes));
    EXPECT_EQ(scheduler.pages().free(), limits.pages);
    if (options.prefill_chunk > 0) {
      EXPECT_LE(toy.longest, static_cast<std::size_t>(options.prefill_chunk));
    }
    if (HasFailure()) return;
  }
}

// As few pages as the largest sequence needs: everything must take turns, and nothing may
// be computed for a node that a leaf then cannot use.
TEST(Scheduler, TinyPoolsMakeProgress) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed + 1000000);
    const Probes first = random_set(random, 250, 100), second = random_set(random, 250, 100);
    std::int32_t pages = 1;
    for (const Probes* probes : {&first, &second}) {
      for (const auto& probe : *probes) {
        pages = std::max(pages, KvPages::covering(probe->positions()));
      }
    }
    pages += static_cast<std::int32_t>(random() % 3);
    ToyStepper toy({.vocab = 5,
                    .pages = pages,
                    .max_rows = 1 + static_cast<std::int32_t>(random() % 40),
                    .max_heads = 1 + static_cast<std::int32_t>(random() % 3)});
    Scheduler scheduler(toy, {});
    scheduler.add(pointers(first));
    for (auto steps = random() % 20; steps > 0 && !scheduler.idle(); --steps) scheduler.step();
    scheduler.add(pointers(second));
    run_to_end(scheduler);
    for (const Probes* probes : {&first, &second}) {
      for (const auto& probe : *probes) probe->expect_like_alone(toy);
    }
    EXPECT_LE(scheduler.counts().rows, all_rows(first) + all_rows(second));
    EXPECT_EQ(scheduler.pages().free(), pages);
    if (HasFailure()) return;
  }
}

TEST(Scheduler, DroppingLeavesTheOthersAlone) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed + 2000000);
    ToyStepper toy({.vocab = 5, .pages = 12, .max_rows = 20, .max_heads = 5});
    Scheduler scheduler(toy, {});
    const Probes probes = random_set(random, 250, 60);
    scheduler.add(pointers(probes));
    std::set<const Probe*> dropped;
    for (int steps = 0; !scheduler.idle(); ++steps) {
      ASSERT_LT(steps, 100000);
      if (random() % 4 == 0) {
        Probe& victim = *probes[random() % probes.size()];
        if (victim.task != nullptr) {
          scheduler.drop(victim);
          dropped.insert(&victim);
        }
      }
      if (!scheduler.idle()) scheduler.step();
    }
    for (const auto& probe : probes) {
      if (!dropped.contains(probe.get())) probe->expect_like_alone(toy);
    }
    EXPECT_EQ(scheduler.pages().free(), 12);
    if (HasFailure()) return;
  }
}

TEST(Scheduler, FillsItsSteps) {
  ToyStepper toy({.pages = 100, .max_rows = 32, .max_heads = 32});
  Scheduler scheduler(toy, {});
  Probes probes;
  for (std::int32_t i = 0; i < 32; ++i) {
    probes.push_back(std::make_unique<Probe>(Ids{i}, 0, 10, 0));
  }
  scheduler.add(pointers(probes));
  run_to_end(scheduler);
  EXPECT_EQ(scheduler.counts().steps, 10) << "all decode side by side";
  EXPECT_EQ(scheduler.counts().rows, 320);
}

// Groups that share a prefix: while one group's prefix is computed, leaves of others run.
TEST(Scheduler, LooksAheadOfPrefixesInTheMaking) {
  ToyStepper toy({.pages = 1000, .max_rows = 100, .max_heads = 100});
  Scheduler scheduler(toy, {});
  Probes probes;
  for (std::int32_t group = 0; group < 30; ++group) {
    for (std::int32_t leaf = 0; leaf < 4; ++leaf) {
      Ids prompt(20, group);
      prompt.push_back(leaf);
      prompt.resize(40, 1);
      probes.push_back(std::make_unique<Probe>(std::move(prompt), 39, 1, 0));
    }
  }
  scheduler.add(pointers(probes));
  run_to_end(scheduler);
  const std::int64_t rows = 30 * (20 + 4 * 20);
  EXPECT_EQ(scheduler.counts().rows, rows);
  EXPECT_LE(scheduler.counts().steps, rows / 100 + 2);
}

TEST(Scheduler, SharedPrefixesDieEarly) {
  // 50 groups of 2 pages shared and 2 own: in order, no more than a few groups live at once.
  ToyStepper toy({.pages = 1000, .max_rows = 130, .max_heads = 100, .max_context = 1024});
  Scheduler scheduler(toy, {});
  Probes probes;
  for (std::int32_t group = 0; group < 30; ++group) {
    for (std::int32_t leaf = 0; leaf < 2; ++leaf) {
      Ids prompt(128, group);
      prompt.push_back(leaf);
      probes.push_back(std::make_unique<Probe>(std::move(prompt), 128, 1, 0));
    }
  }
  scheduler.add(pointers(probes));
  run_to_end(scheduler);
  EXPECT_LE(scheduler.counts().peak_pages, 3 * (2 + 2));
}

// The one that needs the whole cache is not overtaken for ever.
TEST(Scheduler, TheLargestIsServedInItsTurn) {
  ToyStepper toy({.pages = 4, .max_rows = 16, .max_heads = 16});
  Scheduler scheduler(toy, {});
  Probes probes;
  probes.push_back(std::make_unique<Probe>(Ids{1}, 0, 30, 0));
  probes.push_back(std::make_unique<Probe>(Ids(200, 2), 199, 57, 0));
  for (std::int32_t i = 0; i < 20; ++i) {
    probes.push_back(std::make_unique<Probe>(Ids{3, i}, 1, 30, 0));
  }
  std::vector<Sequence*> order;
  for (Sequence* sequence : pointers(probes)) scheduler.add(std::span(&sequence, 1));
  while (!scheduler.idle()) {
    for (Sequence* ended : scheduler.step()) order.push_back(ended);
  }
  ASSERT_EQ(order.size(), probes.size());
  EXPECT_EQ(order[1], probes[1].get());
}

TEST(Scheduler, CountsCachedTokensOfOthersOnly) {
  ToyStepper toy({.pages = 100});
  Scheduler scheduler(toy, {});
  Probes probes;
  int request_a = 0, request_b = 0;
  const Ids prompt = {1, 2, 3, 4};
  for (int i = 0; i < 4; ++i) {
    probes.push_back(std::make_unique<Probe>(prompt, 3, 1, 0));
    probes.back()->owner = i < 2 ? &request_a : &request_b;
  }
  scheduler.add(pointers(probes));
  EXPECT_EQ(probes[0]->cached_tokens, 0);
  EXPECT_EQ(probes[1]->cached_tokens, 0) << "computed by its own request";
  EXPECT_EQ(probes[2]->cached_tokens, 3);
  EXPECT_EQ(probes[3]->cached_tokens, 3);
  run_to_end(scheduler);
}

TEST(Scheduler, RefusesNonsense) {
  ToyStepper no_rows({.max_rows = 0});
  EXPECT_THROW(Scheduler(no_rows, {}), std::invalid_argument);
  ToyStepper toy({.pages = 1});
  EXPECT_THROW(Scheduler(toy, {.prefill_chunk = -1}), std::invalid_argument);
  Scheduler scheduler(toy, {});
  Probes probes;
  probes.push_back(std::make_unique<Probe>(Ids(65, 1), 64, 1, 0));
  EXPECT_THROW(scheduler.add(pointers(probes)), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::engine
