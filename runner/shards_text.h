// The shards of a merged run, for people and for programs.
#pragma once

#include <string>

#include "reports/store.h"
#include "runner/output.h"

namespace moebius::runner {

/// "shards missing: 5/16; not finished: 3/16, 7/16"; empty if nothing is lacking.
std::string shards_lacking(const reports::Shards& shards);

Json shards_json(const reports::Shards& shards);

}  // namespace moebius::runner
