// moebius completion: prints the script that teaches a shell this command line.
#include <memory>

#include "runner/commands.h"
#include "runner/completion.h"
#include "runner/flags.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

class CompletionCommandLine : public Command {
 public:
  CompletionCommandLine(CLI::App* app, const CLI::App& root) : Command(app), root_(root) {
    app->add_option("SHELL", shell_, "Which shell")
        ->type_name("")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->required();
    app->footer(examples({
        "source <(moebius completion bash)",
        "moebius completion zsh > ~/.zsh/completions/_moebius",
        "moebius completion fish | source",
    }));
  }

  int run(Output& out) override {
    out.write(completion_script(shell_, completion_tree(root_, "moebius")));
    return kOk;
  }

 private:
  const CLI::App& root_;
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> add_completion_command(CLI::App& app) {
  return std::make_unique<CompletionCommandLine>(
      app.add_subcommand("completion", "Print a shell's completion script"), app);
}

}  // namespace moebius::runner
