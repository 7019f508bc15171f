// What an evaluation will ask: which questions of which sets, under which keys.
#include "runner/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "runner/digest.h"
#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

std::string options_json(const TaskSpec& spec, const PlanOptions& options,
                         const std::vector<std::string>& notes) {
  Json json = Json::object();
  if (!notes.empty()) json["notes"] = notes;
  for (const auto& [name, value] : spec.values) json["options"][name] = value;
  if (options.limit > 0) json["limit"] = options.limit;
  if (options.demo) json["demo"] = true;
  if (!options.items.empty()) json["items"] = options.items;
  if (!options.grader.empty()) json["grader"] = options.grader;
  if (!options.more_graders.empty()) json["more_graders"] = options.more_graders;
  return json.dump();
}

tasks::Options task_options(const TaskSpec& spec, const PlanOptions& options) {
  tasks::Options result;
  result.data_dir = options.data_dir;
  result.variants = spec.variants;
  result.values = spec.values;
  if (!options.grader.empty()) result.grader = options.grader;
  result.more_graders = options.more_graders;
  result.sandbox = options.sandbox;
  return result;
}

/// Keeps what was asked for; every id asked for must be found by some set.
void choose(tasks::SampleSet& set, const PlanOptions& options, std::set<std::string>& missing) {
  if (options.demo) {
    std::erase_if(set.samples,
                  [](const tasks::Sample& sample) { return !sample.tags.contains("demo"); });
  }
  if (!options.items.empty()) {
    const std::unordered_set<std::string> wanted(options.items.begin(), options.items.end());
    std::erase_if(set.samples,
                  [&](const tasks::Sample& sample) { return !wanted.contains(sample.item); });
    for (const tasks::Sample& sample : set.samples) missing.erase(sample.item);
  }
  if (options.limit > 0 && std::ssize(set.samples) > options.limit) {
    set.samples.resize(static_cast<std::size_t>(options.limit));
  }
}

/// The longest answer that any question of the set allows.
std::int32_t longest_answer(const tasks::SampleSet& set) {
  std::int32_t longest = 0;
  for (const tasks::Sample& sample : set.samples) {
    for (const tasks::Ask& ask : sample.asks) longest = std::max(longest, ask.max_new_tokens);
  }
  return longest;
}

void asks_digest(Digest& digest, const tasks::Asks& asks) {
  const auto add_all = [&](const std::vector<std::string>& texts) {
    digest.add(std::ssize(texts));
    for (const std::string& text : texts) digest.add(text);
  };
  digest.add(std::ssize(asks));
  for (const tasks::Ask& ask : asks) {
    digest.add(std::ssize(ask.chat));
    for (const tasks::Message& message : ask.chat) digest.add(message.role).add(message.content);
    digest.add(ask.text).add(ask.special ? 1 : 0).add(ask.prefill).add(ask.max_new_tokens);
    add_all(ask.continuations);
    add_all(ask.stop);
  }
}

/// Over everything that is asked in the set, in its order, and what is right.
std::string questions_sha256(const tasks::SampleSet& set) {
  Digest digest;
  digest.add("questions 1");
  for (const tasks::Sample& sample : set.samples) {
    digest.add(sample.item).add(sample.cluster).add(sample.stratum).add(sample.target);
    asks_digest(digest, sample.asks);
  }
  return digest.hex();
}

std::int64_t items_in(const tasks::SampleSet& set, const Shard& shard) {
  return std::count_if(set.samples.begin(), set.samples.end(),
                       [&](const tasks::Sample& sample) { return in_shard(sample.item, shard); });
}

bool is_choice(const tasks::SampleSet& set) {
  return !set.samples.empty() && !set.samples.front().asks.front().continuations.empty();
}

reports::Set set_record(const tasks::Task& task, const tasks::SampleSet& set,
                        const std::string& options, const SamplingFlags& flags) {
  reports::Set record{.task = task.info().name,
                      .task_version = task.info().version,
                      .variant = set.variant,
                      .metric = set.metric,
                      .options = options,
                      .data_sha256 = set.data_sha256,
                      .temperature = set.sampling.temperature,
                      .top_p = set.sampling.top_p,
                      .max_new_tokens = longest_answer(set),
                      .seed = flags.seed,
                      .repeats = set.sampling.repeats,
                      .items = std::ssize(set.samples),
                      .whole_items = std::ssize(set.samples),
                      .questions_sha256 = questions_sha256(set)};
  if (is_choice(set)) {  // log-probabilities: nothing is drawn, nothing differs again
    record.temperature = 0, record.top_p = 1, record.repeats = 1;
    return record;
  }
  if (flags.temperature >= 0) record.temperature = flags.temperature;
  if (flags.top_p >= 0) record.top_p = flags.top_p;
  if (flags.repeats > 0) record.repeats = flags.repeats;
  if (flags.max_new_tokens > 0) record.max_new_tokens = flags.max_new_tokens;
  return record;
}

void set_key(Digest& digest, const reports::Set& set) {
  digest.add(set.task).add(set.task_version).add(set.variant).add(set.data_sha256);
  digest.add(fmt::format("{} {}", set.temperature, set.top_p));
  digest.add(set.max_new_tokens).add(static_cast<std::int64_t>(set.seed));
}

void scorers_key(Digest& digest, const tasks::Sample& sample) {
  for (const scorers::ScorerPtr& scorer : sample.scorers) {
    digest.add(scorer->name()).add(scorer->version());
  }
}

}  // namespace

std::vector<PlannedSet> make_plan(const std::vector<TaskSpec>& specs, const PlanOptions& options) {
  std::vector<PlannedSet> plan;
  std::set<std::string> missing(options.items.begin(), options.items.end());
  for (const TaskSpec& spec : specs) {
    for (tasks::SampleSet& set : spec.task->load(task_options(spec, options))) {
      choose(set, options, missing);
      reports::Set record =
          set_record(*spec.task, set, options_json(spec, options, set.notes), options.sampling);
      if (set.samples.empty()) continue;
      record.items = items_in(set, options.shard);
      plan.push_back({spec.task, std::move(set), std::move(record), options.sampling.max_new_tokens,
                      options.shard});
    }
  }
  if (!missing.empty()) {
    throw InputError(
        fmt::format("--items: no task asked for has an item '{}'", one_line(*missing.begin())));
  }
  if (plan.empty()) throw InputError("--tasks: no question is left to ask");
  return plan;
}

std::vector<std::vector<std::pair<std::string, int>>> scorers_of(
    const std::vector<PlannedSet>& plan) {
  std::vector<std::vector<std::pair<std::string, int>>> all;
  for (const PlannedSet& set : plan) {
    auto& names = all.emplace_back();
    for (const scorers::ScorerPtr& scorer : set.set.samples.front().scorers) {
      names.emplace_back(scorer->name(), scorer->version());
    }
  }
  return all;
}

std::string sample_key(const std::string& fingerprint, const std::string& build,
                       const PlannedSet& set, const tasks::Sample& sample,
                       const std::string& asked_sha256, std::int32_t repeat) {
  Digest digest;
  digest.add("sample 1").add(fingerprint).add(build);
  set_key(digest, set.record);
  digest.add(sample.item).add(asked_sha256).add(sample.target).add(repeat);
  scorers_key(digest, sample);
  return digest.hex();
}

std::string run_key(const std::string& fingerprint, const std::string& build,
                    const std::vector<PlannedSet>& plan) {
  Digest digest;
  digest.add("run 1").add(fingerprint).add(build);
  for (const PlannedSet& set : plan) {
    set_key(digest, set.record);
    digest.add(set.record.options).add(set.record.repeats).add(set.record.whole_items);
    scorers_key(digest, set.set.samples.front());
  }
  return digest.hex();
}

}  // namespace moebius::runner
