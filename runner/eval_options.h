// The options that say what an evaluation asks, of which model and how: of eval, and of a gate
// that evaluates.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/plan.h"
#include "runner/remote_flags.h"
#include "runner/shard.h"

namespace moebius::runner {

/// Bound to the options of an app, which must outlive it: it stays where it is.
class EvalOptions {
 public:
  EvalOptions() = default;
  EvalOptions(const EvalOptions&) = delete;
  EvalOptions& operator=(const EvalOptions&) = delete;

  void add(CLI::App& app);

  /// The server, if the model is behind one. Throws InputError that names the first option given
  /// that does not fit such a model, or a local one.
  std::optional<RemoteModel> remote_model() const;

  /// The questions, those of `shard` to be asked. Throws tasks::Error, InputError.
  std::vector<PlannedSet> plan(const Shard& shard = {});

  /// The moebius eval that asks this.
  std::string command_line() const;

  std::string model;
  EngineFlags engine;
  RemoteFlags remote;
  SandboxFlags sandbox;

 private:
  void add_questions(CLI::App& app);
  void add_sampling(CLI::App& app);

  CLI::App* app_ = nullptr;
  std::string tasks_;
  std::vector<std::string> sets_;
  std::string items_;
  PlanOptions plan_;
};

}  // namespace moebius::runner
