// Which shards a run was put together from, and which it lacks.
#pragma once

#include <cstdint>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// Of a store with table merged_shards. Throws Error.
Shards list_shards(Database& database, std::int64_t run);

}  // namespace moebius::reports
