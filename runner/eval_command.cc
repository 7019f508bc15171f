// moebius eval: benchmarks, end to end.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "reports/gate.h"
#include "reports/store.h"
#include "runner/commands.h"
#include "runner/dry_run.h"
#include "runner/eval_options.h"
#include "runner/evaluation.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/remote_dry_run.h"
#include "runner/sequential.h"

namespace moebius::runner {
namespace {

class EvalCommand : public Command {
 public:
  explicit EvalCommand(CLI::App* app) : Command(app) {
    options_.add(*app);
    add_run_options(*app);
    sequential_.add(*app);
    app->footer(examples({
        "moebius eval --model embedded --tasks mini",
        "moebius eval --model ./DeepSeek-V2-Lite --tasks mmlu,humaneval --data-dir ./data",
        "moebius eval --model embedded --tasks mini --profile && moebius profile last",
        "moebius eval --model ./r1-distill --tasks aime24:r1 --repeats 64 --store aime.sqlite",
        "moebius eval --model ./qwen3 --tasks mmlu --shard 3/16 --store shard3.sqlite",
        "moebius eval --model ./qwen3 --tasks mmlu:all,livecodebench --set "
        "livecodebench.release=v5 --dry-run",
        "moebius eval --model https://host:8000/v1#deepseek-ai/DeepSeek-R1 --tasks aime24 "
        "--repeats 64",
        "moebius eval --model openai:gpt-4o --tasks math500 --price-in 2.5 --price-out 10 "
        "--cost-limit 20",
        "moebius eval --model ./new --tasks mmlu --sequential last --base-store main.sqlite "
        "--margin 2%",
        "Exit codes: 0 complete; 2 usage or bad input; 4 incomplete, or failures above the budget; "
        "130 interrupted (the same command goes on); with --sequential 0 pass, 1 regression, 3 "
        "inconclusive",
    }));
  }

  int run(Output& out) override {
    const std::optional<RemoteModel> remote = options_.remote_model();
    if (!shard_.empty()) place_.shard = parse_shard(shard_);
    if (sequential_.chosen() && !shard_.empty()) {
      throw InputError("--sequential: not with --shard: looks need the answers of all shards");
    }
    std::vector<PlannedSet> plan = options_.plan(place_.shard);
    if (dry_run_) return remote ? show_remote_cost(*remote, plan, out) : show_cost(plan, out);
    if (!sequential_.chosen()) return report(evaluate(options_, place_, plan, nullptr), out);
    StoredRun base = sequential_.open_base(place_.store);
    Looks looks({{"--sequential", "", sequential_.base_store(place_.store), &base}},
                compare_options(plan), plan);
    return report(evaluate(options_, place_, plan, &looks), out);
  }

 private:
  void add_run_options(CLI::App& app) {
    app.add_option("--store", place_.store, "SQLite file that keeps every sample")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--shard", shard_,
                   "Part I of N of the questions, by a hash of their ids; each part needs a store "
                   "of its own: moebius runs merge puts them together")
        ->type_name("I/N");
    add_percent(app, "--fail-budget", place_.fail_budget,
                "Failures of ours (never scored) that a result may have");
    app.add_flag("--json", json_, "The report as JSON");
    app.add_flag("--dry-run", dry_run_,
                 "Print what it would take, and stop before anything is asked");
  }

  /// Only what is asked is compared.
  reports::CompareOptions compare_options(const std::vector<PlannedSet>& plan) const {
    reports::CompareOptions options = sequential_.options();
    options.fail_budget = place_.fail_budget;
    std::set<std::string> tasks;
    for (const PlannedSet& set : plan) tasks.insert(set.record.task);
    options.tasks.assign(tasks.begin(), tasks.end());
    return options;
  }

  int show_cost(const std::vector<PlannedSet>& plan, Output& out) const {
    const engine::ModelInfo info = engine::inspect(options_.model);
    const auto tokenizer = engine::load_tokenizer(options_.model);
    const auto asker = make_tokenizer_asker(*tokenizer, info.context);
    const std::vector<SetCost> costs = measure_cost(plan, *asker);
    const Estimate cost = estimate(costs, info, engine::measure_limits(options_.engine.options));
    out.write(json_ ? json_line(dry_run_json(costs, cost)) : dry_run_text(costs, cost));
    return kOk;
  }

  int show_remote_cost(const RemoteModel& model, const std::vector<PlannedSet>& plan,
                       Output& out) const {
    forbid_core_dumps();
    const engine::RemoteOptions asking = options_.remote.options(model);
    const auto asker = make_remote_asker(asking);
    const std::vector<RemoteCost> costs = measure_remote_cost(plan, *asker);
    const std::string currency = options_.remote.currency();
    out.write(json_ ? json_line(remote_dry_run_json(costs, asking, currency))
                    : remote_dry_run_text(costs, asking, currency));
    return kOk;
  }

  int report(const Evaluated& evaluated, Output& out) const {
    if (evaluated.code != kOk) return evaluated.code;
    if (evaluated.result) {
      out.write(json_ ? reports::render_json(*evaluated.result)
                      : reports::render_text(*evaluated.result));
      return exit_code(evaluated.result->verdict);
    }
    const reports::Summary& summary = evaluated.summary.value();
    out.write(json_ ? reports::render_json({summary}) : reports::render_text({summary}));
    out.flush();
    if (summary.valid) return kOk;
    fmt::print(stderr, "moebius: no score: {}\n", one_line(summary.why_invalid));
    return kIncomplete;
  }

  EvalOptions options_;
  EvalPlace place_{.store = "results.sqlite"};
  std::string shard_;
  SequentialFlags sequential_;
  bool json_ = false;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> add_eval_command(CLI::App& app) {
  return std::make_unique<EvalCommand>(
      app.add_subcommand("eval", "Run benchmarks: ask, judge, store, report"));
}

}  // namespace moebius::runner
