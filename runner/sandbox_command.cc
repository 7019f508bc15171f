// moebius sandbox doctor: what isolation this machine allows, tried live.
#include <memory>

#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/output.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

class DoctorCommand : public Command {
 public:
  explicit DoctorCommand(CLI::App* app) : Command(app) {
    flags_.add(*app);
    app->add_flag("--json", json_, "One JSON line per layer and probe");
    app->footer(examples({"moebius sandbox doctor", "moebius sandbox doctor --json",
                          "Exit codes: 0 everything that is required works, 1 not"}));
  }

  int run(Output& out) override {
    bool all = true;
    Table table({"layer", "state", "detail"});
    for (const scorers::sandbox::Probe& probe : scorers::sandbox::doctor(flags_.options())) {
      all = all && (probe.ok || !probe.required);
      table.add({probe.layer,
                 probe.ok         ? "ok"
                 : probe.required ? "MISSING"
                                  : "absent",
                 one_line(probe.detail)});
      if (!json_) continue;
      out.write(json_line({{"layer", probe.layer},
                           {"required", probe.required},
                           {"ok", probe.ok},
                           {"detail", probe.detail}}));
    }
    if (!json_) out.write(table.text());
    return all ? kOk : kNegative;
  }

 private:
  SandboxFlags flags_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_sandbox_doctor_command(CLI::App& sandbox) {
  return std::make_unique<DoctorCommand>(
      sandbox.add_subcommand("doctor", "Try each layer of the sandbox, and a dozen attacks"));
}

}  // namespace moebius::runner
