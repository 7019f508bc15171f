#include "runner/dry_run.h"

#include <gtest/gtest.h>

#include "engine/text/tokenizer.h"

namespace moebius::runner {
namespace {

TEST(DryRun, CountsEveryTokenOfEverySample) {
  PlanOptions options;
  options.sandbox = [] { return nullptr; };
  options.limit = 5;
  options.sampling.repeats = 3;
  options.sampling.max_new_tokens = 10;
  const std::vector<PlannedSet> plan = make_plan(parse_tasks("mini-math,mini-mmlu", {}), options);
  const auto tokenizer = engine::load_tokenizer("embedded");
  const auto asker = make_tokenizer_asker(*tokenizer, 2048);
  const std::vector<SetCost> costs = measure_cost(plan, *asker);
  ASSERT_EQ(costs.size(), 2U);
  std::int64_t tokens = 0;
  std::int32_t longest = 0;
  for (const tasks::Sample& sample : plan[0].set.samples) {
    const std::int32_t count = asker->ask(plan[0], sample).prompt_tokens;
    tokens += count;
    longest = std::max(longest, count);
  }
  EXPECT_EQ(costs[0].samples, 15);
  EXPECT_EQ(costs[0].distinct_tokens, tokens);
  EXPECT_EQ(costs[0].prompt_tokens, 3 * tokens);
  EXPECT_EQ(costs[0].longest_prompt, longest);
  EXPECT_EQ(costs[0].max_output_tokens, 150);
  EXPECT_EQ(costs[0].refused, 0);
  EXPECT_EQ(costs[1].samples, 5) << "log-probabilities are asked for once";
  EXPECT_EQ(costs[1].max_output_tokens, 0);
}

TEST(DryRun, EstimatesFromTheLimits) {
  const std::vector<SetCost> costs = {
      {.samples = 10, .prompt_tokens = 1000, .longest_prompt = 200, .max_output_tokens = 500}};
  engine::ModelInfo info;
  info.weight_bytes = 1000;
  info.active_parameters = info.matrix_parameters = 1'000'000;
  info.active_weight_bytes = 2'000'000;
  info.kv_bytes_per_token = 8;
  const Estimate slow = estimate(costs, info, {.read_gb_s = 1, .matrix_tflops = 0.001});
  EXPECT_EQ(slow.kv_bytes, 250 * 8);
  EXPECT_EQ(slow.weight_bytes, 1000);
  // 1000 tokens of 2 MFLOP at 1 GFLOP/s: 2 s; 500 of them and 62.5 KB each: 1.03 s.
  EXPECT_NEAR(slow.seconds_low, 2 + 0.1 * 1.03125, 1e-9);
  EXPECT_NEAR(slow.seconds_high, 5 * 3.03125, 1e-9);
}

}  // namespace
}  // namespace moebius::runner
