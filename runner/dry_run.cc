// What an evaluation would take, before anything is computed.
#include "runner/dry_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "runner/table.h"

namespace moebius::runner {
namespace {

constexpr std::int64_t kRowBytes = 600;     // keys, verdict and indexes of a stored sample
constexpr std::int64_t kBytesPerToken = 4;  // of stored text
constexpr double kBatch = 32;               // sequences that share one read of the weights
constexpr double kLowShare = 0.1;           // of the longest answer allowed
constexpr double kHighEfficiency = 0.2;     // of the measured limits

void add_item(SetCost& cost, const PlannedSet& set, const Asker::Asked& asked) {
  const std::int64_t repeats = set.record.repeats;
  if (!asked.refusal.empty()) {
    if (cost.refused++ == 0) cost.refusal = asked.refusal;
    return;
  }
  cost.distinct_tokens += asked.prompt_tokens;
  cost.prompt_tokens += asked.prompt_tokens * repeats;
  cost.longest_prompt = std::max(cost.longest_prompt, asked.prompt_tokens);
  std::int64_t answer = 0;
  if (asked.request.generate) answer = asked.request.generate->max_new_tokens;
  cost.max_output_tokens += answer * repeats;
  cost.store_bytes += std::ssize(asked.prompt) + repeats * (kRowBytes + answer * kBytesPerToken);
}

SetCost set_cost(const PlannedSet& set, const Asker& asker) {
  SetCost cost{.task = set.record.task,
               .variant = set.record.variant,
               .items = set.record.items,
               .samples = set.record.items * set.record.repeats};
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < set.set.samples.size(); i = next++) {
        if (!in_shard(set.set.samples[i].item, set.shard)) continue;
        const Asker::Asked asked = asker.ask(set, set.set.samples[i]);
        const std::lock_guard lock(mutex);
        add_item(cost, set, asked);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) helpers.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
  return cost;
}

}  // namespace

std::vector<SetCost> measure_cost(const std::vector<PlannedSet>& plan, const Asker& asker) {
  std::vector<SetCost> costs;
  for (const PlannedSet& set : plan) costs.push_back(set_cost(set, asker));
  return costs;
}

Estimate estimate(const std::vector<SetCost>& costs, const engine::ModelInfo& info,
                  const engine::EngineLimits& limits) {
  Estimate result{.weight_bytes = info.weight_bytes};
  std::int64_t longest = 0;
  double prompt = 0;
  double output = 0;
  for (const SetCost& cost : costs) {
    const std::int64_t answer = cost.samples > 0 ? cost.max_output_tokens / cost.samples : 0;
    longest = std::max(longest, cost.longest_prompt + answer);
    prompt += static_cast<double>(cost.prompt_tokens);
    output += static_cast<double>(cost.max_output_tokens);
  }
  result.kv_bytes = longest * info.kv_bytes_per_token;
  const double flops =
      2 * static_cast<double>(std::max(info.matrix_parameters, info.active_parameters));
  const double prefill = prompt * flops / (limits.matrix_tflops * 1e12);
  const double decode =
      output * (flops / (limits.matrix_tflops * 1e12) +
                static_cast<double>(info.active_weight_bytes) / kBatch / (limits.read_gb_s * 1e9));
  result.seconds_low = prefill + kLowShare * decode;
  result.seconds_high = (prefill + decode) / kHighEfficiency;
  return result;
}

std::string dry_run_text(const std::vector<SetCost>& costs, const Estimate& estimate) {
  Table table({"task", "items", "samples", "prompt tokens", "longest",
               "answer tokens <=", "refused", "store"});
  std::int64_t store = 0;
  for (const SetCost& cost : costs) {
    table.add({cost.task + ":" + cost.variant, fmt::format("{}", cost.items),
               fmt::format("{}", cost.samples), fmt::format("{}", cost.prompt_tokens),
               fmt::format("{}", cost.longest_prompt), fmt::format("{}", cost.max_output_tokens),
               fmt::format("{}", cost.refused),
               human_bytes(static_cast<double>(cost.store_bytes))});
    store += cost.store_bytes;
  }
  std::string text = table.text();
  for (const SetCost& cost : costs) {
    if (cost.refused == 0) continue;
    text += fmt::format("\n{}:{}: {} items cannot be asked: {}\n", cost.task, cost.variant,
                        cost.refused, one_line(cost.refusal));
  }
  text += fmt::format("\nmemory  weights {}, cache of the longest sequence {}\n",
                      human_bytes(static_cast<double>(estimate.weight_bytes)),
                      human_bytes(static_cast<double>(estimate.kv_bytes)));
  text += fmt::format("disk    {} at most\n", human_bytes(static_cast<double>(store)));
  text += fmt::format(
      "time    {:.0f} s (limits of this machine, answers a tenth of the longest allowed) to {:.0f} "
      "s (a fifth of the limits, every answer as long as allowed)\n",
      estimate.seconds_low, estimate.seconds_high);
  return text;
}

Json dry_run_json(const std::vector<SetCost>& costs, const Estimate& estimate) {
  Json sets = Json::array();
  for (const SetCost& cost : costs) {
    sets.push_back({{"task", cost.task},
                    {"variant", cost.variant},
                    {"items", cost.items},
                    {"samples", cost.samples},
                    {"prompt_tokens", cost.prompt_tokens},
                    {"distinct_prompt_tokens", cost.distinct_tokens},
                    {"longest_prompt", cost.longest_prompt},
                    {"max_output_tokens", cost.max_output_tokens},
                    {"refused", cost.refused},
                    {"refusal", cost.refusal},
                    {"store_bytes", cost.store_bytes}});
  }
  return {{"sets", std::move(sets)},
          {"weight_bytes", estimate.weight_bytes},
          {"kv_bytes_longest_sequence", estimate.kv_bytes},
          {"seconds_low", estimate.seconds_low},
          {"seconds_high", estimate.seconds_high}};
}

}  // namespace moebius::runner
