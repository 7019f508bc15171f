// Rows of profiles and kernels: added up, read back.
#pragma once

#include <cstdint>
#include <vector>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// The schema version that has these tables.
inline constexpr std::int64_t kProfileVersion = 2;

/// Store::add_profile, within the caller's transaction. Throws Error on an unknown run.
void add_profile(Database& database, std::int64_t run, const Profile& profile);

/// By device; kernels with most time first.
std::vector<Profile> read_profiles(Database& database, std::int64_t run);

}  // namespace moebius::reports
