// moebius compare: did it get worse?
#include <algorithm>
#include <memory>

#include "reports/compare.h"
#include "reports/html.h"
#include "runner/commands.h"
#include "runner/compare_flags.h"
#include "runner/flags.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/report_file.h"
#include "runner/task_spec.h"

namespace moebius::runner {
namespace {

class CompareCommand : public Command {
 public:
  explicit CompareCommand(CLI::App* app) : Command(app) {
    app->add_option("BASE", base_, "Number of the run, the beginning of its key, or last")
        ->required();
    app->add_option("CANDIDATE", candidate_, "The run that may be worse")->required();
    app->add_option("--store", store_, "SQLite file of results")
        ->type_name("FILE")
        ->capture_default_str();
    app->add_option("--base-store", base_store_, "The base's, if it is another one")
        ->type_name("FILE");
    app->add_option("--again", again_,
                    "A second run of the base's model, in the base's store: how often the model "
                    "differs from itself")
        ->type_name("RUN");
    add_decision(*app);
    app->add_option("--format", format_, "Of the report")
        ->check(CLI::IsMember({"text", "markdown", "json", "junit", "html"}))
        ->capture_default_str();
    add_out(*app, out_);
    add_number<std::size_t>(*app, "--changes", render_.most_changes, 0, 1'000'000,
                            "Changed questions listed of each set, losses first");
    add_number<std::size_t>(*app, "--transcripts", transcripts_, 0, 1'000'000,
                            "Changed questions of each set shown with both runs' answers");
    app->footer(examples({
        "moebius compare 3 last",
        "moebius compare last last --base-store main.sqlite --store branch.sqlite --margin 2%",
        "moebius compare 3 last --format html --out comparison.html",
        "moebius compare 3 last --anytime",
        "moebius compare 3 5 --tasks mmlu,humaneval --format markdown --transcripts 5",
        "Exit codes: 0 pass (not worse by the margin), 1 regression, 3 inconclusive (too few "
        "questions), 4 invalid (incomplete, or not comparable), 2 usage",
    }));
  }

  int run(Output& out) override {
    if (!tasks_.empty()) options_.tasks = split_list(tasks_, ',', "--tasks");
    const std::string& base_store = base_store_.empty() ? store_ : base_store_;
    StoredRun base = open_run(base_store, base_);
    StoredRun candidate = open_run(store_, candidate_);
    StoredRun again;
    if (!again_.empty()) again = open_run(base_store, again_);
    const reports::Comparison comparison =
        compare_runs(base, candidate, again_.empty() ? nullptr : &again, options_, transcripts_);
    render_.most_changes = std::max(render_.most_changes, transcripts_);
    ReportFile file(out_, out);
    if (format_ == "html") {
      reports::render_html(comparison, {base.reader.get(), base.run, base_store},
                           {candidate.reader.get(), candidate.run, store_}, {},
                           [&](std::string_view text) { file.write(text); });
    } else {
      file.write(render(comparison));
    }
    file.close();
    return exit_code(comparison.verdict);
  }

 private:
  void add_decision(CLI::App& app) {
    add_percent(app, "--margin", options_.margin, "How much worse is still good enough");
    add_percent(app, "--alpha", options_.alpha, "Chance of an error of each decision, one-sided");
    app.add_option("--tasks", tasks_, "Only these benchmarks: names separated by commas")
        ->type_name("LIST");
    app.add_flag(
        "--anytime", options_.anytime,
        "Judge what was asked until now, however often: an e-process, for a candidate that "
        "goes on (asked by eval --sequential's order) or looks that nobody planned");
    app.add_flag("--intersect", options_.intersect,
                 "Compare what both runs share, where questions or prompts differ");
    add_percent(app, "--fail-budget", options_.fail_budget,
                "Failures of ours (never scored) that a result may have");
  }

  std::string render(const reports::Comparison& comparison) const {
    if (format_ == "markdown") return reports::render_markdown(comparison, render_);
    if (format_ == "json") return reports::render_json(comparison);
    if (format_ == "junit") return reports::render_junit(comparison, render_);
    return reports::render_text(comparison, render_);
  }

  std::string base_;
  std::string candidate_;
  std::string store_ = "results.sqlite";
  std::string base_store_;
  std::string again_;
  std::string tasks_;
  std::string format_ = "text";
  std::string out_;
  reports::CompareOptions options_;
  reports::RenderOptions render_;
  std::size_t transcripts_ = 0;
};

}  // namespace

std::unique_ptr<Command> add_compare_command(CLI::App& app) {
  return std::make_unique<CompareCommand>(
      app.add_subcommand("compare", "Did it get worse? Two runs, question by question"));
}

}  // namespace moebius::runner
