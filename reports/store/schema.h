// Opening a file as a store: whose it is, which version it has, and how it gets to the newest.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "reports/store/database.h"

namespace moebius::reports {

/// "Moeb": PRAGMA application_id of every store (file(1) and sqlite3 show it).
inline constexpr std::int32_t kApplicationId = 0x4d6f6562;

/// The first version whose runs can be shards.
inline constexpr std::int64_t kShardVersion = 3;

/// Script i brings version i to i + 1; version 0 is an empty file.
std::span<const std::string_view> migrations();

/// 0 for an empty file. Throws Error if the file is not ours.
std::int64_t schema_version(Database& database);

/// Makes an empty file a store and an older store a new one, each step in a transaction of its
/// own: a failed step leaves the version before it. Throws Error if the file is not ours, is
/// newer than `scripts`, or a step fails.
void migrate(Database& database, std::span<const std::string_view> scripts = migrations());

/// The version of a store that may be read as it is: any but a newer one, whose tables mean what
/// nobody here knows. Throws Error.
std::int64_t readable_version(Database& database);

}  // namespace moebius::reports
