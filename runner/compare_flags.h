// What compare and gate have in common: exit codes and where runs are.
#pragma once

#include <memory>
#include <string>

#include "reports/compare.h"
#include "reports/store.h"

namespace moebius::runner {

/// A run of a store, opened for reading.
struct StoredRun {
  std::unique_ptr<reports::Reader> reader;
  reports::Run run;
};
StoredRun open_run(const std::string& store, const std::string& run);  // throws reports::Error

/// kOk, kNegative, kInconclusive or kIncomplete.
int exit_code(reports::Verdict verdict);

/// The comparison, with the flips of `again`, a second run of the base's model, beside it if it is
/// given, and `transcripts` transcripts of each set.
reports::Comparison compare_runs(StoredRun& base, StoredRun& candidate, StoredRun* again,
                                 const reports::CompareOptions& options, std::size_t transcripts);

}  // namespace moebius::runner
