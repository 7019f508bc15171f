// Whether two stored runs are parts of the same evaluation, and if not, in what they differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/store.h"

namespace moebius::reports {

/// A run and where it is stored.
struct StoredRun {
  std::string file;
  Run run;
  std::vector<Set> sets;  // in order
};

/// The key of the run that it is a shard of, or its own.
const std::string& whole_key(const Run& run);

/// Throws Error that names the first difference that could change a result, with both values.
/// What an older version did not store is not compared.
void require_same_evaluation(const StoredRun& expected, const StoredRun& found);

/// `text` in quotes, on one line and no longer than a message needs.
std::string in_quotes(std::string_view text);

}  // namespace moebius::reports
