// Rows of router counts, read back.
#pragma once

#include <cstdint>
#include <vector>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// Reader::expert_loads.
std::vector<ExpertLoad> read_expert_loads(Database& database, std::int64_t run);

}  // namespace moebius::reports
