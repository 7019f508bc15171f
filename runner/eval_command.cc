// moebius eval: benchmarks, end to end.
#include <fmt/format.h>

#include <limits>
#include <memory>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "reports/store.h"
#include "runner/commands.h"
#include "runner/digest.h"
#include "runner/dry_run.h"
#include "runner/eval_flags.h"
#include "runner/eval_profile.h"
#include "runner/flags.h"
#include "runner/identity.h"
#include "runner/input.h"
#include "runner/interrupt.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/pipeline.h"
#include "runner/plan.h"
#include "runner/progress_line.h"

namespace moebius::runner {
namespace {

constexpr std::int32_t kMaxRepeats = 100'000;

class EvalCommand : public Command {
 public:
  explicit EvalCommand(CLI::App* app) : Command(app) {
    add_model(*app, model_);
    add_question_options(*app);
    add_sampling_options(*app);
    add_run_options(*app);
    sandbox_.add(*app);
    app->footer(examples({
        "moebius eval --model embedded --tasks mini",
        "moebius eval --model ./DeepSeek-V2-Lite --tasks mmlu,humaneval --data-dir ./data",
        "moebius eval --model embedded --tasks mini --profile && moebius profile last",
        "moebius eval --model ./r1-distill --tasks aime24:r1 --repeats 64 --store aime.sqlite",
        "moebius eval --model ./qwen3 --tasks mmlu:all,livecodebench --set "
        "livecodebench.release=v5 --dry-run",
        "Exit codes: 0 complete; 2 usage or bad input; 4 incomplete, or failures above the budget; "
        "130 interrupted (the same command goes on)",
    }));
  }

  int run(Output& out) override {
    const std::vector<TaskSpec> specs = parse_tasks(tasks_, sets_);
    plan_options_.sandbox = sandbox_.opener();
    if (!items_.empty()) plan_options_.items = split_list(items_, ',', "--items");
    const std::vector<PlannedSet> plan = make_plan(specs, plan_options_);
    return dry_run_ ? show_cost(plan, out) : evaluate(plan, out);
  }

 private:
  void add_question_options(CLI::App& app) {
    app.add_option("--tasks", tasks_,
                   "Benchmarks: NAME or NAME:VARIANT+VARIANT or NAME:all, separated by commas; "
                   "mini: all that ship for the embedded model")
        ->type_name("LIST")
        ->required();
    add_texts(app, "--set", sets_, "Option of a task: TASK.OPTION=VALUE; repeatable");
    add_data_dir(app, plan_options_.data_dir);
    add_number<std::int64_t>(app, "--limit", plan_options_.limit, 0, 1'000'000'000,
                             "Questions per task, the first ones; 0: all");
    app.add_option("--items", items_, "Only these questions: ids separated by commas")
        ->type_name("IDS");
    app.add_flag("--demo", plan_options_.demo, "Only the mini suites' fixed demonstration subset");
    add_graders(app, plan_options_.grader, plan_options_.more_graders);
  }

  void add_sampling_options(CLI::App& app) {
    SamplingFlags& flags = plan_options_.sampling;
    constexpr double kProtocol = -1;
    add_number(app, "--repeats", flags.repeats, 0, kMaxRepeats,
               "Answers per question; 0: the protocol's");
    add_number(app, "--temperature", flags.temperature, kProtocol, 1e6,
               "0 is greedy; -1: the protocol's");
    add_number(app, "--top-p", flags.top_p, kProtocol, 1.0, "-1: the protocol's");
    add_number(app, "--max-new-tokens", flags.max_new_tokens, 0, 1 << 24,
               "Longest answer; 0: the protocol's");
    add_number<std::uint64_t>(app, "--seed", flags.seed, 0,
                              std::numeric_limits<std::uint64_t>::max(), "Fixes every draw");
  }

  void add_run_options(CLI::App& app) {
    app.add_option("--store", store_, "SQLite file that keeps every sample")
        ->type_name("FILE")
        ->capture_default_str();
    engine_.add_device(app);
    engine_.add_threads(app);
    engine_.add_arithmetic(app);
    engine_.add_batch_rows(app, "--batch,--max-batch-rows");
    add_percent(app, "--fail-budget", fail_budget_,
                "Failures of ours (never scored) that a result may have");
    app.add_flag("--profile", engine_.options.profile,
                 "Keep figures of every kernel in the store: moebius profile shows them");
    app.add_flag("--json", json_, "The report as JSON");
    app.add_flag("--dry-run", dry_run_, "Tokenize everything and print what it would take");
  }

  int show_cost(const std::vector<PlannedSet>& plan, Output& out) const {
    const engine::ModelInfo info = engine::inspect(model_);
    const auto tokenizer = engine::load_tokenizer(model_);
    const auto asker = make_tokenizer_asker(*tokenizer, info.context);
    const std::vector<SetCost> costs = measure_cost(plan, *asker);
    const Estimate cost = estimate(costs, info, engine::measure_limits(engine_.options));
    out.write(json_ ? json_line(dry_run_json(costs, cost)) : dry_run_text(costs, cost));
    return kOk;
  }

  int evaluate(const std::vector<PlannedSet>& plan, Output& out) {
    const ProfileKeeper profile(engine_.options);
    const auto engine = engine::load(model_, engine_.options);
    const auto asker = make_tokenizer_asker(engine->tokenizer(), engine->info().context);
    // A model without a chat template, say, is found out before anything is stored.
    for (const PlannedSet& set : plan) asker->ask(set, set.set.samples.front());
    const auto store = reports::Store::open(store_);
    const reports::Begun begun = begin(*store, *engine, plan);
    if (begun.resumed && !begun.done.empty()) {
      fmt::print(stderr, "moebius: going on with run {}: {} samples are there already\n",
                 begun.run.id, begun.done.size());
    }
    const InterruptFlag interrupt;
    const auto keep_profile = [&] { profile.keep(*engine, *store, begun.run.id); };
    std::string broken = ask_all(*engine, *asker, *store, plan, begun, interrupt, keep_profile);
    return conclude(*store, begun, interrupt.raised(), broken, out);
  }

  reports::Begun begin(reports::Store& store, const engine::LocalEngine& engine,
                       const std::vector<PlannedSet>& plan) const {
    reports::Run run{.key = run_key(engine.fingerprint(), build_identity(), plan),
                     .command = command_line(),
                     .model = model_,
                     .fingerprint = engine.fingerprint(),
                     .weights_hash = engine.info().weights_hash,
                     .tokenizer_hash = engine.info().tokenizer_hash,
                     .build = build_identity(),
                     .environment = environment_json()};
    std::vector<reports::Set> sets;
    for (const PlannedSet& set : plan) sets.push_back(set.record);
    return store.begin_run(run, sets, scorers_of(plan));
  }

  /// What ended the run early, in one line; empty if nothing did.
  std::string ask_all(engine::LocalEngine& engine, const Asker& asker, reports::Store& store,
                      const std::vector<PlannedSet>& plan, const reports::Begun& begun,
                      const InterruptFlag& interrupt,
                      const std::function<void()>& keep_profile) const {
    ProgressLine line;
    const PipelineOptions options{
        .fingerprint = engine.fingerprint(),
        .build = build_identity(),
        .stop = &interrupt.raised(),
        .progress = [&line](const Progress& progress) { line.show(progress); },
        .set_computed =
            [&](std::size_t set) {
              store.add_expert_loads(begun.sets[set].id, engine.take_expert_loads());
              keep_profile();
            }};
    try {
      note_sharing(run_pipeline(engine, asker, store, plan, begun, options));
      keep_profile();  // of a set that was interrupted
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  static void note_sharing(const Progress& progress) {
    if (progress.prompt_tokens == 0) return;
    const std::int64_t computed = progress.prompt_tokens - progress.cached_tokens;
    fmt::print(stderr,
               "moebius: {} prompt tokens, {} computed, {:.2f} % saved by shared prefixes\n",
               progress.prompt_tokens, computed,
               100 * static_cast<double>(progress.cached_tokens) /
                   static_cast<double>(progress.prompt_tokens));
  }

  int conclude(reports::Store& store, const reports::Begun& begun, bool interrupted,
               const std::string& broken, Output& out) {
    if (!broken.empty()) {
      fmt::print(stderr, "moebius: {}\n", one_line(broken));
      fmt::print(stderr, "moebius: run {} is incomplete; the same command goes on\n", begun.run.id);
      mark_incomplete(store, begun.run.id);
      return kIncomplete;
    }
    if (interrupted) {
      mark_incomplete(store, begun.run.id);
      return kInterrupted;
    }
    // The summary reads what is stored: the state first, so that it is part of it.
    store.finish_run(begun.run.id, "complete", sandbox_.stamp());
    const auto reader = reports::Reader::open(store_);
    const reports::Run run = reader->find_run(std::to_string(begun.run.id));
    reports::Summary summary = reports::summarize(*reader, run, fail_budget_);
    if (!summary.valid) {
      store.finish_run(begun.run.id, "invalid", sandbox_.stamp());
      summary.run.state = "invalid";
    }
    out.write(json_ ? reports::render_json({summary}) : reports::render_text({summary}));
    out.flush();
    if (summary.valid) return kOk;
    fmt::print(stderr, "moebius: no score: {}\n", one_line(summary.why_invalid));
    return kIncomplete;
  }

  /// A store that fails now has failed before, and said so; its runs without an end are incomplete
  /// anyway.
  void mark_incomplete(reports::Store& store, std::int64_t run) const {
    try {
      store.finish_run(run, "incomplete", sandbox_.stamp());
    } catch (const reports::Error& error) {
      fmt::print(stderr, "moebius: {}\n", one_line(error.what()));
    }
  }

  std::string command_line() const {
    std::string text = fmt::format("moebius eval --model {} --tasks {}", model_, tasks_);
    for (const CLI::Option* option : app()->get_options()) {
      const std::string name = option->get_name();
      if (option->count() == 0 || name == "--model" || name == "--tasks") continue;
      if (option->get_type_size() == 0) {
        text += " " + name;
        continue;
      }
      for (const std::string& value : option->results()) text += " " + name + " " + value;
    }
    return text;
  }

  std::string model_;
  std::string tasks_;
  std::vector<std::string> sets_;
  std::string items_;
  PlanOptions plan_options_;
  std::string store_ = "results.sqlite";
  EngineFlags engine_;
  SandboxFlags sandbox_;
  double fail_budget_ = 0.01;
  bool json_ = false;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> add_eval_command(CLI::App& app) {
  return std::make_unique<EvalCommand>(
      app.add_subcommand("eval", "Run benchmarks: ask, judge, store, report"));
}

}  // namespace moebius::runner
