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

}  // namespace

std::vector<std::unique_ptr<Command>> add_commands(CLI::App& app) {
  app.require_subcommand(1);
  app.footer(examples({
      "moebius generate --model embedded --prompt 'The answer is' --max-new-tokens 16",
      "moebius model verify embedded --determinism",
      "moebius generate --help",
  }));
  std::vector<std::unique_ptr<Command>> commands;
  CLI::App& model = add_group(app, "model", "What a checkpoint is, and whether it computes right");
  model.footer(examples(
      {"moebius model info embedded", "moebius model verify ./checkpoint --golden golden.json"}));
  commands.push_back(add_model_info_command(model));
  commands.push_back(add_model_verify_command(model));
  commands.push_back(add_generate_command(app));
  commands.push_back(add_score_command(app));
  commands.push_back(add_tokenize_command(app));
  CLI::App& bench = add_group(app, "bench", "How fast this machine is");
  bench.footer(examples({"moebius bench engine --model embedded"}));
  commands.push_back(add_bench_engine_command(bench));
  commands.push_back(add_completion_command(app));
  return commands;
}

}  // namespace moebius::runner
