// What a run used of a server: kept as JSON with the attempt's environment, summed when read.
#pragma once

#include <cstdint>
#include <optional>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// Under "remote" in the environment of the run's last attempt, replacing what is there.
void note_remote(Database& database, std::int64_t run, const RemoteUse& use);

/// Of all attempts at the run; none if it never asked a server. Throws Error if what is stored
/// cannot be read.
std::optional<RemoteUse> read_remote(Database& database, std::int64_t run);

}  // namespace moebius::reports
