// Options of commands that load tasks and judge answers: eval, tasks, runs rescore, grade.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runner/plan.h"
#include "runner/task_spec.h"

namespace moebius::runner {

/// --sandbox, --unsafe-no-sandbox, --python, --workers; opens the sandbox when code is first run.
class SandboxFlags {
 public:
  void add(CLI::App& app);
  scorers::sandbox::Options options() const;
  /// The same sandbox at each call. The function must not outlive this.
  std::function<std::shared_ptr<scorers::sandbox::Sandbox>()> opener();
  /// What verdicts were reached under; empty if no sandbox was opened.
  std::string stamp() const;

 private:
  std::string level_ = "full";
  bool unsafe_ = false;
  std::string python_ = "/usr/bin/python3";
  int workers_ = 0;
  std::shared_ptr<scorers::sandbox::Sandbox> opened_;
};

/// --data-dir; without it the environment's MOEBIUS_DATA.
void add_data_dir(CLI::App& app, std::string& data_dir);

/// --grader and --more-graders.
void add_graders(CLI::App& app, std::string& grader, std::vector<std::string>& more);

}  // namespace moebius::runner
