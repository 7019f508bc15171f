// moebius tasks: what can be asked, word for word, and whether its data are the pinned ones.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "engine/text/tokenizer.h"
#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/plan.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

std::string joined_variants(const tasks::Info& info) {
  std::string text;
  for (const tasks::Variant& variant : info.variants) {
    text += (text.empty() ? "" : " ") + variant.name;
  }
  return text;
}

Json source_json(const tasks::Source& source) {
  return {{"file", source.file},     {"url", source.url},   {"licence", source.licence},
          {"sha256", source.sha256}, {"rows", source.rows}, {"note", source.note}};
}

Json info_json(const tasks::Info& info) {
  Json json = {{"name", info.name},         {"description", info.description},
               {"version", info.version},   {"mini", info.mini},
               {"variants", Json::array()}, {"options", info.options},
               {"sources", Json::array()}};
  for (const tasks::Variant& variant : info.variants) {
    json["variants"].push_back({{"name", variant.name},
                                {"description", variant.description},
                                {"temperature", variant.sampling.temperature},
                                {"top_p", variant.sampling.top_p},
                                {"repeats", variant.sampling.repeats},
                                {"metric", variant.metric}});
  }
  for (const tasks::Source& source : info.sources) json["sources"].push_back(source_json(source));
  return json;
}

class ListCommand : public Command {
 public:
  explicit ListCommand(CLI::App* app) : Command(app) {
    app->add_flag("--json", json_, "One JSON line per task");
    app->footer(examples({"moebius tasks list"}));
  }

  int run(Output& out) override {
    Table table({"task", "version", "variants, the default first", "description"});
    for (const auto& task : tasks::all_tasks()) {
      const tasks::Info& info = task->info();
      if (json_) out.write(json_line(info_json(info)));
      table.add(
          {info.name, fmt::format("{}", info.version), joined_variants(info), info.description});
    }
    if (!json_) out.write(table.text());
    return kOk;
  }

 private:
  bool json_ = false;
};

class ShowCommand : public Command {
 public:
  explicit ShowCommand(CLI::App* app) : Command(app) {
    app->add_option("TASK", task_, "NAME or NAME:VARIANT")->required();
    app->add_option("--item", item_, "Print this question as the model is asked it")
        ->type_name("ID");
    model_ = "embedded";
    app->add_option("--model", model_, "Whose tokenizer and chat template")
        ->type_name("MODEL")
        ->capture_default_str();
    add_texts(*app, "--set", sets_, "Option of the task: TASK.OPTION=VALUE; repeatable");
    add_data_dir(*app, options_.data_dir);
    app->add_flag("--json", json_, "As JSON");
    app->footer(examples({"moebius tasks show mmlu", "moebius tasks show mini-aime --item aime/0",
                          "moebius tasks show humaneval:chat --item HumanEval/0 --data-dir ./data "
                          "--model ./qwen3 --json"}));
  }

  int run(Output& out) override {
    const std::vector<TaskSpec> specs = parse_tasks(task_, sets_);
    if (specs.size() != 1) throw InputError("tasks show: expected one task");
    if (item_.empty()) return show_info(specs[0].task->info(), out);
    // Showing a question judges nothing, so no sandbox is needed.
    options_.sandbox = [] { return nullptr; };
    options_.items = {item_};
    const auto tokenizer = engine::load_tokenizer(model_);
    const auto asker = make_tokenizer_asker(*tokenizer, 0);
    for (const PlannedSet& set : make_plan(specs, options_)) {
      show_item(set, *asker, out);
    }
    return kOk;
  }

 private:
  int show_info(const tasks::Info& info, Output& out) const {
    if (json_) {
      out.write(json_line(info_json(info)));
      return kOk;
    }
    std::string text =
        fmt::format("{} (version {}): {}\n", info.name, info.version, info.description);
    for (const tasks::Variant& variant : info.variants) {
      text += fmt::format("\nvariant {}: {}\n  temperature {}, top-p {}, {} per question, {}\n",
                          variant.name, variant.description, variant.sampling.temperature,
                          variant.sampling.top_p, variant.sampling.repeats, variant.metric);
    }
    for (const auto& [name, description] : info.options) {
      text += fmt::format("\noption {}: {}\n", name, description);
    }
    for (const tasks::Source& source : info.sources) {
      text += fmt::format("\nsource {} ({} rows, {})\n  sha256 {}\n", source.file, source.rows,
                          source.licence, source.sha256);
      if (!source.url.empty()) text += "  " + source.url + "\n";
      if (!source.note.empty()) text += "  " + source.note + "\n";
    }
    out.write(text);
    return kOk;
  }

  void show_item(const PlannedSet& set, const Asker& asker, Output& out) const {
    const tasks::Sample& sample = set.set.samples.front();
    const Asker::Asked asked = asker.ask(set, sample);
    if (!asked.refusal.empty()) throw engine::Error(asked.refusal);
    if (json_) {
      out.write(json_line(item_json(set, sample, asked)));
      return;
    }
    out.write(fmt::format("==== {}:{} {} ({} tokens, sha256 {}) ====\n{}\n", set.record.task,
                          set.record.variant, sample.item, asked.prompt_tokens, asked.prompt_sha256,
                          asked.prompt));
    out.write("---- token ids ----\n");
    std::string ids;
    for (const std::int32_t id : asked.request.prompt.ids) ids += fmt::format("{} ", id);
    ids.back() = '\n';
    out.write(ids);
    if (asked.request.score) {
      out.write("---- continuations ----\n");
      for (const engine::Prompt& each : asked.request.score->continuations) {
        std::string line = Json(each.text).dump();
        for (const std::int32_t id : each.ids) line += fmt::format(" {}", id);
        out.write(line + "\n");
      }
    } else {
      const engine::Generate& generate = *asked.request.generate;
      out.write(fmt::format("---- up to {} tokens, stops {} ----\n", generate.max_new_tokens,
                            Json(generate.stop).dump()));
    }
    out.write(fmt::format("---- target ----\n{}\n", sample.target));
    out.write("---- scorers ----\n");
    for (const scorers::ScorerPtr& scorer : sample.scorers) {
      out.write(fmt::format("{} {}\n", scorer->name(), scorer->version()));
    }
  }

  static Json item_json(const PlannedSet& set, const tasks::Sample& sample,
                        const Asker::Asked& asked) {
    Json json = {{"task", set.record.task},
                 {"variant", set.record.variant},
                 {"item", sample.item},
                 {"cluster", sample.cluster},
                 {"stratum", sample.stratum},
                 {"tags", sample.tags},
                 {"target", sample.target},
                 {"prompt", asked.prompt},
                 {"prompt_ids", asked.request.prompt.ids},
                 {"prompt_sha256", asked.prompt_sha256}};
    if (asked.request.score) {
      for (const engine::Prompt& each : asked.request.score->continuations) {
        json["continuations"].push_back({{"text", each.text}, {"ids", each.ids}});
      }
    } else {
      json["max_new_tokens"] = asked.request.generate->max_new_tokens;
      json["stop"] = asked.request.generate->stop;
    }
    for (const scorers::ScorerPtr& scorer : sample.scorers) {
      json["scorers"].push_back({{"name", scorer->name()}, {"version", scorer->version()}});
    }
    return json;
  }

  std::string task_;
  std::string item_;
  std::string model_;
  std::vector<std::string> sets_;
  PlanOptions options_;
  bool json_ = false;
};

class VerifyCommand : public Command {
 public:
  explicit VerifyCommand(CLI::App* app) : Command(app) {
    app->add_option("TASK", names_, "Tasks; all if none is named");
    add_data_dir(*app, data_dir_);
    app->add_flag("--json", json_, "One JSON line per source");
    app->footer(examples({"moebius tasks verify --data-dir ./data",
                          "moebius tasks verify mmlu humaneval --data-dir ./data",
                          "Exit codes: 0 every task has its data as pinned, 1 not"}));
  }

  int run(Output& out) override {
    bool all = true;
    Table table({"task", "source", "rows", "state"});
    for (const auto& task : tasks::all_tasks()) {
      if (!wanted(task->info().name)) continue;
      all = report(*task, table, out) && all;
    }
    if (!json_) out.write(table.text());
    return all ? kOk : kNegative;
  }

 private:
  bool wanted(const std::string& name) {
    for (const std::string& each : names_) tasks::find_task(each);
    return names_.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  /// Whether the task can be run: one source is as pinned, or all if it needs all.
  bool report(const tasks::Task& task, Table& table, Output& out) const {
    std::size_t good = 0;
    const std::vector<tasks::SourceState> states = tasks::verify(task, data_dir_);
    for (const tasks::SourceState& state : states) {
      const bool ok = state.problem.empty();
      good += ok ? 1 : 0;
      table.add({task.info().name, state.source.file, fmt::format("{}", state.rows),
                 ok ? "ok" : one_line(state.problem)});
      if (!json_) continue;
      Json json = source_json(state.source);
      json["task"] = task.info().name;
      json["path"] = state.path;
      json["found_sha256"] = state.sha256;
      json["found_rows"] = state.rows;
      json["problem"] = state.problem;
      out.write(json_line(json));
    }
    return task.info().all_sources ? good == states.size() : good > 0;
  }

  std::vector<std::string> names_;
  std::string data_dir_;
  bool json_ = false;
};

class FetchCommand : public Command {
 public:
  explicit FetchCommand(CLI::App* app) : Command(app) {
    app->add_option("TASK", name_, "Task")->required();
    add_data_dir(*app, data_dir_);
    app->footer(examples({"moebius tasks fetch humaneval --data-dir ./data",
                          "Goes on where a broken download stopped; checks size and sha256."}));
  }

  int run(Output& /*out*/) override {
    if (data_dir_.empty()) throw InputError("tasks fetch: expected --data-dir");
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    tasks::fetch(tasks::find_task(name_), data_dir_,
                 [terminal](const tasks::Source& source, std::int64_t now, std::int64_t all) {
                   if (!terminal) return;
                   fmt::print(stderr, "\r\x1b[K{} {}{}", source.file,
                              human_bytes(static_cast<double>(now)),
                              all < 0 ? "" : " of " + human_bytes(static_cast<double>(all)));
                 });
    if (terminal) fmt::print(stderr, "\r\x1b[K");
    return kOk;
  }

 private:
  std::string name_;
  std::string data_dir_;
};

}  // namespace

std::vector<std::unique_ptr<Command>> add_tasks_commands(CLI::App& tasks) {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(std::make_unique<ListCommand>(
      tasks.add_subcommand("list", "The benchmarks and their variants")));
  commands.push_back(std::make_unique<ShowCommand>(
      tasks.add_subcommand("show", "A benchmark, or a question as the model is asked it")));
  commands.push_back(std::make_unique<VerifyCommand>(
      tasks.add_subcommand("verify", "Whether the data are there and the pinned ones")));
  commands.push_back(std::make_unique<FetchCommand>(
      tasks.add_subcommand("fetch", "Download a benchmark's data and check them")));
  return commands;
}

}  // namespace moebius::runner
