// The subcommands of the moebius binary: one file each, all with this face.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <vector>

namespace moebius::runner {

class Output;

/// Exit codes of the binary.
enum ExitCode : int {
  kOk = 0,
  kNegative = 1,      // the command ran and its answer is no: a check failed
  kBadInput = 2,      // usage, files, models, requests, full disk, out of memory
  kInconclusive = 3,  // a comparison of runs proves neither
  kIncomplete = 4,    // something of ours failed: there is no result, the same command goes on
  kInterrupted = 130  // SIGINT
};

/// One subcommand, its options bound to its members.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  bool chosen() const { return app_->parsed(); }

  /// Does what the parsed command line asks. Returns the exit code; bad input is an exception whose
  /// what() is one line.
  virtual int run(Output& out) = 0;

 protected:
  CLI::App* app() const { return app_; }

 private:
  CLI::App* app_;
};

/// Each adds its subcommand to `app`, which must outlive the result.
std::unique_ptr<Command> add_generate_command(CLI::App& app);
std::unique_ptr<Command> add_score_command(CLI::App& app);
std::unique_ptr<Command> add_serve_command(CLI::App& app);
std::unique_ptr<Command> add_tokenize_command(CLI::App& app);
std::unique_ptr<Command> add_model_info_command(CLI::App& model);      // below "model"
std::unique_ptr<Command> add_model_quantize_command(CLI::App& model);  // below "model"
std::unique_ptr<Command> add_model_verify_command(CLI::App& model);    // below "model"
std::unique_ptr<Command> add_bench_engine_command(CLI::App& bench);    // below "bench"
std::unique_ptr<Command> add_bench_kernels_command(CLI::App& bench);   // below "bench"
std::unique_ptr<Command> add_eval_command(CLI::App& app);
std::unique_ptr<Command> add_profile_command(CLI::App& app);
std::unique_ptr<Command> add_report_command(CLI::App& app);
std::unique_ptr<Command> add_runs_merge_command(CLI::App& runs);  // below "runs"
std::unique_ptr<Command> add_compare_command(CLI::App& app);
std::unique_ptr<Command> add_diff_command(CLI::App& app);
std::unique_ptr<Command> add_gate_command(CLI::App& app);
std::unique_ptr<Command> add_plan_command(CLI::App& app);
std::unique_ptr<Command> add_sandbox_doctor_command(CLI::App& sandbox);     // below "sandbox"
std::vector<std::unique_ptr<Command>> add_tasks_commands(CLI::App& tasks);  // below "tasks"
std::vector<std::unique_ptr<Command>> add_runs_commands(CLI::App& runs);    // below "runs"
std::vector<std::unique_ptr<Command>> add_grade_commands(CLI::App& grade);  // below "grade"
std::unique_ptr<Command> add_completion_command(CLI::App& app);

/// The whole tree.
std::vector<std::unique_ptr<Command>> add_commands(CLI::App& app);

}  // namespace moebius::runner
