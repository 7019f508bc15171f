// The tree of subcommands.
#include "runner/commands.h"

#include "runner/flags.h"

namespace moebius::runner {
namespace {

/// A subcommand that only groups others.
CLI::App& add_group(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* group = app.add_subcommand(name, description);
  group->require_subcommand(1);
  return *group;
}

using Commands = std::vector<std::unique_ptr<Command>>;

void append(Commands& commands, Commands more) {
  for (auto& command : more) commands.push_back(std::move(command));
}

/// What evaluates, and what is kept of it.
void add_evaluation(CLI::App& app, Commands& commands) {
  commands.push_back(add_eval_command(app));
  commands.push_back(add_report_command(app));
  commands.push_back(add_compare_command(app));
  commands.push_back(add_diff_command(app));
  commands.push_back(add_gate_command(app));
  commands.push_back(add_plan_command(app));
  commands.push_back(add_profile_command(app));
  CLI::App& runs = add_group(app, "runs", "What the store of results holds");
  runs.footer(examples({"moebius runs list", "moebius runs show last --item HumanEval/0"}));
  append(commands, add_runs_commands(runs));
  CLI::App& tasks = add_group(app, "tasks", "The benchmarks: prompts, data, versions");
  tasks.footer(examples({"moebius tasks list", "moebius tasks show mini-aime --item aime/0"}));
  append(commands, add_tasks_commands(tasks));
  CLI::App& grade = add_group(app, "grade", "Judge answers that already exist");
  grade.footer(examples({"moebius grade math --grader hendrycks pairs.jsonl",
                         "moebius grade humaneval --data-dir ./data samples.jsonl"}));
  append(commands, add_grade_commands(grade));
  CLI::App& sandbox = add_group(app, "sandbox", "Where model-written code runs");
  sandbox.footer(examples({"moebius sandbox doctor"}));
  commands.push_back(add_sandbox_doctor_command(sandbox));
}

}  // namespace

std::vector<std::unique_ptr<Command>> add_commands(CLI::App& app) {
  app.require_subcommand(1);
  app.footer(examples({
      "moebius eval --model embedded --tasks mini",
      "moebius generate --model embedded --prompt 'The answer is' --max-new-tokens 16",
      "moebius model verify embedded --determinism",
      "moebius generate --help",
  }));
  std::vector<std::unique_ptr<Command>> commands;
  add_evaluation(app, commands);
  CLI::App& model = add_group(app, "model", "What a checkpoint is, and whether it computes right");
  model.footer(examples(
      {"moebius model info embedded", "moebius model verify ./checkpoint --golden golden.json"}));
  commands.push_back(add_model_info_command(model));
  commands.push_back(add_model_verify_command(model));
  commands.push_back(add_model_quantize_command(model));
  commands.push_back(add_generate_command(app));
  commands.push_back(add_score_command(app));
  commands.push_back(add_serve_command(app));
  commands.push_back(add_tokenize_command(app));
  CLI::App& bench = add_group(app, "bench", "How fast this machine is");
  bench.footer(
      examples({"moebius bench engine --model embedded", "moebius bench kernels --filter gemm"}));
  commands.push_back(add_bench_engine_command(bench));
  commands.push_back(add_bench_kernels_command(bench));
  commands.push_back(add_completion_command(app));
  return commands;
}

}  // namespace moebius::runner
