// moebius runs and moebius report: what the store holds.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "reports/html.h"
#include "reports/leaderboard.h"
#include "reports/store.h"
#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/report_file.h"
#include "runner/rescore.h"
#include "runner/shards_text.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

void add_store(CLI::App& app, std::string& store) {
  app.add_option("--store", store, "SQLite file of results")
      ->type_name("FILE")
      ->capture_default_str();
}

/// Of a whole run that was put together: what a run lacks that has everything by now is no matter.
reports::Shards shards_of(reports::Reader& reader, const reports::Run& run) {
  reports::Shards shards = reader.shards(run.id);
  if (run.state == "complete" || run.state == "invalid")
    shards.missing.clear(), shards.open.clear();
  return shards;
}

Json run_json(const reports::Run& run, const reports::Shards& shards) {
  Json json = {{"id", run.id},
               {"key", run.key},
               {"state", run.state},
               {"started", run.started},
               {"finished", run.finished},
               {"model", run.model},
               {"fingerprint", run.fingerprint},
               {"build", run.build},
               {"sandbox", run.sandbox},
               {"command", run.command}};
  if (run.shards > 0) {
    json["shard"] = {{"index", run.shard}, {"count", run.shards}, {"whole_key", run.whole_key}};
  }
  if (!shards.merged.empty()) json["shards"] = shards_json(shards);
  return json;
}

/// "3/16": one of many; "14 of 16": put together from many.
std::string shard_name(const reports::Run& run, const reports::Shards& shards) {
  return run.shards > 0 ? fmt::format("{}/{}", run.shard, run.shards) : one_line(shards.merged);
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
    Table table({"run", "state", "shard", "started", "model", "tasks"});
    for (const reports::Run& each : reader->runs()) {
      const reports::Shards shards = shards_of(*reader, each);
      if (json_) out.write(json_line(run_json(each, shards)));
      table.add({fmt::format("{}", each.id), each.state, shard_name(each, shards), each.started,
                 one_line(each.model), set_names(*reader, each)});
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
    if (!json_) out.write(header(run, shards_of(*reader, run)));
    Table table({"task", "item", "repeat", "outcome", "extracted", "target", "tokens"});
    reader->each_sample(run.id, "", [&](const reports::SampleRow& row) {
      if (json_) return out.write(reports::sample_json(row) + "\n");
      table.add(line(row));
    });
    if (!json_) out.write(table.text());
    return kOk;
  }

 private:
  static std::string header(const reports::Run& run, const reports::Shards& shards) {
    const std::string lacking = shards_lacking(shards);
    std::string parts = run.shards > 0 ? ", shard " + shard_name(run, shards) : "";
    if (!shards.merged.empty()) parts = ", shards " + shards.merged + " merged";
    return fmt::format("run {} ({}){}, {}\n{}  {}\n  model {}\n  build {}\n  sandbox {}\n\n",
                       run.id, run.state, parts, run.started,
                       lacking.empty() ? "" : "  " + lacking + "\n", one_line(run.command),
                       one_line(run.fingerprint), run.build,
                       run.sandbox.empty() ? "not used" : one_line(run.sandbox));
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

/// Runs as they were named, each once, with the readers of their stores.
class NamedRuns {
 public:
  explicit NamedRuns(const std::vector<std::string>& stores) : stores_(stores) {
    for (const std::string& store : stores) readers_.push_back(reports::Reader::open(store));
  }

  /// From every store that has it. Throws the first store's Error if none does.
  void add(const std::string& which) {
    std::optional<reports::Error> missing;
    bool found = false;
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      try {
        add(i, readers_[i]->find_run(which));
        found = true;
      } catch (const reports::Error& error) {
        if (!missing) missing = error;
      }
    }
    if (!found && missing) throw reports::Error(*missing);
  }

  void add_all() {
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      for (const reports::Run& run : readers_[i]->runs()) add(i, run);
    }
  }

  const std::vector<reports::BoardSource>& sources() const { return sources_; }

 private:
  void add(std::size_t store, const reports::Run& run) {
    if (!taken_.emplace(store, run.id).second) return;
    sources_.push_back({readers_[store].get(), run, stores_[store]});
  }

  const std::vector<std::string>& stores_;
  std::vector<std::unique_ptr<reports::Reader>> readers_;
  std::vector<reports::BoardSource> sources_;
  std::set<std::pair<std::size_t, std::int64_t>> taken_;
};

class ReportCommand : public Command {
 public:
  explicit ReportCommand(CLI::App* app) : Command(app) {
    CLI::Option* runs = app->add_option(
        "RUN", runs_,
        "Runs: numbers, beginnings of keys, or last, of every store that has them; several make "
        "a leaderboard; none: last");
    app->add_flag("--all", all_, "Every run of the stores")->excludes(runs);
    app->add_option("--format", format_, "Of the report")
        ->check(CLI::IsMember({"text", "markdown", "json", "csv", "lm-eval", "html"}))
        ->capture_default_str();
    app->add_flag("--history", history_,
                  "Runs in the order of time, with what changed since the run before of the model");
    add_texts(*app, "--store", stores_, "SQLite file of results; repeatable")
        ->type_name("FILE")
        ->default_str("results.sqlite");
    add_percent(*app, "--alpha", alpha_,
                "Chance of an error of a leaderboard's ranks, and of its marked subjects");
    add_percent(*app, "--fail-budget", fail_budget_,
                "Failures of ours (never scored) that a result may have");
    add_out(*app, out_);
    app->footer(examples({"moebius report", "moebius report 3 5 --format markdown",
                          "moebius report 3 5 --format html --out report.html",
                          "moebius report --all --store base.sqlite --store tuned.sqlite",
                          "moebius report --all --history", "moebius report last --format lm-eval",
                          "Exit codes: 0 every run is valid, 4 one is not"}));
  }

  int run(Output& out) override {
    if (stores_.empty()) stores_ = {"results.sqlite"};
    if (history_ && (format_ == "csv" || format_ == "lm-eval" || format_ == "html")) {
      throw InputError("--history: in text, markdown and json, not in " + format_);
    }
    NamedRuns runs(stores_);
    if (all_) runs.add_all();
    if (!all_ && runs_.empty()) runs_ = {"last"};
    for (const std::string& which : runs_) runs.add(which);
    const auto& sources = runs.sources();
    if (sources.empty()) throw InputError(one_line(stores_.front()) + ": no run is stored here");
    const bool table = format_ != "lm-eval" && format_ != "html";
    ReportFile file(out_, out);
    const bool valid = sources.size() == 1 && !history_ && table ? report_one(sources[0], file)
                                                                 : report_all(sources, file);
    file.close();
    return valid ? kOk : kIncomplete;
  }

 private:
  /// Whether every run is valid.
  bool report_one(const reports::BoardSource& source, ReportFile& file) const {
    const reports::Summary summary = reports::summarize(*source.reader, source.run, fail_budget_);
    file.write(render({summary}));
    return summary.valid;
  }

  bool report_all(const std::vector<reports::BoardSource>& sources, ReportFile& file) const {
    const reports::Leaderboard board =
        reports::make_leaderboard(sources, {.fail_budget = fail_budget_, .alpha = alpha_});
    if (format_ == "html") {
      reports::render_html(sources, board, {}, [&](std::string_view text) { file.write(text); });
    } else {
      file.write(render(board));
    }
    return std::all_of(board.runs.begin(), board.runs.end(),
                       [](const reports::BoardRun& run) { return run.summary.valid; });
  }

  std::string render(const std::vector<reports::Summary>& summaries) const {
    if (format_ == "markdown") return reports::render_markdown(summaries);
    if (format_ == "json") return reports::render_json(summaries);
    if (format_ == "csv") return reports::render_csv(summaries);
    return reports::render_text(summaries);
  }

  std::string render(const reports::Leaderboard& board) const {
    if (format_ == "json") return reports::render_json(board);
    if (format_ == "csv") return reports::render_csv(board);
    if (format_ == "lm-eval") return reports::render_lm_eval(board);
    if (format_ == "markdown") {
      return history_ ? reports::render_history_markdown(board) : reports::render_markdown(board);
    }
    return history_ ? reports::render_history_text(board) : reports::render_text(board);
  }

  std::vector<std::string> runs_;
  bool all_ = false;
  std::string format_ = "text";
  bool history_ = false;
  std::vector<std::string> stores_;
  double alpha_ = 0.05;
  std::string out_;
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
  commands.push_back(add_runs_merge_command(runs));
  commands.push_back(std::make_unique<ExportCommand>(
      runs.add_subcommand("export", "All samples of a run as JSON lines")));
  return commands;
}

std::unique_ptr<Command> add_report_command(CLI::App& app) {
  return std::make_unique<ReportCommand>(app.add_subcommand(
      "report", "Scores of runs with intervals, beside each other and over time"));
}

}  // namespace moebius::runner
