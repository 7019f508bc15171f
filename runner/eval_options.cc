// The options that say what an evaluation asks, of which model and how.
#include "runner/eval_options.h"

#include <fmt/format.h>

#include <limits>

#include "runner/input.h"
#include "runner/task_spec.h"

namespace moebius::runner {
namespace {

constexpr std::int32_t kMaxRepeats = 100'000;

}  // namespace

void EvalOptions::add(CLI::App& app) {
  app_ = &app;
  add_model(app, model)
      ->description(
          "Model directory (Hugging Face layout), \"embedded\", or a model behind an API: "
          "https://HOST/v1#NAME, openai:NAME, deepseek:NAME, anthropic:NAME");
  add_questions(app);
  add_sampling(app);
  engine.add_device(app);
  engine.add_threads(app);
  engine.add_arithmetic(app);
  engine.add_batch_rows(app, "--batch,--max-batch-rows");
  app.add_flag("--profile", engine.options.profile,
               "Keep figures of every kernel in the store: moebius profile shows them");
  sandbox.add(app);
  remote.add(app);
}

void EvalOptions::add_questions(CLI::App& app) {
  app.add_option("--tasks", tasks_,
                 "Benchmarks: NAME or NAME:VARIANT+VARIANT or NAME:all, separated by commas; "
                 "mini: all that ship for the embedded model")
      ->type_name("LIST")
      ->required();
  add_texts(app, "--set", sets_, "Option of a task: TASK.OPTION=VALUE; repeatable");
  add_data_dir(app, plan_.data_dir);
  add_number<std::int64_t>(app, "--limit", plan_.limit, 0, 1'000'000'000,
                           "Questions per task, the first ones; 0: all");
  app.add_option("--items", items_, "Only these questions: ids separated by commas")
      ->type_name("IDS");
  app.add_flag("--demo", plan_.demo, "Only the mini suites' fixed demonstration subset");
  add_graders(app, plan_.grader, plan_.more_graders);
}

void EvalOptions::add_sampling(CLI::App& app) {
  SamplingFlags& flags = plan_.sampling;
  constexpr double kProtocol = -1;
  add_number(app, "--repeats", flags.repeats, 0, kMaxRepeats,
             "Answers per question; 0: the protocol's");
  add_number(app, "--temperature", flags.temperature, kProtocol, 1e6,
             "0 is greedy; -1: the protocol's");
  add_number(app, "--top-p", flags.top_p, kProtocol, 1.0, "-1: the protocol's");
  add_number(app, "--max-new-tokens", flags.max_new_tokens, 0, 1 << 24,
             "Longest answer; 0: the protocol's");
  add_number<std::uint64_t>(app, "--seed", flags.seed, 0, std::numeric_limits<std::uint64_t>::max(),
                            "Fixes every draw");
}

std::optional<RemoteModel> EvalOptions::remote_model() const {
  std::optional<RemoteModel> server = parse_remote_model(model);
  if (!server) {
    remote.refuse_for_local();
    return server;
  }
  // Options that say how a model is computed mean nothing for one that is computed elsewhere.
  for (const char* name : {"--device", "--devices", "--threads", "--arithmetic", "--kv-cache-dtype",
                           "--batch", "--profile"}) {
    if (app_->get_option(name)->count() == 0) continue;
    throw InputError(std::string(name) + ": not for models behind an API");
  }
  return server;
}

std::vector<PlannedSet> EvalOptions::plan(const Shard& shard) {
  const std::vector<TaskSpec> specs = parse_tasks(tasks_, sets_);
  PlanOptions options = plan_;
  options.shard = shard;
  options.sandbox = sandbox.opener();
  if (!items_.empty()) options.items = split_list(items_, ',', "--items");
  return make_plan(specs, options);
}

std::string EvalOptions::command_line() const {
  std::string text = fmt::format("moebius eval --model {} --tasks {}", model, tasks_);
  for (const CLI::Option* option : app_->get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "--model" || name == "--tasks") continue;
    if (option->get_expected_max() == 0) {
      text += " " + name;
      continue;
    }
    for (const std::string& value : option->results()) {
      // Values of headers may be keys.
      const std::string shown = name == "--header" ? value.substr(0, value.find(':')) : value;
      text += " " + name + " " + shown;
    }
  }
  return text;
}

}  // namespace moebius::runner
