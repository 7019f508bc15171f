// moebius gate: the comparison that a pipeline fails on, as a file says.
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "reports/gate.h"
#include "runner/commands.h"
#include "runner/compare_flags.h"
#include "runner/evaluation.h"
#include "runner/flags.h"
#include "runner/gate_config.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/report_file.h"
#include "runner/sequential.h"

namespace moebius::runner {
namespace {

class GateCommand : public Command {
 public:
  explicit GateCommand(CLI::App* app) : Command(app) {
    app->add_option("--config", config_,
                    "JSON: baseline, candidate, eval, margins, tasks, looks, output")
        ->type_name("FILE")
        ->capture_default_str();
    add_report(*app, "--markdown", output_.markdown, "Job summary, under GitHub's 1 MiB");
    add_report(*app, "--comment", output_.comment, "The same under 64 kB, for a comment");
    add_report(*app, "--junit", output_.junit, "JUnit XML, one test case per task and variant");
    add_report(*app, "--json", output_.json, "For machines: reports/comparison.schema.json");
    app->footer(examples({
        "moebius gate --config moebius.json",
        "moebius gate --config moebius.json --markdown \"$GITHUB_STEP_SUMMARY\" --junit gate.xml",
        "moebius.json: {\"base\": {\"store\": \"main.sqlite\"}, \"candidate\": {\"store\": "
        "\"branch.sqlite\"}, \"margin\": \"2%\", \"tasks\": {\"mmlu\": {\"margin\": \"1%\"}, "
        "\"humaneval\": {}}, \"output\": {\"markdown\": \"gate.md\", \"junit\": \"gate.xml\", "
        "\"json\": \"gate.json\"}}",
        "Several baselines, which must all pass: \"bases\": [{\"name\": \"main\", \"store\": "
        "\"main.sqlite\"}, {\"name\": \"release\", \"store\": \"release.sqlite\", \"run\": \"7\"}]",
        "The gate evaluates the candidate itself, and stops once its looks decide: \"eval\": "
        "{\"model\": \"./new\", \"tasks\": \"mmlu,humaneval\", \"data-dir\": \"data\"}, "
        "\"looks\": {\"count\": 5}; fields of eval are the options of moebius eval, answers are "
        "kept in candidate.store, the same command goes on",
        "More fields: name, again {store, run}, alpha, fail_budget, limits {truncated, no_answer, "
        "failed, flips}, looks {count, shape, seed} or \"anytime\", inconclusive (fail, warn), "
        "transcripts, output.comment; runner/gate.schema.json describes all",
        "Exit codes: 0 pass, 1 regression, 3 inconclusive, 4 invalid or not evaluated to the end, "
        "2 "
        "usage, 130 interrupted",
    }));
  }

  int run(Output& out) override {
    GateConfig config = read_gate_config(config_);
    override_with(output_.markdown, config.output.markdown);
    override_with(output_.comment, config.output.comment);
    override_with(output_.junit, config.output.junit);
    override_with(output_.json, config.output.json);
    std::vector<StoredRun> bases = open_bases(config);
    if (config.eval) {
      const Evaluated evaluated = evaluate_candidate(config, bases);
      if (evaluated.code != kOk) return evaluated.code;
      config.candidate.run = std::to_string(evaluated.run);
    }
    const reports::GateResult gate = compare_all(config, bases);
    write_reports(config, gate);
    const reports::RenderOptions short_list{.name = config.name, .most_changes = 5};
    out.write(reports::render_text(gate, short_list));
    if (config.warn_inconclusive && gate.verdict == reports::Verdict::kInconclusive) {
      fmt::print(stderr, "moebius: inconclusive, which this gate lets through with a warning\n");
      return kOk;
    }
    return exit_code(gate.verdict);
  }

 private:
  static std::vector<StoredRun> open_bases(GateConfig& config) {
    std::vector<StoredRun> bases;
    for (const RunPlace& place : config.bases) {
      bases.push_back(open_run(place.store, place.run));
      config.options.family += compared_sets(bases.back(), config.options.tasks);
    }
    return bases;
  }

  static Evaluated evaluate_candidate(GateConfig& config, std::vector<StoredRun>& bases) {
    if (!config.again.store.empty()) open_run(config.again.store, config.again.run);  // is there
    std::vector<PlannedSet> plan = plan_of(*config.eval);
    std::vector<LookBase> against;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const RunPlace& place = config.bases[i];
      against.push_back({place.where, place.name, place.store, &bases[i]});
    }
    Looks looks(std::move(against), config.options, plan);
    // What an earlier call wrote does not stand for this one, and what cannot be written is found
    // out before anything is asked.
    for (const std::string* path : all_of(config.output)) write_report(*path, "");
    const EvalPlace place{.store = config.candidate.store,
                          .fail_budget = config.options.fail_budget};
    return evaluate(config.eval->options(), place, plan, &looks);
  }

  /// What is wrong with tasks and their options is wrong with the file.
  static std::vector<PlannedSet> plan_of(GateEval& eval) {
    try {
      return eval.options().plan();
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{}: {}", eval.where(), error.what()));
    }
  }

  static reports::GateResult compare_all(const GateConfig& config, std::vector<StoredRun>& bases) {
    StoredRun candidate = open_run(config.candidate.store, config.candidate.run);
    StoredRun again;
    const bool twice = !config.again.store.empty();
    if (twice) again = open_run(config.again.store, config.again.run);
    std::vector<reports::Baseline> baselines;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      baselines.push_back(
          {config.bases[i].name, compare_runs(bases[i], candidate, twice ? &again : nullptr,
                                              config.options, config.transcripts)});
    }
    return reports::decide_together(std::move(baselines));
  }

  static void add_report(CLI::App& app, const char* name, std::string& path,
                         const std::string& description) {
    app.add_option(name, path, description + "; instead of the config's output")->type_name("FILE");
  }

  static void override_with(const std::string& path, std::string& configured) {
    if (!path.empty()) configured = path;
  }

  static std::vector<const std::string*> all_of(const GateOutput& output) {
    return {&output.markdown, &output.comment, &output.junit, &output.json};
  }

  static void write_reports(const GateConfig& config, const reports::GateResult& gate) {
    reports::RenderOptions options{.name = config.name};
    write_report(config.output.junit, reports::render_junit(gate, options));
    write_report(config.output.json, reports::render_json(gate));
    write_report(config.output.markdown, reports::render_markdown(gate, options));
    options.most_bytes = reports::kCommentBytes;
    write_report(config.output.comment, reports::render_markdown(gate, options));
  }

  std::string config_ = "moebius.json";
  GateOutput output_;
};

}  // namespace

std::unique_ptr<Command> add_gate_command(CLI::App& app) {
  return std::make_unique<GateCommand>(
      app.add_subcommand("gate", "Compare as a file says and write reports for CI"));
}

}  // namespace moebius::runner
