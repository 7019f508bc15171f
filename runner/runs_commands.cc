// moebius runs and moebius report: what the store holds.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "reports/store.h"
#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/rescore.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

void add_store(CLI::App& app, std::string& store) {
  app.add_option("--store", store, "SQLite file of results")
      ->type_name("FILE")
      ->capture_default_str();
}

Json run_json(const reports::Run& run) {
  return {{"id", run.id},
          {"key", run.key},
          {"state", run.state},
          {"started", run.started},
          {"finished", run.finished},
          {"model", run.model},
          {"fingerprint", run.fingerprint},
          {"build", run.build},
          {"sandbox", run.sandbox},
          {"command", run.command}};
}

std::string set_names(reports::Reader& reader, const reports::Run& run) {
  std::string names;
  for (const reports::Set& set : reader.sets(run.id)) {
    names += (names.empty() ? "" : ", ") + set.task + ":" + set.variant;
  }
  return names;
}

class ListCommand : public Command {
 public:
  explicit ListCommand(CLI::App* app) : Command(app) {
    add_store(*app, store_);
    app->add_flag("--json", json_, "One JSON line per run");
    app->footer(examples({"moebius runs list", "moebius runs list --store ci.sqlite --json"}));
  }

  int run(Output& out) override {
    const auto reader = reports::Reader::open(store_);
    Table table({"run", "state", "started", "model", "tasks"});
    for (const reports::Run& each : reader->runs()) {
      if (json_) out.write(json_line(run_json(each)));
      table.add({fmt::format("{}", each.id), each.state, each.started, one_line(each.model),
                 set_names(*reader, each)});
    }
    if (!json_) out.write(table.text());
    return kOk;
  }

 private:
  std::string store_ = "results.sqlite";
  bool json_ = false;
};

/// "pass", or the headline verdict, or the failure.
std::string outcome(const reports::Sample& sample) {
  if (!sample.failure.empty()) return "failure: " + sample.failure;
  for (const reports::StoredScore& score : sample.scores) {
    if (score.headline) return scorers::verdict_name(score.score.verdict);
  }
  return "not scored";
}

class ShowCommand : public Command {
 public:
  explicit ShowCommand(CLI::App* app) : Command(app) {
    app->add_option("RUN", run_, "Number of the run, the beginning of its key, or last")
        ->required();
    app->add_option("--item", item_, "Transcripts of this question")->type_name("ID");
    add_store(*app, store_);
    app->add_flag("--json", json_, "One JSON line per sample");
    app->footer(examples(
        {"moebius runs show last", "moebius runs show 3 --item HumanEval/0 --store ci.sqlite"}));
  }

  int run(Output& out) override {
    const auto reader = reports::Reader::open(store_);
    const reports::Run run = reader->find_run(run_);
    if (!item_.empty()) return show_item(*reader, run, out);
    if (!json_) out.write(header(run));
    Table table({"task", "item", "repeat", "outcome", "extracted", "target", "tokens"});
    reader->each_sample(run.id, "", [&](const reports::SampleRow& row) {
      if (json_) return out.write(reports::sample_json(row) + "\n");
      table.add(line(row));
    });
    if (!json_) out.write(table.text());
    return kOk;
  }

 private:
  static std::string header(const reports::Run& run) {
    return fmt::format("run {} ({}), {}\n  {}\n  model {}\n  build {}\n  sandbox {}\n\n", run.id,
                       run.state, run.started, one_line(run.command), one_line(run.fingerprint),
                       run.build, run.sandbox.empty() ? "not used" : one_line(run.sandbox));
  }

  static std::string clipped(const std::string& text) {
    std::string line = one_line(text);
    if (text_width(line) <= 24) return line;
    std::size_t end = 21;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
    return line.substr(0, end) + "...";
  }

  static std::vector<std::string> line(const reports::SampleRow& row) {
    const reports::Sample& sample = row.sample;
    std::string extracted;
    for (const reports::StoredScore& score : sample.scores) {
      if (score.headline) extracted = score.score.extracted;
    }
    return {row.task + ":" + row.variant,
            one_line(sample.item.item),
            fmt::format("{}", sample.repeat),
            outcome(sample),
            clipped(extracted),
            clipped(sample.item.target),
            fmt::format("{}", sample.output_tokens)};
  }

  int show_item(reports::Reader& reader, const reports::Run& run, Output& out) const {
    std::size_t count = 0;
    reader.each_sample(run.id, item_, [&](const reports::SampleRow& row) {
      ++count;
      out.write(json_ ? reports::sample_json(row) + "\n" : transcript(row));
    });
    if (count > 0) return kOk;
    throw InputError(fmt::format("run {}: no sample of an item '{}'", run.id, one_line(item_)));
  }

  static std::string transcript(const reports::SampleRow& row) {
    const reports::Sample& sample = row.sample;
    std::string text = fmt::format("==== {}:{} {} repeat {}: {} ====\n", row.task, row.variant,
                                   one_line(sample.item.item), sample.repeat, outcome(sample));
    text += fmt::format("---- prompt ({} tokens) ----\n{}\n", sample.item.prompt_tokens,
                        terminal_text(sample.item.prompt));
    if (!sample.failure.empty()) {
      return text + fmt::format("---- failure ----\n{}\n", one_line(sample.message));
    }
    if (sample.choices.empty()) {
      text += fmt::format("---- answer ({} tokens, {}) ----\n{}\n", sample.output_tokens,
                          sample.finish, terminal_text(sample.text));
    } else {
      text += "---- log-probabilities ----\n";
      for (const scorers::Choice& choice : sample.choices) {
        text += fmt::format("{:.6f}\n", choice.logprob);
      }
    }
    text += fmt::format("---- target ----\n{}\n", terminal_text(sample.item.target));
    for (const reports::StoredScore& score : sample.scores) text += score_text(score);
    return text + "\n";
  }

  static std::string score_text(const reports::StoredScore& score) {
    std::string text = fmt::format("---- {} {}: {} ----\nextracted: {}\n", score.scorer,
                                   score.version, scorers::verdict_name(score.score.verdict),
                                   terminal_text(score.score.extracted));
    if (!score.score.reason.empty()) text += one_line(score.score.reason) + "\n";
    for (std::size_t i = 0; i < score.score.tests.size(); ++i) {
      const scorers::TestOutcome& test = score.score.tests[i];
      text += fmt::format("test {}: {} {:.3f} s {}\n", i, scorers::verdict_name(test.verdict),
                          test.cpu_seconds, one_line(test.detail));
    }
    if (!score.score.sandbox.empty()) text += "sandbox: " + one_line(score.score.sandbox) + "\n";
    return text;
  }

  /// Line breaks stay, everything else that a terminal would obey is escaped.
  static std::string terminal_text(const std::string& text) {
    std::string result;
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      if (begin > 0) result += '\n';
      result += one_line(std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    return result;
  }

  std::string run_;
  std::string item_;
  std::string store_ = "results.sqlite";
  bool json_ = false;
};

class ExportCommand : public Command {
 public:
  explicit ExportCommand(CLI::App* app) : Command(app) {
    app->add_option("RUN", run_, "Number of the run, the beginning of its key, or last")
        ->required();
    app->add_option("--format", format_, "Of the output")
        ->check(CLI::IsMember({"jsonl"}))
        ->capture_default_str();
    add_store(*app, store_);
    app->footer(examples({"moebius runs export last --format jsonl > samples.jsonl"}));
  }

  int run(Output& out) override {
    const auto reader = reports::Reader::open(store_);
    const reports::Run run = reader->find_run(run_);
    reader->each_sample(run.id, "", [&](const reports::SampleRow& row) {
      out.write(reports::sample_json(row) + "\n");
    });
    return kOk;
  }

 private:
  std::string run_;
  std::string format_ = "jsonl";
  std::string store_ = "results.sqlite";
};

class RescoreCommand : public Command {
 public:
  explicit RescoreCommand(CLI::App* app) : Command(app) {
    app->add_option("RUN", run_, "Number of the run, the beginning of its key, or last")
        ->required();
    add_store(*app, store_);
    add_graders(*app, options_.grader, options_.more_graders);
    add_data_dir(*app, options_.data_dir);
    sandbox_.add(*app);
    app->add_flag("--json", json_, "Changed verdicts as JSON lines");
    app->footer(examples({"moebius runs rescore last --grader hendrycks",
                          "Stored answers are judged again; nothing is generated."}));
  }

  int run(Output& out) override {
    options_.sandbox = sandbox_.opener();
    const RescoreResult result = rescore(store_, run_, options_);
    if (json_) {
      for (const VerdictChange& change : result.changes) {
        out.write(json_line({{"task", change.task},
                             {"item", change.item},
                             {"repeat", change.repeat},
                             {"scorer", change.scorer},
                             {"before", change.before},
                             {"after", change.after}}));
      }
      return kOk;
    }
    Table table({"task", "scorer", "judged", "passed before", "passed now", "changed"});
    for (const auto& [name, count] : result.counts) {
      table.add({name.first, name.second, fmt::format("{}", count.judged),
                 fmt::format("{}", count.passed_before), fmt::format("{}", count.passed_now),
                 fmt::format("{}", count.changed)});
    }
    out.write(table.text());
    return kOk;
  }

 private:
  std::string run_;
  std::string store_ = "results.sqlite";
  PlanOptions options_;
  SandboxFlags sandbox_;
  bool json_ = false;
};

class ReportCommand : public Command {
 public:
  explicit ReportCommand(CLI::App* app) : Command(app) {
    app->add_option("RUN", runs_, "Runs: numbers, beginnings of keys, or last; none: last");
    app->add_option("--format", format_, "Of the report")
        ->check(CLI::IsMember({"text", "markdown", "json", "csv"}))
        ->capture_default_str();
    add_store(*app, store_);
    add_percent(*app, "--fail-budget", fail_budget_,
                "Failures of ours (never scored) that a result may have");
    app->footer(examples({"moebius report", "moebius report 3 5 --format markdown",
                          "Exit codes: 0 every run is valid, 4 one is not"}));
  }

  int run(Output& out) override {
    const auto reader = reports::Reader::open(store_);
    if (runs_.empty()) runs_ = {"last"};
    std::vector<reports::Summary> summaries;
    bool valid = true;
    for (const std::string& which : runs_) {
      summaries.push_back(reports::summarize(*reader, reader->find_run(which), fail_budget_));
      valid = valid && summaries.back().valid;
    }
    out.write(render(summaries));
    return valid ? kOk : kIncomplete;
  }

 private:
  std::string render(const std::vector<reports::Summary>& summaries) const {
    if (format_ == "markdown") return reports::render_markdown(summaries);
    if (format_ == "json") return reports::render_json(summaries);
    if (format_ == "csv") return reports::render_csv(summaries);
    return reports::render_text(summaries);
  }

  std::vector<std::string> runs_;
  std::string format_ = "text";
  std::string store_ = "results.sqlite";
  double fail_budget_ = 0.01;
};

}  // namespace

std::vector<std::unique_ptr<Command>> add_runs_commands(CLI::App& runs) {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(
      std::make_unique<ListCommand>(runs.add_subcommand("list", "What the store holds")));
  commands.push_back(std::make_unique<ShowCommand>(
      runs.add_subcommand("show", "Samples of a run, or transcripts of a question")));
  commands.push_back(std::make_unique<RescoreCommand>(runs.add_subcommand(
      "rescore", "Judge stored answers again, with another grader or version")));
  commands.push_back(std::make_unique<ExportCommand>(
      runs.add_subcommand("export", "All samples of a run as JSON lines")));
  return commands;
}

std::unique_ptr<Command> add_report_command(CLI::App& app) {
  return std::make_unique<ReportCommand>(
      app.add_subcommand("report", "Scores of runs with intervals and failure rates"));
}

}  // namespace moebius::runner
