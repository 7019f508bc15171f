// Prompts, keys and choices, on the mini suites and the embedded tokenizer.
#include "runner/plan.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/text/tokenizer.h"
#include "runner/input.h"

namespace moebius::runner {
namespace {

PlanOptions without_sandbox() {
  PlanOptions options;
  options.sandbox = [] { return nullptr; };  // nothing is judged here
  return options;
}

std::vector<PlannedSet> plan(const std::string& tasks, const PlanOptions& options) {
  return make_plan(parse_tasks(tasks, {}), options);
}

TEST(Plan, LimitsAndChoosesItems) {
  PlanOptions options = without_sandbox();
  options.limit = 3;
  EXPECT_EQ(plan("mini-mmlu", options)[0].set.samples.size(), 3U);
  options.limit = 0;
  options.items = {"math/3", "math/1"};
  const std::vector<PlannedSet> chosen = plan("mini-math", options);
  ASSERT_EQ(chosen[0].set.samples.size(), 2U);
  EXPECT_EQ(chosen[0].set.samples[0].item, "math/1") << "in the data's order";
  options.items = {"math/3", "nowhere"};
  EXPECT_THROW(plan("mini-math", options), InputError);
}

TEST(Plan, FlagsReplaceTheProtocol) {
  PlanOptions options = without_sandbox();
  options.limit = 1;
  const reports::Set standard = plan("mini-math", options)[0].record;
  EXPECT_EQ(standard.repeats, 1);
  EXPECT_EQ(standard.temperature, 0);
  options.sampling = {.repeats = 5, .temperature = 0.5, .top_p = 0.9, .max_new_tokens = 17};
  const PlannedSet changed = std::move(plan("mini-math", options)[0]);
  EXPECT_EQ(changed.record.repeats, 5);
  EXPECT_EQ(changed.record.temperature, 0.5);
  EXPECT_EQ(changed.record.max_new_tokens, 17);
  const auto tokenizer = engine::load_tokenizer("embedded");
  const auto asked = make_tokenizer_asker(*tokenizer, 0)->ask(changed, changed.set.samples[0]);
  EXPECT_EQ(asked.request.generate->max_new_tokens, 17);
  EXPECT_FLOAT_EQ(asked.request.generate->sampling.top_p, 0.9F);
  EXPECT_EQ(plan("mini-mmlu", options)[0].record.repeats, 1) << "log-probabilities do not vary";
}

TEST(Plan, AsksInIds) {
  PlanOptions options = without_sandbox();
  options.limit = 2;
  const auto tokenizer = engine::load_tokenizer("embedded");
  const auto asker = make_tokenizer_asker(*tokenizer, 2048);
  for (const PlannedSet& set : plan("mini", options)) {
    for (const tasks::Sample& sample : set.set.samples) {
      const Asker::Asked asked = asker->ask(set, sample);
      EXPECT_EQ(asked.refusal, "");
      EXPECT_EQ(asked.request.prompt.ids.front(), tokenizer->bos());
      EXPECT_EQ(asked.prompt_tokens, std::ssize(asked.request.prompt.ids));
      EXPECT_EQ(asked.prompt_sha256.size(), 64U);
      const std::string text = tokenizer->decode(asked.request.prompt.ids);
      EXPECT_NE(text.find(asked.prompt), std::string::npos);
      if (!asked.request.score) continue;
      for (const engine::Prompt& each : asked.request.score->continuations) {
        EXPECT_EQ(tokenizer->decode(each.ids), each.text);
      }
    }
  }
}

TEST(Plan, ShortensFewShotPromptsUntilTheyFit) {
  PlanOptions options = without_sandbox();
  options.limit = 1;
  PlannedSet set = std::move(plan("mini-mmlu", options)[0]);
  tasks::Sample& sample = set.set.samples[0];
  const tasks::Ask long_ask = sample.asks.front();
  tasks::Ask short_ask = long_ask;
  short_ask.text = "Answer:";
  sample.asks = {long_ask, short_ask};
  const auto tokenizer = engine::load_tokenizer("embedded");
  EXPECT_EQ(make_tokenizer_asker(*tokenizer, 0)->ask(set, sample).prompt, long_ask.text);
  const auto shortened = make_tokenizer_asker(*tokenizer, 30)->ask(set, sample);
  EXPECT_EQ(shortened.prompt, "Answer:");
  EXPECT_EQ(shortened.refusal, "");
  EXPECT_NE(make_tokenizer_asker(*tokenizer, 1)->ask(set, sample).refusal.find("the context is 1"),
            std::string::npos);
}

TEST(Plan, RefusesADoubleBos) {
  PlanOptions options = without_sandbox();
  options.limit = 1;
  PlannedSet set = std::move(plan("mini-math", options)[0]);
  tasks::Sample& sample = set.set.samples[0];
  const auto tokenizer = engine::load_tokenizer("embedded");
  const std::string bos(tokenizer->bytes(tokenizer->bos()));
  sample.asks[0].chat.clear();
  sample.asks[0].special = true;
  sample.asks[0].text = bos + bos + "x";
  const auto asked = make_tokenizer_asker(*tokenizer, 0)->ask(set, sample);
  EXPECT_NE(asked.refusal.find("double BOS"), std::string::npos);
}

TEST(Keys, ChangeWithWhatCouldChangeAResult) {
  PlanOptions options = without_sandbox();
  options.limit = 2;
  const PlannedSet set = std::move(plan("mini-math", options)[0]);
  std::set<std::string> keys;
  const auto add = [&](const std::string& fingerprint, const std::string& build,
                       const PlannedSet& of, std::size_t sample, const std::string& asked,
                       std::int32_t repeat) {
    keys.insert(sample_key(fingerprint, build, of, of.set.samples[sample], asked, repeat));
  };
  add("f", "b", set, 0, "a", 0);
  add("f", "b", set, 0, "a", 0);
  EXPECT_EQ(keys.size(), 1U);
  add("F", "b", set, 0, "a", 0);
  add("f", "B", set, 0, "a", 0);
  add("f", "b", set, 1, "a", 0);
  add("f", "b", set, 0, "A", 0);
  add("f", "b", set, 0, "a", 1);
  options.sampling.temperature = 1;
  add("f", "b", plan("mini-math", options)[0], 0, "a", 0);
  options.sampling = {.seed = 1};
  add("f", "b", plan("mini-math", options)[0], 0, "a", 0);
  options.sampling = {};
  options.grader = "hendrycks";
  add("f", "b", plan("mini-math", options)[0], 0, "a", 0);
  EXPECT_EQ(keys.size(), 9U);
  options = without_sandbox();
  EXPECT_EQ(run_key("f", "b", plan("mini-math", options)),
            run_key("f", "b", plan("mini-math", options)));
  EXPECT_NE(run_key("f", "b", plan("mini-math", options)),
            run_key("f", "b", plan("mini-aime", options)));
}

}  // namespace
}  // namespace moebius::runner
