// What an evaluation would ask of a server, before it is asked anything.
#include "runner/remote_dry_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/table.h"

namespace moebius::runner {
namespace {

constexpr double kBytesInToken = 3;  // English has four, digits and code two

/// All sets together, and what their limits and prices make of that.
struct RemoteTotal {
  std::int64_t requests = 0;
  double prompt_tokens = 0;
  double output_tokens = 0;  // at most
  double cost = 0;           // with every answer as long as allowed
  double seconds = 0;        // at least, by the rate limits; 0: none
};

RemoteCost remote_set_cost(const PlannedSet& set, const Asker& asker) {
  RemoteCost cost{.task = set.record.task,
                  .variant = set.record.variant,
                  .items = set.record.items,
                  .samples = set.record.items * set.record.repeats};
  for (const tasks::Sample& sample : set.set.samples) {
    if (!in_shard(sample.item, set.shard)) continue;
    const Asker::Asked asked = asker.ask(set, sample);
    if (!asked.refusal.empty()) {
      if (cost.refused++ == 0) cost.refusal = asked.refusal;
      continue;
    }
    const auto& score = asked.request.score;
    const std::int64_t each = score ? std::ssize(score->continuations) : 1;
    const std::int64_t longest = score ? each : asked.request.generate->max_new_tokens;
    cost.requests += each * set.record.repeats;
    cost.prompt_bytes += std::ssize(asked.prompt) * each * set.record.repeats;
    cost.max_output_tokens += longest * set.record.repeats;
  }
  return cost;
}

RemoteTotal total_of(const std::vector<RemoteCost>& costs, const engine::RemoteOptions& options) {
  RemoteTotal total;
  for (const RemoteCost& cost : costs) {
    total.requests += cost.requests;
    total.prompt_tokens += static_cast<double>(cost.prompt_bytes) / kBytesInToken;
    total.output_tokens += static_cast<double>(cost.max_output_tokens);
  }
  total.cost =
      (total.prompt_tokens * options.price_in + total.output_tokens * options.price_out) / 1e6;
  if (options.requests_per_minute > 0) {
    total.seconds = 60 * static_cast<double>(total.requests) / options.requests_per_minute;
  }
  if (options.tokens_per_minute > 0) {
    total.seconds = std::max(total.seconds, 60 * total.prompt_tokens / options.tokens_per_minute);
  }
  return total;
}

}  // namespace

std::vector<RemoteCost> measure_remote_cost(const std::vector<PlannedSet>& plan,
                                            const Asker& asker) {
  std::vector<RemoteCost> costs;
  for (const PlannedSet& set : plan) costs.push_back(remote_set_cost(set, asker));
  return costs;
}

std::string remote_dry_run_text(const std::vector<RemoteCost>& costs,
                                const engine::RemoteOptions& options, const std::string& currency) {
  Table table(
      {"task", "items", "samples", "requests", "prompt bytes", "answer tokens <=", "refused"});
  std::string refusals;
  for (const RemoteCost& cost : costs) {
    const std::string name = cost.task + ":" + cost.variant;
    table.add({name, fmt::format("{}", cost.items), fmt::format("{}", cost.samples),
               fmt::format("{}", cost.requests), fmt::format("{}", cost.prompt_bytes),
               fmt::format("{}", cost.max_output_tokens), fmt::format("{}", cost.refused)});
    if (cost.refused == 0) continue;
    refusals += fmt::format("\n{}: {} items cannot be asked: {}\n", name, cost.refused,
                            one_line(cost.refusal));
  }
  const RemoteTotal total = total_of(costs, options);
  std::string text = table.text() + refusals;
  text += fmt::format("\nasked   {} requests, about {} prompt tokens, at most {} answer tokens\n",
                      total.requests, human_count(total.prompt_tokens),
                      human_count(total.output_tokens));
  if (!currency.empty()) {
    text += fmt::format("cost    about {:.2f} {}, if every answer is as long as allowed\n",
                        total.cost, currency);
  }
  if (total.seconds > 0) {
    text += fmt::format("time    {:.0f} s at least, by the rate limits given\n", total.seconds);
  }
  return text;
}

Json remote_dry_run_json(const std::vector<RemoteCost>& costs, const engine::RemoteOptions& options,
                         const std::string& currency) {
  Json sets = Json::array();
  for (const RemoteCost& cost : costs) {
    sets.push_back({{"task", cost.task},
                    {"variant", cost.variant},
                    {"items", cost.items},
                    {"samples", cost.samples},
                    {"requests", cost.requests},
                    {"prompt_bytes", cost.prompt_bytes},
                    {"max_output_tokens", cost.max_output_tokens},
                    {"refused", cost.refused},
                    {"refusal", cost.refusal}});
  }
  const RemoteTotal total = total_of(costs, options);
  Json json = {{"sets", std::move(sets)},
               {"requests", total.requests},
               {"prompt_tokens_about", total.prompt_tokens},
               {"max_output_tokens", total.output_tokens}};
  if (!currency.empty()) json["cost_about"] = {{"value", total.cost}, {"currency", currency}};
  if (total.seconds > 0) json["seconds_at_least"] = total.seconds;
  return json;
}

}  // namespace moebius::runner
