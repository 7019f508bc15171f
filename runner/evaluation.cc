// An evaluation from the first question to the state its run is left in.
#include "runner/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "runner/eval_profile.h"
#include "runner/identity.h"
#include "runner/input.h"
#include "runner/interrupt.h"
#include "runner/output.h"
#include "runner/pipeline.h"
#include "runner/progress_line.h"
#include "runner/served_tally.h"

namespace moebius::runner {
namespace {

constexpr std::size_t kRemoteInFlight = 4096;  // samples: more than any server is asked at once

/// What ended `work` early; empty if nothing did.
std::string broken_by(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

void note_sharing(const Progress& progress) {
  if (progress.prompt_tokens == 0) return;
  const std::int64_t computed = progress.prompt_tokens - progress.cached_tokens;
  fmt::print(stderr, "moebius: {} prompt tokens, {} computed, {:.2f} % saved by shared prefixes\n",
             progress.prompt_tokens, computed,
             100 * static_cast<double>(progress.cached_tokens) /
                 static_cast<double>(progress.prompt_tokens));
}

/// A set that this server cannot be asked is found out before anything is stored.
void refuse_unaskable(const PlannedSet& set, const Asker& asker) {
  const std::string why = asker.ask(set, set.set.samples.front()).refusal;
  if (why.empty()) return;
  throw InputError(fmt::format("{}:{}: {}", set.record.task, set.record.variant, one_line(why)));
}

/// The run of `store` with that key, if there is one. What is wrong with a store is said by
/// Store::open(), which takes an empty file.
std::optional<reports::Run> find_stored(const std::string& store, const std::string& key) {
  if (!std::filesystem::exists(store)) return std::nullopt;
  try {
    for (const reports::Run& run : reports::Reader::open(store)->runs()) {
      if (run.key == key) return run;
    }
  } catch (const reports::Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

bool has_all(const reports::GateResult& result) {
  for (const reports::Baseline& baseline : result.baselines) {
    for (const reports::SetComparison& set : baseline.comparison.sets) {
      if (set.base_only > 0) return false;
    }
  }
  return true;
}

class Evaluation {
 public:
  Evaluation(const EvalOptions& options, const EvalPlace& place,
             const std::vector<PlannedSet>& plan, Looks* looks)
      : options_(options), place_(place), plan_(plan), looks_(looks) {}

  Evaluated local() {
    const ProfileKeeper profile(options_.engine.options);
    const auto engine = engine::load(options_.model, options_.engine.options);
    const auto asker = make_tokenizer_asker(engine->tokenizer(), engine->info().context);
    // A model without a chat template, say, is found out before anything is stored.
    for (const PlannedSet& set : plan_) asker->ask(set, set.set.samples.front());
    const reports::Run run = describe(*engine, &engine->info());
    if (auto known = known_result(run)) return *std::move(known);
    const auto store = reports::Store::open(place_.store);
    const InterruptFlag interrupt;
    ProgressLine line;
    const auto ask = [&](const std::vector<PlannedSet>& part, const reports::Begun& from) {
      const auto keep_profile = [&] { profile.keep(*engine, *store, from.run.id); };
      PipelineOptions asking = pipeline_options(*engine, interrupt, line);
      asking.set_computed = [&](std::size_t set) {
        store->add_expert_loads(from.sets[set].id, engine->take_expert_loads());
        keep_profile();
      };
      return broken_by([&] {
        note_sharing(run_pipeline(*engine, *asker, *store, part, from, asking));
        keep_profile();  // of a set that was interrupted
      });
    };
    return ask_all({*store, run, ask, interrupt});
  }

  Evaluated remote(const RemoteModel& model) {
    forbid_core_dumps();
    engine::RemoteOptions server = options_.remote.options(model);
    server.notice = ProgressLine::say;
    const auto asker = make_remote_asker(server);
    for (const PlannedSet& set : plan_) refuse_unaskable(set, *asker);
    const auto engine = engine::connect(server);
    const reports::Run run = describe(*engine, nullptr);
    if (auto known = known_result(run)) return *std::move(known);
    const auto store = reports::Store::open(place_.store);
    const InterruptFlag interrupt;
    ProgressLine line;
    const auto ask = [&](const std::vector<PlannedSet>& part, const reports::Begun& from) {
      ServedTally tally(server, options_.remote.currency());  // of this attempt
      const auto note = [&] { store->note_remote(from.run.id, tally.total()); };
      PipelineOptions asking = pipeline_options(*engine, interrupt, line);
      asking.in_flight = kRemoteInFlight;
      asking.answered = [&](const engine::Completion& completion) { tally.add(completion); };
      asking.progress = [&](const Progress& progress) {
        line.show(progress);
        (void)broken_by(note);  // a store that fails says so to all who use it
      };
      const std::string broken =
          broken_by([&] { run_pipeline(*engine, *asker, *store, part, from, asking); });
      const std::string unnoted = broken_by(note);
      return broken.empty() ? unnoted : broken;
    };
    return ask_all({*store, run, ask, interrupt});
  }

 private:
  PipelineOptions pipeline_options(const engine::Engine& engine, const InterruptFlag& interrupt,
                                   ProgressLine& line) const {
    PipelineOptions options{.fingerprint = engine.fingerprint(),
                            .build = build_identity(),
                            .stop = &interrupt.raised(),
                            .progress = [&line](const Progress& progress) { line.show(progress); }};
    if (looks_ != nullptr) options.positions = looks_->positions();
    return options;
  }

  struct Asking {
    reports::Store& store;
    const reports::Run& run;
    /// Asks `part` from `from` on; what ended that early, empty if nothing did.
    std::function<std::string(const std::vector<PlannedSet>& part, const reports::Begun& from)> ask;
    const InterruptFlag& interrupt;
  };

  /// `info`: of a local model, or null.
  reports::Run describe(const engine::Engine& engine, const engine::ModelInfo* info) const {
    const std::string whole = run_key(engine.fingerprint(), build_identity(), plan_);
    const Shard& shard = place_.shard;
    const bool divided = shard.count > 0;
    return {.key = divided ? shard_key(whole, shard) : whole,
            .command = options_.command_line(),
            .model = options_.model,
            .fingerprint = engine.fingerprint(),
            .weights_hash = info != nullptr ? info->weights_hash : "",
            .tokenizer_hash = info != nullptr ? info->tokenizer_hash : "",
            .build = build_identity(),
            .environment = environment_json(),
            .shard = shard.index,
            .shards = shard.count,
            .whole_key = divided ? whole : ""};
  }

  reports::Begun begin(const Asking& how) const {
    std::vector<reports::Set> sets;
    for (const PlannedSet& set : plan_) sets.push_back(set.record);
    return how.store.begin_run(how.run, sets, scorers_of(plan_));
  }

  /// With looks: what a run that was decided comes to. It is not begun again, which would change
  /// its times and with them the bytes of its reports, nor are its failures asked again.
  std::optional<Evaluated> known_result(const reports::Run& run) const {
    if (looks_ == nullptr) return std::nullopt;
    looks_->refuse_itself(place_.store, run.key);
    const auto stored = find_stored(place_.store, run.key);
    if (!stored || stored->state == "running") return std::nullopt;
    reports::GateResult result = looks_->look_at(place_.store, stored->id);
    if (result.verdict == reports::Verdict::kInvalid) return std::nullopt;
    if (!decided(result) && stored->state != "complete") return std::nullopt;
    fmt::print(stderr, "moebius: run {} is decided by the answers that are there already\n",
               stored->id);
    return Evaluated{.run = stored->id, .result = std::move(result)};
  }

  Evaluated ask_all(const Asking& how) {
    const reports::Begun begun = begin(how);
    if (begun.resumed && !begun.done.empty()) {
      fmt::print(stderr, "moebius: going on with run {}: {} samples are there already\n",
                 begun.run.id, begun.done.size());
    }
    if (looks_ != nullptr) return ask_by_looks(how, begun.run.id);
    if (const auto ended = ended_early(how, begun.run.id, how.ask(plan_, begun))) return *ended;
    return conclude(how, begun.run.id);
  }

  Evaluated ask_by_looks(const Asking& how, std::int64_t run) {
    reports::GateResult result;
    bool last = false;
    for (std::size_t look = 0; look < looks_->count(); ++look) {
      const std::string broken = how.ask(looks_->questions(plan_, look), begin(how));
      if (const auto ended = ended_early(how, run, broken)) return *ended;
      result = looks_->look_at(place_.store, run);
      last = look + 1 == looks_->count();
      const bool ends = last || decided(result);
      fmt::print(stderr, "moebius: look {} of {}: {}\n", look + 1, looks_->count(),
                 ends ? reports::verdict_name(result.verdict) : "goes on");
      if (ends) break;
    }
    Evaluated evaluated{.run = run};
    if (last || has_all(result)) {
      evaluated = conclude(how, run);
    } else {
      // The same command without looks goes on.
      how.store.finish_run(run, "incomplete", options_.sandbox.stamp());
    }
    evaluated.result = std::move(result);
    return evaluated;
  }

  /// None if it did not.
  std::optional<Evaluated> ended_early(const Asking& how, std::int64_t run,
                                       const std::string& broken) const {
    const bool interrupted = how.interrupt.raised();
    if (broken.empty() && !interrupted) return std::nullopt;
    if (!broken.empty()) fmt::print(stderr, "moebius: {}\n", one_line(broken));
    fmt::print(stderr, "moebius: run {} is incomplete; the same command goes on\n", run);
    mark_incomplete(how.store, run);
    return Evaluated{.run = run, .code = broken.empty() ? kInterrupted : kIncomplete};
  }

  /// A store that fails now has failed before, and said so; its runs without an end are incomplete
  /// anyway.
  void mark_incomplete(reports::Store& store, std::int64_t run) const {
    try {
      store.finish_run(run, "incomplete", options_.sandbox.stamp());
    } catch (const reports::Error& error) {
      fmt::print(stderr, "moebius: {}\n", one_line(error.what()));
    }
  }

  /// Of a run that was asked to the end.
  Evaluated conclude(const Asking& how, std::int64_t run) const {
    // The summary reads what is stored: the state first, so that it is part of it.
    how.store.finish_run(run, "complete", options_.sandbox.stamp());
    const auto reader = reports::Reader::open(place_.store);
    reports::Summary summary =
        reports::summarize(*reader, reader->find_run(std::to_string(run)), place_.fail_budget);
    if (!summary.valid) {
      how.store.finish_run(run, "invalid", options_.sandbox.stamp());
      summary.run.state = "invalid";
    }
    return {.run = run, .summary = std::move(summary)};
  }

  const EvalOptions& options_;
  const EvalPlace& place_;
  const std::vector<PlannedSet>& plan_;
  Looks* looks_;
};

}  // namespace

Evaluated evaluate(const EvalOptions& options, const EvalPlace& place,
                   const std::vector<PlannedSet>& plan, Looks* looks) {
  const std::optional<RemoteModel> remote = options.remote_model();
  Evaluation evaluation(options, place, plan, looks);
  return remote ? evaluation.remote(*remote) : evaluation.local();
}

}  // namespace moebius::runner
