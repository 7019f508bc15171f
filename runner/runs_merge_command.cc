// moebius runs merge: the shards of an evaluation, put together into one run.
#include <fmt/format.h>

#include <memory>

#include "reports/store.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/shards_text.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

Json merged_json(const reports::Merged& merged) {
  Json sets = Json::array();
  for (const reports::MergedSet& each : merged.sets) {
    sets.push_back({{"task", each.set.task},
                    {"variant", each.set.variant},
                    {"planned", each.set.items * each.set.repeats},
                    {"answered", each.answered},
                    {"failed", each.failed},
                    {"missing", each.missing}});
  }
  return {{"run", merged.run.id},
          {"key", merged.run.key},
          {"state", merged.run.state},
          {"added", merged.added},
          {"found", merged.found},
          {"sets", sets},
          {"shards", shards_json(merged.shards)}};
}

std::string merged_text(const reports::Merged& merged) {
  std::string text =
      fmt::format("run {} ({}), {}: {} answers merged, {} were there already\n", merged.run.id,
                  merged.run.key.substr(0, 12), merged.run.state, merged.added, merged.found);
  Table table({"task", "planned", "answered", "failed", "missing"});
  for (const reports::MergedSet& each : merged.sets) {
    table.add({each.set.task + ":" + each.set.variant,
               fmt::format("{}", each.set.items * each.set.repeats),
               fmt::format("{}", each.answered), fmt::format("{}", each.failed),
               fmt::format("{}", each.missing)});
  }
  return text + table.text();
}

class MergeCommand : public Command {
 public:
  explicit MergeCommand(CLI::App* app) : Command(app) {
    app->add_option("TARGET", target_, "Store of the whole run; made if there is none")
        ->type_name("FILE")
        ->required();
    app->add_option("SHARDS", sources_, "Stores of shards: moebius eval --shard I/N --store FILE")
        ->type_name("FILE")
        ->required();
    add_percent(*app, "--fail-budget", fail_budget_,
                "Failures of ours (never scored) that a result may have");
    app->add_flag("--json", json_, "What was merged and what is missing as JSON");
    app->footer(examples(
        {"moebius runs merge all.sqlite shard*.sqlite && moebius report --store all.sqlite",
         "Merging again is safe; the ordinary moebius eval --store all.sqlite asks what is missing "
         "or failed.",
         "Exit codes: 0 whole; 2 stores disagree; 4 incomplete, or failures above the budget"}));
  }

  int run(Output& out) override {
    const reports::Merged merged = reports::merge_shards(target_, sources_, fail_budget_);
    out.write(json_ ? json_line(merged_json(merged)) : merged_text(merged));
    out.flush();
    const std::string lacking = shards_lacking(merged.shards);
    if (!lacking.empty()) fmt::print(stderr, "moebius: {}\n", lacking);
    return merged.run.state == "complete" ? kOk : kIncomplete;
  }

 private:
  std::string target_;
  std::vector<std::string> sources_;
  double fail_budget_ = 0.01;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_runs_merge_command(CLI::App& runs) {
  return std::make_unique<MergeCommand>(
      runs.add_subcommand("merge", "Put shards of an evaluation together into one run"));
}

}  // namespace moebius::runner
