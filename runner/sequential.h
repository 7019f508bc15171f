// An evaluation that is compared with an earlier run while it goes on, and stops once that decides.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reports/compare.h"
#include "reports/gate.h"
#include "runner/compare_flags.h"
#include "runner/plan.h"

namespace moebius::runner {

/// --sequential and what belongs to it.
class SequentialFlags {
 public:
  void add(CLI::App& app);
  bool chosen() const { return !base_.empty(); }
  reports::CompareOptions options() const;
  /// `store`: the evaluation's own, where the base is if no other is named.
  const std::string& base_store(const std::string& store) const {
    return base_store_.empty() ? store : base_store_;
  }
  StoredRun open_base(const std::string& store) const { return open_run(base_store(store), base_); }

 private:
  std::string base_;
  std::string base_store_;
  double margin_ = 0.01;
  double alpha_ = 0.05;
  int looks_ = 5;
  std::string shape_ = "pocock";
};

/// A run that an evaluation is compared with.
struct LookBase {
  std::string role;   // begins messages: "--sequential", "gate.json.base"
  std::string name;   // of several, in the result
  std::string store;  // path
  StoredRun* run;     // must outlive the looks
};

/// The looks at one evaluation: those planned, or equal ones at an e-process, which holds at any;
/// one at the end if the options have neither.
class Looks {
 public:
  /// Brings every set's questions into the order in which looks count them. Throws InputError if
  /// what the options compare is not what `plan` asks, or with looks the bases' orders differ.
  /// Regressions are corrected over the sets of all bases.
  Looks(std::vector<LookBase> bases, const reports::CompareOptions& options,
        std::vector<PlannedSet>& plan);

  /// Throws InputError if a base is the run of `store` with that key.
  void refuse_itself(const std::string& store, const std::string& key) const;

  std::size_t count() const { return shares_.size(); }
  /// Of each set's questions, where they were before; empty: there still.
  const std::vector<std::vector<std::int64_t>>& positions() const { return positions_; }
  /// The questions asked until look `look`, 0 .. count() - 1.
  std::vector<PlannedSet> questions(const std::vector<PlannedSet>& plan, std::size_t look) const;
  /// The comparisons with what `store` holds of run `run`; sets that need another look are pending.
  reports::GateResult look_at(const std::string& store, std::int64_t run) const;

 private:
  std::vector<LookBase> bases_;
  reports::CompareOptions options_;
  std::vector<double> shares_;
  std::vector<std::vector<std::int64_t>> positions_;
};

/// No set needs another look.
bool decided(const reports::GateResult& result);

/// The sets of `run` that are compared if `tasks` are; empty: all.
std::size_t compared_sets(const StoredRun& run, const std::vector<std::string>& tasks);

}  // namespace moebius::runner
