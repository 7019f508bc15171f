// moebius diff: two models on the same questions, token by token.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "reports/divergence.h"
#include "reports/store.h"
#include "runner/commands.h"
#include "runner/diff.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/identity.h"
#include "runner/input.h"
#include "runner/interrupt.h"
#include "runner/kept_answers.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/pipeline.h"
#include "runner/plan.h"
#include "runner/progress_line.h"

namespace moebius::runner {
namespace {

/// Enough for a few hundred answers at a time; 4 GB for DeepSeek-V2-Lite in bf16. Without a limit
/// the base would take all memory that the candidate needs.
constexpr std::int64_t kKvTokens = 128 << 10;

class DiffCommand : public Command {
 public:
  explicit DiffCommand(CLI::App* app) : Command(app) {
    app->add_option("BASE", base_name_, "Model directory (Hugging Face layout), or \"embedded\"")
        ->type_name("MODEL")
        ->required();
    app->add_option("CANDIDATE", candidate_name_, "The model compared with it, same tokenizer")
        ->type_name("MODEL")
        ->required();
    add_question_options(*app);
    add_engine_options(*app);
    app->add_option("--store", store_,
                    "SQLite file that keeps the answers of both models as ordinary runs")
        ->type_name("FILE");
    add_percent(*app, "--fail-budget", fail_budget_,
                "Questions that a model may fail to answer before there is no result");
    auto* format = app->add_option("--format", format_, "Of the report")
                       ->check(CLI::IsMember({"text", "markdown", "json"}))
                       ->capture_default_str();
    app->add_flag("--json", json_, "As --format json")->excludes(format);
    add_number<std::size_t>(*app, "--changes", most_changes_, 0, 1'000'000,
                            "Questions listed of each set, lost ones first");
    sandbox_.add(*app);
    app->footer(examples({
        "moebius diff embedded ./embedded-int4 --tasks mini",
        "moebius diff ./model ./model --candidate-arithmetic bf16 --tasks mmlu --limit 200",
        "moebius diff ./DeepSeek-V2-Lite ./v2-lite-fp8 --tasks mmlu,math500 --max-positions 256 "
        "--format markdown --store diff.sqlite",
        "Both models are loaded. The base answers (greedy, once), the candidate too; then both "
        "follow the base's answers,",
        "and their distributions of every next token are compared: KL divergence, top token, "
        "experts chosen.",
        "Exit codes: 0 compared, whatever came out; 2 usage or bad input, other tokenizers; 4 "
        "failures above the budget, or not finite; 130 interrupted",
    }));
  }

  int run(Output& out) override {
    const std::vector<TaskSpec> specs = parse_tasks(tasks_, sets_);
    plan_options_.sandbox = sandbox_.opener();
    plan_options_.sampling.temperature = 0;
    plan_options_.sampling.top_p = 1;
    plan_options_.sampling.repeats = 1;
    if (!items_.empty()) plan_options_.items = split_list(items_, ',', "--items");
    const std::vector<PlannedSet> plan = make_plan(specs, plan_options_);
    const auto base = load(base_name_, base_flags_);
    const auto candidate = load(candidate_name_, candidate_flags_);
    require_same_tokens(base_name_, *base, candidate_name_, *candidate);
    const std::int32_t context = std::min(base->info().context, candidate->info().context);
    const auto asker = make_tokenizer_asker(base->tokenizer(), context);
    for (const PlannedSet& set : plan) asker->ask(set, set.set.samples.front());
    const auto disk = store_.empty() ? nullptr : reports::Store::open(store_);
    return compare(*base, *candidate, *asker, plan, disk.get(), out);
  }

 private:
  void add_question_options(CLI::App& app) {
    app.add_option("--tasks", tasks_, "Benchmarks, as in moebius eval")
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
    add_number(app, "--max-new-tokens", plan_options_.sampling.max_new_tokens, 0, 1 << 24,
               "Longest answer; 0: the protocol's");
    add_number(app, "--max-positions", forcing_.max_positions, 0, 1 << 24,
               "Positions of an answer that are followed, the first ones; 0: all");
  }

  void add_engine_options(CLI::App& app) {
    both_.add_device(app);
    both_.add_threads(app);
    both_.add_arithmetic(app);
    both_.add_batch_rows(app, "--batch,--max-batch-rows");
    base_flags_.add_side(app, "base");
    candidate_flags_.add_side(app, "candidate");
    add_number<std::int64_t>(app, "--kv-tokens", kv_tokens_, 64, std::int64_t{1} << 32,
                             "Tokens that the KV cache of each model holds at most");
  }

  std::unique_ptr<engine::LocalEngine> load(const std::string& model,
                                            const EngineFlags& side) const {
    engine::LocalOptions options = side.over(both_);
    options.max_kv_tokens = kv_tokens_;
    return engine::load(model, options);
  }

  int compare(engine::LocalEngine& base, engine::LocalEngine& candidate, const Asker& asker,
              const std::vector<PlannedSet>& plan, reports::Store* disk, Output& out) {
    const InterruptFlag interrupt;
    KeptAnswers base_answers(disk);
    KeptAnswers candidate_answers(disk);
    reports::Diff diff;
    try {
      const DiffModel own{base_name_, base, base_answers,
                          ask(base_name_, base, asker, plan, base_answers, interrupt)};
      const DiffModel other{
          candidate_name_, candidate, candidate_answers,
          ask(candidate_name_, candidate, asker, plan, candidate_answers, interrupt)};
      diff = follow(plan, asker, own, other, interrupt);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {  // whatever ended an engine or the store
      fmt::print(stderr, "moebius: diff: no result: {}\n", one_line(error.what()));
      return kIncomplete;
    }
    if (interrupt.raised()) return kInterrupted;
    out.write(render(diff));
    out.flush();
    return verdict(diff);
  }

  /// All questions answered by one model, and judged.
  reports::Begun ask(const std::string& name, engine::LocalEngine& engine, const Asker& asker,
                     const std::vector<PlannedSet>& plan, KeptAnswers& answers,
                     const InterruptFlag& interrupt) {
    std::vector<reports::Set> sets;
    for (const PlannedSet& set : plan) sets.push_back(set.record);
    const reports::Run run{.key = run_key(engine.fingerprint(), build_identity(), plan),
                           .command = command_line(),
                           .model = name,
                           .fingerprint = engine.fingerprint(),
                           .weights_hash = engine.info().weights_hash,
                           .tokenizer_hash = engine.info().tokenizer_hash,
                           .build = build_identity(),
                           .environment = environment_json()};
    const reports::Begun begun = answers.begin_run(run, sets, scorers_of(plan));
    ProgressLine line;
    PipelineOptions options{.fingerprint = engine.fingerprint(),
                            .build = build_identity(),
                            .stop = &interrupt.raised()};
    options.progress = [&](Progress progress) {
      progress.now = one_line(name) + " answers " + progress.now;
      line.show(progress);
    };
    options.answered = [&](const engine::Completion& completion) {
      answers.note_tokens(completion);
    };
    try {
      run_pipeline(engine, asker, answers, plan, begun, options);
    } catch (const std::exception&) {
      answers.finish_run(begun.run.id, "incomplete", sandbox_.stamp());
      throw;
    }
    const char* state = interrupt.raised() ? "incomplete" : "complete";
    answers.finish_run(begun.run.id, state, sandbox_.stamp());
    return begun;
  }

  reports::Diff follow(const std::vector<PlannedSet>& plan, const Asker& asker,
                       const DiffModel& base, const DiffModel& candidate,
                       const InterruptFlag& interrupt) const {
    ProgressLine line;
    Progress progress;
    for (const PlannedSet& set : plan) progress.planned += set.record.items;
    DiffOptions options{.forcing = forcing_};
    options.forcing.threads = both_.options.threads;
    options.going_on = [&](const PlannedSet& set, std::int64_t done) {
      progress.scored = done;
      progress.now = "both follow " + set.record.task + ":" + set.record.variant;
      line.show(progress);
      return !interrupt.raised();
    };
    return make_diff(plan, asker, base, candidate, options);
  }

  std::string render(const reports::Diff& diff) const {
    if (json_ || format_ == "json") return reports::render_json(diff);
    if (format_ == "markdown") return reports::render_markdown(diff, most_changes_);
    return reports::render_text(diff, most_changes_);
  }

  int verdict(const reports::Diff& diff) const {
    for (const reports::DiffSet& set : diff.sets) {
      const double failed = static_cast<double>(set.failed) / static_cast<double>(set.asked);
      if (failed <= fail_budget_) continue;
      fmt::print(stderr, "moebius: diff: no result: {} of {} questions of {}:{} failed\n",
                 set.failed, set.asked, set.task, set.variant);
      return kIncomplete;
    }
    return kOk;
  }

  std::string command_line() const {
    std::string text = fmt::format("moebius diff {} {}", base_name_, candidate_name_);
    for (const CLI::Option* option : app()->get_options()) {
      const std::string name = option->get_name();
      if (option->count() == 0 || !name.starts_with("--")) continue;
      text += " " + name;
      if (option->get_type_size() == 0) continue;
      for (const std::string& value : option->results()) text += " " + value;
    }
    return text;
  }

  std::string base_name_;
  std::string candidate_name_;
  std::string tasks_;
  std::vector<std::string> sets_;
  std::string items_;
  PlanOptions plan_options_;
  ForcingOptions forcing_;
  EngineFlags both_;
  EngineFlags base_flags_;
  EngineFlags candidate_flags_;
  std::int64_t kv_tokens_ = kKvTokens;
  SandboxFlags sandbox_;
  std::string store_;
  double fail_budget_ = 0.01;
  std::string format_ = "text";
  bool json_ = false;
  std::size_t most_changes_ = 20;
};

}  // namespace

std::unique_ptr<Command> add_diff_command(CLI::App& app) {
  return std::make_unique<DiffCommand>(app.add_subcommand(
      "diff", "Two models token by token: what a quantisation or another arithmetic changes"));
}

}  // namespace moebius::runner
